"""Time of the in-memory AWS, which all of its services share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
# Each request takes its time, so that no two writes have the same moment.
ONE_REQUEST = timedelta(milliseconds=20)


class StoreTime:
    """The true time: that of the services, which only moves forward."""

    def __init__(self) -> None:
        self.now = BEGIN

    def tick(self) -> None:
        self.now += ONE_REQUEST

    def pass_by(self, span: timedelta) -> None:
        self.now += span

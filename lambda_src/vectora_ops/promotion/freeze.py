"""Freezes of promotion that operators set without a commit; each ends by itself."""

from __future__ import annotations

from datetime import datetime

from vectora_ops.open_times import shown
from vectora_ops.records import Freeze, Records
from vectora_ops.windows import LONGEST_RANGE, local_time
from vectora_shared.config.section import NotationError
from vectora_shared.errors import VectoraError


def freeze_promotion(records: Records, *, until: str, time_zone: str, reason: str, by: str, now: datetime) -> Freeze:
    """Record a freeze until a local time of `time_zone`; it replaces the one in force.

    Raises VectoraError when the time is no time in the next year.
    """
    try:
        end = local_time(until, time_zone)
    except NotationError as error:
        raise VectoraError(f"The time {until!r} (--until) {error}.") from error
    if end <= now:
        raise VectoraError(f"{shown(end, time_zone)} (--until) is over; now it is {shown(now, time_zone)}.")
    if end - now > LONGEST_RANGE:
        raise VectoraError(f"{shown(end, time_zone)} (--until) is more than a year away: check the year.")
    freeze = Freeze(at=now, until=end, reason=reason, by=by)
    records.write_freeze(freeze)
    return freeze


def end_freeze(records: Records, env: str, *, by: str, now: datetime) -> Freeze:
    """End the freeze in force; raises VectoraError when there is none."""
    freeze = records.freeze()
    if freeze is None or not freeze.is_in_force(now):
        raise VectoraError(f"No freeze of {env} is in force: ./vectora promote explain --to {env} says what refuses.")
    ended = freeze.model_copy(update={"ended_by": by, "at": now})
    records.write_freeze(ended)
    return ended

"""Runs as the events of their ends describe them, and whether they count for the release."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.progress import Clock
from vectora_ops.promotion.environment_runs import ClientFile, FailedRun, why_not_counted
from vectora_ops.promotion.facts import client_files, failed_run, failed_runs

logger = logging.getLogger("vectora")
DAY = timedelta(days=1)
# Does work whose failure must not prevent a rollback, and names the problem otherwise.
Try = Callable[[str, Callable[[], object]], None]


class EndedRuns:
    """The runs of one environment that ended, read at the time of one event."""

    def __init__(self, account: Account, names: Names, *, clock: Clock, attempt: Try) -> None:
        self._account = account
        self._names = names
        self._clock = clock
        self._try = attempt
        self._clients: dict[str, ClientFile] | None = None

    def of_event(self, detail: Mapping[str, Any]) -> FailedRun:
        """Return the run of the event, which does not contain a long input (Step Functions guide, EventBridge)."""
        execution = {
            "executionArn": detail["executionArn"],
            "status": detail["status"],
            "startDate": moment(detail.get("startDate")) or self._clock(),
            "stopDate": moment(detail.get("stopDate")) or self._clock(),
            "error": detail.get("error"),
        }
        try:
            return failed_run(self._account, execution, detail.get("input"))
        except Exception:
            logger.exception("The input of %s cannot be read", execution["executionArn"])
            return replace(failed_run(self._account, execution, ""), input_unknown=True)

    def why_not_counted(self, run: FailedRun) -> str | None:
        """Return why a run says nothing about the release, as a clause; None when it counts."""
        if self._clients is None:
            self._try("the client files cannot be read", self._read_clients)
        return why_not_counted(run, self._clients)

    def failed_in_a_day(self, run: FailedRun) -> list[FailedRun]:
        """Return the distinct failed runs of the day that ended with `run`, which the list may not include yet."""
        found = {run.execution: run}

        def read() -> None:
            for each in failed_runs(self._account, self._names, run.at - DAY):
                if self.why_not_counted(each) is None:
                    found.setdefault(each.execution, each)

        self._try("the failed runs cannot be listed", read)
        return list(found.values())

    def _read_clients(self) -> None:
        self._clients = client_files(self._account, self._names)


def moment(value: object) -> datetime | None:
    """Return the time of an event, which is ISO 8601 or milliseconds since the epoch; None for neither."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000, UTC)
        found = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)

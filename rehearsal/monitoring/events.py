"""The event that each alarm is for, as the data that it makes; an alarm without an event fails the rehearsal.

The names come from the functions' own code and from AWS's documents, never from the alarms: an alarm that watches a
misspelled metric never sees its event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rehearsal.monitoring.data import Datum
from rehearsal.monitoring.evaluation import AlarmError
from rehearsal.monitoring.extraction import extract
from rehearsal.monitoring.services import Run, metrics_of_dropped_event, metrics_of_invocation, metrics_of_run
from vectora_ops.names import DELIVERY_TASK, OPERATIONS_TASKS, FunctionTask, Names, OperationsTask
from vectora_shared.metrics import Metric, metrics_line

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# Between two measurements of function watch.
WATCH = timedelta(hours=6)
# A run of this length nearly reaches the workflow's time-out.
LONG_RUN = timedelta(minutes=59)


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event with the data before, at and after it; the alarm is evaluated from `begin` to `end`."""

    text: str
    data: tuple[Datum, ...]
    begin: datetime
    end: datetime


class Events:
    """The events of one environment at a time; `machine` is the ARN of its newsletter workflow."""

    def __init__(self, names: Names, machine: str, at: datetime) -> None:
        self._names, self._machine, self._at = names, machine, at

    def by_alarm(self) -> Mapping[str, Event]:
        """Return the events by the names of their alarms."""
        own = {
            "failed-runs": self._run("FAILED", MINUTE),
            "runs-timed-out": self._run("TIMED_OUT", timedelta(hours=1)),
            "runs-aborted": self._run("ABORTED", MINUTE),
            "slow-run": self._run("SUCCEEDED", LONG_RUN),
            "noise": self._issue("an issue of which all is doubtful", Metric.NOISE_PERCENT, 100),
            "empty-newsletter": self._issue("an issue without news", Metric.EMPTY_NEWSLETTERS, 1),
            "model-fallback": self._issue("a run without the model", Metric.FALLBACK_PERCENT, 100),
            "run-cost": self._issue("a run that costs 100 USD", Metric.RUN_COST_USD, 100),
            "newsletter-overdue": self._gauge("a newsletter that did not appear", Metric.OVERDUE_NEWSLETTERS, 1),
            "source-failing": self._gauge("a source that fails", Metric.FAILING_SOURCES, 1),
            "snapshot-too-old": self._gauge("a snapshot of the day before yesterday", Metric.SNAPSHOT_AGE_HOURS, 48),
            "snapshot-unverified": self._gauge("a damaged snapshot", Metric.DAMAGED_SNAPSHOTS, 1),
            "promotion-waits": self._gauge("a release that waits for a month", Metric.PROMOTION_WAITING_DAYS, 31),
            "approval-waits": self._gauge("an approval in its last day", Metric.APPROVAL_WAITING_DAYS, 6.5),
            "drift": self._gauge("a change by hand", Metric.DRIFTED_THINGS, 1),
            "month-cost": self._gauge("a month of 10,000 USD", Metric.MONTH_MODEL_COST_USD, 10_000),
            "watch-silent": self._silence(),
        }
        lost = {f"{task}-lost-events": self._dropped(task) for task in (*OPERATIONS_TASKS, DELIVERY_TASK)}
        return {self._names.alarm(purpose): event for purpose, event in {**own, **lost}.items()}

    def _run(self, status: str, length: timedelta) -> Event:
        run = Run(machine=self._machine, status=status, started=self._at - length, stopped=self._at)
        return self._short(f"a run that ended {status} after {length}", metrics_of_run(run))

    def _issue(self, text: str, metric: Metric, value: float) -> Event:
        return self._short(text, self._printed({metric: value}, self._at))

    def _dropped(self, task: OperationsTask | FunctionTask) -> Event:
        function = self._names.function(task)
        return self._short(f"an event that {function} dropped", metrics_of_dropped_event(function, self._at))

    def _short(self, text: str, data: Iterable[Datum]) -> Event:
        return Event(text=text, data=tuple(data), begin=self._at - 10 * MINUTE, end=self._at + HOUR)

    def _gauge(self, text: str, metric: Metric, value: float) -> Event:
        values = ((0, self._at - WATCH), (value, self._at), (0, self._at + WATCH))
        data = tuple(datum for each, at in values for datum in self._printed({metric: each}, at))
        return Event(text=text, data=data, begin=self._at - WATCH, end=self._at + WATCH + HOUR)

    def _silence(self) -> Event:
        """Return the event that four invocations are missing, with those before and after."""
        function = self._names.function("watch")
        invocations = [self._at + number * WATCH for number in (-3, -2, -1, 0, 5, 6)]
        data = tuple(datum for at in invocations for datum in metrics_of_invocation(function, at))
        return Event(text="a day without function watch", data=data, begin=self._at - WATCH, end=self._at + 6 * WATCH)

    def _printed(self, values: Mapping[Metric, float], at: datetime) -> Iterator[Datum]:
        """Yield the data of the line that a function prints."""
        names = self._names
        line = metrics_line(values, project=names.project, env=names.env, at=at, properties={})
        data, refused = extract([line], at)
        if refused:
            raise AlarmError(f"CloudWatch extracts no metrics from {refused[0].line}: {refused[0].reason}.")
        yield from data

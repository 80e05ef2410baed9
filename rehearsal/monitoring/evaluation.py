"""Evaluation of alarms by the rules of CloudWatch's user guide; the emulator has other ones.

The sections are "Alarm evaluation", "Configuring how CloudWatch alarms treat missing data" and "Avoiding premature
transitions to alarm state".
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from rehearsal.monitoring.data import Datum, Series, series, windows
from vectora_shared.errors import VectoraError

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Missing = Literal["missing", "ignore", "breaching", "notBreaching"]
# The number of further periods that CloudWatch retrieves "depends on the length of the alarm period"; the examples of
# the user guide have a period of five minutes, three evaluation periods, and a range of five.
FURTHER_PERIODS = 2
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


class AlarmError(VectoraError):
    """An alarm cannot be evaluated, or did not react to its event."""


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Definition of an alarm on one metric."""

    name: str
    series: Series
    statistic: str
    unit: str | None
    period: timedelta
    evaluation_periods: int
    datapoints_to_alarm: int
    threshold: float
    comparison: str
    missing: Missing

    @property
    def interval(self) -> timedelta:
        """Time between evaluations: a minute, or an hour when the periods are more than a day together."""
        return timedelta(hours=1) if self.period * self.evaluation_periods > DAY else MINUTE

    @property
    def evaluation_range(self) -> int:
        """Number of periods whose data may count."""
        return self.evaluation_periods + FURTHER_PERIODS

    def breaches(self, value: float) -> bool:
        """Return whether a data point is outside the threshold."""
        return COMPARISONS[self.comparison](value, self.threshold)


def alarm_of(description: Mapping[str, Any]) -> Alarm:
    """Return the definition in an answer of DescribeAlarms; raise AlarmError for one on an expression or a band."""
    name = str(description["AlarmName"])
    if "MetricName" not in description or description["ComparisonOperator"] not in COMPARISONS:
        raise AlarmError(f"Alarm {name} is not on one metric and a threshold, so the rehearsal cannot evaluate it.")
    dimensions = {each["Name"]: each["Value"] for each in description.get("Dimensions", [])}
    periods = int(description["EvaluationPeriods"])
    return Alarm(
        name=name,
        series=series(description["Namespace"], description["MetricName"], dimensions),
        statistic=str(description["Statistic"]),
        unit=description.get("Unit"),
        period=timedelta(seconds=int(description["Period"])),
        evaluation_periods=periods,
        datapoints_to_alarm=int(description.get("DatapointsToAlarm") or periods),
        threshold=float(description["Threshold"]),
        comparison=str(description["ComparisonOperator"]),
        missing=description.get("TreatMissingData") or "missing",
    )


def evaluate(alarm: Alarm, data: Iterable[Datum], now: datetime, before: State) -> State:
    """Return the state of an alarm at a time; `before` is the state that it had.

    The periods before that time are not aligned to the clock ("Alarm evaluation": a period of five minutes is
    evaluated every minute).
    """
    points = windows(
        data,
        alarm.series,
        alarm.statistic,
        end=now,
        period=alarm.period,
        count=alarm.evaluation_range,
        unit=alarm.unit,
    )
    return state_of(alarm, points, before)


def state_of(alarm: Alarm, points: Sequence[float | None], before: State) -> State:
    """Return the state that follows from the data points of the evaluation range, the newest first."""
    real = [alarm.breaches(point) for point in points if point is not None]
    lacking = alarm.evaluation_periods - len(real)
    if lacking <= 0:
        # The most recent real data points count, how old they are in the range does not matter.
        breaching = sum(real[: alarm.evaluation_periods])
    else:
        breaching = sum(real) + (lacking if alarm.missing == "breaching" else 0)
    if breaching >= alarm.datapoints_to_alarm:
        return "ALARM"
    if lacking <= 0 or alarm.missing in ("breaching", "notBreaching"):
        return "OK"
    if not real:
        return before if alarm.missing == "ignore" else "INSUFFICIENT_DATA"
    if not all(real):
        # Row 3 of the guide's second table.
        return "OK"
    if alarm.missing == "ignore":
        return before
    oldest = max(age for age, point in enumerate(points, start=1) if point is not None)
    # Premature, but never too late: "no matter the value of M".
    return "ALARM" if oldest >= alarm.datapoints_to_alarm else "OK"


def course(
    alarm: Alarm, data: Sequence[Datum], *, begin: datetime, end: datetime, before: State
) -> list[tuple[datetime, State]]:
    """Return the changes of state between two times, as CloudWatch's evaluations of the alarm make them."""
    found: list[tuple[datetime, State]] = []
    now = begin
    while now <= end:
        state = evaluate(alarm, data, now, before)
        if state != before:
            found.append((now, state))
            before = state
        now += alarm.interval
    return found

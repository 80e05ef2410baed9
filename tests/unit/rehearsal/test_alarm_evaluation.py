"""Alarms are evaluated by CloudWatch's documented rules; the tables are those of its user guide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal.monitoring.data import Datum, Series, series, statistic
from rehearsal.monitoring.evaluation import Alarm, AlarmError, Missing, State, alarm_of, course, evaluate, state_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ERRORS = series("project", "Errors", {"Environment": "prod"})
DESCRIPTION: dict[str, Any] = {
    "AlarmName": "errors",
    "Namespace": "project",
    "MetricName": "Errors",
    "Dimensions": [{"Name": "Environment", "Value": "prod"}],
    "Statistic": "Sum",
    "Period": 300,
    "EvaluationPeriods": 3,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
}
BEFORE: State = "OK"
RETAIN = "retain"


def _alarm(**changes: Any) -> Alarm:
    return alarm_of(DESCRIPTION | changes)


def _datum(minutes_ago: float, value: float = 1.0, *, of: Series = ERRORS, unit: str = "None") -> Datum:
    return Datum(series=of, at=NOON - timedelta(minutes=minutes_ago), value=value, unit=unit)


def _points(row: str) -> list[float | None]:
    return [{"0": 0.0, "X": 1.0, "-": None}[each] for each in reversed(row.split())]


@pytest.mark.parametrize(
    ("needed", "row", "states"),
    [
        (3, "0 - X - X", ("OK", "OK", "OK", "OK")),
        (3, "- - - - 0", ("OK", "OK", "OK", "OK")),
        (3, "- - - - -", ("INSUFFICIENT_DATA", RETAIN, "ALARM", "OK")),
        (3, "0 X X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (3, "- - X - -", ("ALARM", RETAIN, "ALARM", "OK")),
        (2, "0 - X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (2, "0 0 X 0 X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (2, "0 - X - -", ("OK", "OK", "ALARM", "OK")),
        (2, "- - - - 0", ("OK", "OK", "ALARM", "OK")),
        (2, "- - - X -", ("ALARM", RETAIN, "ALARM", "OK")),
    ],
)
@pytest.mark.parametrize("before", ["OK", "ALARM", "INSUFFICIENT_DATA"])
def test_missing_data_counts_as_in_the_tables_of_the_user_guide(
    needed: int, row: str, states: tuple[str, ...], before: State
) -> None:
    treatments: tuple[Missing, ...] = ("missing", "ignore", "breaching", "notBreaching")
    for treatment, expected in zip(treatments, states, strict=True):
        alarm = _alarm(DatapointsToAlarm=needed, TreatMissingData=treatment)
        assert state_of(alarm, _points(row), before) == (before if expected == RETAIN else expected), treatment


@pytest.mark.parametrize("row", ["- - - - X", "- - - X -"])
def test_an_alarm_does_not_go_off_prematurely(row: str) -> None:
    assert state_of(_alarm(DatapointsToAlarm=3), _points(row), "OK") == "OK"


def test_data_of_other_dimensions_names_or_units_never_count() -> None:
    alarm = _alarm(DatapointsToAlarm=1, TreatMissingData="notBreaching", Unit="Count")
    other = series("project", "Errors", {"Environment": "dev"})
    misspelled = series("project", "Error", {"Environment": "prod"})
    without = series("project", "Errors", {})
    for each in (other, misspelled, without):
        assert evaluate(alarm, [_datum(1, of=each, unit="Count")], NOON, "OK") == "OK"
    assert evaluate(alarm, [_datum(1, unit="Seconds")], NOON, "OK") == "OK"
    assert evaluate(alarm, [_datum(1, unit="Count")], NOON, "OK") == "ALARM"


def test_an_alarm_on_one_of_three_periods_goes_back_when_the_data_leaves_the_range() -> None:
    alarm = _alarm(DatapointsToAlarm=1, TreatMissingData="notBreaching")
    changes = course(alarm, [_datum(0)], begin=NOON, end=NOON + timedelta(hours=1), before="OK")
    assert changes == [(NOON + timedelta(minutes=1), "ALARM"), (NOON + timedelta(minutes=26), "OK")]


def test_a_gauge_keeps_its_alarm_until_its_next_good_value() -> None:
    alarm = _alarm(Period=3600, EvaluationPeriods=1, Statistic="Maximum", TreatMissingData="ignore")
    data = [_datum(0), _datum(-360, value=0.0)]
    changes = course(alarm, data, begin=NOON, end=NOON + timedelta(hours=8), before="INSUFFICIENT_DATA")
    assert changes == [(NOON + timedelta(minutes=1), "ALARM"), (NOON + timedelta(hours=6, minutes=1), "OK")]


def test_silence_is_noticed_only_when_no_real_data_is_left_in_the_range() -> None:
    silent = {"ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching"}
    eight_hours = _alarm(**silent, Period=8 * 3600, EvaluationPeriods=1)
    hours = _alarm(**silent, Period=3600, EvaluationPeriods=8)
    begin, end = NOON + timedelta(minutes=1), NOON + timedelta(days=2)
    [(late, _)] = course(eight_hours, [_datum(0)], begin=begin, end=end, before="OK")
    [(earlier, _)] = course(hours, [_datum(0)], begin=begin, end=end, before="OK")
    assert late > NOON + timedelta(hours=24)
    assert earlier < NOON + timedelta(hours=11)


def test_periods_longer_than_a_day_together_are_evaluated_every_hour() -> None:
    assert _alarm(Period=3600, EvaluationPeriods=24).interval == timedelta(minutes=1)
    assert _alarm(Period=3600, EvaluationPeriods=25).interval == timedelta(hours=1)


def test_an_alarm_on_an_expression_or_a_band_is_refused_by_name() -> None:
    expression = {name: value for name, value in DESCRIPTION.items() if name != "MetricName"}
    with pytest.raises(AlarmError, match="errors"):
        alarm_of(expression)
    with pytest.raises(AlarmError, match="errors"):
        _alarm(ComparisonOperator="GreaterThanUpperThreshold")


@pytest.mark.parametrize(
    ("name", "expected"), [("Sum", 6.0), ("Maximum", 3.0), ("Minimum", 1.0), ("Average", 2.0), ("SampleCount", 3.0)]
)
def test_statistics_of_a_period(name: str, expected: float) -> None:
    assert statistic([1.0, 2.0, 3.0], name) == expected
    assert statistic([], name) is None


def test_a_statistic_that_is_not_computed_is_refused() -> None:
    with pytest.raises(ValueError, match="p99"):
        statistic([1.0], "p99")


POINTS = st.lists(st.sampled_from([None, 0.0, 1.0]), min_size=5, max_size=5)


@given(points=POINTS, needed=st.integers(1, 3))
@settings(deadline=None)
def test_without_missing_data_the_treatment_is_without_effect(points: list[float | None], needed: int) -> None:
    whole = [point or 0.0 for point in points]
    states = {
        state_of(_alarm(DatapointsToAlarm=needed, TreatMissingData=each), whole, BEFORE)
        for each in ("missing", "ignore", "breaching", "notBreaching")
    }
    assert states == {"ALARM" if sum(whole[:3]) >= needed else "OK"}


@given(points=POINTS, needed=st.integers(1, 3))
@settings(deadline=None)
def test_breaching_alarms_whenever_not_breaching_does(points: list[float | None], needed: int) -> None:
    strict = state_of(_alarm(DatapointsToAlarm=needed, TreatMissingData="breaching"), points, BEFORE)
    mild = state_of(_alarm(DatapointsToAlarm=needed, TreatMissingData="notBreaching"), points, BEFORE)
    assert strict == "ALARM" or mild == "OK"

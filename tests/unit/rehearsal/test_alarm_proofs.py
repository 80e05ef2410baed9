"""Each alarm is raised by its event and ends; one on a misspelled metric fails the proof."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rehearsal.monitoring.data import Datum, series
from rehearsal.monitoring.evaluation import AlarmError, State
from rehearsal.monitoring.events import Events
from rehearsal.monitoring.proof import AlarmProof, prove_alarms, raised_in
from rehearsal.monitoring.services import Run, metrics_of_run
from tests.repository import ROOT
from vectora_ops.settings import load_settings
from vectora_shared.metrics import Metric

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAMES = load_settings(ROOT).names("prod")
MACHINE = f"arn:aws:states:eu-west-3:000000000000:stateMachine:{NAMES.state_machine}"
EVENTS = Events(NAMES, MACHINE, NOW).by_alarm()
OWN = {"Namespace": NAMES.project, "Dimensions": [{"Name": "Environment", "Value": "prod"}]}
# As the engine and function watch print them in each environment.
REAL = [Datum(series=series(NAMES.project, each, {"Environment": "prod"}), at=NOW, value=0) for each in Metric]


def _event_alarm(purpose: str, **changes: Any) -> dict[str, Any]:
    return {
        "AlarmName": NAMES.alarm(purpose),
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    } | changes


def _gauge_alarm(purpose: str, metric: str, threshold: float = 1.0) -> dict[str, Any]:
    gauge = {"MetricName": metric, "Threshold": threshold, "Statistic": "Maximum", "TreatMissingData": "ignore"}
    return _event_alarm(purpose, **OWN, **gauge, Period=3600, EvaluationPeriods=1)


def _run_alarm(purpose: str, metric: str, **changes: Any) -> dict[str, Any]:
    dimensions = [{"Name": "StateMachineArn", "Value": MACHINE}]
    return _event_alarm(purpose, Namespace="AWS/States", MetricName=metric, Dimensions=dimensions, **changes)


FAILED = _run_alarm("failed-runs", "ExecutionsFailed")
DRIFT = _gauge_alarm("drift", Metric.DRIFTED_THINGS)


class FakeCloudWatch:
    """Records what the proof does; the notifications are those of the real emulator's tests."""

    def __init__(self, *alarms: Mapping[str, Any], real: Sequence[Datum] = REAL) -> None:
        self.published = list(real)
        self.states: dict[str, list[State]] = {}
        self._alarms = alarms

    def alarms(self) -> list[Mapping[str, Any]]:
        return list(self._alarms)

    def publish(self, data: Sequence[Datum]) -> None:
        self.published += data

    def set_state(self, alarm: str, state: State, reason: str) -> None:
        assert reason
        self.states.setdefault(alarm, []).append(state)


def _prove(cloudwatch: FakeCloudWatch) -> tuple[AlarmProof, ...]:
    waited: list[set[str]] = []
    found = prove_alarms("prod", cloudwatch, EVENTS, namespace=NAMES.project, wait=waited.append)
    assert waited == [{each.alarm for each in found}]
    return found


@pytest.mark.parametrize(
    "alarm",
    [
        FAILED,
        _run_alarm("runs-timed-out", "ExecutionsTimedOut"),
        _run_alarm("runs-aborted", "ExecutionsAborted"),
        _run_alarm("slow-run", "ExecutionTime", Statistic="Maximum", Threshold=45 * 60_000),
        _event_alarm("noise", **OWN, MetricName=Metric.NOISE_PERCENT, Statistic="Maximum", Threshold=10),
        _event_alarm("empty-newsletter", **OWN, MetricName=Metric.EMPTY_NEWSLETTERS),
        DRIFT,
        _gauge_alarm("snapshot-too-old", Metric.SNAPSHOT_AGE_HOURS, 30),
        _gauge_alarm("approval-waits", Metric.APPROVAL_WAITING_DAYS, 5),
        _event_alarm(
            "watch-silent",
            Namespace="AWS/Lambda",
            MetricName="Invocations",
            Dimensions=[{"Name": "FunctionName", "Value": NAMES.function("watch")}],
            Period=3600,
            EvaluationPeriods=8,
            DatapointsToAlarm=8,
            ComparisonOperator="LessThanThreshold",
            TreatMissingData="breaching",
        ),
        _event_alarm(
            "rollback-lost-events",
            Namespace="AWS/Lambda",
            MetricName="AsyncEventsDropped",
            Dimensions=[{"Name": "FunctionName", "Value": NAMES.function("rollback")}],
            EvaluationPeriods=1,
        ),
    ],
    ids=lambda alarm: str(alarm["AlarmName"]),
)
def test_each_alarm_is_raised_by_its_event_and_ends(alarm: dict[str, Any]) -> None:
    cloudwatch = FakeCloudWatch(alarm)
    [proof] = _prove(cloudwatch)
    assert not proof.happened
    assert cloudwatch.states == {alarm["AlarmName"]: ["OK", "ALARM", "OK"]}
    assert len(cloudwatch.published) > len(REAL)


@pytest.mark.parametrize(
    "change",
    [
        {"MetricName": "ExecutionFailed"},
        {"Namespace": "AWS/StepFunctions"},
        {"Dimensions": [{"Name": "StateMachine", "Value": MACHINE}]},
        {"Dimensions": [{"Name": "StateMachineArn", "Value": MACHINE.replace("prod", "dev")}]},
        {"Unit": "Percent"},
        {"Threshold": 2.0},
    ],
)
def test_an_alarm_that_never_sees_its_event_fails_the_proof(change: dict[str, Any]) -> None:
    with pytest.raises(AlarmError, match="does not go from OK to ALARM and back"):
        _prove(FakeCloudWatch(FAILED | change))


def test_each_misspelled_metric_of_the_functions_fails_the_proof() -> None:
    for metric in Metric:
        with pytest.raises(AlarmError, match="no function of this environment has printed"):
            _prove(FakeCloudWatch(_gauge_alarm("drift", f"{metric}s")))


def test_a_metric_that_no_function_prints_here_fails_the_proof() -> None:
    real = [datum for datum in REAL if datum.series.name != Metric.DRIFTED_THINGS]
    with pytest.raises(AlarmError, match="DriftedThings, which no function"):
        _prove(FakeCloudWatch(DRIFT, real=real))


def test_a_gauge_that_had_nothing_to_measure_may_be_silent() -> None:
    cloudwatch = FakeCloudWatch(DRIFT, real=())
    prove_alarms(
        "prod",
        cloudwatch,
        EVENTS,
        namespace=NAMES.project,
        wait=lambda alarms: None,
        without_value={Metric.DRIFTED_THINGS},
    )
    assert cloudwatch.states == {DRIFT["AlarmName"]: ["OK", "ALARM", "OK"]}


def test_the_metric_of_another_alarm_fails_the_proof() -> None:
    with pytest.raises(AlarmError, match="a change by hand"):
        _prove(FakeCloudWatch(DRIFT | {"MetricName": Metric.FAILING_SOURCES}))


def test_an_alarm_that_never_ends_fails_the_proof() -> None:
    with pytest.raises(AlarmError, match="INSUFFICIENT_DATA -> ALARM"):
        _prove(FakeCloudWatch(FAILED | {"TreatMissingData": "ignore", "EvaluationPeriods": 100}))


def test_an_alarm_without_an_event_fails_the_proof() -> None:
    with pytest.raises(AlarmError, match="has no event that raises it"):
        _prove(FakeCloudWatch(_run_alarm("unknown", "ExecutionsFailed")))


def test_an_environment_without_alarms_fails_the_proof() -> None:
    with pytest.raises(AlarmError, match="has no alarm"):
        _prove(FakeCloudWatch())


def test_a_run_that_really_failed_raises_the_alarm_without_further_data() -> None:
    run = Run(machine=MACHINE, status="FAILED", started=NOW - timedelta(minutes=1), stopped=NOW)
    cloudwatch = FakeCloudWatch(FAILED, real=[*REAL, *metrics_of_run(run)])
    published = len(cloudwatch.published)
    [proof] = _prove(cloudwatch)
    assert proof.happened
    assert cloudwatch.states == {FAILED["AlarmName"]: ["OK", "ALARM", "OK"]}
    assert len(cloudwatch.published) == published


def test_only_a_notification_of_a_raised_alarm_counts() -> None:
    assert raised_in(json.dumps({"AlarmName": "a", "NewStateValue": "ALARM"})) == "a"
    for message in ("text", "[]", json.dumps({"AlarmName": "a", "NewStateValue": "OK"})):
        assert raised_in(message) is None

"""Metrics, alarms and dashboards of the local AWS: published as AWS does, and changed by nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rehearsal.emulator import ACCOUNT, Emulator
from rehearsal.monitoring.cloudwatch import CloudWatch
from rehearsal.monitoring.data import series
from tests.rehearsal.conftest import REGION
from tests.repository import ROOT
from vectora_ops.settings import load_settings
from vectora_shared.metrics import Metric, metrics_line

NAMES = load_settings(ROOT).names("prod")
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{NAMES.state_machine}"
LOG = NAMES.log_group("newsletter-v2")
ALARM: dict[str, Any] = {
    "AlarmName": "noise",
    "Namespace": NAMES.project,
    "MetricName": Metric.NOISE_PERCENT,
    "Dimensions": [{"Name": "Environment", "Value": "prod"}],
    "Statistic": "Maximum",
    "Period": 300,
    "EvaluationPeriods": 1,
    "Threshold": 10.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
}


@pytest.fixture
def client(emulator: Emulator) -> Any:
    """A function that returns a client of the account's administrator."""
    emulator.reset()
    make: Any = emulator.session().client
    states, iam = make("stepfunctions"), make("iam")
    allow = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    role = iam.create_role(RoleName="workflow", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    definition = json.dumps({"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}})
    states.create_state_machine(name=NAMES.state_machine, definition=definition, roleArn=role)
    make("logs").create_log_group(logGroupName=LOG)
    return make


@pytest.fixture
def cloudwatch(emulator: Emulator, client: Any) -> CloudWatch:
    return CloudWatch(emulator.session(), NAMES, MACHINE)


def _print(client: Any, *lines: str) -> None:
    logs = client("logs")
    logs.create_log_stream(logGroupName=LOG, logStreamName="stream")
    now = int(datetime.now(UTC).timestamp() * 1000)
    events = [{"timestamp": now, "message": line} for line in lines]
    logs.put_log_events(logGroupName=LOG, logStreamName="stream", logEvents=events)


def _line(value: float) -> str:
    now = datetime.now(UTC)
    return metrics_line({Metric.NOISE_PERCENT: value}, project=NAMES.project, env="prod", at=now, properties={})


def _stored(client: Any, namespace: str, name: str, dimensions: dict[str, str]) -> list[float]:
    now = datetime.now(UTC)
    points = client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return [float(each["Sum"]) for each in points]


def test_what_a_function_printed_is_published_and_a_broken_line_is_reported(
    client: Any, cloudwatch: CloudWatch
) -> None:
    _print(client, _line(12.5), f"[INFO] {_line(99)}", "an ordinary line")
    cloudwatch.collect()
    assert _stored(client, NAMES.project, Metric.NOISE_PERCENT, {"Environment": "prod"}) == [12.5]
    [refused] = cloudwatch.refused
    assert "99" in refused.line


def test_what_step_functions_publishes_about_a_run_is_published(client: Any, cloudwatch: CloudWatch) -> None:
    states = client("stepfunctions")
    run = states.start_execution(stateMachineArn=MACHINE)["executionArn"]
    while states.describe_execution(executionArn=run)["status"] == "RUNNING":
        pass
    cloudwatch.collect()
    assert _stored(client, "AWS/States", "ExecutionsSucceeded", {"StateMachineArn": MACHINE}) == [1.0]
    assert _stored(client, "AWS/States", "ExecutionsFailed", {"StateMachineArn": MACHINE}) == []


def test_data_alone_change_no_alarm_of_the_emulator(client: Any, cloudwatch: CloudWatch) -> None:
    client("cloudwatch").put_metric_alarm(**ALARM)
    _print(client, _line(99))
    cloudwatch.collect()

    def state() -> str:
        [alarm] = client("cloudwatch").describe_alarms(AlarmNames=["noise"])["MetricAlarms"]
        return str(alarm["StateValue"])

    assert state() == "INSUFFICIENT_DATA"
    cloudwatch.set_state("noise", "ALARM", "99 is more than 10")
    assert state() == "ALARM"


def test_the_deployed_dashboard_is_drawn_with_the_published_data(
    client: Any, cloudwatch: CloudWatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloudwatch, "alarms", list)
    metric = [NAMES.project, Metric.NOISE_PERCENT, "Environment", "prod", {"label": "noise", "stat": "Maximum"}]
    widget = {"type": "metric", "x": 0, "y": 0, "width": 24, "height": 6, "properties": {"metrics": [metric]}}
    body = json.dumps({"widgets": [widget]})
    client("cloudwatch").put_dashboard(DashboardName=NAMES.dashboard, DashboardBody=body)
    _print(client, _line(12.5))
    cloudwatch.collect()
    assert series(NAMES.project, Metric.NOISE_PERCENT, {"Environment": "prod"}) in {
        each.series for each in cloudwatch.published
    }
    drawings = cloudwatch.draw(tmp_path / "dashboards", datetime.now(UTC) + timedelta(minutes=1))
    assert "noise 12.5" in drawings[NAMES.dashboard].read_text(encoding="utf-8")

"""Alarms and dashboards: what they name is emitted, each alarm reacts to its event, and settings choose them."""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from rehearsal.monitoring.evaluation import Alarm, alarm_of, course
from rehearsal.monitoring.events import Events
from stacks.alarms import alarm_definitions
from stacks.monitoring import budget_of_account
from stacks.synthesis import synthesized_templates
from tests.repository import ROOT
from tests.stacks.deployed import Account, Body, golden_account
from tools.templates import settings_in
from vectora_ops.alarm_names import ALARM_NAMES, ROLLBACK_ALARMS, TICKET_ALARMS
from vectora_ops.alarm_settings import CostAnomalies
from vectora_ops.settings import ENVIRONMENT_NAMES, EnvironmentSettings, Settings, load_settings
from vectora_shared.metrics import ENVIRONMENT_DIMENSION, Metric

SETTINGS = load_settings(ROOT)
# Metrics of AWS that are published without being asked for, and their one dimension: Step Functions guide, "Monitoring
# Step Functions metrics using Amazon CloudWatch"; Lambda guide, "Types of metrics for Lambda functions".
OF_AWS: Mapping[str, tuple[str, str, frozenset[str]]] = {
    "AWS/States": (
        "StateMachineArn",
        "AWS::StepFunctions::StateMachine",
        frozenset(
            {
                "ExecutionTime",
                "ExecutionsAborted",
                "ExecutionsFailed",
                "ExecutionsStarted",
                "ExecutionsSucceeded",
                "ExecutionsTimedOut",
            }
        ),
    ),
    "AWS/Lambda": (
        "FunctionName",
        "AWS::Lambda::Function",
        frozenset({"AsyncEventsDropped", "Duration", "Errors", "Invocations", "Throttles"}),
    ),
}
# Modules that publish metrics.
PUBLISHERS = ("vectora_shared/run_metrics.py", "vectora_ops/functions/watch.py")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Named = tuple[str, str, Mapping[str, str]]


@cache
def _published() -> frozenset[str]:
    """Return the metrics that the publishing modules name."""
    return frozenset(
        Metric[node.attr]
        for path in PUBLISHERS
        for node in ast.walk(ast.parse((ROOT / "lambda_src" / path).read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Metric"
    )


def _named(account: Account) -> Iterator[tuple[str, Named]]:
    """Yield the metrics of all alarms and dashboards, with what names them."""
    for stack, logical_id, properties in account.of_type("AWS::CloudWatch::Alarm"):
        dimensions = {each["Name"]: each["Value"] for each in properties["Dimensions"]}
        yield f"{stack.name}/{logical_id}", (properties["Namespace"], properties["MetricName"], dimensions)
    for stack, logical_id, properties in account.of_type("AWS::CloudWatch::Dashboard"):
        for widget in json.loads(properties["DashboardBody"])["widgets"]:
            for namespace, metric, *rest in widget["properties"].get("metrics", []):
                dimensions = dict(zip(rest[0:-1:2], rest[1:-1:2], strict=True))
                yield f"{stack.name}/{logical_id}", (namespace, metric, dimensions)


def _problem(account: Account, named: Named) -> str:
    """Return why a metric never has a value; empty for one that is emitted."""
    namespace, metric, dimensions = named
    if namespace == SETTINGS.project:
        if metric not in _published():
            return f"nothing publishes {metric}"
        if dimensions.keys() != {ENVIRONMENT_DIMENSION} or dimensions[ENVIRONMENT_DIMENSION] not in ENVIRONMENT_NAMES:
            return f"{metric} is not published with {dimensions}"
        return ""
    if namespace not in OF_AWS:
        return f"{namespace} is no namespace"
    dimension, resource_type, metrics = OF_AWS[namespace]
    if metric not in metrics or dimensions.keys() != {dimension}:
        return f"{namespace} has no {metric} with {sorted(dimensions)}"
    resources = [
        stack.arn(logical_id) if namespace == "AWS/States" else stack.physical_name(logical_id)
        for stack, logical_id, _ in account.of_type(resource_type)
    ]
    return "" if dimensions[dimension] in resources else f"there is no {dimensions[dimension]}"


def _problems(account: Account) -> dict[str, str]:
    return {f"{place} {named}": why for place, named in _named(account) if (why := _problem(account, named))}


def test_every_metric_of_an_alarm_or_a_dashboard_is_emitted() -> None:
    account = golden_account()
    assert _problems(account) == {}
    assert {type(named[2]) for _, named in _named(account)} == {dict}


def test_every_published_metric_is_shown_on_the_dashboard_of_each_environment() -> None:
    assert _published() == set(Metric)
    account = golden_account()
    for env in ENVIRONMENT_NAMES:
        place = f"{SETTINGS.names(env).stack('s2-monitoring')}/Dashboard"
        shown = {named[1] for where, named in _named(account) if where == place and named[0] == SETTINGS.project}
        assert shown == set(Metric)


def _alarm(bodies: dict[str, Body], logical_id: str) -> dict[str, Any]:
    properties: dict[str, Any] = bodies[SETTINGS.names("prod").stack("s2-monitoring")]["Resources"][logical_id][
        "Properties"
    ]
    return properties


def _in_dashboard(old: str, new: str) -> Callable[[dict[str, Body]], object]:
    def change(bodies: dict[str, Body]) -> None:
        body = _alarm(bodies, "Dashboard")["DashboardBody"]
        assert old in body["Fn::Sub"]
        body["Fn::Sub"] = body["Fn::Sub"].replace(old, new, 1)

    return change


MISSPELLED: Mapping[str, Callable[[dict[str, Body]], object]] = {
    "own metric": lambda bodies: _alarm(bodies, "NoiseAlarm").update(MetricName="NoisePercents"),
    "own namespace": lambda bodies: _alarm(bodies, "NoiseAlarm").update(Namespace="vectora_inbox"),
    "own dimension": lambda bodies: _alarm(bodies, "NoiseAlarm")["Dimensions"][0].update(Name="Env"),
    "environment": lambda bodies: _alarm(bodies, "NoiseAlarm")["Dimensions"][0].update(Value="production"),
    "no dimension": lambda bodies: _alarm(bodies, "NoiseAlarm").update(Dimensions=[]),
    "metric of AWS": lambda bodies: _alarm(bodies, "FailedRunsAlarm").update(MetricName="ExecutionFailed"),
    "namespace of AWS": lambda bodies: _alarm(bodies, "FailedRunsAlarm").update(Namespace="AWS/StepFunctions"),
    "dimension of AWS": lambda bodies: _alarm(bodies, "FailedRunsAlarm")["Dimensions"][0].update(Name="StateMachine"),
    "state machine": lambda bodies: _alarm(bodies, "FailedRunsAlarm")["Dimensions"][0].update(Value="newsletter"),
    "function": lambda bodies: _alarm(bodies, "WatchSilentAlarm")["Dimensions"][0].update(Value="vectora-inbox-watch"),
    "metric in a dashboard": _in_dashboard('"MonthModelCostUsd"', '"MonthlyModelCostUsd"'),
    "namespace in a dashboard": _in_dashboard('"AWS/States"', '"AWS/State"'),
    "dimension in a dashboard": _in_dashboard('"StateMachineArn"', '"StateMachineARN"'),
    "environment in a dashboard": _in_dashboard('"Environment", "prod"', '"Environment", "Prod"'),
    "function in a dashboard": _in_dashboard('"vectora-inbox-ingest-v2-prod"', '"vectora-inbox-ingest-prod"'),
}


@pytest.mark.parametrize("misspelled", MISSPELLED)
def test_a_misspelled_metric_is_found(misspelled: str) -> None:
    assert len(_problems(golden_account(MISSPELLED[misspelled]))) == 1


# --- reactions


def _alarms(env: str) -> Iterator[Alarm]:
    account = golden_account()
    for _, properties in account.stack(SETTINGS.names(env).stack("s2-monitoring")).of_type("AWS::CloudWatch::Alarm"):
        yield alarm_of(properties)


@pytest.mark.parametrize("env", ENVIRONMENT_NAMES)
def test_each_alarm_is_raised_by_its_event_and_ends_after_it(env: str) -> None:
    names = SETTINGS.names(env)
    machine = f"arn:aws:states:eu-west-3:444444444444:stateMachine:{names.state_machine}"
    events = Events(names, _machine_of(env) or machine, NOON).by_alarm()
    raised = 0
    for alarm in _alarms(env):
        event = events[alarm.name]
        changes = course(alarm, event.data, begin=event.begin, end=event.end, before="OK")
        assert [state for _, state in changes] == ["ALARM", "OK"], alarm.name
        raised += 1
    assert raised == len(SETTINGS.environment(env).alarms.wanted)


def _machine_of(env: str) -> str:
    """Return the ARN that the alarms on runs name."""
    for alarm in _alarms(env):
        for name, value in alarm.series.dimensions:
            if name == "StateMachineArn":
                return value
    return ""


@pytest.mark.parametrize("name", ["failed-runs", "empty-newsletter", "noise"])
def test_an_alarm_is_raised_again_by_the_next_event_half_an_hour_later(name: str) -> None:
    names = SETTINGS.names("prod")
    [alarm] = [each for each in _alarms("prod") if each.name == names.alarm(name)]
    first, second = (
        Events(names, _machine_of("prod"), NOON.replace(minute=minute)).by_alarm()[alarm.name] for minute in (0, 30)
    )
    changes = course(alarm, (*first.data, *second.data), begin=first.begin, end=second.end, before="OK")
    assert [state for _, state in changes] == ["ALARM", "OK", "ALARM", "OK"]


# --- settings


def test_an_alarm_rolls_back_or_needs_a_person_only() -> None:
    assert set(ROLLBACK_ALARMS).isdisjoint(TICKET_ALARMS)
    assert len(set(ALARM_NAMES)) == len(ALARM_NAMES)
    settings = SETTINGS.environment("prod")
    definitions = alarm_definitions(names=SETTINGS.names("prod"), settings=settings, approval_days=7)
    assert definitions.keys() == set(ALARM_NAMES)


@pytest.mark.parametrize("env", ENVIRONMENT_NAMES)
def test_an_environment_has_the_alarms_of_its_settings_with_their_severity(env: str) -> None:
    names, chosen = SETTINGS.names(env), SETTINGS.environment(env).alarms
    stack = golden_account().stack(names.stack("s2-monitoring"))
    severities = {each["AlarmName"]: each["AlarmDescription"].partition(".")[0] for _, each in _of_stack(stack)}
    pages = {names.alarm(name): "PAGE" for name in chosen.page}
    assert severities == {**pages, **{names.alarm(name): "TICKET" for name in chosen.ticket}}


def _of_stack(stack: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from stack.of_type("AWS::CloudWatch::Alarm")


@pytest.mark.parametrize("env", ENVIRONMENT_NAMES)
def test_every_alarm_notifies_the_operators_and_says_what_to_run(env: str) -> None:
    names = SETTINGS.names(env)
    account = golden_account()
    topic = account.stack(names.stack("s0-operations")).arn("OperationsTopic")
    for logical_id, alarm in _of_stack(account.stack(names.stack("s2-monitoring"))):
        assert alarm["AlarmActions"] == [topic], logical_id
        # PutMetricAlarm, API reference: at most 1,024 characters.
        assert len(alarm["AlarmDescription"]) <= 1024


def _with(**changes: Any) -> EnvironmentSettings:
    prod = SETTINGS.environment("prod")
    return prod.model_copy(update={"alarms": prod.alarms.model_copy(update=changes)})


def test_thresholds_come_from_the_settings() -> None:
    settings = _with(run_minutes=50, noise_percent=3.0, fallback_percent=7.0, run_cost_usd=0.25).model_copy(
        update={"monthly_budget_usd": 200.0}
    )
    found = alarm_definitions(names=SETTINGS.names("prod"), settings=settings, approval_days=3)
    thresholds = {name: found[name].threshold for name in ("slow-run", "noise", "model-fallback", "run-cost")}
    assert thresholds == {"slow-run": 3_000_000, "noise": 3.0, "model-fallback": 7.0, "run-cost": 0.25}
    assert (found["month-cost"].threshold, found["approval-waits"].threshold) == (160.0, 2.1)


# --- cost of the account


@pytest.mark.parametrize(
    ("accounts", "budgets"),
    [
        ((None, None, None), (None, None, 110.0)),
        (("222222222222", "333333333333", "444444444444"), (20.0, 30.0, 60.0)),
        (("222222222222", "222222222222", "444444444444"), (None, 50.0, 60.0)),
    ],
)
def test_an_account_has_one_budget_the_sum_of_its_environments(
    accounts: tuple[str | None, str | None, str | None], budgets: tuple[float | None, ...]
) -> None:
    pipeline = "111111111111" if accounts[0] else None
    settings = settings_in(pipeline, *accounts, "eu-west-3")
    assert tuple(budget_of_account(settings, env) for env in ENVIRONMENT_NAMES) == budgets


def _monitoring_with(anomalies: CostAnomalies) -> dict[str, Any]:
    dev = SETTINGS.environments.dev.model_copy(update={"cost_anomalies": anomalies})
    environments = SETTINGS.environments.model_copy(update={"dev": dev})
    settings: Settings = SETTINGS.model_copy(update={"environments": environments})
    template = synthesized_templates(ROOT, "dev", settings)[settings.names("dev").stack("s2-monitoring")]
    resources: dict[str, Any] = copy.deepcopy(template["Resources"])
    return resources


def test_notices_on_unusual_cost_use_a_monitor_of_the_account_or_create_it() -> None:
    arn = "arn:aws:ce::444444444444:anomalymonitor/12345678-abcd"
    existing = _monitoring_with(CostAnomalies(minimum_usd=10, monitor=arn))
    assert existing["CostAnomalies"]["Properties"]["MonitorArnList"] == [arn]
    assert "CostAnomaliesMonitor" not in existing
    created = _monitoring_with(CostAnomalies(minimum_usd=2.5))
    monitor, subscription = (created[each]["Properties"] for each in ("CostAnomaliesMonitor", "CostAnomalies"))
    assert (monitor["MonitorType"], monitor["MonitorDimension"]) == ("DIMENSIONAL", "SERVICE")
    assert subscription["MonitorArnList"] == [{"Fn::GetAtt": ["CostAnomaliesMonitor", "MonitorArn"]}]
    assert (subscription["Frequency"], subscription["Subscribers"][0]["Type"]) == ("IMMEDIATE", "SNS")
    assert json.loads(subscription["ThresholdExpression"])["Dimensions"]["Values"] == ["2.5"]

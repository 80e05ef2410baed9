"""Services deliver to topics, functions and state machines only with permission."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.emulator import ACCOUNT

REGION = "eu-west-3"
MACHINE = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})


def _publishers(*services: str, on: str, **condition: Any) -> dict[str, Any]:
    principal = {"Service": [f"{service}.amazonaws.com" for service in services]}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sns:Publish", "Resource": on}
    return {**statement, "Condition": condition or {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}


@pytest.fixture
def log(account: Any) -> Callable[[], str]:
    return lambda: str(account.emulator.log_file.read_text(encoding="utf-8", errors="replace"))


def _rule(account: Any, name: str, target: dict[str, Any]) -> Callable[[], None]:
    """Create a rule with one target; return a function that triggers it."""
    events = account("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", **target}])
    return lambda: events.put_events(Entries=[{"Source": name, "DetailType": "t", "Detail": "{}"}])


def test_an_alarm_publishes_only_to_topics_that_allow_cloudwatch(
    account: Any, kit: Any, log: Callable[[], str]
) -> None:
    topic, arrived = account.topic("alarms")
    sns, cloudwatch = account("sns"), account("cloudwatch")

    def allow(*services: str) -> None:
        policy = kit.policy(_publishers(*services, on=topic))
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)

    def alarm(name: str) -> None:
        settings = {"Namespace": name, "MetricName": "M", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
        compared = {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 0}
        cloudwatch.put_metric_alarm(AlarmName=name, AlarmActions=[topic], **settings, **compared)
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="in a test")

    allow("events")
    alarm("silent-alarm")
    kit.wait_until(lambda: f"alarm:silent-alarm may not publish to {topic}" in log())
    assert arrived() == []
    allow("cloudwatch")
    alarm("delivered-alarm")
    [message] = kit.wait_until(arrived)
    assert json.loads(message)["AlarmName"] == "delivered-alarm"


def test_a_rule_publishes_only_to_topics_that_allow_eventbridge(account: Any, kit: Any, log: Callable[[], str]) -> None:
    topic, arrived = account.topic("events")
    fire = _rule(account, "to-a-topic", {"Arn": topic})
    set_policy = account("sns").set_topic_attributes
    foreign = {"StringEquals": {"aws:SourceAccount": "1" * 12}}
    for services, condition in ((("cloudwatch",), {}), (("events",), foreign)):
        policy = kit.policy(_publishers(*services, on=topic, **condition))
        set_policy(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
        before = log().count("to-a-topic may not reach")
        fire()
        kit.wait_until(lambda before=before: log().count("to-a-topic may not reach") > before)
    assert arrived() == []
    policy = kit.policy(_publishers("events", on=topic))
    set_policy(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    fire()
    assert kit.wait_until(arrived)


def test_a_rule_invokes_only_functions_that_allow_it(account: Any, kit: Any, log: Callable[[], str]) -> None:
    topic, arrived = account.topic("invoked")
    role = account.role("invoked", kit.allow("sns:Publish"))
    code = (
        "import boto3\n\n"
        f"def lambda_handler(event, context):\n    boto3.client('sns').publish(TopicArn='{topic}', Message='ran')\n"
    )
    arn = account.function("invoked", role, code, Timeout=30)
    fire = _rule(account, "to-a-function", {"Arn": arn})
    fire()
    kit.wait_until(lambda: "rule/to-a-function may not reach" in log())
    assert arrived() == []
    source = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/to-a-function"
    permission = {"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "SourceArn": source}
    account("lambda").add_permission(FunctionName="invoked", StatementId="rule", **permission)
    fire()
    assert kit.wait_until(arrived) == ["ran"]


def _machine(account: Any, name: str, definition: str = MACHINE, *statements: dict[str, Any]) -> str:
    role = account.role(f"runs-{name}", *statements, service="states.amazonaws.com")
    created = account("stepfunctions").create_state_machine(name=name, definition=definition, roleArn=role)
    return str(created["stateMachineArn"])


def test_a_rule_starts_only_what_its_role_may_start(account: Any, kit: Any, log: Callable[[], str]) -> None:
    machine = _machine(account, "started-by-rule")
    role = account.role("starts", service="events.amazonaws.com")
    fire = _rule(account, "to-a-machine", {"Arn": machine, "RoleArn": role})

    def executions() -> list[Any]:
        return list(account("stepfunctions").list_executions(stateMachineArn=machine)["executions"])

    fire()
    kit.wait_until(lambda: "rule/to-a-machine may not reach" in log())
    assert executions() == []
    account.grant(role, kit.allow("states:StartExecution", on=machine))
    fire()
    assert len(kit.wait_until(executions)) == 1


@pytest.mark.parametrize("trusted", ["scheduler.amazonaws.com", "events.amazonaws.com"])
def test_a_schedule_starts_only_what_its_role_may_start(
    account: Any, kit: Any, log: Callable[[], str], trusted: str
) -> None:
    service = trusted.partition(".")[0]
    machine = _machine(account, f"scheduled-{service}")
    role = account.role(f"schedules-{service}", kit.allow("states:StartExecution", on=machine), service=trusted)
    name = f"each-second-{service}"
    target = {"Arn": machine, "RoleArn": role}
    soon = "at(2020-01-01T00:00:00)"
    window = {"Mode": "OFF"}
    account("scheduler").create_schedule(Name=name, ScheduleExpression=soon, FlexibleTimeWindow=window, Target=target)

    def executions() -> list[Any]:
        return list(account("stepfunctions").list_executions(stateMachineArn=machine)["executions"])

    if service == "scheduler":
        assert len(kit.wait_until(executions)) == 1
    else:
        kit.wait_until(lambda: f"schedule/default/{name} may not reach" in log())
        assert executions() == []


def test_a_task_fails_when_the_state_machines_role_may_not_run_it(account: Any, kit: Any) -> None:
    function = account.function("task", account.role("task"))
    parameters = {"FunctionName": function, "Payload": {"n": 1}}
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters, "End": True}
    machine = _machine(account, "invokes", json.dumps({"StartAt": "Task", "States": {"Task": task}}))
    states = account("stepfunctions")

    def ended() -> Any:
        execution = states.start_execution(stateMachineArn=machine)["executionArn"]

        def result() -> Any:
            found = states.describe_execution(executionArn=execution)
            return None if found["status"] == "RUNNING" else found

        return kit.wait_until(result)

    failed = ended()
    assert (failed["status"], failed["error"]) == ("FAILED", "Lambda.AWSLambdaException")
    assert f"is not authorized to perform: lambda:InvokeFunction on resource: {function}" in failed["cause"]
    account.grant(f"arn:aws:iam::{ACCOUNT}:role/runs-invokes", kit.allow("lambda:InvokeFunction", on=function))
    assert json.loads(ended()["output"])["Payload"] == {"n": 1}


def test_a_state_machines_role_must_trust_step_functions(account: Any, kit: Any) -> None:
    role = account.role("lambdas-only")
    create = account("stepfunctions").create_state_machine
    code, message = kit.error_of(create, name="untrusted", definition=MACHINE, roleArn=role)
    assert code == "AccessDeniedException"
    assert "authorized to assume the provided role" in message
    properties = {"StateMachineName": "untrusted", "DefinitionString": MACHINE, "RoleArn": role}
    resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    assert account.deploy("untrusted", {"Machine": resource}) == "ROLLBACK_COMPLETE"
    assert "authorized to assume the provided role" in account.reasons("untrusted")

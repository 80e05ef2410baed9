"""Permissions of SNS, SQS, SES, EventBridge, EventBridge Scheduler and Step Functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from rehearsal.permissions.evaluator import Check
from rehearsal.permissions.facts import Facts
from rehearsal.permissions.operations import Operation
from rehearsal.permissions.rules.common import (
    Rule,
    action_of,
    arn_of,
    check_and_pass_role,
    check_on,
    parameter,
    pass_role,
    text_parameter,
)


def _topic(operation: Operation) -> str:
    return text_parameter(operation, "TopicArn", "TargetArn")


def _queue(operation: Operation) -> str:
    account, name = urlsplit(text_parameter(operation, "QueueUrl")).path.strip("/").split("/")[-2:]
    return f"arn:aws:sqs:{operation.request.region}:{account}:{name}"


def _event_rule(operation: Operation) -> str:
    bus = str(operation.parameters.get("EventBusName") or "default").rpartition("/")[2]
    name = text_parameter(operation, "Rule", "Name")
    return arn_of(operation, "events", f"rule/{name}" if bus == "default" else f"rule/{bus}/{name}")


def _put_targets(operation: Operation, facts: Facts) -> Iterator[Check]:
    yield Check(action_of(operation), _event_rule(operation))
    for target in operation.parameters.get("Targets") or ():
        if role := target.get("RoleArn"):
            yield pass_role(str(role), "events.amazonaws.com")


def _put_events(operation: Operation, facts: Facts) -> Iterator[Check]:
    entries: list[Mapping[str, Any]] = operation.parameters.get("Entries") or [{}]
    buses = {str(entry.get("EventBusName") or "default") for entry in entries}
    for bus in sorted(buses):
        name = bus.rpartition("/")[2]
        yield Check(action_of(operation), arn_of(operation, "events", f"event-bus/{name}"))


def _schedule(operation: Operation) -> str:
    group = operation.parameters.get("GroupName") or "default"
    return arn_of(operation, "scheduler", f"schedule/{group}/{text_parameter(operation, 'Name')}")


def _new_state_machine(operation: Operation) -> str:
    return arn_of(operation, "states", f"stateMachine:{text_parameter(operation, 'name')}")


def _send_email(operation: Operation, facts: Facts) -> Iterator[Check]:
    """Yield checks of both actions: a raw message is checked as ses:SendRawEmail (django-anymail issue 384)."""
    sender = text_parameter(operation, "FromEmailAddress")
    values = {"ses:FromAddress": sender, "ses:ApiVersion": "2"}
    resources = [f"identity/{sender}"]
    if name := operation.parameters.get("ConfigurationSetName"):
        resources.append(f"configuration-set/{name}")
    for resource in resources:
        for action in ("ses:SendEmail", "ses:SendRawEmail"):
            yield Check(action, arn_of(operation, "ses", resource), values)


def _mail_resource(operation: Operation) -> str:
    if name := operation.parameters.get("EmailIdentity"):
        return arn_of(operation, "ses", f"identity/{name}")
    return arn_of(operation, "ses", f"configuration-set/{text_parameter(operation, 'ConfigurationSetName')}")


SES: Mapping[str, Rule] = {
    "SendEmail": _send_email,
    **{
        name: check_on(_mail_resource)
        for name in ("GetConfigurationSet", "GetConfigurationSetEventDestinations", "GetEmailIdentity")
    },
}
SNS: Mapping[str, Rule] = {
    **{
        name: check_on(parameter("TopicArn"))
        for name in ("GetTopicAttributes", "ListSubscriptionsByTopic", "SetTopicAttributes", "Subscribe")
    },
    "Publish": check_on(_topic),
}
SQS: Mapping[str, Rule] = {
    name: check_on(_queue)
    for name in ("DeleteMessage", "GetQueueAttributes", "PurgeQueue", "ReceiveMessage", "SendMessage")
}
EVENTS: Mapping[str, Rule] = {
    "DescribeRule": check_on(_event_rule),
    "ListTargetsByRule": check_on(_event_rule),
    "PutEvents": _put_events,
    "PutRule": check_and_pass_role(_event_rule, "RoleArn", "events.amazonaws.com"),
    "PutTargets": _put_targets,
}
SCHEDULER: Mapping[str, Rule] = {
    "CreateSchedule": check_and_pass_role(_schedule, "Target.RoleArn", "scheduler.amazonaws.com"),
    "DeleteSchedule": check_on(_schedule),
    "GetSchedule": check_on(_schedule),
    "UpdateSchedule": check_and_pass_role(_schedule, "Target.RoleArn", "scheduler.amazonaws.com"),
}
STEP_FUNCTIONS: Mapping[str, Rule] = {
    **{
        name: check_on(parameter("stateMachineArn"))
        for name in ("DescribeStateMachine", "ListExecutions", "StartExecution", "StartSyncExecution")
    },
    **{
        name: check_on(parameter("executionArn"))
        for name in ("DescribeExecution", "DescribeStateMachineForExecution", "GetExecutionHistory", "StopExecution")
    },
    "CreateStateMachine": check_and_pass_role(_new_state_machine, "roleArn", "states.amazonaws.com"),
    "UpdateStateMachine": check_and_pass_role(parameter("stateMachineArn"), "roleArn", "states.amazonaws.com"),
}

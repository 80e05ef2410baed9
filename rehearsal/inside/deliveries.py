"""Permission checks of deliveries by services to topics, functions and state machines."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region  # type: ignore[import-not-found]
from ministack.services import cloudwatch, eventbridge, lambda_svc, sns, stepfunctions  # type: ignore[import-not-found]
from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]

from rehearsal.inside import permissions
from rehearsal.inside.crossing import bus_problem
from rehearsal.inside.wrapping import wrap

LOG = logging.getLogger("strictness")
EVENTS, SCHEDULER, STATES = "events.amazonaws.com", "scheduler.amazonaws.com", "states.amazonaws.com"
ALARMS = "cloudwatch.amazonaws.com"
MACHINE = "AWS::StepFunctions::StateMachine"
# Actions of EventBridge and EventBridge Scheduler on a target, by the target's service.
ACTIONS = {
    "lambda": "lambda:InvokeFunction",
    "states": "states:StartExecution",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
    "events": "events:PutEvents",
}
_task_role: ContextVar[str] = ContextVar("role of the state machine whose task runs", default="")


def _role_may_reach(role: str, service: str, action: str, target: str, source: str) -> bool:
    trusted = permissions.role_trusts(role, service, source)
    return trusted and permissions.role_allows(role, action, target)


def rule_may_reach(rule_arn: str, target: dict[str, Any]) -> bool:
    """Check a rule's target (EventBridge User Guide, "Using resource-based policies" and "Using IAM roles")."""
    arn = str(target.get("Arn", ""))
    service = arn.split(":")[2] if arn.count(":") >= 5 else ""
    if service == "lambda":
        found = lambda_svc.function_policy_for_arn(arn)
        policy = found[0] if found else None
        return permissions.resource_allows(policy, ACTIONS[service], arn, EVENTS, rule_arn)
    if service == "sns":
        return bool(sns.topic_policy_allows(arn, EVENTS, rule_arn, get_account_id()))
    if service == "events" and ":event-bus/" in arn:
        return bus_problem(rule_arn, target) is None
    if service == "states":
        return _role_may_reach(str(target.get("RoleArn") or ""), EVENTS, ACTIONS[service], arn, rule_arn)
    return True


def schedule_may_reach(schedule_arn: str, target: dict[str, Any]) -> bool:
    """Check a schedule's target, with the schedule's group as source (Scheduler User Guide, confused deputy)."""
    arn, role = str(target.get("Arn", "")), str(target.get("RoleArn") or "")
    action = ACTIONS.get(arn.split(":")[2] if arn.count(":") >= 5 else "")
    group = schedule_arn.partition(":schedule/")[2].partition("/")[0]
    source = f"arn:aws:scheduler:{get_region()}:{get_account_id()}:schedule-group/{group}"
    return action is None or _role_may_reach(role, SCHEDULER, action, arn, source)


def _invoke_target(original: Any, target: dict[str, Any], event: Any, rule: dict[str, Any], *rest: Any) -> None:
    source = str(rule.get("Arn", ""))
    reaches = schedule_may_reach if ":scheduler:" in source else rule_may_reach
    if permissions.enforced() and not reaches(source, target):
        LOG.warning("%s may not reach its target %s: not delivered", source, target.get("Arn"))
        return
    original(target, event, rule, *rest)


def _alarm_actions(original: Any, alarm: dict[str, Any], *rest: Any) -> None:
    """Skip topics whose policy does not allow CloudWatch to publish."""
    allowed = dict(alarm)
    source = str(alarm.get("AlarmArn", ""))
    for kind in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        allowed[kind] = [
            action
            for action in alarm.get(kind) or []
            if ":sns:" not in action or sns.topic_policy_allows(action, ALARMS, source, get_account_id())
        ]
        for action in set(alarm.get(kind) or []) - set(allowed[kind]):
            LOG.warning("%s may not publish to %s: not delivered", source, action)
    original(allowed, *rest)


def _execute_task(original: Any, definition: Any, given: Any, execution: dict[str, Any], context: Any) -> Any:
    machine = stepfunctions._state_machines.get(str(execution.get("stateMachineArn", "")))
    token = _task_role.set(str(machine["roleArn"]) if machine else "")
    try:
        return original(definition, given, execution, context)
    finally:
        _task_role.reset(token)


def _call_lambda(original: Any, reference: str, event: Any) -> Any:
    """Fail the task as Step Functions does when the state machine's role may not invoke the function."""
    role, action = _task_role.get(), ACTIONS["lambda"]
    arn = reference if reference.startswith("arn:") else lambda_svc._func_arn(reference)
    if role and not permissions.role_allows(role, action, arn):
        assumed = role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")
        message = f"User: {assumed} is not authorized to perform: {action} on resource: {arn}"
        cause = f"{message} (Service: Lambda, Status Code: 403)"
        raise stepfunctions._ExecutionError("Lambda.AWSLambdaException", cause)
    return original(reference, event)


def _trust_problem(given: dict[str, Any]) -> str | None:
    role = str(given.get("roleArn") or "")
    if not role or permissions.role_trusts(role, STATES):
        return None
    neither = f"Neither the global service principal {STATES}, nor the regional one"
    return f"{neither} is authorized to assume the provided role."


def _state_machine(original: Any, given: dict[str, Any]) -> Any:
    if reason := _trust_problem(given):
        return error_response_json("AccessDeniedException", reason, 400)
    return original(given)


def _machines_in_stacks() -> None:
    handlers = provisioners._RESOURCE_HANDLERS[MACHINE]
    create, update = handlers["create"], handlers["update"]

    def refuse(properties: dict[str, Any]) -> None:
        if reason := _trust_problem({"roleArn": properties.get("RoleArn")}):
            raise ValueError(f'Resource handler returned message: "{reason}" (HandlerErrorCode: AccessDenied)')

    def checked_create(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        refuse(properties)
        return create(logical_id, properties, stack)

    def checked_update(name: str, old: dict[str, Any], new: dict[str, Any], *rest: Any) -> Any:
        refuse(new)
        return update(name, old, new, *rest)

    handlers |= {"create": checked_create, "update": checked_update}


def register() -> None:
    """Check the deliveries of services."""
    wrap(eventbridge, "_invoke_target", _invoke_target)
    wrap(cloudwatch, "_dispatch_alarm_actions", _alarm_actions)
    wrap(stepfunctions, "_execute_task", _execute_task)
    wrap(stepfunctions, "_call_lambda", _call_lambda)
    wrap(stepfunctions, "_create_state_machine", _state_machine)
    wrap(stepfunctions, "_update_state_machine", _state_machine)
    _machines_in_stacks()

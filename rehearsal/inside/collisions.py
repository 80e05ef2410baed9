"""CloudFormation's refusal to create a resource whose name is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region  # type: ignore[import-not-found]
from ministack.services import (  # type: ignore[import-not-found]
    cloudwatch,
    cloudwatch_logs,
    codebuild,
    eventbridge,
    iam,
    lambda_svc,
    s3,
    scheduler,
    sns,
    stepfunctions,
)
from ministack.services.cloudformation import provisioners, stacks  # type: ignore[import-not-found]

from rehearsal.inside.wrapping import wrap

Properties = Mapping[str, Any]
# Lengths of names of roles, functions, rules, schedules and buckets, which are truncated in parts.
TRUNCATED_IN_PARTS = (63, 64)
PART_CHARACTERS, SUFFIX_CHARACTERS = 24, 12
UNBOUNDED = 1024


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def _rule_key(name: str, properties: Properties) -> str:
    return str(eventbridge._rule_key(name, properties.get("EventBusName") or "default"))


# By resource type: the property with the name, and a check whether the service has a resource of that name.
# Parameters and pipelines are not listed: their own APIs refuse a name that is taken.
NAMED: Mapping[str, tuple[str, Callable[[str, Properties], bool]]] = {
    "AWS::IAM::Role": ("RoleName", lambda name, _: name in iam._roles),
    "AWS::IAM::ManagedPolicy": (
        "ManagedPolicyName",
        lambda name, _: f"arn:aws:iam::{get_account_id()}:policy/{name}" in iam._policies,
    ),
    "AWS::Lambda::Function": ("FunctionName", lambda name, _: name in lambda_svc._functions),
    "AWS::Logs::LogGroup": ("LogGroupName", lambda name, _: name in cloudwatch_logs._log_groups),
    "AWS::StepFunctions::StateMachine": (
        "StateMachineName",
        lambda name, _: _arn("states", f"stateMachine:{name}") in stepfunctions._state_machines,
    ),
    "AWS::CloudWatch::Alarm": ("AlarmName", lambda name, _: name in cloudwatch._alarms),
    "AWS::Events::Rule": ("Name", lambda name, given: _rule_key(name, given) in eventbridge._rules),
    "AWS::Scheduler::Schedule": (
        "Name",
        lambda name, given: f"{given.get('GroupName') or 'default'}/{name}" in scheduler._schedules,
    ),
    "AWS::SNS::Topic": ("TopicName", lambda name, _: _arn("sns", name) in sns._topics),
    "AWS::CodeBuild::Project": ("Name", lambda name, _: name in codebuild._projects),
    "AWS::S3::BucketPolicy": ("Bucket", lambda name, _: bool(s3._bucket_policies.get(name))),
}


def refuse(resource_type: str, properties: Properties, old: Properties | None = None) -> None:
    """Raise ValueError when the name of a new resource is taken."""
    key, exists = NAMED.get(resource_type, ("", lambda _name, _given: False))
    name = properties.get(key)
    renamed = old is None or old.get(key) != name
    if name and renamed and exists(str(name), properties):
        raise ValueError(
            f"Resource handler returned message: \"Resource of type '{resource_type}' with identifier '{name}' already "
            'exists." (HandlerErrorCode: AlreadyExists)'
        )


def physical_name(original: Any, stack: str, logical_id: str, *, max_len: int = 128, **settings: Any) -> str:
    """Return a generated name.

    AWS does not document how it truncates a name that is too long. Observed names of roles and functions keep 24
    characters of the stack's name and 24 of the logical id, so nothing may rely on the characters after them.
    """
    whole = str(original(stack, logical_id, max_len=UNBOUNDED, **settings))
    if len(whole) <= max_len or max_len not in TRUNCATED_IN_PARTS:
        return str(original(stack, logical_id, max_len=max_len, **settings))
    parts = (stack[:PART_CHARACTERS], logical_id[:PART_CHARACTERS], whole[-SUFFIX_CHARACTERS:])
    name = "-".join(parts)
    return name.lower() if settings.get("lowercase") else name


def register() -> None:
    """Check the name before each creation, also of a replacement."""

    def provision(original: Any, resource_type: str, logical_id: str, properties: Properties, stack: str) -> Any:
        refuse(resource_type, properties)
        return original(resource_type, logical_id, properties, stack)

    def update(original: Any, resource_type: str, name: str, old: Properties, new: Properties, *rest: Any) -> Any:
        refuse(resource_type, new, old)
        return original(resource_type, name, old, new, *rest)

    wrap(stacks, "_provision_keeping_seed", provision)
    wrap(stacks, "_update_keeping_seed", update)
    wrap(provisioners, "_physical_name", physical_name)

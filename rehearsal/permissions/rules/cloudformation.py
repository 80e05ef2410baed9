"""Permissions of CloudFormation's operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

from rehearsal.permissions.evaluator import Check
from rehearsal.permissions.facts import Facts
from rehearsal.permissions.operations import Operation, bucket_of_host
from rehearsal.permissions.rules.common import Rule, action_of, arn_of, check_on, pass_role, text_parameter
from rehearsal.permissions.rules.parameters import parameter_arn

STACK_OPERATIONS = (
    "CancelUpdateStack",
    "ContinueUpdateRollback",
    "DeleteChangeSet",
    "DeleteStack",
    "DescribeChangeSet",
    "DescribeChangeSetHooks",
    "DescribeEvents",
    "DescribeStackEvents",
    "DescribeStackResource",
    "DescribeStackResources",
    "DetectStackDrift",
    "ExecuteChangeSet",
    "GetStackPolicy",
    "GetTemplate",
    "ListChangeSets",
    "ListStackResources",
    "RollbackStack",
    "SetStackPolicy",
    "UpdateTerminationProtection",
)


def _stack(operation: Operation) -> str:
    """Return a stack's ARN as CloudFormation's own refusals write it: `stack/NAME/*` for a request with the name."""
    name = text_parameter(operation, "StackName")
    return name if name.startswith("arn:") else arn_of(operation, "cloudformation", f"stack/{name}/*")


def _stack_or_all(operation: Operation) -> str:
    if operation.parameters.get("StackName"):
        return _stack(operation)
    return arn_of(operation, "cloudformation", "stack/*/*")


def _stack_change(operation: Operation, facts: Facts) -> Iterator[Check]:
    parameters = operation.parameters
    stack = _stack(operation)
    keys = {
        "cloudformation:RoleArn": "RoleARN",
        "cloudformation:ChangeSetName": "ChangeSetName",
        "cloudformation:TemplateUrl": "TemplateURL",
        "cloudformation:StackPolicyUrl": "StackPolicyURL",
    }
    values = {key: str(parameters[name]) for key, name in keys.items() if name in parameters}
    yield Check(action_of(operation), stack, values, tuple(sorted(set(keys) - set(values))))
    if role := parameters.get("RoleARN"):
        yield pass_role(str(role), "cloudformation.amazonaws.com")
    if url := parameters.get("TemplateURL"):
        yield _read_template(operation, str(url))
    if "RoleARN" not in parameters:
        yield from _read_parameters(operation, stack.split("/")[1], facts)


def _read_parameters(operation: Operation, stack: str, facts: Facts) -> Iterator[Check]:
    """Yield a check for each SSM parameter of the template, which CloudFormation reads for a change set.

    It reads them as the caller (bootstrap-template.yaml of the CDK, ReadVersion), or as the service role when the
    request passes one: the CDK's deploy role cannot read parameters of stacks, but deploys them. A request that
    relies on the role of an earlier one is judged as if it had none, which is the stricter reading.
    """
    for name in facts.stack_parameters.get(stack, ()):
        yield Check("ssm:GetParameters", parameter_arn(operation, name))


def _read_template(operation: Operation, url: str) -> Check:
    """Return the check of the template's object, read as the caller (bootstrap-template.yaml, CliStagingBucket)."""
    address = urlsplit(url)
    bucket = bucket_of_host(str(address.hostname))
    path = unquote(address.path.lstrip("/"))
    values = {"s3:ResourceAccount": operation.request.account}
    return Check("s3:GetObject", f"arn:aws:s3:::{bucket}/{path}" if bucket else f"arn:aws:s3:::{path}", values)


def _template_summary(operation: Operation, facts: Facts) -> Iterator[Check]:
    yield Check(action_of(operation), _stack(operation) if operation.parameters.get("StackName") else "*")
    if url := operation.parameters.get("TemplateURL"):
        yield _read_template(operation, str(url))


CLOUDFORMATION: Mapping[str, Rule] = {
    **{name: check_on(_stack) for name in STACK_OPERATIONS},
    **dict.fromkeys(("CreateStack", "UpdateStack", "CreateChangeSet"), _stack_change),
    "DescribeStacks": check_on(_stack_or_all),
    "GetTemplateSummary": _template_summary,
}

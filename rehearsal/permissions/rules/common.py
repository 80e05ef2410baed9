"""Building blocks of the rules: names of actions, ARNs of resources, and roles that a request passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rehearsal.permissions.evaluator import Check
from rehearsal.permissions.facts import Facts
from rehearsal.permissions.operations import Operation, UnknownOperationError

Rule = Callable[[Operation, Facts], Iterator[Check]]

# Prefixes of actions that differ from botocore's name of the service.
PREFIXES: Mapping[str, str] = {
    "bedrock-runtime": "bedrock",
    "resourcegroupstaggingapi": "tag",
    "service-quotas": "servicequotas",
    "sesv2": "ses",
    "stepfunctions": "states",
}


def action_of(operation: Operation) -> str:
    """Return the action with the operation's own name."""
    return f"{PREFIXES.get(operation.service, operation.service)}:{operation.name}"


def arn_of(operation: Operation, service: str, rest: str) -> str:
    """Return an ARN in the region and account of the request."""
    return f"arn:aws:{service}:{operation.request.region}:{operation.request.account}:{rest}"


def text_parameter(operation: Operation, *names: str) -> str:
    """Return the first of these parameters that the request has; raise UnknownOperationError when it has none."""
    for name in names:
        if value := operation.parameters.get(name):
            return str(value)
    raise UnknownOperationError(
        f"{operation.request.sample}: {operation} was recorded without {' or '.join(names)}, which names its resource."
    )


def nested_value(document: Any, path: str) -> Any:
    """Return the value at a dotted path of a document, None when it is missing."""
    value = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def check_on(resource: Callable[[Operation], str], action: str | None = None) -> Rule:
    """Return a rule with one check: `action`, or the operation's own action, on a resource."""

    def rule(operation: Operation, facts: Facts) -> Iterator[Check]:
        yield Check(action or action_of(operation), resource(operation))

    return rule


def parameter(name: str) -> Callable[[Operation], str]:
    """Return a function that takes the resource's ARN from a parameter of the request."""
    return lambda operation: text_parameter(operation, name)


def pass_role(role: str, service: str) -> Check:
    """Return the check of iam:PassRole for a role that a request passes to a service.

    IAM user guide, "Grant a user permissions to pass a role to an AWS service".
    """
    return Check("iam:PassRole", role, {"iam:PassedToService": service})


def check_and_pass_role(resource: Callable[[Operation], str], role_path: str, service: str) -> Rule:
    """Return a rule that also checks iam:PassRole when the request names a role at the path `role_path`."""

    def rule(operation: Operation, facts: Facts) -> Iterator[Check]:
        yield Check(action_of(operation), resource(operation))
        if role := nested_value(operation.parameters, role_path):
            yield pass_role(str(role), service)

    return rule


def no_permission(operation: Operation, facts: Facts) -> Iterator[Check]:
    """Yield no check, for an operation that needs no permission."""
    return iter(())

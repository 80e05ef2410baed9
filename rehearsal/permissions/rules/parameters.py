"""Permissions of Systems Manager's operations on parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rehearsal.permissions.evaluator import Check
from rehearsal.permissions.facts import Facts
from rehearsal.permissions.operations import Operation
from rehearsal.permissions.rules.common import Rule, action_of, arn_of, check_on, text_parameter


def parameter_arn(operation: Operation, name: str) -> str:
    """Return a parameter's ARN: its name without the first slash, and without version or label."""
    if name.startswith("arn:"):
        return name
    return arn_of(operation, "ssm", f"parameter/{name.partition(':')[0].lstrip('/')}")


def _parameter(operation: Operation) -> str:
    return parameter_arn(operation, text_parameter(operation, "Name"))


def _path(operation: Operation) -> str:
    return parameter_arn(operation, text_parameter(operation, "Path"))


def _get_parameters(operation: Operation, facts: Facts) -> Iterator[Check]:
    for name in operation.parameters.get("Names") or [text_parameter(operation, "Names")]:
        yield Check(action_of(operation), parameter_arn(operation, str(name)))


def _put_parameter(operation: Operation, facts: Facts) -> Iterator[Check]:
    # "true" or "false", also when the request has none: false is its default (service authorization reference).
    overwrites = str(bool(operation.parameters.get("Overwrite"))).lower()
    yield Check(action_of(operation), _parameter(operation), {"ssm:Overwrite": overwrites})
    if operation.parameters.get("Tags"):
        yield Check("ssm:AddTagsToResource", _parameter(operation))


SSM: Mapping[str, Rule] = {
    **{name: check_on(_parameter) for name in ("DeleteParameter", "GetParameter", "GetParameterHistory")},
    "GetParameters": _get_parameters,
    "GetParametersByPath": check_on(_path),
    "PutParameter": _put_parameter,
}

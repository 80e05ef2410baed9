"""Permissions of IAM and STS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rehearsal.permissions.evaluator import Check
from rehearsal.permissions.facts import Facts
from rehearsal.permissions.operations import Operation
from rehearsal.permissions.rules.common import Rule, action_of, check_on, no_permission, parameter, text_parameter


def _role(operation: Operation, facts: Facts) -> Iterator[Check]:
    name = text_parameter(operation, "RoleName")
    role = facts.roles.get(name)
    arn = role.arn if role else f"arn:aws:iam::{operation.request.account}:role/{name}"
    yield Check(action_of(operation), arn)


def _assume_role(operation: Operation, facts: Facts) -> Iterator[Check]:
    role = text_parameter(operation, "RoleArn")
    found = facts.roles.get(role.rpartition("/")[2])
    tags = {f"iam:ResourceTag/{key}": value for key, value in (found.tags if found else {}).items()}
    session = {"sts:RoleSessionName": text_parameter(operation, "RoleSessionName")}
    external = operation.parameters.get("ExternalId")
    values = tags | session | ({"sts:ExternalId": str(external)} if external else {})
    absent = ("iam:ResourceTag/*", *(() if external else ("sts:ExternalId",)))
    yield Check("sts:AssumeRole", role, values, absent)
    if operation.parameters.get("Tags"):
        yield Check("sts:TagSession", role, values, absent)


IAM: Mapping[str, Rule] = {
    **dict.fromkeys(
        ("GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies", "ListRoleTags"), _role
    ),
    "SimulatePrincipalPolicy": check_on(parameter("PolicySourceArn")),
}
# STS API reference: GetCallerIdentity needs no permission and cannot be denied.
STS: Mapping[str, Rule] = {"AssumeRole": _assume_role, "GetCallerIdentity": no_permission}

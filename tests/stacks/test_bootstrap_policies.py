"""Policies of the bootstraps: sufficient for every resource and grant of the templates, and within IAM's limits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from policy_sentry.querying.all import get_all_actions

from cli.bootstrap.environment import environment_policies
from cli.bootstrap.pipeline import pipeline_policies
from cli.bootstrap.policies import LONGEST_MANAGED_POLICY, Document, concrete, longest
from rehearsal.permissions.conditions import Context
from rehearsal.permissions.evaluator import Check, decide
from rehearsal.permissions.policies import Policy, RolePolicies, parse_policy
from rehearsal.provisioned import BOUNDARY, PASS, Need, Operation, Resource
from rehearsal.provisioning import KINDS, needs
from stacks.iam import OUTPUT_IN_THE_RUNNING_SYSTEM
from tests.repository import ROOT
from tests.stacks.deployed import ACCOUNT, REGION, Account, Stack, golden_account
from vectora_ops.settings import ENVIRONMENT_NAMES, load_settings

SETTINGS = load_settings(ROOT)
OWNERS = (*ENVIRONMENT_NAMES, None)
OPERATIONS: tuple[Operation, ...] = ("create", "update", "delete")
RESERVE = 200


def _policies(owner: str | None) -> Any:
    return pipeline_policies(SETTINGS) if owner is None else environment_policies(SETTINGS, owner)


@cache
def _parsed(owner: str | None, kind: str) -> Policy:
    document: Document = getattr(_policies(owner), kind)()
    return parse_policy(f"{kind} of {owner}", concrete(document, ACCOUNT, REGION))


@cache
def _account() -> Account:
    return golden_account()


def _stacks(owner: str | None) -> Iterator[Stack]:
    return (stack for stack in _account().stacks if stack.env == owner)


def _context(values: dict[str, str]) -> Context:
    known = {
        "aws:ResourceAccount": ACCOUNT,
        "aws:PrincipalAccount": ACCOUNT,
        "aws:RequestedRegion": REGION,
        "aws:SecureTransport": "true",
        **values,
    }
    absent = ("aws:ResourceTag/*", "aws:RequestTag/*", "kms:ViaService", "iam:PassedToService", BOUNDARY)
    return Context(known, tuple(key for key in absent if key not in known))


def allows(policy: Policy, need: Need, boundary: Policy | None = None) -> str | None:
    """Return why a role with this policy and boundary may not do it, or None."""
    role = RolePolicies("arn:aws:iam::111111111111:role/it", "test", (policy,), boundary)
    decision = decide(role, Check(need.action, need.resource), _context(dict(need.values)))
    return None if decision.allowed else f"{need.action} on {need.resource}: {decision.reason}"


def _resource(stack: Stack, logical_id: str, resource_type: str, properties: dict[str, Any]) -> Resource:
    if resource_type == "AWS::IAM::Policy":
        roles = [each["Ref"] for each in stack.body["Resources"][logical_id]["Properties"]["Roles"]]
        paths = [f"{stack.properties(role)['Path'].lstrip('/')}{stack.physical_name(role)}" for role in roles]
        properties = {**properties, "Roles": paths}
    return Resource(resource_type, stack.physical_name(logical_id), properties, ACCOUNT, REGION)


def _with_boundary(need: Need, owner: str | None) -> Need:
    """Add the boundary that the templates give to all roles, to a request on a role that has it."""
    if need.action not in ("iam:PutRolePolicy", "iam:DeleteRolePolicy") or BOUNDARY in need.values:
        return need
    names = SETTINGS.names(owner or "dev")
    boundary = names.boundary if owner else names.pipeline_boundary
    return Need(need.action, need.resource, {**need.values, BOUNDARY: f"arn:aws:iam::{ACCOUNT}:policy/{boundary}"})


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_cloudformation_may_do_what_the_handlers_of_every_resource_need(
    owner: str | None, operation: Operation
) -> None:
    policy, count, refused = _parsed(owner, "execution"), 0, set()
    for stack in _stacks(owner):
        for logical_id, resource_type, properties in stack.resources:
            assert resource_type in KINDS or resource_type.startswith("Custom::"), f"add {resource_type} to KINDS"
            for need in needs(_resource(stack, logical_id, resource_type, properties), operation):
                count += 1
                refused.add(allows(policy, _with_boundary(need, owner)))
    assert refused == {None}
    assert count > (150 if owner else 40)


@pytest.mark.parametrize("owner", OWNERS)
def test_every_grant_of_every_role_is_within_its_boundary(owner: str | None) -> None:
    boundary, count, refused = _parsed(owner, "boundary"), 0, set()
    for statement in _account().statements:
        stack = _account().stack(statement.location.partition("/")[0])
        if stack.env != owner or not statement.roles or statement.effect != "Allow":
            continue
        for action in statement.actions:
            for resource in statement.resources:
                count += 1
                if not _may_be_within(boundary, action, resource):
                    refused.add(f"{statement.location}: {action} on {resource}")
    assert refused == set()
    assert count > 60


def _may_be_within(boundary: Policy, action: str, resource: str) -> bool:
    """Return whether the boundary allows an action on the granted pattern of resources, or on a part of it."""
    return any(
        each.allows
        and any(_overlap(pattern.lower(), action.lower()) for pattern in each.actions)
        and any(_overlap(pattern, resource) for pattern in each.resources)
        for each in boundary.statements
    )


@cache
def _overlap(one: str, other: str) -> bool:
    """Return whether a text exists that both patterns match."""
    if not one or not other:
        return set(one + other) <= {"*"}
    if one[0] == "*" or other[0] == "*":
        first, second = (one, other) if one[0] == "*" else (other, one)
        return _overlap(first[1:], second) or _overlap(first, second[1:])
    return (one[0] == other[0] or "?" in (one[0], other[0])) and _overlap(one[1:], other[1:])


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("kind", ["boundary", "execution"])
def test_a_policy_fits_into_a_managed_policy_with_reserve(owner: str | None, kind: str) -> None:
    assert longest(getattr(_policies(owner), kind)()) < LONGEST_MANAGED_POLICY - RESERVE


@pytest.mark.parametrize("kind", ["boundary", "execution"])
def test_every_action_exists_in_aws(kind: str) -> None:
    known = {each.lower() for each in get_all_actions()}
    for owner in OWNERS:
        for statement in _parsed(owner, kind).statements:
            for pattern in statement.actions:
                names = re.compile(".*".join(map(re.escape, pattern.lower().split("*"))))
                assert any(names.fullmatch(each) for each in known), f"there is no action {pattern}"


def test_every_role_of_the_templates_has_the_path_and_the_boundary_of_its_environment() -> None:
    found = 0
    for stack, logical_id, properties in _account().of_type("AWS::IAM::Role"):
        names = SETTINGS.names(stack.env or "dev")
        path, boundary = (
            (names.role_path, names.boundary) if stack.env else (names.pipeline_role_path, names.pipeline_boundary)
        )
        if logical_id in OUTPUT_IN_THE_RUNNING_SYSTEM and SETTINGS.environment(names.env).is_adopted:
            assert "Path" not in properties, logical_id
        else:
            assert properties["Path"] == path, logical_id
        assert properties["PermissionsBoundary"] == f"arn:aws:iam::{ACCOUNT}:policy/{boundary}", logical_id
        if stack.env and "RoleName" in properties:
            assert properties["RoleName"].endswith(f"-role-{stack.env}")
        found += 1
    assert found > 40


def test_cloudformation_manages_the_roles_of_an_adopted_system_by_their_stack_and_with_the_boundary_only() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/vectora-inbox-s0-iam-dev-EngineRole-ABC"
    boundary = {BOUNDARY: f"arn:aws:iam::{ACCOUNT}:policy/{SETTINGS.names('dev').boundary}"}
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"):
        assert allows(_parsed("dev", "execution"), Need(action, role, boundary)) is None
        assert allows(_parsed("dev", "execution"), Need(action, role, {BOUNDARY: "another"})) is not None
        assert allows(_parsed("stage", "execution"), Need(action, role, boundary)) is not None
    assert allows(_parsed("dev", "execution"), Need("iam:DeleteRolePermissionsBoundary", role, boundary)) is not None


def test_a_role_is_passed_by_the_path_of_its_environment_only() -> None:
    for owner in ENVIRONMENT_NAMES:
        for other in ENVIRONMENT_NAMES:
            need = Need(
                PASS,
                f"arn:aws:iam::{ACCOUNT}:role{SETTINGS.names(other).role_path}any",
                {"iam:PassedToService": "lambda.amazonaws.com"},
            )
            assert (allows(_parsed(owner, "execution"), need) is None) == (owner == other)


def test_the_policies_name_no_account_and_no_region_of_their_own() -> None:
    for owner in OWNERS:
        for kind in ("boundary", "execution"):
            text = json.dumps(getattr(_policies(owner), kind)())
            assert not re.search(r"\d{12}|eu-west-3", text)

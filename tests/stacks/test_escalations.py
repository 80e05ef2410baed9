"""Escalations between environments, tried by every role of dev and stage, and by the roles of their bootstraps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from rehearsal.permissions.conditions import Context
from rehearsal.permissions.evaluator import Check, decide
from rehearsal.permissions.policies import RolePolicies, parse_policy
from rehearsal.permissions.roles import managed_by_aws
from rehearsal.provisioning import BOUNDARY, PASS, Need
from tests.stacks.bootstraps import SETTINGS, bootstrap_roles, managed_policies
from tests.stacks.deployed import ACCOUNT, REGION, Properties, Stack, golden_account
from vectora_ops.names import BUCKETS, FUNCTION_TASKS, OPERATIONS_TASKS, STACK_LAYERS
from vectora_ops.settings import ENVIRONMENT_NAMES

ATTACKERS = ("dev", "stage")
ADMINISTRATOR_ACCESS = "arn:aws:iam::aws:policy/AdministratorAccess"
SHARED_EXECUTION_ROLE = f"arn:aws:iam::{ACCOUNT}:role/cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-{REGION}"
SERVICES = ("lambda", "states", "scheduler", "events", "cloudformation", "codebuild")
CHANGES_OF_POLICIES = ("CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "SetDefaultPolicyVersion")
ABSENT = ("iam:PassedToService", BOUNDARY, "kms:ViaService", "aws:RequestTag/*", "aws:ResourceTag/*", "sts:ExternalId")


@cache
def roles_of(env: str) -> tuple[RolePolicies, ...]:
    """Return all roles of an environment: those of its stacks, of its bootstrap, and what an intruder may make of them.

    An intruder who could attach AdministratorAccess to a role is limited by the role's boundary.
    """
    own = [
        _role(stack, logical_id, properties)
        for stack, logical_id, properties in golden_account().of_type("AWS::IAM::Role")
        if stack.env == env
    ]
    of_bootstrap = list(bootstrap_roles(env, ACCOUNT, REGION))
    administrator = managed_by_aws(ADMINISTRATOR_ACCESS)
    widened = [
        replace(role, source=f"{role.source} with AdministratorAccess", policies=(administrator,))
        for role in (own[0], *of_bootstrap)
        if role.boundary
    ]
    return (*own, *of_bootstrap, *widened)


def _role(stack: Stack, logical_id: str, properties: Properties) -> RolePolicies:
    boundary = properties["PermissionsBoundary"]
    return RolePolicies(
        arn=stack.arn(logical_id),
        source=f"{stack.name}/{logical_id}",
        policies=tuple(parse_policy(logical_id, each["PolicyDocument"]) for each in properties["Policies"]),
        boundary=parse_policy(boundary, managed_policies(ACCOUNT, REGION)[boundary]),
    )


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def _iam(kind: str, name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{kind}/{name}"


def _passed(role: str, *services: str) -> Iterator[Need]:
    for service in services:
        yield Need(PASS, role, {"iam:PassedToService": f"{service}.amazonaws.com"})


def become_administrator(env: str) -> Iterator[Need]:
    """Yield what gives a role more than its boundary: other policies, another boundary or none, another role."""
    names = SETTINGS.names(env)
    yield from _passed(SHARED_EXECUTION_ROLE, *SERVICES)
    for policy in (names.boundary, names.execution_policy):
        for action in CHANGES_OF_POLICIES:
            yield Need(f"iam:{action}", _iam("policy", policy))
    own_boundary = {BOUNDARY: _iam("policy", names.boundary)}
    execution = _iam("role", f"cdk-{names.bootstrap_qualifier}-cfn-exec-role-{ACCOUNT}-{REGION}")
    for role in (_iam("role", f"{names.role_path[1:]}new"), _iam("role", "new"), execution):
        yield Need("iam:CreateRole", role)
        yield Need("iam:CreateRole", role, {BOUNDARY: ADMINISTRATOR_ACCESS})
        yield Need("iam:PutRolePolicy", role)
        yield Need("iam:PutRolePermissionsBoundary", role, {BOUNDARY: ADMINISTRATOR_ACCESS})
        yield Need("iam:DeleteRolePermissionsBoundary", role, own_boundary)
        yield Need("iam:AttachRolePolicy", role, {"iam:PolicyARN": ADMINISTRATOR_ACCESS, **own_boundary})
    yield Need("iam:PutRolePolicy", execution, own_boundary)
    yield Need("iam:UpdateAssumeRolePolicy", execution)
    yield Need("iam:CreateUser", _iam("user", "new"))
    yield Need("iam:CreateAccessKey", _iam("user", "administrator"))
    yield Need("cloudformation:UpdateStack", _arn("cloudformation", f"stack/{names.toolkit_stack}/x"))
    yield Need("cloudformation:CreateChangeSet", _arn("cloudformation", "stack/CDKToolkit/x"))


def change_another_environment(env: str, other: str) -> Iterator[Need]:
    """Yield what changes or becomes the other environment."""
    names = SETTINGS.names(other)
    yield from _changes_of_roles(other)
    assets = f"arn:aws:s3:::cdk-{names.bootstrap_qualifier}-assets-{ACCOUNT}-{REGION}"
    shared = f"arn:aws:s3:::cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
    buckets = [*(f"arn:aws:s3:::{names.bucket(each)}" for each in BUCKETS), assets, shared]
    for bucket in buckets:
        # A pattern for the attacker's own bucket must not match a key that ends like its name.
        for key in ("a", f"any-{env}/a", f"x/vectora-inbox-config-{env}/a"):
            yield Need("s3:PutObject", f"{bucket}/{key}")
            yield Need("s3:DeleteObject", f"{bucket}/{key}")
        for action in ("PutBucketPolicy", "PutLifecycleConfiguration", "DeleteBucket"):
            yield Need(f"s3:{action}", bucket)
    for path in ("promotion/hold", "roles/ingest-v2", "release"):
        yield Need("ssm:PutParameter", _arn("ssm", f"parameter{names.parameter(path)}"))
        yield Need("ssm:DeleteParameter", _arn("ssm", f"parameter{names.parameter(path)}"))
    for layer in STACK_LAYERS:
        for action in ("CreateChangeSet", "ExecuteChangeSet", "UpdateStack", "DeleteStack", "RollbackStack"):
            yield Need(f"cloudformation:{action}", _arn("cloudformation", f"stack/{names.stack(layer)}/0a1b2c"))
    for task in (*FUNCTION_TASKS, *OPERATIONS_TASKS):
        function = _arn("lambda", f"function:{names.function(task)}")
        for action in ("UpdateFunctionCode", "UpdateFunctionConfiguration", "AddPermission", "DeleteFunction"):
            yield Need(f"lambda:{action}", function)
        if task != "promotion":
            yield Need("lambda:InvokeFunction", function)
    yield Need("states:StartExecution", _arn("states", f"stateMachine:{names.state_machine}"))
    yield Need("states:UpdateStateMachine", _arn("states", f"stateMachine:{names.state_machine}"))
    yield Need("scheduler:UpdateSchedule", _arn("scheduler", f"schedule/default/{names.schedule('canary', 'daily')}"))
    yield Need("events:PutTargets", _arn("events", f"rule/{names.rule('stage-failed')}"))
    yield Need("sns:SetTopicAttributes", _arn("sns", names.topic("operations")))
    tags = {"aws:ResourceTag/Env": other, "aws:ResourceTag/Project": names.project}
    for action in ("PutKeyPolicy", "ScheduleKeyDeletion", "DisableKey"):
        yield Need(f"kms:{action}", _arn("kms", "key/0a1b"), tags)
    taken = {"aws:RequestTag/Env": env, "aws:RequestTag/Project": names.project}
    yield Need("kms:TagResource", _arn("kms", "key/0a1b"), {**tags, **taken})


def _changes_of_roles(other: str) -> Iterator[Need]:
    names = SETTINGS.names(other)
    role = _iam("role", f"{names.role_path[1:]}{names.role('rollback')}")
    yield from _passed(role, *SERVICES)
    boundary = {BOUNDARY: _iam("policy", names.boundary)}
    for action in ("CreateRole", "PutRolePolicy", "PutRolePermissionsBoundary", "AttachRolePolicy"):
        yield Need(f"iam:{action}", role, {**boundary, "iam:PolicyARN": ADMINISTRATOR_ACCESS})
    for action in ("UpdateAssumeRolePolicy", "DeleteRole", "DeleteRolePolicy"):
        yield Need(f"iam:{action}", role, {"aws:ResourceTag/Env": other, "aws:ResourceTag/Component": "iam"})
    # A role of the old form, before the path.
    old = _iam("role", f"{names.project}-rollback-{other}")
    yield Need("iam:DeleteRole", old, {"aws:ResourceTag/Env": other, "aws:ResourceTag/Component": "operations"})
    for policy in (names.boundary, names.execution_policy):
        for action in CHANGES_OF_POLICIES:
            yield Need(f"iam:{action}", _iam("policy", policy))
    for kind in ("deploy", "file-publishing", "image-publishing", "lookup", "cfn-exec"):
        of_bootstrap = _iam("role", f"cdk-{names.bootstrap_qualifier}-{kind}-role-{ACCOUNT}-{REGION}")
        yield Need("sts:AssumeRole", of_bootstrap)
        yield from _passed(of_bootstrap, *SERVICES)


def _refusal(role: RolePolicies, need: Need) -> bool:
    """Return whether AWS refuses it; fail when that cannot be judged."""
    accounts = dict.fromkeys(("aws:ResourceAccount", "s3:ResourceAccount", "aws:PrincipalAccount"), ACCOUNT)
    values = {"aws:SecureTransport": "true", **accounts, **need.values}
    context = Context(values, tuple(key for key in ABSENT if key not in values))
    decision = decide(role, Check(need.action, need.resource), context)
    known = ("denied by", "no policy allows", "the permissions boundary does not allow")
    assert decision.allowed or decision.reason.startswith(known), decision.reason
    return not decision.allowed


def attacks(env: str) -> Iterator[Need]:
    """Yield everything that no role of an environment may do."""
    yield from become_administrator(env)
    for other in ENVIRONMENT_NAMES:
        if other != env:
            yield from change_another_environment(env, other)
    qualifier = SETTINGS.names(env).pipeline_bootstrap_qualifier
    for kind in ("deploy", "file-publishing"):
        yield Need("sts:AssumeRole", _iam("role", f"cdk-{qualifier}-{kind}-role-{ACCOUNT}-{REGION}"))
    yield Need("codepipeline:UpdatePipeline", _arn("codepipeline", SETTINGS.names(env).pipeline))
    yield Need("codepipeline:PutApprovalResult", _arn("codepipeline", f"{SETTINGS.names(env).pipeline}/prod/approval"))


@pytest.mark.parametrize("env", ATTACKERS)
def test_no_role_of_an_environment_gets_out_of_it(env: str) -> None:
    tried = list(attacks(env))
    roles = roles_of(env)
    succeeded = [
        f"{role.source}: {need.action} on {need.resource} with {dict(need.values)}"
        for role in roles
        for need in tried
        if not _refusal(role, need)
    ]
    assert succeeded == []
    assert len(roles) > 15
    assert len(tried) > 300


@pytest.mark.parametrize("env", ATTACKERS)
def test_an_administrator_could_do_each_of_them(env: str) -> None:
    administrator = RolePolicies(_iam("role", "administrator"), "test", (managed_by_aws(ADMINISTRATOR_ACCESS),))
    assert [need for need in attacks(env) if _refusal(administrator, need)] == []


@pytest.mark.parametrize("env", ATTACKERS)
def test_a_role_without_its_boundary_would_get_out(env: str) -> None:
    administrator = managed_by_aws(ADMINISTRATOR_ACCESS)
    unbounded = replace(roles_of(env)[0], policies=(administrator,), boundary=None)
    assert not all(_refusal(unbounded, need) for need in become_administrator(env))


@pytest.mark.parametrize("env", ATTACKERS)
def test_only_cloudformations_own_role_is_passed_by_the_rollback(env: str) -> None:
    [rollback] = [role for role in roles_of(env) if role.source.endswith("s0-operations-" + env + "/RollbackRole")]
    own = SETTINGS.names(env).bootstrap_qualifier
    passed = {
        qualifier: not _refusal(rollback, need)
        for qualifier in (own, "hnb659fds", *(SETTINGS.names(each).bootstrap_qualifier for each in ENVIRONMENT_NAMES))
        for need in _passed(_iam("role", f"cdk-{qualifier}-cfn-exec-role-{ACCOUNT}-{REGION}"), "cloudformation")
    }
    assert [qualifier for qualifier, allowed in passed.items() if allowed] == [own]

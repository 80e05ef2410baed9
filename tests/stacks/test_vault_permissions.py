"""Permissions of each role of an environment on its vault, judged by AWS's rules with the vault's own policy."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rehearsal.permissions.conditions import Context
from rehearsal.permissions.evaluator import Check, ResourcePolicy, decide
from rehearsal.permissions.policies import RolePolicies, parse_policy
from rehearsal.permissions.roles import as_deployed, roles_from_stack
from rehearsal.permissions.s3_checks import CREATES_OBJECT, REMAINING_DAYS
from tests.repository import ROOT
from tests.stacks.bootstraps import managed_policies
from tests.stacks.deployed import Environment, Templates
from vectora_ops.settings import load_settings

ACCOUNT, REGION = "1" * 12, "eu-west-3"
OBJECT, MANIFEST, README = f"objects/{'0' * 64}", "snapshots/a_20260101_120000/manifest.json", "snapshots/a/README.md"
UNCONDITIONAL = {"s3:if-none-match", "s3:if-match"}
# A role that may do anything, such as one that a person has: only the vault's policy stands in its way.
ANYBODY = RolePolicies(
    arn=f"arn:aws:iam::{ACCOUNT}:role/anybody",
    source="a test",
    policies=(
        parse_policy(
            "everything", {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
        ),
    ),
)


class Vault:
    """The roles of an environment, and the policy of its vault."""

    def __init__(self, env: str, templates: Templates) -> None:
        self.env = env
        self.arn = f"arn:aws:s3:::vectora-inbox-snapshots-{env}"
        self.days = load_settings(ROOT).environment(env).snapshots.minimum_age_days
        stacks = {
            layer: as_deployed(f"vectora-inbox-{layer}-{env}", template, ACCOUNT, REGION)
            for layer, template in templates.items()
        }
        managed = managed_policies(ACCOUNT, REGION)
        roles = [role for stack in stacks.values() for role in roles_from_stack(stack, managed)]
        self.roles: Mapping[str, RolePolicies] = {role.arn.rpartition("/")[2]: role for role in roles}
        document = stacks["s0-operations"].properties("SnapshotsBucketPolicy")["PolicyDocument"]
        self.policy = ResourcePolicy(parse_policy("the vault's policy", document))

    def refusal(self, role: RolePolicies, action: str, key: str, **values: str) -> str | None:
        """Return why AWS refuses a request of a role; None when it is allowed."""
        given = {name.replace("__", ":").replace("_", "-"): value for name, value in values.items()}
        if action == "s3:PutObject":
            given.setdefault(CREATES_OBJECT, "true")
        absent = (*UNCONDITIONAL, REMAINING_DAYS, "s3:object-lock-mode")
        check = Check(action, f"{self.arn}/{key}", given, tuple(sorted(set(absent) - set(given))))
        context = _context(role)
        decision = decide(role, check, context, (self.policy,))
        return None if decision.allowed else decision.reason

    @property
    def everybody(self) -> list[RolePolicies]:
        return [*self.roles.values(), ANYBODY]


@pytest.fixture
def vault(environment: Environment) -> Vault:
    return Vault(*environment)


def _context(role: RolePolicies) -> Context:
    return Context(
        {"aws:SecureTransport": "true", "aws:PrincipalArn": role.arn, "aws:ResourceAccount": ACCOUNT},
        absent=("aws:PrincipalTag/*",),
    )


def role(vault: Vault, task: str) -> RolePolicies:
    [found] = [each for name, each in vault.roles.items() if f"-{task}-" in name and "schedule" not in name]
    return found


@pytest.mark.parametrize("key", [OBJECT, MANIFEST])
def test_nobody_replaces_an_object_or_a_manifest(vault: Vault, key: str) -> None:
    for each in vault.everybody:
        assert vault.refusal(each, "s3:PutObject", key) is not None, each.arn
    assert "DenyReplacements" in str(vault.refusal(role(vault, "snapshot"), "s3:PutObject", key))
    assert "DenyReplacements" in str(vault.refusal(ANYBODY, "s3:PutObject", key))


def test_an_upload_in_parts_replaces_nothing_either(vault: Vault) -> None:
    begun = {CREATES_OBJECT.replace(":", "__"): "false"}
    assert vault.refusal(ANYBODY, "s3:PutObject", OBJECT, **begun) is None
    assert "DenyReplacements" in str(vault.refusal(ANYBODY, "s3:PutObject", OBJECT))


@pytest.mark.parametrize("task", ["snapshot", "rollback"])
def test_snapshots_are_written_under_new_names(vault: Vault, task: str) -> None:
    writer = role(vault, task)
    for key in (OBJECT, MANIFEST):
        assert vault.refusal(writer, "s3:PutObject", key, s3__if_none_match="*") is None
    for key in (README, "snapshots/a/progress.json", "snapshots/a/pinned.json", "locks/environment.json"):
        assert vault.refusal(writer, "s3:PutObject", key) is None


def test_nobody_unlocks_an_object_or_locks_it_without_an_end(vault: Vault) -> None:
    for each in vault.everybody:
        for action in ("s3:BypassGovernanceRetention", "s3:PutObjectLegalHold"):
            assert vault.refusal(each, action, OBJECT) is not None, (each.arn, action)


def test_nobody_locks_longer_than_the_minimum_age_or_in_compliance_mode(vault: Vault) -> None:
    def locks(days: int, mode: str = "GOVERNANCE") -> dict[str, str]:
        return {"s3__object_lock_remaining_retention_days": str(days), "s3__object_lock_mode": mode}

    for each in vault.everybody:
        for action in ("s3:PutObjectRetention", "s3:PutObject"):
            free = {"s3__if_none_match": "*"} if action == "s3:PutObject" else {}
            assert vault.refusal(each, action, OBJECT, **locks(36500), **free) is not None, each.arn
            assert vault.refusal(each, action, OBJECT, **locks(1, "COMPLIANCE"), **free) is not None, each.arn
    assert vault.refusal(role(vault, "snapshot"), "s3:PutObjectRetention", OBJECT, **locks(vault.days)) is None


def test_only_the_snapshot_function_deletes_versions(vault: Vault) -> None:
    deleting = {
        each.arn.rpartition("/")[2]
        for each in vault.roles.values()
        if vault.refusal(each, "s3:DeleteObjectVersion", OBJECT) is None
    }
    assert deleting == {role(vault, "snapshot").arn.rpartition("/")[2]}


def test_no_role_changes_the_vault_itself(vault: Vault) -> None:
    changes = ("PutBucketPolicy", "DeleteBucketPolicy", "PutBucketVersioning", "PutBucketObjectLockConfiguration")
    lifecycle = ("PutLifecycleConfiguration", "PutReplicationConfiguration", "DeleteBucket")
    for each in vault.roles.values():
        for action in (*changes, *lifecycle):
            check = Check(f"s3:{action}", vault.arn)
            assert not decide(each, check, _context(each), (vault.policy,)).allowed, (each.arn, action)


def parameter_refusal(vault: Vault, role: RolePolicies, path: str, *, overwrites: bool) -> str | None:
    """Return why AWS refuses that a role writes a parameter of the environment; None when it is allowed."""
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/vectora-inbox/{vault.env}/{path}"
    check = Check("ssm:PutParameter", arn, {"ssm:Overwrite": str(overwrites).lower()})
    decision = decide(role, check, _context(role))
    return None if decision.allowed else decision.reason


@pytest.mark.parametrize("path", ["anchors/a_20260101_120000", "anchors/first", "withholding-key"])
def test_only_function_promotion_creates_an_anchor_and_nobody_replaces_one(vault: Vault, path: str) -> None:
    own = vault.roles.values()
    creating = {each.arn for each in own if parameter_refusal(vault, each, path, overwrites=False) is None}
    assert creating == {role(vault, "promotion").arn}
    assert all(parameter_refusal(vault, each, path, overwrites=True) is not None for each in own)
    assert "ReplaceNoAnchor" in str(parameter_refusal(vault, role(vault, "promotion"), path, overwrites=True))


def test_the_record_of_a_deployment_is_written_by_the_functions_promotion_and_rollback_only(vault: Vault) -> None:
    writing = {
        each.arn
        for each in vault.roles.values()
        if parameter_refusal(vault, each, "promotion/deployment", overwrites=True) is None
    }
    assert writing == {role(vault, "promotion").arn, role(vault, "rollback").arn}


def test_function_promotion_writes_nothing_into_the_vault(vault: Vault) -> None:
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectRetention"):
        assert vault.refusal(role(vault, "promotion"), action, MANIFEST, s3__if_none_match="*") is not None


def test_each_role_that_deletes_an_anchor_may_not_write_the_vault(vault: Vault) -> None:
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/vectora-inbox/{vault.env}/anchors/a_20260101_120000"
    deleting = {
        each.arn
        for each in vault.roles.values()
        if decide(each, Check("ssm:DeleteParameter", arn), _context(each)).allowed
    }
    assert deleting == {role(vault, "promotion").arn}

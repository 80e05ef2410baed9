"""Copy of the vault in a backup account: replication from the environment, and a bucket that keeps what it receives."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import aws_cdk as cdk
import cfnlint.api
import pytest
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from cli.bootstrap.environment import environment_policies
from cli.bootstrap.policies import concrete
from rehearsal.permissions.conditions import Context
from rehearsal.permissions.evaluator import Check, decide
from rehearsal.permissions.policies import RolePolicies, parse_policy
from stacks.backup import BackupStack
from stacks.synthesis import synthesized_backup, synthesized_templates
from tests.repository import ROOT
from tests.stacks.deployed import Templates
from tools.templates import settings_with_backup, synthesize_with_backup
from vectora_ops.settings import Settings, load_settings
from vectora_shared.errors import ConfigurationError

SOURCE, COPY = "444444444444", "555555555555"
COPY_NAME = "vectora-inbox-snapshots-copy-prod"


@cache
def _with_backup() -> dict[str, dict[str, Any]]:
    return synthesize_with_backup()


@pytest.fixture(scope="module")
def backup() -> Any:
    return _with_backup()["backup"]["Resources"]


@pytest.fixture(scope="module")
def operations() -> Any:
    return _with_backup()["s0-operations"]["Resources"]


def _statements(resources: dict[str, Any]) -> dict[str, dict[str, Any]]:
    statements = resources["CopyBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    return {each["Sid"]: each for each in statements}


def _granted(resources: dict[str, Any], role: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = resources[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    return statements


def test_an_environment_without_a_backup_replicates_nothing(prod: Templates) -> None:
    assert "Replication" not in json.dumps(prod["s0-operations"])


def test_a_backup_changes_the_vault_the_topic_and_nothing_else(operations: dict[str, Any], prod: Templates) -> None:
    settings = settings_with_backup()
    content = settings.model_dump(exclude_none=True)
    del content["environments"]["prod"]["backup"]
    name = settings.names("prod").stack("s0-operations")
    without = synthesized_templates(ROOT, "prod", Settings.model_validate(content))[name]["Resources"]
    changed = {key for key in operations if operations[key] != without.get(key)}
    digests = {"SnapshotBeforeDeployment"} & changed
    assert changed - digests == {
        "DailySnapshot",
        "OperationsTopicKey",
        "OperationsTopicPolicy",
        "PromotionFunction",
        "PromotionRole",
        "ReplicationRole",
        "SnapshotsBucket",
    }
    assert json.loads(operations["DailySnapshot"]["Properties"]["Target"]["Input"])["data"] == "all"


def test_the_vault_replicates_everything_that_a_restore_reads_and_no_deletion(operations: dict[str, Any]) -> None:
    configuration = operations["SnapshotsBucket"]["Properties"]["ReplicationConfiguration"]
    rules = {each["Filter"]["Prefix"]: each for each in configuration["Rules"]}
    assert set(rules) == {"objects/", "snapshots/"}
    assert len({each["Priority"] for each in rules.values()}) == 2
    for rule in rules.values():
        assert rule["DeleteMarkerReplication"] == {"Status": "Disabled"}
        assert rule["SourceSelectionCriteria"] == {"ReplicaModifications": {"Status": "Disabled"}}
        assert rule["Destination"]["AccessControlTranslation"] == {"Owner": "Destination"}
        assert (rule["Destination"]["Account"], rule["Destination"]["Metrics"]) == (COPY, {"Status": "Enabled"})
    assert rules["objects/"]["Destination"]["StorageClass"] == "GLACIER_IR"
    assert "StorageClass" not in rules["snapshots/"]["Destination"]


def test_a_copy_in_the_same_account_overrides_no_owner() -> None:
    content = settings_with_backup().model_dump(exclude_none=True)
    del content["environments"]["prod"]["backup"]["account"]
    settings = Settings.model_validate(content)
    template = synthesized_templates(ROOT, "prod", settings)[settings.names("prod").stack("s0-operations")]
    (first, _) = template["Resources"]["SnapshotsBucket"]["Properties"]["ReplicationConfiguration"]["Rules"]
    assert first["Destination"].keys() == {"Bucket", "Metrics", "StorageClass"}


def test_the_replication_role_reads_the_vault_writes_the_copy_and_deletes_nothing(operations: dict[str, Any]) -> None:
    role = operations["ReplicationRole"]["Properties"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "s3.amazonaws.com"}
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    actions = {action for each in statements for action in each["Action"]}
    assert {"s3:GetObjectRetention", "s3:GetObjectLegalHold", "s3:GetObjectVersionForReplication"} <= actions
    assert not {action for action in actions if "Delete" in action or "Put" in action}
    by_sid = {each["Sid"]: each for each in statements}
    assert by_sid["WriteCopy"]["Resource"] == [f"arn:aws:s3:::{COPY_NAME}/*"]
    assert by_sid["WriteCopy"]["Condition"] == {"StringEquals": {"aws:ResourceAccount": COPY}}


def test_the_boundary_of_the_environment_allows_what_the_replication_role_may_do(operations: dict[str, Any]) -> None:
    document = environment_policies(settings_with_backup(), "prod").boundary()
    boundary = parse_policy("boundary", concrete(document, SOURCE, "eu-west-3"))
    role = RolePolicies("arn:aws:iam::444444444444:role/replication", "test", (boundary,), boundary)
    for statement in (*_granted(operations, "ReplicationRole"), _granted(operations, "PromotionRole")[-1]):
        for action in statement["Action"]:
            owner = COPY if statement["Sid"] in ("WriteCopy", "AnchorInCopy") else SOURCE
            context = Context({"aws:ResourceAccount": owner, "aws:SecureTransport": "true"}, ())
            for resource in statement["Resource"]:
                assert decide(role, Check(action, resource.replace("*", "one")), context).allowed, action


def test_operators_are_notified_of_each_object_that_is_not_replicated(operations: dict[str, Any]) -> None:
    notified = operations["SnapshotsBucket"]["Properties"]["NotificationConfiguration"]["TopicConfigurations"]
    assert {each["Event"] for each in notified} == {
        "s3:Replication:OperationFailedReplication",
        "s3:Replication:OperationNotTracked",
    }
    assert {each["Topic"]["Ref"] for each in notified} == {"OperationsTopic"}
    allowed = operations["OperationsTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"][1]
    assert "s3.amazonaws.com" in allowed["Principal"]["Service"]
    assert "s3.amazonaws.com" in json.dumps(operations["OperationsTopicKey"]["Properties"]["KeyPolicy"])
    assert "OperationsTopicPolicy" in operations["SnapshotsBucket"]["DependsOn"]


def test_only_the_replication_role_of_the_environment_writes_the_copy(
    backup: dict[str, Any], operations: dict[str, Any]
) -> None:
    statements = _statements(backup)
    writing = [
        each
        for each in statements.values()
        if each["Effect"] == "Allow" and any("Replicate" in action for action in each["Action"])
    ]
    assert [each["Sid"] for each in writing] == ["AllowReplication"]
    assert writing[0]["Principal"] == {"AWS": f"arn:aws:iam::{SOURCE}:root"}
    role = operations["ReplicationRole"]["Properties"]
    arn = f"arn:aws:iam::{SOURCE}:role{role['Path']}{role['RoleName']}"
    assert writing[0]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": arn}}
    allowed = [each for each in statements.values() if each["Effect"] == "Allow"]
    assert {each["Sid"] for each in allowed if "Put" in str(each["Action"])} == {"AllowAnchors"}
    assert not [each for each in allowed if "Delete" in str(each["Action"])]


def test_only_function_promotion_writes_anchors_and_replaces_none(
    backup: dict[str, Any], operations: dict[str, Any]
) -> None:
    statements = _statements(backup)
    role = operations["PromotionRole"]["Properties"]
    arn = f"arn:aws:iam::{SOURCE}:role{role['Path']}{role['RoleName']}"
    anchors = f"arn:aws:s3:::{COPY_NAME}/anchors/*"
    assert statements["AllowAnchors"]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": arn}}
    assert statements["DenyAnchorsOfOthers"]["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": arn}}
    assert statements["DenyReplacedAnchors"]["Condition"] == {"Null": {"s3:if-none-match": "true"}}
    assert {statements[sid]["Resource"] for sid in statements if "Anchors" in sid} == {anchors}
    writes = statements["DenyWrites"]
    assert (writes["Effect"], writes["Action"], writes["NotResource"]) == ("Deny", "s3:PutObject", anchors)
    granted = {each["Sid"]: each for each in role["Policies"][0]["PolicyDocument"]["Statement"]}["AnchorInCopy"]
    assert (granted["Action"], granted["Resource"]) == (["s3:PutObject"], [anchors])
    assert operations["PromotionFunction"]["Properties"]["Environment"]["Variables"]["BACKUP_REGION"] == "eu-central-1"


@pytest.mark.parametrize(
    "action",
    [
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:PutObjectRetention",
        "s3:PutObjectLegalHold",
        "s3:BypassGovernanceRetention",
        "s3:ReplicateDelete",
    ],
)
def test_nobody_changes_an_object_of_the_copy(backup: dict[str, Any], action: str) -> None:
    denied = _statements(backup)["DenyChangesOfObjects"]
    assert (denied["Effect"], denied["Principal"]) == ("Deny", {"AWS": "*"})
    assert action in denied["Action"]
    assert "Condition" not in denied


def test_nobody_deletes_the_copy_or_gives_it_rules_that_expire_objects(backup: dict[str, Any]) -> None:
    denied = _statements(backup)["DenyChangesOfTheBucket"]
    assert denied["Action"] == ["s3:DeleteBucket", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration"]
    assert backup["CopyBucket"]["DeletionPolicy"] == "RetainExceptOnCreate"
    rules = backup["CopyBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert not [each for each in rules if "ExpirationInDays" in each]


def test_the_copy_locks_as_long_as_the_vault(backup: dict[str, Any], operations: dict[str, Any]) -> None:
    key = "ObjectLockConfiguration"
    assert backup["CopyBucket"]["Properties"][key] == operations["SnapshotsBucket"]["Properties"][key]
    assert backup["CopyBucket"]["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}


def test_the_stack_of_the_copy_needs_no_bootstrap(backup: dict[str, Any]) -> None:
    assert "BootstrapVersion" not in json.dumps(_with_backup()["backup"])
    assert {each["Type"] for each in backup.values()} == {"AWS::S3::Bucket", "AWS::S3::BucketPolicy"}


def test_cfn_lint_finds_nothing_in_the_templates_with_a_backup() -> None:
    for name, template in _with_backup().items():
        findings = cfnlint.api.lint(json.dumps(template), regions=["eu-west-3", "eu-central-1"])
        assert [str(finding) for finding in findings] == [], name


@pytest.mark.parametrize("pack", [AwsSolutionsChecks, ServerlessChecks])
def test_every_finding_of_cdk_nag_on_the_copy_is_acknowledged(pack: Any) -> None:
    settings = settings_with_backup()
    prod = settings.environment("prod")
    assert prod.backup
    stack = BackupStack(
        cdk.App(), names=settings.names("prod"), settings=prod, backup=prod.backup, source_account=SOURCE
    )
    assert [each.rule_name for each in pack(stack).validate_scope(stack).violations] == []


def test_an_environment_without_a_backup_has_no_stack_of_a_copy() -> None:
    with pytest.raises(ConfigurationError, match="Environment dev has no `backup` in config/environments"):
        synthesized_backup(ROOT, "dev", load_settings(ROOT))

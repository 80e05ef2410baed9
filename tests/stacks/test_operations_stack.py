"""The vault keeps what is in it, and the functions around it may do what they do and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from stacks.environment import environment_stacks
from vectora_ops.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
Templates = dict[str, dict[str, Any]]


def operations(templates: Templates) -> dict[str, Any]:
    resources: dict[str, Any] = templates["s0-operations"]["Resources"]
    return resources


def statements(templates: Templates, role: str) -> dict[str, dict[str, Any]]:
    (policy,) = operations(templates)[role]["Properties"]["Policies"]
    return {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}


def test_the_vault_is_kept_whatever_becomes_of_its_stack(environment: tuple[str, Templates]) -> None:
    for bucket in ("SnapshotsBucket", "SnapshotsAccessLogsBucket"):
        resource = operations(environment[1])[bucket]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_the_vault_locks_everything_for_the_minimum_age(environment: tuple[str, Templates]) -> None:
    env, templates = environment
    vault = operations(templates)["SnapshotsBucket"]["Properties"]
    days = load_settings(ROOT).environment(env).snapshots.minimum_age_days
    assert vault["ObjectLockEnabled"] is True
    assert vault["ObjectLockConfiguration"]["Rule"] == {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": days}}


def test_nobody_locks_the_vault_for_longer_than_the_minimum_age_or_for_good(environment: tuple[str, Templates]) -> None:
    env, templates = environment
    statements = operations(templates)["SnapshotsBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    denied = {each["Sid"]: each for each in statements if each["Effect"] == "Deny"}
    days = load_settings(ROOT).environment(env).snapshots.minimum_age_days
    longer, compliance = denied["DenyLongerLocks"], denied["DenyComplianceLocks"]
    assert longer["Condition"] == {"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": str(days + 1)}}
    assert compliance["Condition"] == {"StringEquals": {"s3:object-lock-mode": "COMPLIANCE"}}
    for statement in (longer, compliance):
        assert statement["Principal"] == {"AWS": "*"}
        assert statement["Action"] == ["s3:PutObject", "s3:PutObjectRetention"]


def test_an_original_that_was_overwritten_can_be_repaired_for_three_months(environment: tuple[str, Templates]) -> None:
    (rule, _) = operations(environment[1])["SnapshotsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] >= 90
    assert "ExpirationInDays" not in rule


@pytest.mark.parametrize(("env", "status"), [("dev", "Disabled"), ("stage", "Disabled"), ("prod", "Enabled")])
def test_only_prod_moves_old_bytes_to_a_glacier_that_answers_at_once(
    env: str, status: str, request: pytest.FixtureRequest
) -> None:
    vault = operations(request.getfixturevalue(env))["SnapshotsBucket"]["Properties"]
    rule = vault["LifecycleConfiguration"]["Rules"][1]
    assert (rule["Status"], rule["Prefix"]) == (status, "objects/")
    assert rule["Transitions"] == [{"StorageClass": "GLACIER_IR", "TransitionInDays": 90}]


@pytest.mark.parametrize(("env", "state"), [("dev", "DISABLED"), ("stage", "DISABLED"), ("prod", "ENABLED")])
def test_only_prod_is_snapshot_every_day(env: str, state: str, request: pytest.FixtureRequest) -> None:
    schedule = operations(request.getfixturevalue(env))["DailySnapshot"]["Properties"]
    assert schedule["State"] == state
    assert json.loads(schedule["Target"]["Input"])["operation"] == "create"


def test_nothing_may_bypass_the_lock(environment: tuple[str, Templates]) -> None:
    assert "BypassGovernanceRetention" not in json.dumps(environment[1])


def test_only_the_snapshot_function_removes_versions_and_only_from_the_vault(
    environment: tuple[str, Templates],
) -> None:
    env, templates = environment
    removing = [
        (key, statement["Resource"])
        for layer in templates.values()
        for key, resource in layer["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role"
        for policy in resource["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "s3:DeleteObjectVersion" in statement["Action"]
    ]
    assert removing == [("SnapshotRole", [f"arn:aws:s3:::vectora-inbox-snapshots-{env}/*"])]


# Its log, its answers to the pipeline, and the note which snapshot was taken before a deployment.
NOT_THE_SNAPSHOT = ("WriteLogs", "WriteTraces", "AnswerPipeline", "NoteDeployment")


def test_taking_a_snapshot_writes_nowhere_but_into_the_vault(environment: tuple[str, Templates]) -> None:
    env, templates = environment
    writes = [
        statement
        for statement in statements(templates, "SnapshotRole").values()
        if any(word in action for action in statement["Action"] for word in (":Put", ":Delete", ":Create", ":Update"))
    ]
    assert {resource for each in writes if each["Sid"] not in NOT_THE_SNAPSHOT for resource in each["Resource"]} == {
        f"arn:aws:s3:::vectora-inbox-snapshots-{env}/*"
    }


def test_a_rollback_changes_the_stacks_of_its_environment_but_not_its_own(environment: tuple[str, Templates]) -> None:
    env, templates = environment
    stacks = [
        each["Fn::Sub"].split(":stack/")[1]
        for each in statements(templates, "RollbackRole")["RestoreStacks"]["Resource"]
    ]
    assert stacks == [f"vectora-inbox-{layer}-{env}/*" for layer in ("s0-core", "s0-iam", "s1-runtime", "s1-ingest-v2")]


def test_the_rollback_may_hand_cloudformation_its_role_and_nobody_else(environment: tuple[str, Templates]) -> None:
    grant = statements(environment[1], "RollbackRole")["LetCloudFormationWork"]
    assert grant["Action"] == ["iam:PassRole"]
    assert grant["Condition"] == {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    assert "cfn-exec-role" in grant["Resource"][0]["Fn::Sub"]


def test_every_other_stack_waits_for_the_snapshot() -> None:
    stacks = environment_stacks(cdk.App(), root=ROOT, settings=load_settings(ROOT), env="dev", platform="lambda")
    operations_stack, *others = stacks
    assert operations_stack.layer == "s0-operations"
    for stack in others:
        reached: set[cdk.Stack] = set()
        waiting = [stack]
        while waiting:
            for needed in waiting.pop().dependencies:
                if needed not in reached:
                    reached.add(needed)
                    waiting.append(needed)  # type: ignore[arg-type]
        assert operations_stack.stack_name in {each.stack_name for each in reached}


def test_the_guard_is_called_again_when_the_release_changes(dev: Templates) -> None:
    guard = operations(dev)["SnapshotBeforeDeployment"]
    release = json.loads(dev["s1-runtime"]["Resources"]["Release"]["Properties"]["Value"])
    assert guard["Properties"]["ReleaseDigest"] == release["digest"]
    assert "SnapshotsBucket" in guard["DependsOn"]


# --- what rolls back by itself


def pattern(templates: Templates, rule: str) -> dict[str, Any]:
    found: dict[str, Any] = operations(templates)[rule]["Properties"]["EventPattern"]
    return found


def test_a_deployment_that_failed_was_stopped_or_cancelled_is_reacted_to(environment: tuple[str, Templates]) -> None:
    """CANCELED: the pipeline was updated while the stage ran (CodePipeline user guide, monitoring events)."""
    env, templates = environment
    detail = pattern(templates, "DeploymentFailed")["detail"]
    assert detail == {
        "pipeline": ["vectora-inbox-pipeline"],
        "stage": [env],
        "state": ["FAILED", "STOPPED", "CANCELED"],
    }


def test_every_run_that_makes_no_newsletter_is_reacted_to(environment: tuple[str, Templates]) -> None:
    env, templates = environment
    machine = f"arn:aws:states:eu-west-3:${{AWS::AccountId}}:stateMachine:vectora-inbox-newsletter-{env}"
    rule = pattern(templates, "RunFailed")
    assert rule["source"] == ["aws.states"]
    assert rule["detail-type"] == ["Step Functions Execution Status Change"]
    assert rule["detail"] == {
        "stateMachineArn": [{"Fn::Sub": machine}],
        "status": ["FAILED", "TIMED_OUT", "ABORTED"],
    }
    counting = statements(templates, "RollbackRole")["CountFailedRuns"]
    assert (counting["Action"], counting["Resource"]) == (["states:ListExecutions"], [{"Fn::Sub": machine}])


def test_no_alarm_stays_in_its_state_longer_than_an_hour(environment: tuple[str, Templates]) -> None:
    """An alarm acts on a change of state only (CloudWatch guide): while it stays, it is blind."""
    for templates in environment[1].values():
        for logical_id, resource in templates["Resources"].items():
            if resource["Type"] == "AWS::CloudWatch::Alarm":
                properties = resource["Properties"]
                assert properties["Period"] * properties["EvaluationPeriods"] <= 3600, logical_id
                assert properties["TreatMissingData"] == "notBreaching", logical_id


# --- what no mail may hold


def test_no_event_leaves_a_function_when_it_fails(environment: tuple[str, Templates]) -> None:
    """Events of CodePipeline and CloudFormation carry credentials and a signed address."""
    for templates in environment[1].values():
        for logical_id, resource in templates["Resources"].items():
            if resource["Type"] == "AWS::Lambda::EventInvokeConfig":
                assert "DestinationConfig" not in resource["Properties"], logical_id
            if resource["Type"] == "AWS::Lambda::Function":
                assert "DeadLetterConfig" not in resource["Properties"], logical_id


def test_the_operators_are_notified_of_every_event_that_a_function_dropped(environment: tuple[str, Templates]) -> None:
    resources = operations(environment[1])
    watched = {
        resource["Properties"]["Dimensions"][0]["Value"]["Ref"]
        for resource in resources.values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
        and resource["Properties"]["MetricName"] == "AsyncEventsDropped"
        and resource["Properties"]["AlarmActions"] == [{"Ref": "OperationsTopic"}]
    }
    retried = {
        resource["Properties"]["FunctionName"]["Ref"]
        for resource in resources.values()
        if resource["Type"] == "AWS::Lambda::EventInvokeConfig"
    }
    assert watched == retried != set()

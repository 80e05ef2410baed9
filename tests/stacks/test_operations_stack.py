"""Operations stack: protection of the vault, permissions of the functions, automatic rollback, dropped events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import aws_cdk as cdk
import pytest

from stacks.environment import environment_stacks
from tests.repository import ROOT
from tests.stacks.deployed import Environment, Templates, resources_of
from tests.stacks.rules import statements_by_sid
from vectora_ops.settings import load_settings

# What function watch measures several times a day, and its own invocations.
GAUGES = {
    "ApprovalWaitingDays",
    "DamagedSnapshots",
    "DriftedThings",
    "FailingSources",
    "Invocations",
    "MonthModelCostUsd",
    "OverdueNewsletters",
    "PromotionWaitingDays",
    "SnapshotAgeHours",
}


def operations(templates: Templates) -> dict[str, Any]:
    resources: dict[str, Any] = templates["s0-operations"]["Resources"]
    return resources


def test_the_vault_outlives_its_stack(environment: Environment) -> None:
    for bucket in ("SnapshotsBucket", "SnapshotsAccessLogsBucket"):
        resource = operations(environment[1])[bucket]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_the_vault_locks_every_object_for_the_minimum_age(environment: Environment) -> None:
    env, templates = environment
    vault = operations(templates)["SnapshotsBucket"]["Properties"]
    days = load_settings(ROOT).environment(env).snapshots.minimum_age_days
    assert vault["ObjectLockEnabled"] is True
    assert vault["ObjectLockConfiguration"]["Rule"] == {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": days}}


def test_the_vault_refuses_locks_beyond_the_minimum_age_and_in_compliance_mode(environment: Environment) -> None:
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


def test_an_overwritten_object_of_the_vault_can_be_repaired_for_three_months(environment: Environment) -> None:
    (rule, _) = operations(environment[1])["SnapshotsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] >= 90
    assert "ExpirationInDays" not in rule


@pytest.mark.parametrize(("env", "status"), [("dev", "Disabled"), ("stage", "Disabled"), ("prod", "Enabled")])
def test_only_prod_moves_old_objects_to_glacier_instant_retrieval(
    env: str, status: str, request: pytest.FixtureRequest
) -> None:
    vault = operations(request.getfixturevalue(env))["SnapshotsBucket"]["Properties"]
    rule = vault["LifecycleConfiguration"]["Rules"][1]
    assert (rule["Status"], rule["Prefix"]) == (status, "objects/")
    assert rule["Transitions"] == [{"StorageClass": "GLACIER_IR", "TransitionInDays": 90}]


@pytest.mark.parametrize(("env", "state"), [("dev", "DISABLED"), ("stage", "DISABLED"), ("prod", "ENABLED")])
def test_only_prod_takes_daily_snapshots(env: str, state: str, request: pytest.FixtureRequest) -> None:
    schedule = operations(request.getfixturevalue(env))["DailySnapshot"]["Properties"]
    assert schedule["State"] == state
    assert json.loads(schedule["Target"]["Input"])["operation"] == "create"


def test_only_the_snapshot_function_deletes_object_versions_and_only_in_the_vault(environment: Environment) -> None:
    env, templates = environment
    deleting = [
        (key, statement["Resource"])
        for layer in templates.values()
        for key, resource in layer["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role"
        for policy in resource["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "s3:DeleteObjectVersion" in statement["Action"]
    ]
    assert deleting == [("SnapshotRole", [f"arn:aws:s3:::vectora-inbox-snapshots-{env}/*"])]


# Statements for the log, for results of pipeline jobs, and to record the snapshot of a deployment.
WRITES_OUTSIDE_THE_VAULT = ("WriteLogs", "WriteTraces", "AnswerPipeline", "NoteDeployment")


def test_taking_a_snapshot_writes_to_the_vault_only(environment: Environment) -> None:
    env, templates = environment
    writes = [
        statement
        for statement in statements_by_sid(templates, "SnapshotRole").values()
        if statement["Effect"] == "Allow"
        and any(word in action for action in statement["Action"] for word in (":Put", ":Delete", ":Create", ":Update"))
    ]
    assert {
        resource for each in writes if each["Sid"] not in WRITES_OUTSIDE_THE_VAULT for resource in each["Resource"]
    } == {f"arn:aws:s3:::vectora-inbox-snapshots-{env}/*"}


def test_a_rollback_changes_all_stacks_of_its_environment_except_its_own(environment: Environment) -> None:
    env, templates = environment
    stacks = [
        each["Fn::Sub"].split(":stack/")[1]
        for each in statements_by_sid(templates, "RollbackRole")["RestoreStacks"]["Resource"]
    ]
    assert stacks == [f"vectora-inbox-{layer}-{env}/*" for layer in ("s0-core", "s0-iam", "s1-*", "s2-*")]


def test_the_rollback_passes_the_execution_role_to_cloudformation_only(environment: Environment) -> None:
    grant = statements_by_sid(environment[1], "RollbackRole")["LetCloudFormationWork"]
    assert grant["Action"] == ["iam:PassRole"]
    assert grant["Condition"] == {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    assert "cfn-exec-role" in grant["Resource"][0]["Fn::Sub"]


def test_every_other_stack_is_deployed_after_the_snapshot() -> None:
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


def test_cloudformation_requests_a_snapshot_when_the_release_changes(dev: Templates) -> None:
    custom_resource = operations(dev)["SnapshotBeforeDeployment"]
    release = json.loads(dev["s1-runtime"]["Resources"]["Release"]["Properties"]["Value"])
    assert custom_resource["Properties"]["ReleaseDigest"] == release["digest"]
    assert "SnapshotsBucket" in custom_resource["DependsOn"]


# --- automatic rollback


def event_pattern(templates: Templates, rule: str) -> dict[str, Any]:
    pattern: dict[str, Any] = operations(templates)[rule]["Properties"]["EventPattern"]
    return pattern


def test_a_failed_stopped_or_cancelled_deployment_invokes_the_rollback(environment: Environment) -> None:
    # CANCELED: the pipeline was updated while the stage ran (CodePipeline user guide, monitoring events).
    env, templates = environment
    detail = event_pattern(templates, "DeploymentFailed")["detail"]
    assert detail == {
        "pipeline": ["vectora-inbox-pipeline"],
        "stage": [env],
        "state": ["FAILED", "STOPPED", "CANCELED"],
    }


def test_every_run_without_a_newsletter_invokes_the_rollback(environment: Environment) -> None:
    env, templates = environment
    machine = f"arn:aws:states:eu-west-3:${{AWS::AccountId}}:stateMachine:vectora-inbox-newsletter-{env}"
    rule = event_pattern(templates, "RunFailed")
    assert rule["source"] == ["aws.states"]
    assert rule["detail-type"] == ["Step Functions Execution Status Change"]
    assert rule["detail"] == {
        "stateMachineArn": [{"Fn::Sub": machine}],
        "status": ["FAILED", "TIMED_OUT", "ABORTED"],
    }
    counting = statements_by_sid(templates, "RollbackRole")["CountFailedRuns"]
    assert (counting["Action"], counting["Resource"]) == (["states:ListExecutions"], [{"Fn::Sub": machine}])


def test_every_published_issue_invokes_the_rollback(environment: Environment) -> None:
    rule = event_pattern(environment[1], "IssuePublished")
    failed = event_pattern(environment[1], "RunFailed")
    assert rule == {**failed, "detail": {**failed["detail"], "status": ["SUCCEEDED"]}}


def test_every_alarm_on_events_leaves_its_state_within_an_hour(environment: Environment) -> None:
    # An alarm notifies only when its state changes (CloudWatch user guide): events in the meantime are not reported.
    for logical_id, alarm in _alarms(environment):
        if alarm["MetricName"] not in GAUGES:
            assert alarm["Period"] * alarm["EvaluationPeriods"] <= 3600, logical_id
            assert alarm["TreatMissingData"] == "notBreaching", logical_id


def test_an_alarm_on_a_gauge_keeps_its_state_until_the_next_value(environment: Environment) -> None:
    for logical_id, alarm in _alarms(environment):
        if alarm["MetricName"] in GAUGES and alarm["MetricName"] != "Invocations":
            assert (alarm["Period"], alarm["EvaluationPeriods"]) == (3600, 1), logical_id
            assert alarm["TreatMissingData"] == "ignore", logical_id


def _alarms(environment: Environment) -> Iterator[tuple[str, dict[str, Any]]]:
    for _, logical_id, resource in resources_of(environment):
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            yield logical_id, resource["Properties"]


# --- dropped events


def test_no_function_sends_failed_events_to_a_destination(environment: Environment) -> None:
    # Events of CodePipeline and CloudFormation contain credentials and presigned URLs.
    for templates in environment[1].values():
        for logical_id, resource in templates["Resources"].items():
            if resource["Type"] == "AWS::Lambda::EventInvokeConfig":
                assert "DestinationConfig" not in resource["Properties"], logical_id
            if resource["Type"] == "AWS::Lambda::Function":
                assert "DeadLetterConfig" not in resource["Properties"], logical_id


def test_the_operators_are_notified_when_a_function_drops_an_event(environment: Environment) -> None:
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

"""Rules for every template: lint, tags, names, encryption, retention, and permissions of roles."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stacks.component import ComponentStack
from stacks.environment import environment_stacks
from tests.repository import ROOT
from tests.stacks.deployed import Environment, resources_of
from tests.stacks.linting import findings
from tests.stacks.rules import statements_by_sid
from vectora_ops.names import DELIVERY_TASK, FUNCTION_TASKS, OPERATIONS_TASKS, FunctionTask, Names
from vectora_ops.settings import load_settings
from vectora_shared.errors import VectoraError


def _build(env: str) -> tuple[ComponentStack, ...]:
    return environment_stacks(cdk.App(), root=ROOT, settings=load_settings(ROOT), env=env, platform="lambda")


# CloudFormation supports no tags for these types (resource type reference).
UNTAGGED = {
    "AWS::S3::BucketPolicy",
    "AWS::Lambda::LayerVersion",
    "AWS::Scheduler::Schedule",
    "AWS::SES::ConfigurationSetEventDestination",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "Custom::PublishedConfiguration",
    "Custom::SnapshotBeforeDeployment",
}


def _names(environment: Environment) -> Names:
    return load_settings(ROOT).names(environment[0])


def _delivers(environment: Environment) -> bool:
    return load_settings(ROOT).environment(environment[0]).delivery is not None


def test_cfn_lint_finds_nothing(environment: Environment) -> None:
    for layer, template in environment[1].items():
        assert findings(template, ROOT / "build" / "cfn-lint") == [], layer


@pytest.mark.parametrize("pack", [AwsSolutionsChecks, ServerlessChecks])
def test_every_finding_of_cdk_nag_is_acknowledged(pack: Any) -> None:
    for stack in _build("prod"):
        violations = pack(stack).validate_scope(stack).violations
        assert [violation.rule_name for violation in violations] == [], stack.layer


def test_cdk_nag_reports_a_bucket_without_access_logs() -> None:
    stack = cdk.Stack(cdk.App(), "Unlogged")
    s3.CfnBucket(stack, "Bucket")
    rules = {violation.rule_name for violation in AwsSolutionsChecks(stack).validate_scope(stack).violations}
    assert "AwsSolutions-S1" in rules


def test_every_resource_that_supports_tags_has_them(environment: Environment) -> None:
    env = environment[0]
    for layer, logical_id, resource in resources_of(environment):
        if resource["Type"] in UNTAGGED:
            continue
        # Budgets have them under another name.
        tags = resource["Properties"].get("Tags") or resource["Properties"]["ResourceTags"]
        by_key = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
        assert by_key == {
            "Project": "vectora-inbox",
            "Env": env,
            "Component": by_key["Component"],
            "ManagedBy": "aws-cdk",
        }, f"{layer}/{logical_id}"


def test_templates_parameters_outputs_functions_and_roles_have_descriptions(environment: Environment) -> None:
    described = {"AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Lambda::LayerVersion", "AWS::Scheduler::Schedule"}
    for layer, template in environment[1].items():
        assert template["Description"], layer
        for name, output in {**template.get("Outputs", {}), **template.get("Parameters", {})}.items():
            assert output["Description"], f"{layer}/{name}"
    for layer, logical_id, resource in resources_of(environment):
        if resource["Type"] in described:
            assert resource["Properties"]["Description"], f"{layer}/{logical_id}"


def test_templates_have_no_metadata_and_no_exports(environment: Environment) -> None:
    for layer, template in environment[1].items():
        text = json.dumps(template)
        assert "aws:cdk:path" not in text, layer
        assert "AWS::CDK::Metadata" not in text, layer
        assert "Fn::ImportValue" not in text, layer
        assert not any("Export" in output for output in template.get("Outputs", {}).values()), layer


def test_every_physical_name_ends_with_the_environment(environment: Environment) -> None:
    env = environment[0]
    for layer, logical_id, resource in resources_of(environment):
        for key in ("BucketName", "FunctionName", "LayerName", "StateMachineName", "LogGroupName"):
            name = resource["Properties"].get(key)
            assert not isinstance(name, str) or name.endswith(f"-{env}"), f"{layer}/{logical_id}"


def test_every_bucket_is_versioned_encrypted_private_logged_and_tls_only(environment: Environment) -> None:
    resources = {key: resource for _, key, resource in resources_of(environment)}
    buckets = {key: value["Properties"] for key, value in resources.items() if value["Type"] == "AWS::S3::Bucket"}
    assert len(buckets) == 7
    for logical_id, bucket in buckets.items():
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        rule = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
        assert bucket["LifecycleConfiguration"]["Rules"][0]["NoncurrentVersionExpiration"]["NoncurrentDays"] >= 1
        assert ("LoggingConfiguration" in bucket) == ("AccessLogs" not in logical_id)
        deny = resources[f"{logical_id}Policy"]["Properties"]["PolicyDocument"]["Statement"][0]
        assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_layer_versions_are_retained_for_rollbacks(environment: Environment) -> None:
    for _, logical_id, resource in resources_of(environment):
        if resource["Type"] == "AWS::Lambda::LayerVersion":
            assert resource["UpdateReplacePolicy"] == "Retain", logical_id


def test_all_functions_have_one_runtime_and_architecture(environment: Environment) -> None:
    functions = [r["Properties"] for _, _, r in resources_of(environment) if r["Type"] == "AWS::Lambda::Function"]
    tasks = (*FUNCTION_TASKS, *OPERATIONS_TASKS)
    expected = {_names(environment).function(task) for task in tasks if task != DELIVERY_TASK or _delivers(environment)}
    assert {function["FunctionName"] for function in functions} == expected
    assert {function["Runtime"] for function in functions} == {"python3.14"}
    assert {tuple(function["Architectures"]) for function in functions} == {("arm64",)}


def test_only_normalize_score_may_invoke_a_model(environment: Environment) -> None:
    roles = [key for _, key, r in resources_of(environment) if r["Type"] == "AWS::IAM::Role"]
    invoking = [role for role in roles if "bedrock" in json.dumps(statements_by_sid(environment[1], role))]
    assert invoking == ["NormalizeScoreRole"]


def test_each_function_may_write_only_its_own_prefixes(environment: Environment) -> None:
    env = environment[0]
    writes = {
        role: sorted(
            resource
            for statement in statements_by_sid(environment[1], role).values()
            if "s3:PutObject" in statement["Action"]
            for resource in statement["Resource"]
        )
        for role in ("IngestNormalizeRole", "NormalizeScoreRole", "EngineRole", "PublishConfigurationRole")
    }
    config, data = (f"arn:aws:s3:::vectora-inbox-{content}-{env}" for content in ("config", "data"))
    assert writes == {
        "IngestNormalizeRole": [f"{data}/_drafts/ingested/*", f"{data}/ingested/*"],
        "NormalizeScoreRole": [f"{data}/_drafts/curated/*", f"{data}/analyses/*", f"{data}/curated/*"],
        "EngineRole": [f"arn:aws:s3:::vectora-inbox-newsletters-{env}/*"],
        "PublishConfigurationRole": [f"{config}/canonical/*", f"{config}/clients/*", f"{config}/published.json"],
    }


def test_only_normalize_score_may_read_stored_analyses_and_nobody_may_delete_them(environment: Environment) -> None:
    roles = [key for _, key, r in resources_of(environment) if r["Type"] == "AWS::IAM::Role"]
    actions = {
        role: statement["Action"]
        for role in roles
        for statement in statements_by_sid(environment[1], role).values()
        if "/analyses/" in json.dumps(statement) and statement["Effect"] == "Allow"
    }
    assert actions == {"NormalizeScoreRole": ["s3:GetObject", "s3:PutObject"]}


def test_stored_analyses_and_drafts_expire_and_nothing_else_of_the_data_does(environment: Environment) -> None:
    resources = {key: resource for _, key, resource in resources_of(environment)}
    expiring = {
        (key, rule.get("Prefix", ""), rule["ExpirationInDays"])
        for key in ("ConfigBucket", "DataBucket", "NewslettersBucket", "LambdaCodeBucket")
        for rule in resources[key]["Properties"]["LifecycleConfiguration"]["Rules"]
        if "ExpirationInDays" in rule
    }
    drafts = {(bucket, "_drafts/", 30) for bucket in ("DataBucket", "NewslettersBucket")}
    assert expiring == {("DataBucket", "analyses/", 90), *drafts}


def test_the_workflow_may_invoke_the_functions_of_the_engine(environment: Environment) -> None:
    # The emulator does not enforce roles of Step Functions and Scheduler: only the template can show this.
    invoke = statements_by_sid(environment[1], "WorkflowRole")["InvokeEngine"]
    tasks: list[FunctionTask] = ["ingest-v2", "normalize-score-v2", "newsletter-v2"]
    if _delivers(environment):
        tasks.append(DELIVERY_TASK)
    prefix = "arn:aws:lambda:eu-west-3:${AWS::AccountId}:function"
    assert invoke["Action"] == ["lambda:InvokeFunction"]
    assert invoke["Resource"] == [{"Fn::Sub": f"{prefix}:{_names(environment).function(task)}"} for task in tasks]
    assert set(statements_by_sid(environment[1], "WorkflowRole")) == {"InvokeEngine", "DeliverLogs", "WriteTraces"}


def test_the_schedules_may_start_the_workflow_and_nothing_else(environment: Environment) -> None:
    machine = f"arn:aws:states:eu-west-3:${{AWS::AccountId}}:stateMachine:vectora-inbox-newsletter-{environment[0]}"
    (start,) = statements_by_sid(environment[1], "ScheduleRole").values()
    assert (start["Action"], start["Resource"]) == (["states:StartExecution"], [{"Fn::Sub": machine}])


def test_each_role_trusts_one_service_of_this_account(environment: Environment) -> None:
    scheduled = ("ScheduleRole", "SnapshotScheduleRole", "RetryScheduleRole", "WatchScheduleRole")
    schedulers = dict.fromkeys(scheduled, "scheduler.amazonaws.com")
    expected = {"WorkflowRole": "states.amazonaws.com", "ReplicationRole": "s3.amazonaws.com", **schedulers}
    for _, logical_id, resource in resources_of(environment):
        if resource["Type"] == "AWS::IAM::Role":
            (trust,) = resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            service = expected.get(logical_id, "lambda.amazonaws.com")
            assert trust["Principal"] == {"Service": service}
            # S3 documents no condition for the role of a replication (user guide, "Setting up permissions for live
            # replication"), nor does Lambda for an execution role.
            without = ("lambda.amazonaws.com", "s3.amazonaws.com")
            assert ("Condition" in trust) == (service not in without), logical_id


def test_s3_may_deliver_access_logs_of_the_four_buckets_only(environment: Environment) -> None:
    env = environment[0]
    statements = environment[1]["s0-core"]["Resources"]["AccessLogsBucketPolicy"]["Properties"]["PolicyDocument"]
    allow = next(statement for statement in statements["Statement"] if statement["Effect"] == "Allow")
    buckets = [f"vectora-inbox-{bucket}-{env}" for bucket in ("config", "data", "newsletters", "lambda-code")]
    assert allow["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert allow["Resource"] == [f"arn:aws:s3:::vectora-inbox-access-logs-{env}/{bucket}/*" for bucket in buckets]
    assert allow["Condition"]["ArnLike"]["aws:SourceArn"] == [f"arn:aws:s3:::{bucket}" for bucket in buckets]


def test_no_action_is_a_wildcard(environment: Environment) -> None:
    for _, logical_id, resource in resources_of(environment):
        if resource["Type"] == "AWS::IAM::Role":
            for statement in statements_by_sid(environment[1], logical_id).values():
                assert not any("*" in action for action in statement["Action"]), f"{logical_id}/{statement['Sid']}"


def test_an_unknown_environment_is_refused_with_the_list_of_environments() -> None:
    with pytest.raises(VectoraError, match="There is no environment 'qa': choose one of dev, stage, prod"):
        _build("qa")


def test_app_py_is_a_table_of_contents() -> None:
    assert len((ROOT / "app.py").read_text(encoding="utf-8").splitlines()) <= 35


def test_function_promotion_of_every_environment_may_compare_its_files_with_what_was_published(
    environment: Environment,
) -> None:
    # Without it, every deployment after the first one stopped at its snapshot step.
    config = f"arn:aws:s3:::{_names(environment).bucket('config')}"
    read = statements_by_sid(environment[1], "PromotionRole")["ReadClients"]["Resource"]
    assert {f"{config}/clients/*", f"{config}/canonical/*", f"{config}/published.json"} <= set(read)

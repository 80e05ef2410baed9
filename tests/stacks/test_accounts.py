"""Environments and the pipeline in several accounts and regions: they reach each other, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import aws_cdk as cdk
import cfnlint.api
import pytest
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stacks.access import AccessStack
from stacks.pipeline import PipelineStack
from stacks.synthesis import synthesized_templates
from tests.repository import ROOT
from tests.stacks.mappings import (
    DEV,
    MAPPINGS,
    OTHER_REGION,
    PROD,
    REGION,
    SEVERAL,
    STAGE,
    TOOLS,
    Stack,
    access_of,
    stacks_of,
)
from tools.templates import settings_in
from vectora_ops.settings import ENVIRONMENT_NAMES, load_settings
from vectora_shared.errors import ConfigurationError

FOUR = "four accounts"
Statement = dict[str, Any]


def _stack(mapping: str, name: str) -> Stack:
    [found] = [each for each in stacks_of(mapping) if each.name == name]
    return found


def _text(value: Any, stack: Stack) -> str:
    """Return the text of an ARN or a name, with account and partition resolved."""
    match value:
        case str():
            text = value
        case {"Fn::Sub": str(sub)}:
            text = sub
        case {"Fn::Join": ["", list(parts)]}:
            text = "".join(_text(part, stack) for part in parts)
        case {"Ref": str(name)}:
            text = f"${{{name}}}"
        case _:
            text = json.dumps(value)
    return text.replace("${AWS::AccountId}", stack.account).replace("${AWS::Partition}", "aws")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _roles(stack: Stack) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield logical id, ARN and properties of the roles that have a name."""
    for logical_id, role in stack.resources("AWS::IAM::Role"):
        if "RoleName" in role:
            yield logical_id, f"arn:aws:iam::{stack.account}:role{role.get('Path', '/')}{role['RoleName']}", role


def _inline(role: dict[str, Any]) -> list[Statement]:
    return [each for policy in role.get("Policies", ()) for each in policy["PolicyDocument"]["Statement"]]


def _assumed(mapping: str) -> set[tuple[str, str]]:
    """Return who may assume which role of the project, by the policies of those who assume."""
    return {
        (arn, _text(resource, stack))
        for stack in stacks_of(mapping)
        for _, arn, role in _roles(stack)
        for statement in _inline(role)
        if "sts:AssumeRole" in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    }


def _trusted(mapping: str) -> set[tuple[str, str]]:
    """Return who may assume which role, by the policies of the assumed roles."""
    found = set()
    for stack in stacks_of(mapping):
        for _, arn, role in _roles(stack):
            for trust in role["AssumeRolePolicyDocument"]["Statement"]:
                if "AWS" not in trust["Principal"]:
                    continue
                for who in trust["Condition"]["ArnEquals"]["aws:PrincipalArn"]:
                    assert trust["Principal"]["AWS"] == f"arn:aws:iam::{who.split(':')[4]}:root"
                    found.add((who, arn))
    return found


@pytest.mark.parametrize("mapping", SEVERAL)
def test_every_role_that_may_be_assumed_trusts_its_user_and_no_other(mapping: str) -> None:
    assumed = _assumed(mapping)
    assert assumed
    assert assumed == _trusted(mapping)


@pytest.mark.parametrize("mapping", SEVERAL)
def test_every_function_that_is_told_of_a_role_may_assume_it(mapping: str) -> None:
    told = 0
    for stack in stacks_of(mapping):
        roles = {logical_id: (arn, role) for logical_id, arn, role in _roles(stack)}
        for _, function in stack.resources("AWS::Lambda::Function"):
            routes = json.loads(function.get("Environment", {}).get("Variables", {}).get("ELSEWHERE", "{}"))
            if "Fn::GetAtt" not in str(function["Role"]) or function["Role"]["Fn::GetAtt"][0] not in roles:
                assert not routes
                continue
            arn, _ = roles[function["Role"]["Fn::GetAtt"][0]]
            may = {role for who, role in _assumed(mapping) if who == arn}
            assert {route["role"] for route in routes.values()} == may
            told += len(routes)
    assert told


@pytest.mark.parametrize("mapping", SEVERAL)
def test_no_policy_lets_an_account_in_that_is_not_one_of_the_settings(mapping: str) -> None:
    accounts = set(MAPPINGS[mapping][:4])
    for stack in stacks_of(mapping):
        for kind, key in (
            ("AWS::IAM::Role", "AssumeRolePolicyDocument"),
            ("AWS::KMS::Key", "KeyPolicy"),
            ("AWS::S3::BucketPolicy", "PolicyDocument"),
        ):
            for logical_id, properties in stack.resources(kind):
                for statement in _list(properties[key]["Statement"]):
                    for principal in _list(statement["Principal"].get("AWS", [])):
                        text = _text(principal, stack)
                        if text == "*":
                            # Limited to this account, or a denial.
                            limited = "kms:CallerAccount" in json.dumps(statement.get("Condition", {}))
                            assert statement["Effect"] == "Deny" or limited, logical_id
                        elif text.startswith("arn:"):
                            assert text.split(":")[4] in accounts, logical_id


def test_a_user_of_one_account_gets_no_relay_no_key_and_no_access_stack() -> None:
    names = {each.name for each in stacks_of("one account")}
    assert not [name for name in names if name.startswith("access-")]
    pipeline = _stack("one account", "pipeline")
    assert [each for each, _ in pipeline.resources("AWS::KMS::Key")] == ["PipelineTopicKey"]
    assert not [each for each, _ in pipeline.resources("AWS::Lambda::Function") if "Relay" in each]
    assert not list(pipeline.resources("AWS::Events::Rule"))


def test_naming_the_one_account_changes_nothing_in_an_environment() -> None:
    named = settings_in(*MAPPINGS["one account"])
    for env in ENVIRONMENT_NAMES:
        text = json.dumps(synthesized_templates(ROOT, env, named)).replace(TOOLS, "ACCOUNT")
        assert "ELSEWHERE" not in text
        assert "sts:AssumeRole" not in [
            action
            for stack in stacks_of("one account")
            for _, _, role in _roles(stack)
            for statement in _inline(role)
            for action in _list(statement["Action"])
        ]


def _actions(stack: Stack) -> list[dict[str, Any]]:
    [(_, pipeline)] = stack.resources("AWS::CodePipeline::Pipeline")
    return [action for stage in pipeline["Stages"] for action in stage["Actions"]]


def test_steps_of_environments_beside_the_pipeline_are_invoked_directly_and_all_others_by_the_relay() -> None:
    for action in _actions(_stack("dev beside the pipeline", "pipeline")):
        if action["ActionTypeId"]["Provider"] != "Lambda":
            continue
        parameters = json.loads(action["Configuration"]["UserParameters"])
        function = action["Configuration"]["FunctionName"]
        if action["Name"] == "gate-stage" or action["Name"].endswith("-dev"):
            assert function.endswith("-dev")
            assert "environment" not in parameters
        else:
            assert function == "vectora-inbox-pipeline-relay"
            where = "stage" if action["Name"].startswith("gate-") else action["Name"].rpartition("-")[2]
            assert parameters["environment"] == where
            assert parameters["task"] in ("promotion", "snapshot", "smoke-test")


def test_several_accounts_add_no_action_to_the_pipeline() -> None:
    names = [[each["Name"] for each in _actions(_stack(mapping, "pipeline"))] for mapping in ("one account", FOUR)]
    assert names[0] == names[1]


def test_a_user_of_several_accounts_has_one_key_for_artifacts_that_the_deploy_roles_alone_may_use() -> None:
    stack = _stack(FOUR, "pipeline")
    keys = dict(stack.resources("AWS::KMS::Key"))
    [key_id] = [each for each in keys if each.startswith("ArtifactsKey")]
    assert keys[key_id]["EnableKeyRotation"] is True
    assert stack.template["Resources"][key_id]["DeletionPolicy"] == "Retain"
    principals = [
        _text(principal, stack)
        for statement in keys[key_id]["KeyPolicy"]["Statement"]
        for principal in _list(statement["Principal"]["AWS"])
    ]
    expected = {
        f"arn:aws:iam::{account}:role/cdk-vicff{env}-deploy-role-{account}-{REGION}"
        for account, env in ((DEV, "dev"), (STAGE, "stage"), (PROD, "prod"))
    }
    assert set(principals) == {f"arn:aws:iam::{TOOLS}:root", *expected}
    [bucket] = [each for key, each in stack.resources("AWS::S3::Bucket") if key.startswith("ArtifactsBucket")]
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["BucketKeyEnabled"] is True
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"


def test_regions_of_one_account_need_no_key() -> None:
    keys = _stack("one account and a region apart", "pipeline").resources("AWS::KMS::Key")
    assert [each for each, _ in keys] == ["PipelineTopicKey"]


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_no_role_of_the_pipeline_may_use_every_key(mapping: str) -> None:
    stack = _stack(mapping, "pipeline")
    found = 0
    for logical_id, policy in stack.resources("AWS::IAM::Policy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            if not any(action.startswith("kms:") for action in _list(statement["Action"])):
                continue
            for resource in map(str, _list(statement["Resource"])):
                assert resource != "*", logical_id
                if resource.endswith(":key/*"):
                    found += 1
                    assert statement["Condition"] == {
                        "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/vectora-inbox-pipeline-copies"}
                    }
    assert found == (mapping == "four accounts and a region apart")


def _policy(stack: Stack, part: str) -> list[Statement]:
    [policy] = [each for key, each in stack.resources("AWS::IAM::Policy") if part in key]
    statements: list[Statement] = policy["PolicyDocument"]["Statement"]
    return statements


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_the_build_that_updates_the_pipeline_may_assume_roles_of_the_pipelines_own_bootstrap_only(mapping: str) -> None:
    stack = _stack(mapping, "pipeline")
    denied = [each for each in _policy(stack, "SelfMutationRole") if each["Effect"] == "Deny"]
    [statement] = denied
    assert statement["Action"] == "sts:AssumeRole"
    own = [_text(each, stack) for each in statement["NotResource"]]
    assert own == [
        f"arn:aws:iam::{TOOLS}:role/cdk-vicfftools-{purpose}-role-{TOOLS}-{region}"
        for region in dict.fromkeys((REGION, MAPPINGS[mapping][4]))
        for purpose in ("deploy", "file-publishing")
    ]
    assert "Condition" not in statement


def test_the_publishing_build_may_assume_deploy_roles_of_other_accounts_only() -> None:
    def assumed(mapping: str) -> set[str]:
        stack = _stack(mapping, "pipeline")
        return {
            _text(resource, stack).split("/cdk-")[1].split("-role-")[0]
            for each in _policy(stack, "FileRole")
            if each["Action"] == "sts:AssumeRole"
            for resource in _list(each["Resource"])
        }

    published = {f"vicff{env}-file-publishing" for env in ENVIRONMENT_NAMES}
    assert assumed("one account") == published
    assert assumed("dev beside the pipeline") == {*published, "vicffstage-deploy", "vicffprod-deploy"}
    assert assumed(FOUR) == {*published, *(f"vicff{env}-deploy" for env in ENVIRONMENT_NAMES)}


@pytest.mark.parametrize("mapping", SEVERAL)
def test_failures_of_a_stage_elsewhere_reach_the_bus_and_the_rule_of_its_environment(mapping: str) -> None:
    settings = settings_in(*MAPPINGS[mapping])
    pipeline = _stack(mapping, "pipeline")
    rules = {each["Name"]: each for _, each in pipeline.resources("AWS::Events::Rule")}
    apart = [env for env in ENVIRONMENT_NAMES if not settings.is_beside_the_pipeline(env)]
    assert set(rules) == {f"vectora-inbox-stage-failed-{env}" for env in apart}
    for env in ENVIRONMENT_NAMES:
        operations = _stack(mapping, settings.names(env).stack("s0-operations"))
        pattern = operations.template["Resources"]["DeploymentFailed"]["Properties"]["EventPattern"]
        if env not in apart:
            assert "account" not in pattern
            continue
        place = settings.place(env)
        sent = rules[f"vectora-inbox-stage-failed-{env}"]
        bus = f"arn:aws:events:{place.region}:{place.account}:event-bus/default"
        assert [each["Arn"] for each in sent["Targets"]] == [bus]
        role = pipeline.template["Resources"][sent["Targets"][0]["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
        [statement] = _inline(role)
        assert (statement["Action"], statement["Resource"]) == (["events:PutEvents"], [bus])
        assert pattern == {"account": [TOOLS], **sent["EventPattern"]}
        policies = [
            each["Statement"]
            for stack in stacks_of(mapping)
            if stack.name == f"access-{env}"
            for _, each in stack.resources("AWS::Events::EventBusPolicy")
        ]
        if place.account == TOOLS:
            assert policies == []
            continue
        [policy] = policies
        assert policy["Principal"] == {"AWS": f"arn:aws:iam::{TOOLS}:root"}
        assert (policy["Action"], policy["Resource"]) == ("events:PutEvents", bus)
        rule = f"arn:aws:events:{REGION}:{TOOLS}:rule/{sent['Name']}"
        assert policy["Condition"] == {"ArnEquals": {"aws:SourceArn": rule}}


def test_the_role_of_an_environment_in_the_pipelines_account_reaches_its_own_stages_only() -> None:
    roles = {arn.rpartition("/")[2]: role for _, arn, role in _roles(_stack(FOUR, "pipeline"))}
    prefix = f"arn:aws:codepipeline:{REGION}:${{AWS::AccountId}}:vectora-inbox-pipeline"
    for env, following in (("dev", "stage"), ("stage", "prod"), ("prod", None)):
        statements = {each["Sid"]: each for each in _inline(roles[f"vectora-inbox-operates-pipeline-role-{env}"])}
        assert statements["HoldPromotion"]["Resource"] == [{"Fn::Sub": f"{prefix}/{env}"}]
        retry = statements.get("TryAgain", {}).get("Resource")
        assert retry == ([{"Fn::Sub": f"{prefix}/{following}"}] if following else None)
        assert statements["SeePipeline"]["Resource"] == [{"Fn::Sub": prefix}]


@pytest.mark.parametrize("mapping", SEVERAL)
def test_the_access_roles_are_outside_of_every_path_that_deployments_may_change(mapping: str) -> None:
    for stack in stacks_of(mapping):
        for _, arn, _ in _roles(stack):
            inside = stack.name.startswith("access-")
            assert fnmatchcase(arn, "*:role/vectora-inbox/access/*") == inside


def test_the_access_stack_is_deployed_with_the_administrators_own_credentials() -> None:
    for env in ENVIRONMENT_NAMES:
        app = cdk.App()
        stack = AccessStack(app, settings=settings_in(*MAPPINGS[FOUR]), env=env)
        artifact = app.synth().get_stack_by_name(stack.stack_name)
        assert artifact.assume_role_arn is None
        assert artifact.cloud_formation_execution_role_arn is None
        # Without a bucket for templates, CloudFormation accepts 51,200 bytes (CloudFormation quotas).
        assert len(json.dumps(artifact.template)) < 25_000


def test_an_access_stack_that_would_have_nothing_is_refused_with_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match="dev needs no stack vectora-inbox-access-dev"):
        AccessStack(cdk.App(), settings=load_settings(ROOT), env="dev")
    assert access_of(settings_in(*MAPPINGS["one account and a region apart"]), "dev") is None


@pytest.mark.parametrize(
    "places",
    [
        (None, None, None, PROD, REGION),
        (TOOLS, None, None, None, REGION),
        (None, None, None, None, OTHER_REGION),
        (None, DEV, None, PROD, REGION),
    ],
)
def test_places_that_differ_need_the_account_of_each(places: tuple[str | None, ...]) -> None:
    settings = settings_in(*places)  # type: ignore[arg-type]
    sentence = "several accounts or regions .* so each needs its `account`: add it to .*stage"
    with pytest.raises(ConfigurationError, match=sentence):
        PipelineStack(cdk.App(), root=ROOT, settings=settings, platform="lambda")
    with pytest.raises(ConfigurationError, match=sentence):
        synthesized_templates(ROOT, "dev", settings)


def test_the_pipeline_is_in_devs_account_unless_the_settings_name_another() -> None:
    assert settings_in(None, DEV, DEV, DEV, REGION).pipeline_place.account == DEV


@pytest.mark.parametrize("pack", [AwsSolutionsChecks, ServerlessChecks])
@pytest.mark.parametrize("mapping", [FOUR, "four accounts and a region apart", "one account and a region apart"])
def test_cdk_nag_has_no_unexplained_finding_in_several_accounts(pack: Any, mapping: str) -> None:
    settings = settings_in(*MAPPINGS[mapping])
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    app = cdk.App(context=context)
    pipeline = PipelineStack(app, root=ROOT, settings=settings, platform="lambda")
    access = AccessStack(app, settings=settings, env="stage")
    copies = [each for each in app.node.children if each.node.id.startswith("vectora-inbox-pipeline-copies-")]
    assert len(copies) == len({settings.place(env).region for env in ENVIRONMENT_NAMES} - {REGION})
    for stack in (pipeline, access, *copies):
        assert [str(each.rule_name) for each in pack(stack).validate_scope(stack).violations] == []


@pytest.mark.parametrize("mapping", SEVERAL)
def test_cfn_lint_finds_nothing_in_the_access_stacks(mapping: str) -> None:
    for stack in stacks_of(mapping):
        if stack.name.startswith("access-"):
            assert [str(each) for each in cfnlint.api.lint(json.dumps(stack.template), regions=[REGION])] == []

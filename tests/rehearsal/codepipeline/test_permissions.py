"""Callers need IAM's permission, and each action has exactly the permissions of its roles."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from rehearsal.emulator import ACCOUNT, Identity
from vectora_shared.aws_errors import error_code

Session = boto3.Session
BUCKET = "arn:aws:s3:::artifacts"
PIPELINE = f"arn:aws:codepipeline:eu-west-3:{ACCOUNT}:waiting"
PIPELINE_ROLE = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/pipeline"}


def _allow(*actions: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def _client_of(world: Any, role: str) -> Any:
    assumed = world.aws("sts").assume_role(RoleArn=role, RoleSessionName="person")["Credentials"]
    identity = Identity(assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"])
    return world.emulator.session_of(identity).client("codepipeline")


@pytest.fixture(scope="module")
def waiting(world: Any, parts: Any) -> str:
    """Execution of a pipeline that waits for an approval."""
    execution: str = world.create("waiting", parts.approval(), parts.stage("After", parts.invoke("Echo", "answer")))
    world.wait_for_approval("waiting", execution)
    return execution


def test_a_role_can_call_only_the_operations_and_resources_of_its_policy(world: Any, waiting: str) -> None:
    account = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    grants = [
        _allow("codepipeline:GetPipelineState", resource=PIPELINE),
        _allow("codepipeline:PutApprovalResult", resource=f"{PIPELINE}/Other/*"),
    ]
    client = _client_of(world, world.role("reader", account, *grants))
    state = client.get_pipeline_state(name="waiting")
    release = next(each for each in state["stageStates"] if each["stageName"] == "Release")
    token = release["actionStates"][0]["latestExecution"]["token"]
    with pytest.raises(ClientError, match="not authorized to perform: codepipeline:PutApprovalResult") as denial:
        client.put_approval_result(
            pipelineName="waiting",
            stageName="Release",
            actionName="Approve",
            token=token,
            result={"status": "Approved", "summary": ""},
        )
    assert error_code(denial.value) == "AccessDeniedException"
    with pytest.raises(ClientError, match="codepipeline:StartPipelineExecution"):
        client.start_pipeline_execution(name="waiting")
    assert world.service.report("waiting", waiting).status == "InProgress"


def test_a_caller_with_a_wrong_secret_is_refused(world: Any, waiting: str) -> None:
    session = world.emulator.session_of(Identity("ASIA" + "X" * 16, "wrong", "wrong"))
    client = session.client("codepipeline")
    with pytest.raises(ClientError) as refusal:
        client.get_pipeline_state(name="waiting")
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


def test_an_unsupported_operation_or_invalid_input_is_refused(world: Any, waiting: str) -> None:
    with pytest.raises(ClientError, match="does not execute the operation RollbackStage"):
        world.client.rollback_stage(pipelineName="waiting", stageName="After", targetPipelineExecutionId=waiting)
    with pytest.raises(ClientError, match="regular expression pattern"):
        world.client.get_pipeline(name="no such name!")


@pytest.mark.parametrize("granted", [True, False])
def test_a_function_is_invoked_with_the_actions_role(granted: bool, world: Any, parts: Any) -> None:
    name = f"invoking-{granted}".lower()
    role = world.role(name, PIPELINE_ROLE, *([_allow("lambda:InvokeFunction")] if granted else []))
    gate = parts.invoke("Gate", "answer", roleArn=role)
    execution = world.create(name, parts.stage("Check", gate))
    assert world.wait(name, execution) == ("Succeeded" if granted else "Failed")
    if not granted:
        assert "lambda:InvokeFunction" in world.error(name, execution, "Gate")


def test_a_function_without_the_permission_to_answer_fails_its_action(world: Any, parts: Any) -> None:
    iam = world.aws("iam")
    deny = {"Effect": "Deny", "Action": "codepipeline:PutJobSuccessResult", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    iam.put_role_policy(RoleName="function", PolicyName="mute", PolicyDocument=document)
    try:
        with world.impatient(job_answer=1.0):
            execution = world.create("mute", parts.stage("Check", parts.invoke("Gate", "answer")))
            assert world.wait("mute", execution) == "Failed"
    finally:
        iam.delete_role_policy(RoleName="function", PolicyName="mute")
    assert "failed to return a result" in world.error("mute", execution, "Gate")


def test_a_role_that_does_not_trust_the_pipelines_role_is_not_assumed(world: Any, parts: Any) -> None:
    role = world.role("untrusting", {"AWS": f"arn:aws:iam::{ACCOUNT}:role/build"}, _allow("*"))
    execution = world.create("distrusted", parts.stage("Check", parts.invoke("Gate", "answer", roleArn=role)))
    assert world.wait("distrusted", execution) == "Failed"
    assert "not authorized to perform AssumeRole on role" in world.error("distrusted", execution, "Gate")


def test_a_pipeline_role_that_does_not_trust_codepipeline_is_refused(world: Any, parts: Any) -> None:
    declaration = parts.declaration("untrusting", parts.stage("Check", parts.invoke("Gate", "answer")))
    declaration["roleArn"] = f"arn:aws:iam::{ACCOUNT}:role/build"
    client = world.client
    with pytest.raises(client.exceptions.InvalidStructureException, match="not authorized to perform AssumeRole"):
        client.create_pipeline(pipeline=declaration)


def test_a_source_needs_the_permission_to_use_its_connection(world: Any, parts: Any) -> None:
    role = world.role("unconnected", PIPELINE_ROLE, _allow("s3:*"))
    declaration = parts.declaration("unconnected", parts.stage("Check", parts.invoke("Gate", "answer")))
    declaration["stages"][0]["actions"][0]["roleArn"] = role
    world.client.create_pipeline(pipeline=declaration)
    execution = world.executions("unconnected")[0]
    assert world.wait("unconnected", execution) == "Failed"
    assert "Unable to use Connection" in world.error("unconnected", execution, "Checkout")


BUILD_ROLES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], str]] = {
    "cannot-start": ([], [_allow("s3:*")], "codebuild:StartBuild"),
    "cannot-read-source": ([_allow("codebuild:*")], [], "Insufficient permissions: unable to access the artifact"),
    "cannot-write-output": (
        [_allow("codebuild:*")],
        [_allow("s3:GetObject*")],
        "Insufficient permissions: unable to access",
    ),
}


@pytest.mark.parametrize("name", BUILD_ROLES)
def test_a_build_needs_its_permissions(name: str, world: Any, parts: Any) -> None:
    of_action, of_project, words = BUILD_ROLES[name]
    action_role = world.role(f"{name}-action", PIPELINE_ROLE, *of_action)
    project_role = world.role(f"{name}-project", {"Service": "codebuild.amazonaws.com"}, *of_project)
    buildspec = {"phases": {"build": {"commands": ["touch made"]}}, "artifacts": {"files": ["made"]}}
    world.project(name, buildspec, serviceRole=project_role)
    build = parts.build("Make", name, outputs=["Made"], roleArn=action_role)
    execution = world.create(name, parts.stage("Build", build))
    assert world.wait(name, execution) == "Failed"
    assert words in world.error(name, execution, "Make")


@pytest.mark.parametrize(
    ("name", "grants", "words"),
    [
        ("cannot-pass", ["cloudformation:*", "s3:*"], "not authorized to perform: iam:PassRole"),
        (
            "cannot-read",
            ["cloudformation:*", "iam:PassRole"],
            "Insufficient permissions: unable to access the artifact",
        ),
        ("cannot-change-stacks", ["iam:PassRole", "s3:*"], "cloudformation:"),
    ],
)
def test_a_stack_action_needs_its_permissions(name: str, grants: list[str], words: str, world: Any, parts: Any) -> None:
    world.commit({"t.json": json.dumps({"Resources": {"W": {"Type": "AWS::SNS::Topic"}}})})
    configuration = {
        "ActionMode": "CREATE_UPDATE",
        "StackName": name,
        "TemplatePath": "Code::t.json",
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/stacks",
    }
    deploy = parts.action(
        "Deploy",
        "Deploy",
        "CloudFormation",
        configuration=configuration,
        inputs=["Code"],
        roleArn=world.role(name, PIPELINE_ROLE, _allow(*grants)),
    )
    execution = world.create(name, parts.stage("Deploy", deploy))
    assert world.wait(name, execution) == "Failed"
    assert words in world.error(name, execution, "Deploy")


@pytest.mark.parametrize("service", ["codeconnections", "codestar-connections"])
@pytest.mark.parametrize("granted", ["codeconnections", "codestar-connections"])
def test_a_connection_needs_the_permission_with_the_service_name_of_its_arn(
    service: str, granted: str, world: Any, parts: Any
) -> None:
    name = f"{service}-by-{granted}"
    role = world.role(name, {"Service": "codepipeline.amazonaws.com"}, _allow(f"{granted}:UseConnection", "s3:*"))
    declaration = parts.declaration(name, parts.stage("Check", parts.invoke("Echo", "answer")), roleArn=role)
    configuration = declaration["stages"][0]["actions"][0]["configuration"]
    configuration["ConnectionArn"] = f"arn:aws:{service}:eu-west-3:{ACCOUNT}:connection/one"
    world.client.create_pipeline(pipeline=declaration)
    execution = world.executions(name)[0]
    world.wait(name, execution)
    runs = world.runs(name, execution)
    if service == granted:
        assert runs["Checkout"]["status"] == "Succeeded"
    else:
        expected = f"Unable to use Connection: {configuration['ConnectionArn']}. The provided role does not have"
        assert world.error(name, execution, "Checkout").startswith(expected)

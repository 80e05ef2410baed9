"""Pipelines deployed by CloudFormation: they deploy stacks, and restart when their own stack changes them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from rehearsal.emulator import ACCOUNT
from tests.rehearsal.codepipeline.conftest import PATIENCE

STACK = "delivered"
PATIENTLY: Any = {"Delay": 0.05, "MaxAttempts": int(PATIENCE / 0.05)}


def _parameter(name: str, value: str) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": value}}


def _pascal(value: Any) -> Any:
    if isinstance(value, list):
        return [_pascal(each) for each in value]
    if isinstance(value, dict):
        return {
            key[0].upper() + key[1:]: each if key == "configuration" else _pascal(each) for key, each in value.items()
        }
    return value


def _template(declaration: dict[str, Any], **properties: Any) -> str:
    # Like a template of the CDK, with a boolean in the configuration.
    declaration["stages"][0]["actions"][0]["configuration"]["DetectChanges"] = True
    pipeline = {
        "Type": "AWS::CodePipeline::Pipeline",
        "Properties": {**_pascal(declaration), "RestartExecutionOnUpdate": True, **properties},
    }
    outputs = {"Name": {"Value": {"Ref": "Pipeline"}}, "Version": {"Value": {"Fn::GetAtt": ["Pipeline", "Version"]}}}
    return json.dumps({"Resources": {"Pipeline": pipeline}, "Outputs": outputs})


def _deploy(world: Any, name: str, template: str) -> dict[str, str]:
    client = world.aws("cloudformation")
    known = [each["StackName"] for each in client.list_stacks()["StackSummaries"]]
    operation = client.update_stack if name in known else client.create_stack
    operation(StackName=name, TemplateBody=template, Tags=[{"Key": "team", "Value": "one"}])
    kind = "stack_update_complete" if name in known else "stack_create_complete"
    client.get_waiter(kind).wait(StackName=name, WaiterConfig=PATIENTLY)
    outputs = client.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    return {each["OutputKey"]: each["OutputValue"] for each in outputs}


def _change_set(parts: Any, template: str = "stack.json", stack: str = STACK) -> list[dict[str, Any]]:
    common = {"StackName": stack, "ChangeSetName": "Change"}
    replace = {
        **common,
        "ActionMode": "CHANGE_SET_REPLACE",
        "TemplatePath": f"Code::{template}",
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/stacks",
        "Capabilities": "CAPABILITY_NAMED_IAM,CAPABILITY_AUTO_EXPAND",
    }
    execute = {**common, "ActionMode": "CHANGE_SET_EXECUTE"}
    return [
        parts.action("Prepare", "Deploy", "CloudFormation", configuration=replace, inputs=["Code"]),
        parts.action("Deploy", "Deploy", "CloudFormation", configuration=execute, runOrder=2, namespace="Stack"),
    ]


@pytest.fixture(scope="module")
def deployed(world: Any, parts: Any) -> tuple[Any, dict[str, str]]:
    """World and outputs of a stack with a pipeline that deploys another stack."""
    world.commit(
        {
            "stack.json": json.dumps(
                {"Resources": {"P": _parameter("delivered", "one")}, "Outputs": {"Where": {"Value": {"Ref": "P"}}}}
            )
        }
    )
    echo = parts.invoke("Echo", "answer", say="#{Stack.Where}", runOrder=3, namespace="Echo")
    declaration = parts.declaration("delivery", parts.stage("Deploy", *_change_set(parts), echo))
    return world, _deploy(world, "pipeline-stack", _template(declaration))


def _value(world: Any, name: str) -> str:
    return str(world.aws("ssm").get_parameter(Name=name)["Parameter"]["Value"])


def test_a_pipeline_created_by_cloudformation_deploys_and_then_has_no_changes(
    deployed: tuple[Any, dict[str, str]],
) -> None:
    world, outputs = deployed
    assert outputs == {"Name": "delivery", "Version": "1"}
    first = world.executions("delivery")[-1]
    assert world.wait("delivery", first) == "Succeeded", world.service.report("delivery", first)
    assert _value(world, "delivered") == "one"
    assert world.runs("delivery", first)["Echo"]["output"]["outputVariables"]["echo"] == "delivered"
    arn = f"arn:aws:codepipeline:{world.emulator.region}:{ACCOUNT}:delivery"
    assert {"key": "team", "value": "one"} in world.client.list_tags_for_resource(resourceArn=arn)["tags"]

    second = world.start("delivery")
    assert world.wait("delivery", second) == "Succeeded"
    runs = world.runs("delivery", second)
    assert "no changes" in runs["Prepare"]["output"]["executionResult"]["externalExecutionSummary"]
    assert "nothing was executed" in runs["Deploy"]["output"]["executionResult"]["externalExecutionSummary"]
    assert runs["Echo"]["output"]["outputVariables"]["echo"] == "delivered"


def test_a_failing_stack_fails_its_action_with_the_first_reason_and_cannot_be_updated(world: Any, parts: Any) -> None:
    world.project("taken", {"phases": {"build": {"commands": ["true"]}}})
    artifacts = {"Type": "NO_ARTIFACTS"}
    properties = {"Name": "taken", "ServiceRole": "role", "Source": {"Type": "NO_SOURCE"}, "Artifacts": artifacts}
    broken = {"Resources": {"Twice": {"Type": "AWS::CodeBuild::Project", "Properties": properties}}}
    world.commit({"broken.json": json.dumps(broken)})
    stage = parts.stage("Deploy", *_change_set(parts, "broken.json", "broken"))
    execution = world.create("breaking", stage)
    assert world.wait("breaking", execution) == "Failed"
    assert world.error("breaking", execution, "Deploy").startswith("Twice: ")
    assert "ROLLBACK_COMPLETE" in world.error("breaking", execution, "Deploy")
    again = world.start("breaking")
    assert world.wait("breaking", again) == "Failed"
    assert "is in ROLLBACK_COMPLETE state and can not be updated" in world.error("breaking", again, "Prepare")


def test_a_missing_template_is_named(world: Any, parts: Any) -> None:
    execution = world.create("nowhere", parts.stage("Deploy", *_change_set(parts, "nowhere.json", "nowhere")))
    assert world.wait("nowhere", execution) == "Failed"
    assert world.error("nowhere", execution, "Prepare") == "File [nowhere.json] does not exist in artifact [Code]"


def test_a_stack_is_created_with_parameters_and_deleted_directly(world: Any, parts: Any) -> None:
    template = {"Parameters": {"Word": {"Type": "String"}}, "Resources": {"P": _parameter("direct", "x")}}
    template["Resources"]["P"]["Properties"]["Value"] = {"Ref": "Word"}
    world.commit({"direct.json": json.dumps(template), "words.json": json.dumps({"word": "given"})})
    common = {"StackName": "direct", "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/stacks"}
    override = json.dumps({"Word": {"Fn::GetParam": ["Code", "words.json", "word"]}})
    update = {**common, "ActionMode": "CREATE_UPDATE", "TemplatePath": "Code::direct.json"}
    deploy = parts.action(
        "Deploy",
        "Deploy",
        "CloudFormation",
        configuration={**update, "ParameterOverrides": override},
        inputs=["Code"],
    )
    world.wait("direct", world.create("direct", parts.stage("Deploy", deploy)))
    assert _value(world, "direct") == "given"
    assert world.wait("direct", world.start("direct")) == "Succeeded"

    delete = parts.action("Delete", "Deploy", "CloudFormation", configuration={**common, "ActionMode": "DELETE_ONLY"})
    execution = world.create("deletion", parts.stage("Deploy", delete))
    assert world.wait("deletion", execution) == "Succeeded"
    assert world.wait("deletion", world.start("deletion")) == "Succeeded"
    stacks = world.aws("cloudformation").list_stacks()["StackSummaries"]
    assert [each["StackStatus"] for each in stacks if each["StackName"] == "direct"] == ["DELETE_COMPLETE"]


def test_a_pipeline_that_changes_itself_restarts_and_the_old_execution_ends_with_its_action(
    world: Any, parts: Any, emulator_python: Path
) -> None:
    def declaration(word: str) -> str:
        later = parts.stage("Later", parts.invoke("Echo", "answer", say=word, namespace="Echo"))
        return _template(
            parts.declaration("mutable", parts.stage("Mutate", parts.build("SelfMutate", "mutate")), later)
        )

    # Like `cdk deploy` in the pipeline: update the pipeline's own stack when it has changes.
    update = (
        f"{emulator_python} -c \"import boto3, json, os; c = boto3.client('cloudformation')\n"
        "try:\n    c.update_stack(StackName='mutable', TemplateBody=open('mutable.json').read())\n"
        f"    c.get_waiter('stack_update_complete').wait(StackName='mutable', WaiterConfig={PATIENTLY})\n"
        "except c.exceptions.ClientError as e:\n    assert 'No updates' in str(e), e\""
    )
    world.project("mutate", {"phases": {"build": {"commands": [update]}}})
    world.commit({"mutable.json": declaration("new")})
    _deploy(world, "mutable", declaration("old"))
    first = world.executions("mutable")[-1]
    assert world.wait("mutable", first) == "Cancelled", world.runs("mutable", first)
    assert world.runs("mutable", first)["SelfMutate"]["status"] == "Succeeded"
    assert "Echo" not in world.runs("mutable", first)
    assert len(world.executions("mutable")) == 2
    second = world.executions("mutable")[0]
    assert world.wait("mutable", second) == "Succeeded", world.runs("mutable", second)
    assert world.runs("mutable", second)["Echo"]["output"]["outputVariables"]["echo"] == "new"
    shown = world.client.get_pipeline_execution(pipelineName="mutable", pipelineExecutionId=second)
    assert shown["pipelineExecution"]["pipelineVersion"] == 2
    assert shown["pipelineExecution"]["trigger"]["triggerType"] == "StartPipelineExecution"


def test_a_refused_declaration_fails_the_stack_with_the_reason(world: Any, parts: Any) -> None:
    declaration = parts.declaration("parallel", parts.stage("Deploy", parts.invoke("Echo", "answer")))
    template = _template(declaration, ExecutionMode="PARALLEL")
    client = world.aws("cloudformation")
    client.create_stack(StackName="refused", TemplateBody=template, OnFailure="DO_NOTHING")
    reasons: list[str] = []
    deadline = time.monotonic() + PATIENCE
    while not reasons and time.monotonic() < deadline:
        time.sleep(0.05)
        events = client.describe_stack_events(StackName="refused")["StackEvents"]
        reasons = [each.get("ResourceStatusReason", "") for each in events if "FAILED" in each["ResourceStatus"]]
    assert any("execution mode PARALLEL" in reason for reason in reasons)


def test_a_renamed_pipeline_is_replaced_and_a_deleted_stack_deletes_it(world: Any, parts: Any) -> None:
    def template(name: str) -> str:
        return _template(parts.declaration(name, parts.stage("Check", parts.invoke("Echo", "answer"))))

    _deploy(world, "renamed", template("before"))
    assert _deploy(world, "renamed", template("after"))["Name"] == "after"
    client = world.aws("cloudformation")
    names = {each["name"] for each in world.client.list_pipelines()["pipelines"]}
    assert "after" in names
    assert "before" not in names
    client.delete_stack(StackName="renamed")
    waiter = client.get_waiter("stack_delete_complete")
    waiter.wait(StackName="renamed", WaiterConfig=PATIENTLY)
    assert "after" not in {each["name"] for each in world.client.list_pipelines()["pipelines"]}

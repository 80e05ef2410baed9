"""CloudFormation refuses names that are taken, changes of exports in use, and unreadable SSM parameters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.emulator import ACCOUNT

REGION = "eu-west-3"
LOCATION = {"LocationConstraint": REGION}
PATTERN = {"source": ["test"]}
MACHINE = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}


def _trust(service: str = "lambda.amazonaws.com") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _resource(kind: str, /, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def _parameter(name: str, value: str = "x") -> dict[str, Any]:
    return _resource("AWS::SSM::Parameter", Name=name, Type="String", Value=value)


FAILING = _parameter("/fails/always", "{{not-allowed}}")
ROLE = _resource("AWS::IAM::Role", RoleName="taken", AssumeRolePolicyDocument=_trust())
NAMED = {
    "Role": ROLE,
    "LogGroup": _resource("AWS::Logs::LogGroup", LogGroupName="/taken"),
    "Parameter": _parameter("/taken"),
    "Topic": _resource("AWS::SNS::Topic", TopicName="taken"),
    "Rule": _resource("AWS::Events::Rule", Name="taken", EventPattern=PATTERN),
    "Alarm": _resource(
        "AWS::CloudWatch::Alarm",
        AlarmName="taken",
        Namespace="N",
        MetricName="M",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=1,
        EvaluationPeriods=1,
        Period=60,
        Statistic="Sum",
    ),
    "Machine": _resource(
        "AWS::StepFunctions::StateMachine",
        StateMachineName="taken",
        Definition=MACHINE,
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/runs-machines",
    ),
    "Schedule": _resource(
        "AWS::Scheduler::Schedule",
        Name="taken",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:none", "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/runs-machines"},
    ),
    "Function": _resource(
        "AWS::Lambda::Function",
        FunctionName="taken",
        Runtime="python3.13",
        Handler="index.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/runs-functions",
        Code={"ZipFile": "def handler(event, context): pass"},
    ),
    "Project": _resource(
        "AWS::CodeBuild::Project",
        Name="taken",
        ServiceRole=f"arn:aws:iam::{ACCOUNT}:role/runs-functions",
        Artifacts={"Type": "NO_ARTIFACTS"},
        Source={"Type": "NO_SOURCE", "BuildSpec": "{}"},
        Environment={"Type": "LINUX_CONTAINER", "Image": "standard", "ComputeType": "BUILD_GENERAL1_SMALL"},
    ),
}


@pytest.fixture(scope="module")
def taken(account: Any) -> None:
    """A stack with one resource of each type that has a name."""
    account.role("runs-machines", service="states.amazonaws.com")
    account.role("runs-functions")
    assert account.deploy("first", NAMED) == "CREATE_COMPLETE", account.reasons("first")


@pytest.mark.usefixtures("taken")
@pytest.mark.parametrize("logical_id", sorted(NAMED))
def test_a_second_stack_cannot_take_over_a_resource(account: Any, logical_id: str) -> None:
    stack = f"second-{logical_id}".lower()
    assert account.deploy(stack, {logical_id: NAMED[logical_id]}) == "ROLLBACK_COMPLETE"
    reasons = account.reasons(stack)
    assert "already exists" in reasons or "ParameterAlreadyExists" in reasons
    assert account.deploy("first", NAMED | {"More": _parameter(f"/more/{logical_id}")}) == "UPDATE_COMPLETE"


@pytest.mark.usefixtures("taken")
def test_a_replacement_cannot_take_over_a_resource(account: Any) -> None:
    own = _resource("AWS::IAM::Role", RoleName="my-own", AssumeRolePolicyDocument=_trust())
    assert account.deploy("renames", {"Role": own}) == "CREATE_COMPLETE"
    assert account.deploy("renames", {"Role": ROLE}) == "UPDATE_ROLLBACK_COMPLETE"
    assert account("iam").get_role(RoleName="my-own")["Role"]["RoleName"] == "my-own"


def test_retained_resources_of_a_failed_creation_block_the_next_one(account: Any) -> None:
    role = _resource("AWS::IAM::Role", RoleName="half-created", AssumeRolePolicyDocument=_trust())
    failing = {**FAILING, "DependsOn": "Role"}
    retained = {**role, "DeletionPolicy": "Retain"}
    assert account.deploy("half", {"Role": retained, "Fails": failing}) == "ROLLBACK_COMPLETE"
    account("cloudformation").delete_stack(StackName="half")
    assert account.deploy("half", {"Role": retained}) == "ROLLBACK_COMPLETE"
    assert "'half-created' already exists" in account.reasons("half")


def test_resources_with_retain_except_on_create_are_deleted_after_a_failed_creation(account: Any, kit: Any) -> None:
    role = _resource("AWS::IAM::Role", RoleName="not-kept", AssumeRolePolicyDocument=_trust())
    safe = {**role, "DeletionPolicy": "RetainExceptOnCreate"}
    assert account.deploy("except", {"Role": safe, "Fails": {**FAILING, "DependsOn": "Role"}}) == "ROLLBACK_COMPLETE"
    assert kit.error_of(account("iam").get_role, RoleName="not-kept")[0] == "NoSuchEntity"
    account("cloudformation").delete_stack(StackName="except")
    assert account.deploy("except", {"Role": safe, "Other": _parameter("/except")}) == "CREATE_COMPLETE"
    assert account.deploy("except", {"Other": _parameter("/except")}) == "UPDATE_COMPLETE"
    assert account("iam").get_role(RoleName="not-kept")["Role"]["RoleName"] == "not-kept"


def test_a_bucket_with_objects_is_not_deleted_with_its_stack(account: Any) -> None:
    account.deploy("full", {"Bucket": _resource("AWS::S3::Bucket", BucketName="full-bucket")})
    account("s3").put_object(Bucket="full-bucket", Key="kept", Body=b"kept")
    account("cloudformation").delete_stack(StackName="full")
    assert account.final_status("full") == "DELETE_FAILED"
    assert account("s3").get_object(Bucket="full-bucket", Key="kept")["Body"].read() == b"kept"
    account("s3").delete_object(Bucket="full-bucket", Key="kept")
    account("cloudformation").delete_stack(StackName="full")
    account("cloudformation").get_waiter("stack_delete_complete").wait(StackName="full", WaiterConfig={"Delay": 1})


def test_an_export_in_use_can_neither_be_changed_nor_deleted(account: Any) -> None:
    def exports(value: str) -> dict[str, Any]:
        return {"Outputs": {"Out": {"Value": value, "Export": {"Name": "shared"}}}}

    own = {"Own": _parameter("/exporter")}
    account.deploy("exporter", own, **exports("one"))
    imports = _resource("AWS::SSM::Parameter", Name="/importer", Type="String", Value={"Fn::ImportValue": "shared"})
    account.deploy("importer", {"Imports": imports})
    assert account.deploy("exporter", own, **exports("two")) == "UPDATE_ROLLBACK_COMPLETE"
    assert account.deploy("exporter", own | {"More": _parameter("/m")}) == "UPDATE_ROLLBACK_COMPLETE"
    assert account("ssm").get_parameter(Name="/importer")["Parameter"]["Value"] == "one"
    account("cloudformation").delete_stack(StackName="importer")
    account("cloudformation").get_waiter("stack_delete_complete").wait(StackName="importer", WaiterConfig={"Delay": 1})
    assert account.deploy("exporter", own | {"More": _parameter("/m")}) == "UPDATE_COMPLETE"
    exported = account("cloudformation").list_exports()["Exports"]
    assert "shared" not in [export["Name"] for export in exported]


def test_get_template_returns_ascii_only(account: Any) -> None:
    described = _resource("AWS::SSM::Parameter", Name="/text", Type="String", Value="x", Description="Größe →")
    account("cloudformation").create_stack(
        StackName="text", TemplateBody=json.dumps({"Resources": {"Text": described}}, ensure_ascii=False)
    )
    account.final_status("text")
    body = account("cloudformation").get_template(StackName="text")["TemplateBody"]
    assert body["Resources"]["Text"]["Properties"]["Description"] == "Gr??e ?"


@pytest.mark.parametrize("operation", ["create_stack", "create_change_set"])
def test_the_caller_must_be_allowed_to_read_a_templates_parameters(account: Any, kit: Any, operation: str) -> None:
    stack = operation.replace("_", "-")
    account("ssm").put_parameter(Name=f"/input/{stack}", Value="x", Type="String")
    parameters = {"Input": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": f"/input/{stack}"}}
    resources = {"Made": _resource("AWS::SSM::Parameter", Name=f"/made/{stack}", Type="String", Value={"Ref": "Input"})}
    body = json.dumps({"Parameters": parameters, "Resources": resources})
    given = {"StackName": stack, "TemplateBody": body}
    if operation == "create_change_set":
        given |= {"ChangeSetName": "change", "ChangeSetType": "CREATE"}
    role = account.role(stack, kit.allow("cloudformation:*"))
    call = getattr(account.acting_as(role)("cloudformation"), operation)
    code, message = kit.error_of(call, **given)
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/input/{stack}"
    assert code == "ValidationError"
    assert f"not authorized to perform: ssm:GetParameters on resource: {arn}" in message
    account.grant(role, kit.allow("cloudformation:*"), kit.allow("ssm:GetParameters", on=arn))
    call(**given)


@pytest.mark.parametrize(("caller", "named"), [("cdk-x-deploy-role-1", "reads-for-stacks"), ("operator", "operator")])
def test_a_service_role_must_be_allowed_to_read_them_and_cdks_deploy_role_need_not(
    account: Any, kit: Any, caller: str, named: str
) -> None:
    account("ssm").put_parameter(Name=f"/by-role/{caller}", Value="x", Type="String")
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/by-role/{caller}"
    service = account.role(f"reads-for-stacks-{caller}", service="cloudformation.amazonaws.com")
    deploys = kit.allow("cloudformation:*", "iam:PassRole")
    role = account.role(caller, deploys)
    parameters = {"Input": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": f"/by-role/{caller}"}}
    resources = {"Made": _parameter(f"/made-by/{caller}")}
    body = json.dumps({"Parameters": parameters, "Resources": resources})
    given = {"StackName": f"by-{caller}", "TemplateBody": body, "RoleARN": service}
    create = account.acting_as(role)("cloudformation").create_stack
    assert f"ssm:GetParameters on resource: {arn}" in kit.error_of(create, **given)[1]
    if named == "operator":
        account.grant(service, kit.allow("ssm:GetParameters", on=arn))
        assert "assumed-role/operator/" in kit.error_of(create, **given)[1]
        account.grant(role, deploys, kit.allow("ssm:GetParameters", on=arn))
    else:
        account.grant(service, kit.allow("ssm:GetParameters", on=arn))
    create(**given)


def test_a_service_role_that_cloudformation_cannot_assume_is_refused(account: Any, kit: Any) -> None:
    role = account.role("not-cloudformations")
    body = json.dumps({"Resources": {"Made": _parameter("/service-role")}})
    create = account("cloudformation").create_stack
    code, message = kit.error_of(create, StackName="service-role", TemplateBody=body, RoleARN=role)
    assert (code, message) == ("ValidationError", f"Role {role} is invalid or cannot be assumed")


def test_a_long_generated_role_name_loses_the_ends_of_its_parts(account: Any) -> None:
    stack = "a-stack-whose-name-is-long-and-ends-with-prod"
    role = _resource("AWS::IAM::Role", AssumeRolePolicyDocument=_trust())
    short = "LogicalIdOfMiddleLength01"
    resources = {"SnapshotScheduleRoleOfTheEnvironment": role, short: role}
    assert account.deploy(stack, resources) == "CREATE_COMPLETE"
    found = account("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    names = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}
    assert names["SnapshotScheduleRoleOfTheEnvironment"].startswith(
        "a-stack-whose-name-is-lo-SnapshotScheduleRoleOfTh-"
    )
    assert all(len(name) <= 64 and "prod" not in name for name in names.values())
    tagged = {
        logical_id: {**role, "Properties": {**role["Properties"], "Description": "New"}} for logical_id in resources
    }
    assert account.deploy(stack, tagged) == "UPDATE_COMPLETE"
    assert {account("iam").get_role(RoleName=name)["Role"]["Description"] for name in names.values()} == {"New"}


def test_a_condition_can_test_whether_a_list_is_empty(account: Any) -> None:
    empty = {"Fn::Equals": ["", {"Fn::Join": ["", {"Ref": "Names"}]}]}
    parameters = {"Names": {"Type": "CommaDelimitedList", "Default": ""}}
    chosen = _resource(
        "AWS::SSM::Parameter", Name="/chosen", Type="String", Value={"Fn::If": ["Empty", "none", "some"]}
    )
    parts = {"Parameters": parameters, "Conditions": {"Empty": empty}}
    assert account.deploy("conditions", {"Chosen": chosen}, **parts) == "CREATE_COMPLETE"
    assert account("ssm").get_parameter(Name="/chosen")["Parameter"]["Value"] == "none"
    parameters["Names"]["Default"] = "a,b"
    assert account.deploy("conditions", {"Chosen": chosen}, **parts) == "UPDATE_COMPLETE"
    assert account("ssm").get_parameter(Name="/chosen")["Parameter"]["Value"] == "some"

"""Actions with roles of other accounts, and in other regions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.emulator import ACCOUNT

OTHER = "2" * 12
REGION, FAR = "eu-west-3", "eu-north-1"
PIPELINE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/pipeline"
TEMPLATE = json.dumps({"Resources": {"W": {"Type": "AWS::SNS::Topic"}}})


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _statement(principal: Any, *actions: str, resource: Any = None) -> dict[str, Any]:
    given = {"Effect": "Allow", "Action": list(actions), "Principal": principal}
    return given if resource is None else {**given, "Resource": resource}


def _client(world: Any, service: str, account: str = ACCOUNT, region: str = REGION) -> Any:
    return world.emulator.session(account, region).client(service)


def _role(world: Any, name: str, principal: Any, *actions: str) -> str:
    """Create a role in the other account; return its ARN."""
    iam = _client(world, "iam", OTHER)
    trust = _policy(_statement(principal, "sts:AssumeRole"))
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    grants = _policy({"Effect": "Allow", "Action": list(actions), "Resource": "*"})
    iam.put_role_policy(RoleName=name, PolicyName="grants", PolicyDocument=grants)
    return str(arn)


@pytest.fixture(scope="module")
def execution_role(world: Any) -> str:
    world.commit({"t.json": TEMPLATE})
    return _role(world, "stacks-elsewhere", {"Service": "cloudformation.amazonaws.com"}, "*")


def _deploy(parts: Any, stack: str, deploy_role: str, execution_role: str, **members: Any) -> dict[str, Any]:
    configuration = {"ActionMode": "CREATE_UPDATE", "StackName": stack, "TemplatePath": "Code::t.json"}
    action: dict[str, Any] = parts.action(
        "Deploy",
        "Deploy",
        "CloudFormation",
        configuration={**configuration, "RoleArn": execution_role},
        inputs=["Code"],
        roleArn=deploy_role,
        **members,
    )
    return action


def test_a_role_of_another_account_must_trust_the_pipelines_role(world: Any, parts: Any, execution_role: str) -> None:
    role = _role(world, "trusts-another", {"AWS": f"arn:aws:iam::{ACCOUNT}:role/build"}, "*")
    execution = world.create("untrusted", parts.stage("Deploy", _deploy(parts, "untrusted", role, execution_role)))
    assert world.wait("untrusted", execution) == "Failed"
    assert f"AssumeRole on role {role}" in world.error("untrusted", execution, "Deploy")


def test_a_stack_of_another_account_needs_bucket_and_key_of_the_pipeline(
    world: Any, parts: Any, execution_role: str
) -> None:
    rights = ("cloudformation:*", "iam:PassRole", "s3:GetObject*", "kms:Decrypt")
    role = _role(world, "deploys-elsewhere", {"AWS": PIPELINE_ROLE}, *rights)
    bucket, s3, kms = "artifacts-for-others", _client(world, "s3"), _client(world, "kms")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    own = _statement({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "kms:*", resource="*")
    key = kms.create_key(Policy=_policy(own))["KeyMetadata"]["Arn"]
    store = {"type": "S3", "location": bucket, "encryptionKey": {"id": key, "type": "KMS"}}
    stage = parts.stage("Deploy", _deploy(parts, "elsewhere", role, execution_role))
    execution = world.create("elsewhere", stage, artifactStore=store)
    assert world.wait("elsewhere", execution) == "Failed"
    assert f"in the Amazon S3 artifact bucket '{bucket}'" in world.error("elsewhere", execution, "Deploy")

    readers = _statement({"AWS": role}, "s3:GetObject*", resource=f"arn:aws:s3:::{bucket}/*")
    s3.put_bucket_policy(Bucket=bucket, Policy=_policy(readers))
    execution = world.start("elsewhere")
    assert world.wait("elsewhere", execution) == "Failed"
    assert "kms:Decrypt" in world.error("elsewhere", execution, "Deploy")

    decrypt = _statement({"AWS": role}, "kms:Decrypt", resource="*")
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=_policy(own, decrypt))
    execution = world.start("elsewhere")
    assert world.wait("elsewhere", execution) == "Succeeded", world.error("elsewhere", execution, "Deploy")
    [stack] = _client(world, "cloudformation", OTHER).describe_stacks(StackName="elsewhere")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert f":{OTHER}:" in stack["StackId"]


def test_an_action_in_another_region_reads_a_copy_of_the_artifact_there(
    world: Any, parts: Any, execution_role: str
) -> None:
    for name, region in (("artifacts-here", REGION), ("artifacts-there", FAR)):
        configuration = {"LocationConstraint": region}
        _client(world, "s3", region=region).create_bucket(Bucket=name, CreateBucketConfiguration=configuration)
    stores = {
        REGION: {"type": "S3", "location": "artifacts-here"},
        FAR: {"type": "S3", "location": "artifacts-there"},
    }
    role = world.role("deploys-far", {"AWS": PIPELINE_ROLE}, {"Effect": "Allow", "Action": "*", "Resource": "*"})
    own = f"arn:aws:iam::{ACCOUNT}:role/stacks"
    declared = parts.declaration("far", parts.stage("Deploy", _deploy(parts, "far", role, own, region=FAR)))
    del declared["artifactStore"]
    world.client.create_pipeline(pipeline={**declared, "artifactStores": stores})
    [execution] = world.executions("far")
    assert world.wait("far", execution) == "Succeeded"
    [stack] = _client(world, "cloudformation", region=FAR).describe_stacks(StackName="far")["Stacks"]
    assert f":{FAR}:" in stack["StackId"]
    run = world.runs("far", execution)["Deploy"]
    assert run["input"]["inputArtifacts"][0]["s3location"]["bucket"] == "artifacts-there"

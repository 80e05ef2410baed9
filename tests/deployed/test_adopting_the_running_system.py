"""Deployment over the running system: resources are updated in place, nothing is replaced, no object is lost."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.emulator import ACCOUNT, Emulator
from stacks.synthesis import synthesized_templates
from tests.repository import ROOT
from vectora_ops.account import Account
from vectora_ops.cloudformation.imports import find_importable, import_resources

BUCKETS = ("ConfigBucket", "DataBucket", "NewslettersBucket")
ROLES = ("IngestNormalizeRole", "EngineRole")
BY_HAND = ("normalize-score-v2", "newsletter-v2")

# Written after the deployed stack descriptions, in the YAML short form that the running system uses.
CORE = """
Parameters: {ProjectName: {Type: String}, Env: {Type: String}}
Resources:
  ConfigBucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub "${ProjectName}-config-${Env}"}}
  DataBucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub "${ProjectName}-data-${Env}"}}
  NewslettersBucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub "${ProjectName}-newsletters-${Env}"}}
Outputs: {ConfigBucketName: {Value: !Ref ConfigBucket}}
"""
IAM = """
Parameters: {ProjectName: {Type: String}, Env: {Type: String}}
Resources:
  IngestNormalizeRole: &role
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
      Policies:
        - PolicyName: IngestNormalizePolicy
          PolicyDocument: {Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}
  EngineRole: *role
Outputs:
  EngineRoleArn: {Value: !GetAtt EngineRole.Arn}
"""
FUNCTION = """
Parameters: {ProjectName: {Type: String}, Env: {Type: String}, EngineRoleArn: {Type: String}}
Resources:
  %(id)sFunction:
    Type: AWS::Lambda::Function
    DependsOn: %(id)sLogGroup
    Properties:
      FunctionName: !Sub "${ProjectName}-%(name)s-${Env}"
      Runtime: python3.12
      Handler: handler.lambda_handler
      Role: !Ref EngineRoleArn
      Code: {ZipFile: "def lambda_handler(event, context): return 'old'"}
  %(id)sLogGroup:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: !Sub "/aws/lambda/${ProjectName}-%(name)s-${Env}", RetentionInDays: 14}
"""


def _create(cloudformation: Any, layer: str, template: str, **parameters: str) -> None:
    name = f"vectora-inbox-{layer}-dev"
    given = {"ProjectName": "vectora-inbox", "Env": "dev", **parameters}
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=template,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 600}
    )


def _running_system(emulator: Emulator) -> str:
    """Create the four stacks as they run today, and return the engine's role."""
    cloudformation = emulator.session().client("cloudformation")
    _create(cloudformation, "s0-core", CORE)
    _create(cloudformation, "s0-iam", IAM)
    outputs = cloudformation.describe_stacks(StackName="vectora-inbox-s0-iam-dev")["Stacks"][0]["Outputs"]
    role: str = outputs[0]["OutputValue"]
    _create(cloudformation, "s1-runtime", FUNCTION % {"id": "Engine", "name": "engine"}, EngineRoleArn=role)
    _create(cloudformation, "s1-ingest-v2", FUNCTION % {"id": "IngestV2", "name": "ingest-v2"}, EngineRoleArn=role)
    for bucket in ("config", "data", "newsletters"):
        _put_twice(emulator, f"vectora-inbox-{bucket}-dev")
    return role


def _put_twice(emulator: Emulator, bucket: str) -> None:
    s3 = emulator.session().client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"first", b"second"):
        s3.put_object(Bucket=bucket, Key="clients/lai_weekly_v6.yaml", Body=body)


def _create_by_hand(emulator: Emulator, role: str) -> None:
    session = emulator.session()
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("handler.py", "def lambda_handler(event, context): return 'by hand'")
    for task in BY_HAND:
        session.client("lambda").create_function(
            FunctionName=f"vectora-inbox-{task}-dev",
            Runtime="python3.11",
            Handler="handler.lambda_handler",
            Role=role,
            Code={"ZipFile": package.getvalue()},
        )
        session.client("logs").create_log_group(logGroupName=f"/aws/lambda/vectora-inbox-{task}-dev")
    bucket = "vectora-inbox-lambda-code-dev"
    session.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    _put_twice(emulator, bucket)


def _versions(emulator: Emulator, bucket: str) -> list[str]:
    listed = (
        emulator.session()
        .client("s3")
        .list_object_versions(Bucket=f"vectora-inbox-{bucket}-dev", Prefix="clients/lai_weekly_v6.yaml")
    )
    return [version["VersionId"] for version in listed.get("Versions", [])]


def _physical_ids(emulator: Emulator, layer: str, logical_ids: tuple[str, ...]) -> dict[str, str]:
    cloudformation = emulator.session().client("cloudformation")
    resources = cloudformation.describe_stack_resources(StackName=f"vectora-inbox-{layer}-dev")["StackResources"]
    return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources if r["LogicalResourceId"] in logical_ids}


def test_resources_of_the_stacks_are_updated_in_place(empty_account: tuple[Emulator, Callable[..., str]]) -> None:
    emulator, cdk = empty_account
    _running_system(emulator)
    before = {bucket: _versions(emulator, bucket) for bucket in ("config", "data", "newsletters")}
    held = {"s0-core": BUCKETS, "s0-iam": ROLES, "s1-ingest-v2": ("IngestV2Function", "IngestV2LogGroup")}
    ids = {layer: _physical_ids(emulator, layer, logical_ids) for layer, logical_ids in held.items()}
    cdk("deploy")
    assert {layer: _physical_ids(emulator, layer, logical_ids) for layer, logical_ids in held.items()} == ids
    assert {bucket: _versions(emulator, bucket) for bucket in before} == before
    assert all(len(versions) == 2 for versions in before.values())
    function = (
        emulator.session().client("lambda").get_function_configuration(FunctionName="vectora-inbox-ingest-v2-dev")
    )
    assert function["Role"].endswith(ids["s0-iam"]["IngestNormalizeRole"])
    assert len(function["Layers"]) == 2


def test_resources_created_by_hand_are_imported_and_then_updated(
    empty_account: tuple[Emulator, Callable[..., str]],
) -> None:
    emulator, cdk = empty_account
    _create_by_hand(emulator, _running_system(emulator))
    before = _versions(emulator, "lambda-code")
    account = Account(account_id=ACCOUNT, region=emulator.region, session=emulator.session())
    templates = synthesized_templates(ROOT, "dev")

    orphans = find_importable(account, templates)
    assert {orphan.name for orphan in orphans} == {
        "vectora-inbox-lambda-code-dev",
        *(f"vectora-inbox-{task}-dev" for task in BY_HAND),
        *(f"/aws/lambda/vectora-inbox-{task}-dev" for task in BY_HAND),
    }
    import_resources(account, orphans)
    assert find_importable(account, templates) == ()

    cdk("deploy")
    assert _versions(emulator, "lambda-code") == before
    assert len(before) == 2
    for task in BY_HAND:
        function = (
            emulator.session().client("lambda").get_function_configuration(FunctionName=f"vectora-inbox-{task}-dev")
        )
        assert function["Runtime"] == "python3.14"
        assert len(function["Layers"]) == 2


@pytest.mark.parametrize("layer", ["s0-core", "s1-runtime"])
def test_resources_of_a_stack_are_no_orphans(deployed: tuple[Emulator, Any], layer: str) -> None:
    emulator = deployed[0]
    account = Account(account_id=ACCOUNT, region=emulator.region, session=emulator.session())
    name = f"vectora-inbox-{layer}-dev"
    assert find_importable(account, {name: synthesized_templates(ROOT, "dev")[name]}) == ()

"""The system that runs before this app: four stacks changed by hand, functions, layers and a bucket in no stack."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rehearsal.emulator import ACCOUNT, Emulator
from vectora_ops.account import Account
from vectora_ops.snapshots.downloads import download

BUCKETS = ("config", "data", "newsletters", "lambda-code")
V2 = ("ingest-v2", "normalize-score-v2", "newsletter-v2")
V1 = ("ingest-normalize", "engine")
BY_HAND = ("normalize-score-v2", "newsletter-v2")
LAYERS = ("common-deps", "vectora-core", "vectora-core-approche-b")

# Written after the deployed stack descriptions, in the YAML short form and with the French texts of the running system.
CORE = """
Description: "Buckets S3 (données, configuration)"
Parameters:
  ProjectName: {Type: String, Description: "Préfixe des ressources"}
  Env: {Type: String}
Resources:
  ConfigBucket: &bucket
    Type: AWS::S3::Bucket
    Properties: &private
      BucketName: !Sub "${ProjectName}-config-${Env}"
      VersioningConfiguration: {Status: Enabled}
      PublicAccessBlockConfiguration:
        {BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true}
  DataBucket: {Type: AWS::S3::Bucket, Properties: {<<: *private, BucketName: !Sub "${ProjectName}-data-${Env}"}}
  NewslettersBucket:
    {Type: AWS::S3::Bucket, Properties: {<<: *private, BucketName: !Sub "${ProjectName}-newsletters-${Env}"}}
Outputs:
  ConfigBucketName: {Value: !Ref ConfigBucket, Description: "Nom du bucket S3 de configuration."}
  DataBucketName: {Value: !Ref DataBucket, Description: "Nom du bucket S3 de données."}
"""
IAM = """
Parameters: {ProjectName: {Type: String}, Env: {Type: String}}
Resources:
  IngestNormalizeRole:
    Type: AWS::IAM::Role
    Properties: &properties
      AssumeRolePolicyDocument: &trust
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
      Policies:
        - PolicyName: IngestNormalizePolicy
          PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}
  EngineRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: *trust
      Policies:
        - PolicyName: EnginePolicy
          PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}
Outputs:
  IngestNormalizeRoleArn: {Value: !GetAtt IngestNormalizeRole.Arn, Description: "ARN du rôle IAM (ingestion)."}
  EngineRoleArn: {Value: !GetAtt EngineRole.Arn, Description: "ARN du rôle IAM (engine)."}
"""
FUNCTIONS_HEAD = """
Parameters: {ProjectName: {Type: String}, Env: {Type: String}, RoleArn: {Type: String}, CodeBucket: {Type: String}}
Resources:
"""
FUNCTION = """
  %(id)sFunction:
    Type: AWS::Lambda::Function
    DependsOn: %(id)sLogGroup
    Properties:
      FunctionName: !Sub "${ProjectName}-%(name)s-${Env}"
      Runtime: python3.12
      Handler: handler.lambda_handler
      MemorySize: 512
      Timeout: 300
      Role: !Ref RoleArn
      Code: {S3Bucket: !Ref CodeBucket, S3Key: lambda/%(name)s/latest.zip}
      Environment: {Variables: {ENV: !Ref Env, DATA_BUCKET: !Sub "${ProjectName}-data-${Env}"}}
      Tags: [{Key: FunctionType, Value: %(name)s}]
  %(id)sLogGroup:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: !Sub "/aws/lambda/${ProjectName}-%(name)s-${Env}", RetentionInDays: 14}
"""
CLIENT = """
client_profile: {{name: "Veille {number}", client_id: lai_weekly_v{number}, active: true}}
watch_domains: []
"""


# Fields of a function that Lambda sets at each update, also at one that changes nothing.
MARKS_OF_A_CHANGE = ("Last", "State", "RevisionId")


def package(files: Mapping[str, str]) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return body.getvalue()


def code(said: str) -> bytes:
    return package({"handler.py": f"def lambda_handler(event, context): return {said!r}"})


class RunningSystem:
    """The running system in an empty account: built once, then described at any time."""

    def __init__(self, emulator: Emulator) -> None:
        session = emulator.session()
        self._region = emulator.region
        self._account = Account(account_id=ACCOUNT, region=emulator.region, session=session)
        self.cloudformation: Any = session.client("cloudformation")
        self.functions: Any = session.client("lambda")
        self.s3: Any = session.client("s3")
        self.logs: Any = session.client("logs")
        self.iam: Any = session.client("iam")
        self.ssm: Any = session.client("ssm")

    def build(self) -> RunningSystem:
        self._code_bucket()
        self._create("s0-core", CORE)
        self._create("s0-iam", IAM)
        described = self.cloudformation.describe_stacks(StackName=stack("s0-iam"))["Stacks"][0]
        roles = {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}
        ingest_role, engine_role = roles["IngestNormalizeRoleArn"], roles["EngineRoleArn"]
        given = {"RoleArn": engine_role, "CodeBucket": bucket("lambda-code")}
        v1 = [{"id": "IngestNormalize", "name": "ingest-normalize"}, {"id": "Engine", "name": "engine"}]
        self._create("s1-runtime", FUNCTIONS_HEAD + "".join(FUNCTION % each for each in v1), **given)
        ingest = FUNCTION % {"id": "IngestV2", "name": "ingest-v2"}
        self._create("s1-ingest-v2", FUNCTIONS_HEAD + ingest, **{**given, "RoleArn": ingest_role})
        layers = self._layers()
        self._change_ingest_by_hand(layers)
        self._functions_by_hand(layers, {"normalize-score-v2": ingest_role, "newsletter-v2": engine_role})
        self.ssm.put_parameter(Name="/rag-lai/dev/pubmed/api-key", Type="SecureString", Value="a key")
        self._content()
        return self

    def _create(self, layer: str, template: str, **parameters: str) -> None:
        given = {"ProjectName": "vectora-inbox", "Env": "dev", **parameters}
        self.cloudformation.create_stack(
            StackName=stack(layer),
            TemplateBody=template,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        self.cloudformation.get_waiter("stack_create_complete").wait(
            StackName=stack(layer), WaiterConfig={"Delay": 1, "MaxAttempts": 600}
        )

    def _code_bucket(self) -> None:
        name = bucket("lambda-code")
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": self._region})
        statement = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObjectAcl",
            "Resource": f"arn:aws:s3:::{name}/*",
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        self.s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
        self.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "Project", "Value": "vectora-inbox"}]})
        for task in (*V1, "ingest-v2"):
            self.s3.put_object(Bucket=name, Key=f"lambda/{task}/latest.zip", Body=code(f"{task} of the template"))

    def _layers(self) -> dict[str, str]:
        published = {}
        for name in LAYERS:
            for number in (1, 2):
                content = package({f"python/{name.replace('-', '_')}.py": f"VERSION = {number}"})
                published[name] = self.functions.publish_layer_version(
                    LayerName=f"vectora-inbox-{name}-dev",
                    Content={"ZipFile": content},
                    CompatibleRuntimes=["python3.11"],
                )["LayerVersionArn"]
        return published

    def _change_ingest_by_hand(self, layers: Mapping[str, str]) -> None:
        name = function("ingest-v2")
        self.functions.update_function_code(FunctionName=name, ZipFile=code("ingest-v2 by hand"))
        self.functions.update_function_configuration(
            FunctionName=name, Timeout=900, Layers=[layers["common-deps"], layers["vectora-core"]]
        )

    def _functions_by_hand(self, layers: Mapping[str, str], roles: Mapping[str, str]) -> None:
        for task, role in roles.items():
            self.functions.create_function(
                FunctionName=function(task),
                Runtime="python3.11",
                Handler="handler.lambda_handler",
                Role=role,
                Code={"ZipFile": code(f"{task} by hand")},
                MemorySize=1024,
                Timeout=900,
                # In this order: the first layer's files are hidden by the second's.
                Layers=[layers["vectora-core-approche-b"], layers["common-deps"]],
                Environment={"Variables": {"CACHE_BUST": "v11", "CONFIG_BUCKET": bucket("config")}},
            )
            self.logs.create_log_group(logGroupName=f"/aws/lambda/{function(task)}")

    def _content(self) -> None:
        self.s3.put_object(Bucket=bucket("config"), Key="canonical/sources/source_catalog.yaml", Body=b"sources: []\n")
        self.s3.put_object(Bucket=bucket("config"), Key="canonical/prompts/old.yaml", Body=b"prompt: old\n")
        for number in (4, 5, 6):
            text = CLIENT.format(number=number)
            self.s3.put_object(
                Bucket=bucket("config"), Key=f"clients/lai_weekly_v{number}.yaml", Body=text, ContentType="text/yaml"
            )
        for folder in ("ingested", "curated", "normalized", "raw"):
            for day in ("2025/12/11", "2025/12/19", "2026/01/30"):
                self.s3.put_object(
                    Bucket=bucket("data"),
                    Key=f"{folder}/lai_weekly_v6/{day}/items.json",
                    Body=json.dumps([{"item_id": f"{folder} {day}"}]),
                    ContentType="application/json",
                )
        self.s3.put_object(
            Bucket=bucket("newsletters"), Key="lai_weekly_v6/2025/12/19/newsletter.md", Body=b"# Veille\n"
        )

    # --- what is there

    def say(self, task: str) -> Any:
        return json.loads(self.functions.invoke(FunctionName=function(task), Payload=b"{}")["Payload"].read())

    def state(self) -> dict[str, Any]:
        """Return functions with code and layers, roles, log groups, buckets and their objects, all by digest."""
        return {
            "functions": {task: self._function(task) for task in (*V1, *V2)},
            "roles": self._roles(),
            "log groups": {group["logGroupName"]: group.get("retentionInDays") for group in self._log_groups()},
            "buckets": {content: self._bucket(bucket(content)) for content in BUCKETS},
            "objects": {content: dict(self._objects(bucket(content))) for content in BUCKETS},
            "parameter": self.ssm.get_parameter(Name="/rag-lai/dev/pubmed/api-key")["Parameter"]["Value"],
        }

    def state_of_v2(self) -> dict[str, Any]:
        return {task: self._function(task) for task in V2}

    def _function(self, task: str) -> dict[str, Any]:
        answer = self.functions.get_function(FunctionName=function(task))
        found = answer["Configuration"]
        return {
            **{key: value for key, value in found.items() if not key.startswith(MARKS_OF_A_CHANGE)},
            "code": self._digest(answer["Code"]["Location"]),
            "Layers": [(layer["Arn"], self._layer(layer["Arn"])) for layer in found.get("Layers", [])],
            "tags": {key: value for key, value in answer.get("Tags", {}).items() if not key.startswith("aws:")},
        }

    def _layer(self, arn: str) -> str:
        name, _, version = arn.rpartition(":")
        found = self.functions.get_layer_version(LayerName=name, VersionNumber=int(version))
        return self._digest(found["Content"]["Location"])

    def _digest(self, address: str) -> str:
        return hashlib.sha256(b"".join(download(self._account, lambda: address))).hexdigest()

    def _roles(self) -> dict[str, Any]:
        names = [each["PhysicalResourceId"] for each in self.resources("s0-iam") if "Role" in each["ResourceType"]]
        return {
            name: {
                "trust": self.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"],
                "policies": {
                    policy: self.iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                    for policy in self.iam.list_role_policies(RoleName=name)["PolicyNames"]
                },
            }
            for name in names
        }

    def resources(self, layer: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cloudformation.describe_stack_resources(StackName=stack(layer))[
            "StackResources"
        ]
        return found

    def _log_groups(self) -> list[dict[str, Any]]:
        names = {f"/aws/lambda/{function(task)}" for task in (*V1, *V2)}
        groups = self.logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
        return [group for group in groups if group["logGroupName"] in names]

    def _bucket(self, name: str) -> dict[str, Any]:
        policy: Callable[[], Any] = lambda: json.loads(self.s3.get_bucket_policy(Bucket=name)["Policy"])  # noqa: E731
        return {
            "policy": policy() if name == bucket("lambda-code") else None,
            "public": self.s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"],
        }

    def _objects(self, name: str) -> Iterator[tuple[str, tuple[str, str]]]:
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=name):
            for each in page.get("Contents", []):
                found = self.s3.get_object(Bucket=name, Key=each["Key"])
                yield each["Key"], (hashlib.sha256(found["Body"].read()).hexdigest(), found["ContentType"])


def differences(before: Any, now: Any, path: str = "") -> list[str]:
    """Return each path at which two states differ, with both values."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted(before.keys() | now.keys())
        return [each for key in keys for each in differences(before.get(key), now.get(key), f"{path}/{key}")]
    return [] if before == now else [f"{path}: {before} -> {now}"]


def stack(layer: str) -> str:
    return f"vectora-inbox-{layer}-dev"


def bucket(content: str) -> str:
    return f"vectora-inbox-{content}-dev"


def function(task: str) -> str:
    return f"vectora-inbox-{task}-dev"

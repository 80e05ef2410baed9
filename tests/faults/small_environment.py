"""Small environment with all components of a snapshot, created by CloudFormation in a fraction of a second."""

from __future__ import annotations

import io
import json
import time
import zipfile
from dataclasses import dataclass
from typing import Any

from vectora_ops.account import Account
from vectora_ops.names import FunctionTask, Names, StackLayer

NAMES = Names(project="vectora-inbox", env="dev")
REGION = "eu-west-3"
ASSETS = f"cdk-hnb659fds-assets-{'0' * 12}-{REGION}"
CLIENT = "client_profile:\n  client_id: lai_weekly\n"
ROLE = "any"
LAMBDA = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
TRUST = {"Version": "2012-10-17", "Statement": [LAMBDA]}
TASKS = ("ingest-v2", "normalize-score-v2")


def zipped(name: str, text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


def handler(word: str) -> bytes:
    return zipped("handler.py", f"def lambda_handler(event, context):\n    return {word!r}\n")


def make_role(account: Account) -> str:
    """Return a role that functions and state machines can assume, which AWS requires when it creates them."""
    services = ["lambda.amazonaws.com", "states.amazonaws.com"]
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": services}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    created = account.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=document)
    return str(created["Role"]["Arn"])


@dataclass(frozen=True)
class SmallEnvironment:
    """Environment dev with stacks, functions, a layer, configuration, data and a vault."""

    account: Account
    names: Names = NAMES

    @classmethod
    def build(cls, account: Account, *, locked: bool = True, names: Names = NAMES) -> SmallEnvironment:
        small = cls(account, names)
        small._vault(locked=locked)
        small.fill()
        return small

    @property
    def assets(self) -> str:
        return ASSETS.replace("0" * 12, self.account.account_id)

    def fill(self) -> None:
        """Deploy the first release, with the data and the newsletter of one run."""
        make_role(self.account)
        s3 = self.account.client("s3")
        s3.create_bucket(Bucket=self.assets, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.deploy("1")
        s3.put_object(Bucket=self.names.bucket("config"), Key="clients/lai_weekly.yaml", Body=CLIENT.encode())
        s3.put_object(Bucket=self.names.bucket("config"), Key="canonical/prompts/p.yaml", Body=b"prompt: one\n")
        s3.put_object(
            Bucket=self.names.bucket("config"), Key="published.json", Body=b'{"state": "published", "keys": {}}'
        )
        for day in ("2026/01/05", "2026/01/06"):
            s3.put_object(
                Bucket=self.names.bucket("data"), Key=f"ingested/lai_weekly/{day}/items.json", Body=day.encode()
            )
        s3.put_object(
            Bucket=self.names.bucket("newsletters"), Key="lai_weekly/2026/01/06/newsletter.md", Body=b"# News\n"
        )

    def deploy(self, version: str) -> None:
        """Deploy all stacks; another version has other code, another layer and another release record."""
        self._stack("s0-core", _core(self.names))
        self._stack("s0-iam", _iam())
        self.deploy_runtime(version)

    def deploy_runtime(self, version: str) -> None:
        """Deploy the stack that a release changes: code, layer and release record."""
        self._stack("s1-runtime", self._runtime(version))
        self._stack("s1-ingest-v2", self._ingest(version))

    def break_it(self) -> None:
        """Change code and layer, edit and delete files, and delete a function, all outside CloudFormation."""
        functions, s3 = self.account.client("lambda"), self.account.client("s3")
        bad = self.names.function("normalize-score-v2")
        layer = functions.publish_layer_version(
            LayerName=self.names.layer("vectora-core"), Content={"ZipFile": zipped("python/core.py", "X = 'by hand'\n")}
        )
        functions.update_function_configuration(
            FunctionName=bad,
            Layers=[layer["LayerVersionArn"]],
            Environment={"Variables": {"ENV": "dev", "PUBMED_API_KEY_PARAM": "/a/name", "API_TOKEN": "hidden"}},
        )
        functions.update_function_code(FunctionName=bad, ZipFile=handler("bad"))
        functions.delete_function(FunctionName=self.names.function("ingest-v2"))
        s3.put_object(Bucket=self.names.bucket("config"), Key="clients/lai_weekly.yaml", Body=b"edited: true\n")
        s3.put_object(Bucket=self.names.bucket("config"), Key="clients/stranger.yaml", Body=b"new: true\n")
        s3.delete_object(Bucket=self.names.bucket("config"), Key="canonical/prompts/p.yaml")

    def say(self, task: FunctionTask) -> Any:
        """Return the answer of a function."""
        answer = self.account.client("lambda").invoke(FunctionName=self.names.function(task), Payload=b"{}")
        return json.loads(answer["Payload"].read())

    def state(self) -> dict[str, Any]:
        """Return the state of everything except the vault, with the versions of objects, read without a change."""
        s3, functions = self.account.client("s3"), self.account.client("lambda")
        objects = {}
        for content in ("config", "data", "newsletters"):
            listed = s3.list_object_versions(Bucket=self.names.bucket(content))
            for kind in ("Versions", "DeleteMarkers"):
                for each in listed.get(kind, []):
                    objects[content, each["Key"], each["VersionId"]] = (kind, each["IsLatest"])
        found = functions.list_functions()["Functions"]
        stacks = self.account.client("cloudformation").describe_stacks()["Stacks"]
        return {
            "objects": objects,
            "functions": {each["FunctionName"]: (each["CodeSha256"], each["LastModified"]) for each in found},
            "stacks": {each["StackName"]: (each["StackStatus"], str(each.get("LastUpdatedTime"))) for each in stacks},
        }

    def _vault(self, *, locked: bool) -> None:
        s3, vault = self.account.client("s3"), self.names.bucket("snapshots")
        s3.create_bucket(Bucket=vault, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket=vault, VersioningConfiguration={"Status": "Enabled"})
        if locked:
            rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
            s3.put_object_lock_configuration(
                Bucket=vault, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
            )

    def _stack(self, layer: StackLayer, template: dict[str, Any]) -> None:
        cloudformation, name = self.account.client("cloudformation"), self.names.stack(layer)
        request = {
            "StackName": name,
            "TemplateBody": json.dumps(template, indent=1),
            "Capabilities": ["CAPABILITY_IAM"],
            "Tags": [{"Key": "Env", "Value": "dev"}],
        }
        exists = name in {each["StackName"] for each in cloudformation.describe_stacks()["Stacks"]}
        if exists and cloudformation.get_template(StackName=name)["TemplateBody"] == template:
            return
        (cloudformation.update_stack if exists else cloudformation.create_stack)(**request)
        while (status := cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]).endswith(
            "PROGRESS"
        ):
            time.sleep(0.02)
        assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), status

    def _asset(self, body: bytes, name: str) -> dict[str, Any]:
        self.account.client("s3").put_object(Bucket=self.assets, Key=name, Body=body)
        return {
            "S3Bucket": {"Fn::Sub": self.assets.replace(self.account.account_id, "${AWS::AccountId}")},
            "S3Key": name,
        }

    def _runtime(self, version: str) -> dict[str, Any]:
        layer = {
            "Type": "AWS::Lambda::LayerVersion",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "LayerName": self.names.layer("vectora-core"),
                "Content": self._asset(zipped("python/core.py", f"X = '{version}'\n"), f"layer-{version}.zip"),
            },
        }
        return {
            "Resources": {
                "VectoraCoreLayer": layer,
                "LayerParameter": _parameter(self.names, "layers/vectora-core", {"Ref": "VectoraCoreLayer"}),
                "NormalizeScoreV2Function": self._function("normalize-score-v2", version, {"Ref": "VectoraCoreLayer"}),
                "Release": _parameter(
                    self.names, "release", json.dumps({"digest": version * 64, "version": f"{version}.0.0"})
                ),
            },
            "Outputs": {"FunctionArn": {"Value": {"Fn::GetAtt": ["NormalizeScoreV2Function", "Arn"]}}},
        }

    def _ingest(self, version: str) -> dict[str, Any]:
        layer_parameter = {
            "Type": "AWS::SSM::Parameter::Value<String>",
            "Default": self.names.parameter("layers/vectora-core"),
        }
        return {
            "Parameters": {"Layer": layer_parameter},
            "Resources": {"IngestV2Function": self._function("ingest-v2", version, {"Ref": "Layer"})},
        }

    def _function(self, task: FunctionTask, version: str, layer: dict[str, Any]) -> dict[str, Any]:
        return {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": self.names.function(task),
                "Runtime": "python3.11",
                "Handler": "handler.lambda_handler",
                "Role": f"arn:aws:iam::{self.account.account_id}:role/{ROLE}",
                "Code": self._asset(handler(f"{task} {version}"), f"{task}-{version}.zip"),
                "Layers": [layer],
                "Environment": {"Variables": {"ENV": "dev", "PUBMED_API_KEY_PARAM": "/a/name"}},
            },
        }


def _core(names: Names) -> dict[str, Any]:
    bucket = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}
    versioned = {"VersioningConfiguration": {"Status": "Enabled"}}
    return {
        "Resources": {
            f"{content.capitalize()}Bucket": {
                **bucket,
                "Properties": {"BucketName": names.bucket(content), **versioned},
            }
            for content in ("config", "data", "newsletters")
        }
    }


def _iam() -> dict[str, Any]:
    return {"Resources": {"EngineRole": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}}}


def _parameter(names: Names, path: str, value: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": names.parameter(path), "Type": "String", "Value": value},
    }

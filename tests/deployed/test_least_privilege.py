"""Permissions of each role: its function's operations, and none of other functions, environments or models."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from rehearsal.emulator import ACCOUNT, Emulator, Identity
from rehearsal.model import InferenceProfile, Model
from tools.templates import ROOT
from vectora_ops.settings import load_settings

MODEL = load_settings(ROOT).environment("dev").model
# Roles by logical id, with the layer of their stack.
ROLES = {
    "IngestNormalizeRole": "s0-iam",
    "NormalizeScoreRole": "s0-iam",
    "EngineRole": "s0-iam",
    "PublishConfigurationRole": "s0-iam",
    "SnapshotRole": "s0-operations",
    "RollbackRole": "s0-operations",
    "SmokeTestRole": "s0-operations",
    "PromotionRole": "s0-operations",
    "WatchRole": "s0-operations",
}
INGEST, SCORE, NEWSLETTER, PUBLISH, SNAPSHOT, ROLLBACK, SMOKE_TEST, PROMOTION, WATCH = ROLES
REGION = "eu-west-3"
Client = Callable[[str], Any]
Operation = Callable[[Client], Any]


def _put(bucket: str, key: str, env: str = "dev") -> Operation:
    name = f"vectora-inbox-{bucket}-{env}"
    return lambda client: client("s3").put_object(Bucket=name, Key=key, Body=b"{}")


def _get(bucket: str, key: str, env: str = "dev") -> Operation:
    name = f"vectora-inbox-{bucket}-{env}"
    return lambda client: client("s3").get_object(Bucket=name, Key=key)


def _delete(bucket: str, key: str) -> Operation:
    return lambda client: client("s3").delete_object(Bucket=f"vectora-inbox-{bucket}-dev", Key=key)


def _call_model(model_id: str) -> Operation:
    message = {"role": "user", "content": [{"text": "?"}]}
    tools = [{"toolSpec": {"name": "answer", "inputSchema": {"json": {"type": "object"}}}}]
    force = {"tools": tools, "toolChoice": {"tool": {"name": "answer"}}}
    return lambda client: client("bedrock-runtime").converse(modelId=model_id, messages=[message], toolConfig=force)


def _secret(env: str) -> Operation:
    name = f"/rag-lai/{env}/pubmed/api-key"
    return lambda client: client("ssm").get_parameter(Name=name, WithDecryption=True)


def _change_stack(layer: str, env: str = "dev") -> Operation:
    def delete_change_set(client: Client) -> None:
        name = f"vectora-inbox-{layer}-{env}"
        try:
            client("cloudformation").delete_change_set(StackName=name, ChangeSetName="never-made")
        except ClientError as error:
            # These errors follow the permission check, so the call was allowed.
            if error.response["Error"]["Code"] not in ("ChangeSetNotFound", "ValidationError"):
                raise

    return delete_change_set


def _remove_version(bucket: str) -> Operation:
    name = f"vectora-inbox-{bucket}-dev"
    return lambda client: client("s3").delete_object(Bucket=name, Key="locks/never-made.json", VersionId="null")


def _unless_absent(operation: Operation, *codes: str) -> Operation:
    """Ignore errors for a missing resource: they follow the permission check, so the call was allowed."""

    def call(client: Client) -> None:
        try:
            operation(client)
        except ClientError as error:
            if error.response["Error"]["Code"] not in codes:
                raise

    return call


def _history(env: str) -> Operation:
    name = f"/vectora-inbox/{env}/promotion/ledger"
    return _unless_absent(
        lambda client: client("ssm").get_parameter_history(Name=name), "ParameterNotFound", "ParameterNotFoundException"
    )


def _read_record(record: str, env: str = "dev") -> Operation:
    name = f"/vectora-inbox/{env}/promotion/{record}"
    return _unless_absent(lambda client: client("ssm").get_parameter(Name=name), "ParameterNotFound")


def _write_record(record: str, env: str) -> Operation:
    name = f"/vectora-inbox/{env}/promotion/{record}"
    return lambda client: client("ssm").put_parameter(Name=name, Value="{}", Type="String", Overwrite=True)


def _read_run(env: str) -> Operation:
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:vectora-inbox-newsletter-{env}:never-made"
    return _unless_absent(
        lambda client: client("stepfunctions").describe_execution(executionArn=arn), "ExecutionDoesNotExist"
    )


def _invoke(function: str) -> Operation:
    return lambda client: client("lambda").invoke(FunctionName=f"vectora-inbox-{function}-dev", Payload=b"{}")


# Data of a client that no other test uses.
DAY = "probe/2026/01/05"
OPERATIONS: dict[str, Operation] = {
    "read the client file": _get("config", "clients/lai_weekly.yaml"),
    "read a canonical file": _get("config", "canonical/sources/source_catalog.yaml"),
    "write the client file": _put("config", "clients/probe.yaml"),
    "delete a client file": _delete("config", "clients/probe.yaml"),
    "write elsewhere in the config bucket": _put("config", "elsewhere.json"),
    "write ingested items": _put("data", f"ingested/{DAY}/items.json"),
    "read ingested items": _get("data", f"ingested/{DAY}/items.json"),
    "read an ingestion's report": _get("data", f"ingested/{DAY}/report.json"),
    "delete ingested items": _delete("data", f"ingested/{DAY}/items.json"),
    "write curated items": _put("data", f"curated/{DAY}/items.json"),
    "read curated items": _get("data", f"curated/{DAY}/items.json"),
    "write a stored analysis": _put("data", "analyses/probe.json"),
    "read a stored analysis": _get("data", "analyses/probe.json"),
    "delete a stored analysis": _delete("data", "analyses/probe.json"),
    "write a newsletter": _put("newsletters", f"{DAY}/newsletter.md"),
    "read a newsletter": _get("newsletters", f"{DAY}/newsletter.md"),
    "write the status page": _put("newsletters", "_status/status.html"),
    "write into the vault": _put("snapshots", "locks/probe.json"),
    "remove a version from the vault": _remove_version("snapshots"),
    "remove a version of the data": _remove_version("data"),
    "write into another environment's vault": _put("snapshots", "locks/probe.json", "prod"),
    "change a stack": _change_stack("s1-runtime"),
    "change the operations stack": _change_stack("s0-operations"),
    "change another environment's stack": _change_stack("s1-runtime", "prod"),
    "read another environment": _get("data", f"ingested/{DAY}/items.json", "stage"),
    "write another environment": _put("data", f"ingested/{DAY}/items.json", "prod"),
    "write another environment's newsletters": _put("newsletters", f"{DAY}/newsletter.md", "prod"),
    "call the model": _call_model(MODEL.id),
    "call another model": _call_model("anthropic.claude-3-sonnet-20240229-v1:0"),
    "read the PubMed key": _secret("dev"),
    "read another environment's PubMed key": _secret("prod"),
    "invoke another function": _invoke("newsletter-v2"),
    "read a run's manifest": _get("newsletters", f"{DAY}/manifest.json"),
    "read the canary's newsletter": _get("newsletters", "canary/2026/01/15/probe.json"),
    "read the ledger": _history("dev"),
    "read the ledger of the next environment": _history("stage"),
    "read the ledger of prod": _history("prod"),
    "read the hold": _read_record("hold"),
    "read the freeze of the next environment": _read_record("freeze", "stage"),
    "write a freeze": _write_record("freeze", "stage"),
    "read the hold of the next environment": _read_record("hold", "stage"),
    "write the hold of another environment": _write_record("hold", "prod"),
    "write a bypass": _write_record("bypass", "stage"),
    "read a run": _read_run("dev"),
    "read another environment's run": _read_run("prod"),
    "list all buckets": lambda client: client("s3").list_buckets(),
    "create a role": lambda client: client("iam").create_role(RoleName="x", AssumeRolePolicyDocument="{}"),
}
READS_CONTENT = {
    "read a run's manifest",
    "read the canary's newsletter",
    "read the client file",
    "read a canonical file",
    "read ingested items",
    "read an ingestion's report",
    "read curated items",
    "read a newsletter",
}
ALLOWED: dict[str, set[str]] = {
    INGEST: {
        "read the client file",
        "read a canonical file",
        "read ingested items",
        "read an ingestion's report",
        "write ingested items",
        "read the PubMed key",
    },
    SCORE: {
        "read the client file",
        "read a canonical file",
        "read ingested items",
        "read an ingestion's report",
        "write curated items",
        "write a stored analysis",
        "read a stored analysis",
        "call the model",
    },
    SMOKE_TEST: {"read a run", "read the canary's newsletter"},
    PROMOTION: {
        "read the client file",
        "read a run",
        "read a run's manifest",
        "read a canonical file",
        "read the hold",
        "read the ledger",
        "read the ledger of the next environment",
        "read the freeze of the next environment",
        "read the hold of the next environment",
    },
    WATCH: {
        "write the status page",
        "read the client file",
        "read a canonical file",
        "read an ingestion's report",
        "read a run's manifest",
        "read the hold",
        "read the ledger",
    },
    NEWSLETTER: {
        "read the client file",
        "read a canonical file",
        "read an ingestion's report",
        "read curated items",
        "write a newsletter",
        "write the status page",
        # Earlier issues decide what is new; the canary's are in the same bucket.
        "read a newsletter",
        "read a run's manifest",
        "read the canary's newsletter",
    },
    PUBLISH: {"read the client file", "read a canonical file", "write the client file", "delete a client file"},
    SNAPSHOT: {
        *READS_CONTENT,
        "read the hold",
        "read the ledger",
        "write into the vault",
        "remove a version from the vault",
    },
    ROLLBACK: {
        *READS_CONTENT,
        "read the hold",
        "read the ledger",
        "read a run",
        "write into the vault",
        "write the client file",
        "delete a client file",
        "write ingested items",
        "delete ingested items",
        "write curated items",
        "write a newsletter",
        "write the status page",
        "change a stack",
    },
}


@pytest.fixture(scope="module")
def model(deployed: tuple[Emulator, Any]) -> Iterator[Model]:
    """Yield a model service with the environment's model and another one, which only missing permissions block."""
    profile = InferenceProfile(MODEL.id, MODEL.foundation_model_id, MODEL.routes_to)
    other = InferenceProfile.of_model("anthropic.claude-3-sonnet-20240229-v1:0", REGION)
    emulator = deployed[0]
    with Model(emulator.proxy, emulator.authority, [profile, other], lambda request: {}) as running:
        running.connect(emulator)
        yield running


@pytest.fixture(scope="module")
def clients_of(deployed: tuple[Emulator, Any], model: Model) -> Iterator[dict[str, Client]]:
    """Yield clients with the credentials of each role, after creating all objects that the operations read."""
    emulator = deployed[0]
    root = emulator.session()
    for bucket, env in (("data", "stage"), ("data", "prod"), ("newsletters", "prod"), ("snapshots", "prod")):
        root.client("s3").create_bucket(
            Bucket=f"vectora-inbox-{bucket}-{env}", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"}
        )
    for bucket, key in (
        ("data", f"ingested/{DAY}/items.json"),
        ("data", f"ingested/{DAY}/report.json"),
        ("data", f"curated/{DAY}/items.json"),
        ("data", "analyses/probe.json"),
        ("newsletters", f"{DAY}/newsletter.md"),
        ("newsletters", f"{DAY}/manifest.json"),
        ("newsletters", "canary/2026/01/15/probe.json"),
    ):
        root.client("s3").put_object(Bucket=f"vectora-inbox-{bucket}-dev", Key=key, Body=b"[]")
    root.client("ssm").put_parameter(Name="/rag-lai/dev/pubmed/api-key", Value="x", Type="SecureString", Overwrite=True)
    names = {role: _role_name(root, role) for role in ROLES}
    trusted = {name: _trust_of(root, name) for name in names.values()}
    yield {role: _client_of(emulator, name) for role, name in names.items()}
    for name, trust in trusted.items():
        root.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    for bucket in ("config", "data", "newsletters"):
        for entry in root.client("s3").list_objects_v2(Bucket=f"vectora-inbox-{bucket}-dev").get("Contents", []):
            if "probe" in entry["Key"]:
                root.client("s3").delete_object(Bucket=f"vectora-inbox-{bucket}-dev", Key=entry["Key"])
    root.client("ssm").delete_parameter(Name="/rag-lai/dev/pubmed/api-key")
    for bucket in ("data-stage", "data-prod", "newsletters-prod", "snapshots-prod"):
        root.client("s3").delete_bucket(Bucket=f"vectora-inbox-{bucket}")


def _role_name(root: boto3.Session, logical_id: str) -> str:
    resource = root.client("cloudformation").describe_stack_resource(
        StackName=f"vectora-inbox-{ROLES[logical_id]}-dev", LogicalResourceId=logical_id
    )
    return resource["StackResourceDetail"]["PhysicalResourceId"]


def _trust_of(root: boto3.Session, name: str) -> str:
    return json.dumps(root.client("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"])


def _client_of(emulator: Emulator, name: str) -> Client:
    root = emulator.session()
    # Only Lambda may assume these roles; for the test, the account may assume them too.
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    root.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=policy)
    arn = root.client("iam").get_role(RoleName=name)["Role"]["Arn"]
    key = root.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    session = emulator.session_of(Identity(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"]))
    config = Config(retries={"total_max_attempts": 1})

    def client(service: str) -> Any:
        make: Callable[..., Any] = session.client
        return make(service, config=config)

    return client


def _is_allowed(operation: Operation, client: Client) -> bool:
    try:
        operation(client)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException"):
            return False
        raise
    return True


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_role_has_exactly_the_permissions_of_its_function(
    clients_of: dict[str, Client], role: str, operation: str
) -> None:
    assert _is_allowed(OPERATIONS[operation], clients_of[role]) == (operation in ALLOWED[role])

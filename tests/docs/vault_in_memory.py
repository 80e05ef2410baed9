"""Environment dev in moto's memory, with a vault that the product's own code fills; each run gives the same bytes."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from unittest.mock import patch
from uuid import UUID

import boto3
import botocore.session
from moto import mock_aws

from rehearsal.promotion_in_process import with_promotion
from tests.environment_buckets import make_buckets
from vectora_ops.account import Account
from vectora_ops.names import BucketContent, Names
from vectora_ops.progress import Clock

REGION = "eu-west-3"
NAMES = Names(project="vectora-inbox", env="dev")
NOON = datetime(2026, 1, 6, 12, 0, 5, tzinfo=UTC)
VAULT = NAMES.bucket("snapshots")
ASSETS = "assets"
LAST_RUN = "curated/lai_weekly/2026/01/06/"
RELEASE = json.dumps({"digest": "5e" * 32, "version": "1.2.0"})


def noon() -> datetime:
    return NOON


@contextmanager
def environment(*, date: Clock = noon, stored: Clock = noon) -> Iterator[Account]:
    """Yield an account with empty buckets and an empty vault, where it is noon of 2026-01-06.

    `date` is the time in the answers of S3, `stored` the time that it gives to new objects.
    """
    numbers = itertools.count(1)
    session = botocore.session.Session()

    def add_date(**event: Any) -> None:
        event["parsed"]["ResponseMetadata"]["HTTPHeaders"]["date"] = format_datetime(date(), usegmt=True)

    # moto's answers have no Date when it runs inside the test's own process.
    session.register("after-call.s3", add_date)
    session.set_credentials("testing", "testing")
    with ExitStack() as stack:
        stack.enter_context(mock_aws())
        stack.enter_context(patch("moto.s3.models.utcnow", lambda: stored().replace(tzinfo=None)))
        # Versions of S3 objects have ids of their own, which are part of an index.
        stack.enter_context(patch("moto.s3.models.random.uuid4", lambda: UUID(int=next(numbers))))
        made = boto3.Session(region_name=REGION, botocore_session=session)
        account = with_promotion(Account(made.client("sts").get_caller_identity()["Account"], REGION, made), NAMES)
        make_buckets(account, NAMES)
        yield account


def fill_with_text(account: Account) -> None:
    """Write a release record, configuration, two runs of a client and a newsletter."""
    account.client("ssm").put_parameter(Name=NAMES.parameter("release"), Value=RELEASE, Type="String")
    put(account, "config", "clients/lai_weekly.yaml", b"client_profile:\n  client_id: lai_weekly\n", "application/yaml")
    put(account, "config", "canonical/prompts/p.yaml", b"prompt: one\n", "application/yaml")
    put(account, "config", "published.json", b'{\n  "state": "published"\n}\n', "application/json")
    for day in ("05", "06"):
        key = f"curated/lai_weekly/2026/01/{day}/items.json"
        put(account, "data", key, f'["news of {day}"]\n'.encode(), "application/json")
    folder = "lai_weekly/2026/01/06"
    put(account, "newsletters", f"{folder}/newsletter.html", b"<h1>Caf\xc3\xa9</h1>\n", "text/html; charset=utf-8")
    put(account, "newsletters", f"{folder}/newsletter.md", b"# Caf\xc3\xa9\n", "text/markdown; charset=utf-8")
    put(account, "newsletters", f"{folder}/notes.md", b"", "text/markdown; charset=utf-8")


def fill_with_stacks(account: Account) -> None:
    """Deploy a stack with a function whose code is an asset, and give the function a layer of its own."""
    s3, functions = account.client("s3"), account.client("lambda")
    s3.create_bucket(Bucket=ASSETS, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=ASSETS, Key="layer.zip", Body=zipped("python/core.py", "X = 1\n"))
    s3.put_object(Bucket=ASSETS, Key="code.zip", Body=zipped("handler.py", "def lambda_handler(event, context): ...\n"))
    role = account.client("iam").create_role(RoleName="engine", AssumeRolePolicyDocument="{}")["Role"]
    layer = {
        "LayerName": NAMES.layer("vectora-core"),
        "Content": {"S3Bucket": ASSETS, "S3Key": "layer.zip"},
        "CompatibleRuntimes": ["python3.14"],
    }
    function = {
        "FunctionName": NAMES.function("ingest-v2"),
        "Runtime": "python3.14",
        "Handler": "handler.lambda_handler",
        "Role": role["Arn"],
        "Code": {"S3Bucket": ASSETS, "S3Key": "code.zip"},
    }
    template = {
        "Resources": {
            "IngestV2Function": {"Type": "AWS::Lambda::Function", "Properties": function},
            "VectoraCoreLayer": {"Type": "AWS::Lambda::LayerVersion", "Properties": layer},
        }
    }
    account.client("cloudformation").create_stack(
        StackName=NAMES.stack("s1-ingest-v2"),
        TemplateBody=json.dumps(template),
        Tags=[{"Key": "Env", "Value": "dev"}],
    )
    version = functions.publish_layer_version(**layer)
    functions.update_function_configuration(
        FunctionName=function["FunctionName"],
        Layers=[version["LayerVersionArn"]],
        Environment={"Variables": {"ENV": "dev", "API_TOKEN": "hidden"}},
    )


def put(
    account: Account, content: BucketContent, key: str, body: bytes, content_type: str = "binary/octet-stream"
) -> None:
    account.client("s3").put_object(Bucket=NAMES.bucket(content), Key=key, Body=body, ContentType=content_type)


def zipped(name: str, text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


def vault_objects(account: Account) -> dict[str, bytes]:
    """Return the bytes of all current objects of the vault by key, but for the lease."""
    s3 = account.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=VAULT)
    keys = [
        found["Key"] for page in pages for found in page.get("Contents", []) if not found["Key"].startswith("locks/")
    ]
    return {key: s3.get_object(Bucket=VAULT, Key=key)["Body"].read() for key in keys}

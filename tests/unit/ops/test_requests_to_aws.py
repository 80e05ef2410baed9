"""Requests to AWS: made by botocore, to the bucket's own host in its region, with the key as path."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import botocore.endpoint
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from tests.repository import ROOT
from vectora_ops.account import Account
from vectora_ops.cloudformation.change_set_request import TemplateSender
from vectora_ops.snapshots.objects import ObjectReader
from vectora_shared.aws import s3_client

SOURCES = ("lambda_src", "cli", "client_files")
LISTING = b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated></ListBucketResult>'
ODD_KEYS = ("a", "a b", "a+b", "a%20b", "a%2Fb", "é/ü", "/leading", "x/../y", "./x", "a//b", "?x=1&y", "#", "k" * 1024)


# tests/unit/ops/test_signed_reads.py compares what these make.
SIGNED_READS = ("botocore.awsrequest.AWSPreparedRequest", "botocore.awsrequest.create_request_object", "hmac")


class Wire:
    """Stand-in for the network that answers a client; `requests` are signed and ready to be sent."""

    def __init__(self, client: Any) -> None:
        self.requests: list[Any] = []
        self.answers: list[tuple[int, bytes, dict[str, str]]] = []
        client.meta.events.register("before-send", self._take)

    def _take(self, request: Any, **_: Any) -> AWSResponse:
        self.requests.append(request)
        status, body, headers = self.answers.pop(0) if self.answers else (200, LISTING, {})
        raw: Any = SimpleNamespace(stream=lambda: iter([body]), read=lambda amount=None: body)
        return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), raw)

    @property
    def host(self) -> str:
        return str(urlsplit(self.requests[-1].url).netloc)

    @property
    def signed_for(self) -> str:
        """Region and service of the signature."""
        authorization: bytes = self.requests[-1].headers["Authorization"]
        return "/".join(authorization.decode("ascii").partition("Credential=")[2].split("/")[2:4])


def account_in(region: str) -> Account:
    return Account("0" * 12, region, boto3.Session("AKIATEST", "secret", region_name=region))


@pytest.mark.parametrize(
    ("region", "domain"),
    [
        ("eu-west-3", "amazonaws.com"),
        ("us-east-1", "amazonaws.com"),
        ("eu-south-1", "amazonaws.com"),
        ("eu-central-2", "amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn"),
    ],
)
def test_a_request_goes_to_the_host_of_the_bucket_in_its_region(region: str, domain: str) -> None:
    account = account_in(region)
    wire, reader = Wire(account.client("s3")), ObjectReader(account, "vectora-inbox-data-dev")
    for call in (lambda: list(reader.listed("p/")), lambda: reader.get("key")):
        call()
        assert wire.host == f"vectora-inbox-data-dev.s3.{region}.{domain}"
        assert wire.signed_for == f"{region}/s3"
    signed = account.client("s3").generate_presigned_url("get_object", Params={"Bucket": "some-bucket", "Key": "k"})
    assert urlsplit(signed).netloc == f"some-bucket.s3.{region}.{domain}"


@pytest.mark.parametrize("region", ["eu-west-3", "us-east-1"])
def test_requests_of_functions_go_to_the_host_of_the_bucket(monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    for name, value in {
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    client: Any = s3_client()
    wire = Wire(client)
    client.list_objects_v2(Bucket="vectora-inbox-data-dev")
    assert wire.host == f"vectora-inbox-data-dev.s3.{region}.amazonaws.com"


def test_cloudformation_is_given_the_regional_address_of_a_template() -> None:
    account = account_in("eu-south-1")
    Wire(account.client("s3"))
    template = json.dumps({"Description": "x" * 60_000})
    found = TemplateSender(account, "cdk-assets").request("a-stack", template, None)
    assert found["TemplateURL"].startswith("https://cdk-assets.s3.eu-south-1.amazonaws.com/vectora-restore/")


def test_a_bucket_name_with_a_dot_is_addressed_by_path() -> None:
    account = account_in("eu-west-3")
    wire = Wire(account.client("s3"))
    list(ObjectReader(account, "a.bucket").listed(""))
    assert wire.requests[-1].url.startswith("https://s3.eu-west-3.amazonaws.com/a.bucket?list-type=2")


@pytest.mark.parametrize("key", ODD_KEYS)
def test_a_key_is_sent_without_a_change(key: str) -> None:
    account = account_in("eu-west-3")
    wire, reader = Wire(account.client("s3")), ObjectReader(account, "some-bucket")
    reader.get(key, version_id="v/1+2")
    sent = urlsplit(wire.requests[-1].url)
    assert (sent.path, sent.query) == (f"/{quote(key, safe='/~')}", "versionId=v%2F1%2B2")
    list(reader.listed(key, after=key))
    sent = urlsplit(wire.requests[-1].url)
    prefix = quote(key, safe="-._~")
    assert (sent.path, set(sent.query.split("&"))) == (
        "/",
        {"list-type=2", "encoding-type=url", f"prefix={prefix}", f"start-after={prefix}"},
    )


def test_conditions_and_ranges_are_signed() -> None:
    account = account_in("eu-west-3")
    wire = Wire(account.client("s3"))
    ObjectReader(account, "some-bucket").get("key", if_match="e", byte_range=(5, 10))
    headers = wire.requests[-1].headers
    assert (headers["If-Match"], headers["Range"]) == (b'"e"', b"bytes=5-14")
    signed = headers["Authorization"].decode("ascii").partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"host", "if-match", "range", "x-amz-content-sha256", "x-amz-date"} <= set(signed)


def test_a_request_follows_a_bucket_to_its_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda seconds: None))
    account = account_in("eu-west-3")
    wire = Wire(account.client("s3"))
    moved = b"<Error><Code>PermanentRedirect</Code><Message>Elsewhere.</Message></Error>"
    wire.answers = [(HTTPStatus.MOVED_PERMANENTLY, moved, {"x-amz-bucket-region": "eu-west-1"})]
    list(ObjectReader(account, "some-bucket").listed(""))
    assert (wire.host, wire.signed_for) == ("some-bucket.s3.eu-west-1.amazonaws.com", "eu-west-1/s3")


def test_only_reads_that_are_proven_equal_to_those_of_boto3_are_signed_by_hand() -> None:
    """The download from a presigned address is built by hand, and not signed again.

    The digests that snapshots hold instead of values of variables sign no request.
    """
    by_hand = {
        f"{path}: {name}"
        for path, tree in sources()
        for name in imports(tree)
        if name.startswith(("botocore.auth", "botocore.signers", "botocore.awsrequest", "hmac"))
    }
    assert by_hand == {
        "lambda_src/vectora_ops/known_variables.py: hmac",
        "lambda_src/vectora_ops/snapshots/downloads.py: botocore.awsrequest.AWSRequest",
        *(f"lambda_src/vectora_ops/snapshots/signed_reads.py: {name}" for name in SIGNED_READS),
    }


def test_objects_are_read_and_clients_created_only_where_cut_answers_are_noticed() -> None:
    named = {path.as_posix(): set(attributes(tree)) for path, tree in sources()}
    # The second one captures requests and sends none of them.
    assert {path for path, names in named.items() if "get_object" in {name for _, name in names}} == {
        "lambda_src/vectora_shared/aws.py",
        "lambda_src/vectora_ops/snapshots/signed_reads.py",
    }
    assert {path for path, names in named.items() if ("boto3", "client") in names} == {
        "lambda_src/vectora_shared/aws.py",
        "lambda_src/vectora_core/analysis/bedrock.py",
        "lambda_src/vectora_core/delivery/ses.py",
        "lambda_src/vectora_review/function.py",
    }


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{each.name}" for each in node.names)


def attributes(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the names of attributes, each with the name of its object."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield (node.value.id if isinstance(node.value, ast.Name) else "", node.attr)

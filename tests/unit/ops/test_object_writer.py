"""Objects are written by the requests that boto3 would send, or by boto3 itself when S3 does not accept them."""

from __future__ import annotations

import base64
import hashlib
import re
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.auth
import botocore.endpoint
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders, get_current_datetime
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_ops.account import Account
from vectora_ops.rollback.object_writer import ObjectWriter

BODY = b"# News\n"
SHA256 = hashlib.sha256(BODY).hexdigest()
CHECKSUM = base64.b64encode(hashlib.sha256(BODY).digest()).decode("ascii")
ODD_KEYS = (
    "a",
    "a b",
    "a+b",
    "a%20b",
    "a%2Fb",
    "é/ü",
    "/leading",
    "x/../y",
    "./x",
    "a//b",
    "?x=1&y",
    "#",
    "probe",
    "~",
)
# None of these is signed. They differ with each request, list features of botocore in any order, or let the client wait
# before it sends the body, which costs small bodies another round trip.
OF_ONE_REQUEST = {"amz-sdk-invocation-id", "amz-sdk-request", "user-agent", "expect"}


class Wire:
    """Stand-in for the network; `requests` are signed and ready to be sent."""

    def __init__(self, client: Any) -> None:
        self.requests: list[Any] = []
        self.answers: list[tuple[int, bytes] | Exception] = []
        client.meta.events.register("before-send", self._take)

    def _take(self, request: Any, **_: Any) -> AWSResponse:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else (200, b"")
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        raw: Any = SimpleNamespace(stream=lambda: iter([body]), read=lambda amount=None: body)
        return AWSResponse(request.url, status, HTTPHeaders.from_dict({}), raw)


def client_in(region: str, token: str | None = None, endpoint: str | None = None) -> Any:
    session = boto3.Session("AKIATEST", "secret", token, region_name=region)
    if endpoint is None:
        return Account("0" * 12, region, session).client("s3")
    make: Any = session.client
    return make("s3", endpoint_url=endpoint)


def compared(request: Any) -> tuple[str, str, dict[str, object], bytes]:
    headers = {
        name.lower(): value.decode("utf-8") if isinstance(value, bytes) else value
        for name, value in request.headers.items()
    }
    body = request.body if isinstance(request.body, bytes) else request.body.getvalue()
    return request.method, request.url, {k: v for k, v in headers.items() if k not in OF_ONE_REQUEST}, body


def both(s3: Any, bucket: str, key: str, content_type: str = "text/markdown") -> tuple[Any, Any]:
    """Return the request of the writer and that of boto3 for the same object, at the same time."""
    wire = Wire(s3)
    ObjectWriter(s3, bucket).put(key, BODY, sha256=SHA256, headers={"Content-Type": content_type})
    s3.put_object(Bucket=bucket, Key=key, Body=BODY, ContentType=content_type, ChecksumSHA256=CHECKSUM)
    own, expected = wire.requests
    return compared(own), compared(expected)


@pytest.fixture(autouse=True, scope="module")
def frozen_time() -> Any:
    """Stop the clock that botocore signs with."""
    with pytest.MonkeyPatch.context() as patch:
        now = get_current_datetime()
        patch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: now)
        patch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda seconds: None))
        yield


@pytest.mark.parametrize("region", ["eu-west-3", "us-east-1", "eu-south-1", "cn-north-1"])
@pytest.mark.parametrize("bucket", ["some-bucket", "a.bucket"])
@pytest.mark.parametrize("token", [None, "token"])
def test_a_request_equals_that_of_boto3(region: str, bucket: str, token: str | None) -> None:
    own, expected = both(client_in(region, token), bucket, "lai_weekly/2026/01/06/newsletter.md")

    assert own == expected


@pytest.mark.parametrize("key", ODD_KEYS)
def test_a_request_for_an_odd_key_equals_that_of_boto3(key: str) -> None:
    own, expected = both(client_in("eu-west-3"), "some-bucket", key)

    assert own == expected


S3 = client_in("eu-west-3")


@settings(max_examples=40, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.sampled_from(["text/html; charset=utf-8", "binary/octet-stream", "a/b"]),
)
def test_a_request_for_any_key_equals_that_of_boto3(key: str, content_type: str) -> None:
    own, expected = both(S3, "some-bucket", key, content_type)

    assert own == expected


def test_another_endpoint_is_used_as_boto3_uses_it() -> None:
    own, expected = both(client_in("eu-west-3", endpoint="http://127.0.0.1:4566"), "some-bucket", "a/b")

    assert own == expected


def test_boto3_prepares_one_request_for_a_bucket() -> None:
    s3 = client_in("eu-west-3")
    wire, prepared = Wire(s3), []
    s3.meta.events.register("before-parameter-build.s3.PutObject", lambda **_: prepared.append(1))
    writer = ObjectWriter(s3, "some-bucket")

    for number in range(10):
        writer.put(str(number), BODY, sha256=SHA256, headers={"Content-Type": "text/plain"})

    assert len(wire.requests) == 10
    assert len(prepared) == 1


@pytest.mark.parametrize(
    "failure",
    [
        (HTTPStatus.SERVICE_UNAVAILABLE, b""),
        (HTTPStatus.INTERNAL_SERVER_ERROR, b""),
        EndpointConnectionError(endpoint_url="https://s3"),
    ],
)
def test_what_s3_does_not_accept_is_written_by_boto3_with_its_retries(failure: Any) -> None:
    s3 = client_in("eu-west-3")
    wire = Wire(s3)
    wire.answers = [failure, failure, failure]

    ObjectWriter(s3, "some-bucket").put("a", BODY, sha256=SHA256, headers={"Content-Type": "text/plain"})

    assert len(wire.requests) == 4
    assert {compared(request)[1] for request in wire.requests} == {"https://some-bucket.s3.eu-west-3.amazonaws.com/a"}


def test_a_refused_object_raises_the_error_of_boto3() -> None:
    s3 = client_in("eu-west-3")
    wire = Wire(s3)
    wire.answers = [(HTTPStatus.FORBIDDEN, b"<Error><Code>AccessDenied</Code></Error>")] * 2

    with pytest.raises(ClientError, match="AccessDenied"):
        ObjectWriter(s3, "some-bucket").put("a", BODY, sha256=SHA256, headers={"Content-Type": "text/plain"})


def test_a_client_whose_requests_are_not_as_expected_writes_by_itself() -> None:
    s3 = client_in("eu-west-3")
    wire = Wire(s3)

    def add_a_query(params: dict[str, Any], **_: Any) -> None:
        params["query_string"]["x"] = "y"

    s3.meta.events.register("before-call.s3.PutObject", add_a_query)
    ObjectWriter(s3, "some-bucket").put("a", BODY, sha256=SHA256, headers={"Content-Type": "text/plain"})

    assert len(wire.requests) == 1


@pytest.mark.parametrize("answers", [[], [(HTTPStatus.SERVICE_UNAVAILABLE, b"")]], ids=["own request", "by boto3"])
def test_headers_are_sent_and_signed_as_they_are(answers: list[tuple[int, bytes] | Exception]) -> None:
    s3 = client_in("eu-west-3")
    wire = Wire(s3)
    wire.answers = answers
    headers = {"Content-Type": "text/html", "expires": "0", "content-disposition": 'inline; filename="é.html"'}

    ObjectWriter(s3, "some-bucket").put("k", BODY, sha256=SHA256, headers={**headers, "x-amz-meta-a": "b  c"})

    sent = {name.lower(): value for name, value in wire.requests[-1].headers.items()}
    text = {name: value.decode("utf-8") if isinstance(value, bytes) else value for name, value in sent.items()}
    assert {name: text[name.lower()] for name in headers} == headers
    # Latin-1, in which Python would send text, would not be what was signed.
    assert sent["content-disposition"] == headers["content-disposition"].encode("utf-8")
    signed = re.search("SignedHeaders=([^,]+)", text["authorization"])
    assert signed is not None
    assert {"content-disposition", "expires", "x-amz-meta-a"} <= set(signed[1].split(";"))


def test_headers_of_one_object_are_not_sent_with_another() -> None:
    s3 = client_in("eu-west-3")
    wire = Wire(s3)
    wire.answers = [(HTTPStatus.SERVICE_UNAVAILABLE, b"")]
    writer = ObjectWriter(s3, "some-bucket")
    writer.put("a", BODY, sha256=SHA256, headers={"Content-Type": "text/html", "x-amz-meta-a": "1"})
    writer.put("b", BODY, sha256=SHA256, headers={"Content-Type": "text/plain"})
    s3.put_object(Bucket="some-bucket", Key="c", Body=BODY)

    assert ["x-amz-meta-a" in {name.lower() for name in each.headers} for each in wire.requests] == [
        *[True] * 2,
        *[False] * 2,
    ]

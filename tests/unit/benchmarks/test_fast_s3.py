"""The benchmarks' stand-in for S3: botocore talks to it as to S3, and wrong signatures are refused."""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
import botocore.auth
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from benchmarks.fast_s3.messages import Refusal, Request, Usage
from benchmarks.fast_s3.running import FastS3
from benchmarks.fast_s3.signatures import verify
from tests.unit.ops.test_requests_to_aws import ODD_KEYS

REGION = "eu-west-3"
# The example of the Amazon S3 API reference, "Authenticating Requests: Using the Authorization Header".
EXAMPLE = {"AKIAIOSFODNN7EXAMPLE": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
EXAMPLE_TIME = datetime(2013, 5, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def fast() -> Iterator[FastS3]:
    with FastS3(REGION, "AKIATEST", "secret") as running:
        yield running


@functools.cache
def session_of(secret: str) -> boto3.Session:
    return boto3.Session("AKIATEST", secret, region_name=REGION)


def client(fast: FastS3, secret: str = "secret", **settings: Any) -> Any:  # noqa: S107
    make: Any = session_of(secret).client
    return make("s3", endpoint_url=fast.endpoint, config=Config(retries={"total_max_attempts": 1}, **settings))


@pytest.fixture
def bucket(fast: FastS3, request: pytest.FixtureRequest) -> str:
    name = f"bucket-{abs(hash(request.node.name))}"
    client(fast).create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    fast.reset()
    return name


def code_of(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize("key", ODD_KEYS)
def test_an_object_is_stored_listed_read_and_copied_under_any_key(fast: FastS3, bucket: str, key: str) -> None:
    s3, body = client(fast), os.urandom(1000)
    put = s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="a/b", ChecksumAlgorithm="SHA256")
    found = s3.get_object(Bucket=bucket, Key=key, IfMatch=put["ETag"])
    assert (found["Body"].read(), found["ContentType"], found["ChecksumSHA256"]) == (body, "a/b", put["ChecksumSHA256"])
    s3.copy_object(Bucket=bucket, Key=f"{key}-copy", CopySource={"Bucket": bucket, "Key": key})
    assert s3.get_object(Bucket=bucket, Key=f"{key}-copy", Range="bytes=3-6")["Body"].read() == body[3:7]
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == 1000
    for listing in (s3.list_objects_v2, s3.list_objects):
        assert [each["Key"] for each in listing(Bucket=bucket)["Contents"]] == sorted([key, f"{key}-copy"])


def test_conditions_and_absence_are_answered_as_by_s3(fast: FastS3, bucket: str) -> None:
    s3 = client(fast)
    s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfMatch='"0"') == "PreconditionFailed"
    assert code_of(s3.get_object, Bucket=bucket, Key="k", IfMatch='"0"') == "PreconditionFailed"
    assert code_of(s3.get_object, Bucket=bucket, Key="other") == "NoSuchKey"
    assert code_of(s3.get_object, Bucket="no-such-bucket", Key="k") == "NoSuchBucket"
    assert code_of(s3.get_bucket_policy, Bucket=bucket) == "NotImplemented"


def test_listings_have_pages_prefixes_and_folders(fast: FastS3, bucket: str) -> None:
    s3 = client(fast)
    keys = sorted([f"a/{number}" for number in range(7)] + ["a-", "b/c/d", "b/e", "é/ü"], key=str.encode)
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    for version in ("list_objects_v2", "list_objects"):
        pages = s3.get_paginator(version).paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
        assert [each["Key"] for page in pages for each in page.get("Contents", [])] == keys
    pages = list(
        s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1})
    )
    assert [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])] == ["a/", "b/", "é/"]
    after = s3.list_objects_v2(Bucket=bucket, Prefix="a/", StartAfter="a/4")
    assert [each["Key"] for each in after["Contents"]] == ["a/5", "a/6"]


def test_versions_are_kept_listed_read_and_deleted(fast: FastS3, bucket: str) -> None:
    s3 = client(fast)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    written = [s3.put_object(Bucket=bucket, Key="k", Body=bytes([number]))["VersionId"] for number in range(5)]
    s3.delete_object(Bucket=bucket, Key="k")
    assert code_of(s3.get_object, Bucket=bucket, Key="k") == "NoSuchKey"
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=written[2])["Body"].read() == b"\x02"
    pages = list(s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2}))
    assert [each["VersionId"] for page in pages for each in page.get("Versions", [])] == written[::-1]
    markers = [each for page in pages for each in page.get("DeleteMarkers", [])]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "VersionId": markers[0]["VersionId"]}]})
    assert s3.get_object(Bucket=bucket, Key="k")["VersionId"] == written[-1]


def test_a_large_file_is_uploaded_in_parts(fast: FastS3, bucket: str) -> None:
    s3, body = client(fast), os.urandom(11 * 1024 * 1024)
    parts = TransferConfig(multipart_threshold=5 * 1024 * 1024, multipart_chunksize=5 * 1024 * 1024)
    s3.upload_fileobj(io.BytesIO(body), bucket, "k", Config=parts)
    found = s3.get_object(Bucket=bucket, Key="k")
    assert found["Body"].read() == body
    assert found["ETag"].endswith('-3"')


def test_object_lock_is_stored(fast: FastS3, bucket: str) -> None:
    s3, until = client(fast), datetime(2030, 1, 1, tzinfo=UTC)
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    retention = {"Mode": "GOVERNANCE", "RetainUntilDate": until}
    assert code_of(s3.put_object_retention, Bucket=bucket, Key="k", Retention=retention) == "InvalidRequest"
    s3.put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}},
        },
    )
    rule = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]["Rule"]
    assert rule["DefaultRetention"]["Days"] == 3
    s3.put_object_retention(Bucket=bucket, Key="k", Retention=retention)
    assert s3.get_object_retention(Bucket=bucket, Key="k")["Retention"]["RetainUntilDate"] == until


def test_a_wrong_secret_is_refused(fast: FastS3, bucket: str) -> None:
    assert code_of(client(fast, "another").list_objects_v2, Bucket=bucket) == "SignatureDoesNotMatch"
    assert fast.usage().requests == 0


@pytest.mark.parametrize("late", [timedelta(minutes=-16), timedelta(minutes=16)])
def test_another_time_is_refused(fast: FastS3, bucket: str, late: timedelta) -> None:
    moment = (datetime.now(UTC) + late).replace(tzinfo=None)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=moment):
        assert code_of(client(fast).list_objects_v2, Bucket=bucket) == "RequestTimeTooSkewed"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda request: request.headers.__setitem__("Range", "bytes=0-1"), None),
        (lambda request: request.headers.__setitem__("X-Amz-Meta-Added", "1"), "AccessDenied"),
        (lambda request: request.headers.__setitem__("If-Match", '"other"'), "SignatureDoesNotMatch"),
        (lambda request: request.headers.__delitem__("Authorization"), "AccessDenied"),
        (lambda request: setattr(request, "url", request.url + "2"), "SignatureDoesNotMatch"),
        (lambda request: setattr(request, "url", request.url + "?versionId=1"), "SignatureDoesNotMatch"),
    ],
)
def test_a_request_that_was_changed_after_its_signature_is_refused(
    fast: FastS3, bucket: str, change: Any, code: str | None
) -> None:
    s3 = client(fast)
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"body")["ETag"]
    s3.meta.events.register("before-send.s3.GetObject", lambda request, **_: change(request))
    if code is None:
        # Only the host and x-amz-* headers have to be signed.
        assert s3.get_object(Bucket=bucket, Key="k", IfMatch=etag)["Body"].read() == b"bo"
    else:
        assert code_of(s3.get_object, Bucket=bucket, Key="k", IfMatch=etag) == code


def test_a_body_that_was_changed_after_its_signature_is_refused(fast: FastS3, bucket: str) -> None:
    s3 = client(fast, request_checksum_calculation="when_required")
    s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: setattr(request, "body", b"evil"))
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"body") == "XAmzContentSHA256Mismatch"


def test_the_signature_of_the_reference_is_accepted() -> None:
    head = {
        "host": "examplebucket.s3.amazonaws.com",
        "range": "bytes=0-9",
        "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-amz-date": "20130524T000000Z",
        "authorization": (
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        ),
    }
    verify(Request("GET", "/test.txt", head), EXAMPLE, EXAMPLE_TIME)


# The example of the same reference, "Signature Calculations: Transferring Payload in Multiple Chunks".
CHUNKS = (
    (b"a" * 65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
    (b"a" * 1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
    (b"", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
)


def upload_in_chunks(body: bytes) -> Request:
    head = {
        "host": "s3.amazonaws.com",
        "content-encoding": "aws-chunked",
        "content-length": "66824",
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-date": "20130524T000000Z",
        "x-amz-decoded-content-length": "66560",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
        "authorization": (
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
            "x-amz-decoded-content-length;x-amz-storage-class,"
            "Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
        ),
    }
    return Request("PUT", "/examplebucket/chunkObject.txt", head, body)


def test_the_chunks_of_the_reference_are_accepted_and_a_changed_one_is_refused() -> None:
    body = b"".join(b"%x;chunk-signature=%b\r\n%b\r\n" % (len(chunk), sign.encode(), chunk) for chunk, sign in CHUNKS)
    request = upload_in_chunks(body)
    verify(request, EXAMPLE, EXAMPLE_TIME)
    assert request.body == b"a" * 66560
    with pytest.raises(Refusal, match="signature of a chunk"):
        verify(upload_in_chunks(body.replace(b"aaaa\r\n", b"aaab\r\n", 1)), EXAMPLE, EXAMPLE_TIME)


def test_chunks_without_signatures_are_joined_and_their_trailer_left_out() -> None:
    sent: list[Any] = []

    def take(request: Any, **_: Any) -> Any:
        sent.append(request)
        return SimpleNamespace(status_code=200, headers={}, content=b"", text="", raw=None)

    s3: Any = session_of("secret").client("s3", config=Config(s3={"addressing_style": "path"}))
    s3.meta.events.register("before-send", take)
    s3.put_object(Bucket="bucket", Key="k", Body=io.BytesIO(b"x" * 100_000))
    (made,) = sent
    headers = {name.lower(): value.decode("utf-8") for name, value in made.headers.items()}
    assert headers["x-amz-content-sha256"] == "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    headers["host"] = f"s3.{REGION}.amazonaws.com"
    request = Request("PUT", "/bucket/k", headers, made.body.read())
    verify(request, {"AKIATEST": "secret"}, datetime.now(UTC))
    assert request.body == b"x" * 100_000


def test_requests_are_counted_by_operation_and_priced(fast: FastS3, bucket: str) -> None:
    s3 = client(fast)
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    for _ in range(3):
        s3.get_object(Bucket=bucket, Key="k")
    s3.list_objects_v2(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key="k")
    used = fast.usage()
    assert used.operations == {"PutObject": 1, "GetObject": 3, "ListObjects": 1, "DeleteObject": 1}
    assert used.dollars == pytest.approx((2 * 0.005 + 3 * 0.0004) / 1000)
    assert Usage({"CopyObject": 1_000_000}).dollars == pytest.approx(5.0)

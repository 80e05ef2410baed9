"""Requests of the reader: equal to boto3's in host, path, query and headers, for any key, address and credentials."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import boto3
import botocore.auth
import botocore.endpoint
import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ops.test_requests_to_aws import ODD_KEYS, Wire
from vectora_ops.account import Account
from vectora_ops.snapshots import signed_reads
from vectora_ops.snapshots.objects import ObjectReader
from vectora_ops.snapshots.signed_reads import Operation, SignedReads
from vectora_shared.aws import RETRYING
from vectora_shared.errors import VectoraError

BUCKET = "some-bucket"
# Not signed, and new for each attempt.
OF_AN_ATTEMPT = {"amz-sdk-invocation-id", "amz-sdk-request"}
ADDRESSES: Mapping[str, dict[str, Any]] = {
    "own region": {},
    "first region": {"region": "us-east-1"},
    "region launched after 2019": {"region": "eu-south-1"},
    "China": {"region": "cn-north-1"},
    "session token": {"token": "token/+="},
    "bucket with a dot": {"bucket": "a.bucket"},
    "address by path": {"config": Config(s3={"addressing_style": "path"})},
    "dual stack": {"config": Config(use_dualstack_endpoint=True)},
    "FIPS": {"region": "us-east-1", "config": Config(use_fips_endpoint=True)},
    "accelerated": {"config": Config(s3={"use_accelerate_endpoint": True})},
    "endpoint with a port": {"endpoint": "http://127.0.0.1:4566"},
    "endpoint with a default port": {"endpoint": "https://Store.example:443"},
    "endpoint with a path": {"endpoint": "https://store.example:8443/base/"},
    "checksums only when required": {"config": Config(response_checksum_validation="when_required")},
    "application in the user agent": {"config": Config(user_agent_extra="bench/1")},
}
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)
READS = st.fixed_dictionaries(
    {"Key": KEYS},
    optional={
        "VersionId": st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40),
        "IfMatch": st.from_regex(r'"[0-9a-f]{32}(-[0-9]{1,4})?"', fullmatch=True),
        "Range": st.from_regex(r"bytes=[0-9]{1,12}-[0-9]{1,12}", fullmatch=True),
    },
)


class Pair:
    """One client of boto3, and the reader that uses it; `wire` records what both send."""

    def __init__(
        self,
        region: str = "eu-west-3",
        bucket: str = BUCKET,
        token: str | None = None,
        endpoint: str | None = None,
        config: Config | None = None,
    ) -> None:
        session = boto3.Session("AKIATEST", "secret/+", token, region_name=region)
        # botocore changes the S3 settings of a configuration in place.
        merged = copy.deepcopy(RETRYING).merge(config or Config())
        self.bucket = bucket
        self.client: Any = session.client("s3", endpoint_url=endpoint, config=merged)
        self.wire = Wire(self.client)
        self.reads = SignedReads(self.client, session.get_credentials(), bucket)

    def by_boto3(self, read: Mapping[str, str]) -> Any:
        self.client.get_object(Bucket=self.bucket, **read)
        return self.wire.requests.pop()

    def by_the_reader(self, read: Mapping[str, str]) -> Any:
        assert self.reads.read(**read).found is not None
        return self.wire.requests.pop()


@contextmanager
def frozen(moment: datetime) -> Iterator[None]:
    with (
        mock.patch.object(botocore.auth, "get_current_datetime", return_value=moment.replace(tzinfo=None)),
        mock.patch.object(signed_reads, "datetime", SimpleNamespace(now=lambda zone: moment)),
    ):
        yield


def parts(request: Any) -> tuple[str, str, dict[str, bytes]]:
    headers = {name.lower(): value for name, value in request.headers.items() if name not in OF_AN_ATTEMPT}
    return request.method, request.url, headers


def same(pair: Pair, read: Mapping[str, str], moment: datetime) -> None:
    with frozen(moment):
        assert parts(pair.by_the_reader(read)) == parts(pair.by_boto3(read))


NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
_pairs: dict[str, Pair] = {}


@pytest.fixture(params=ADDRESSES, scope="module")
def pair(request: pytest.FixtureRequest) -> Pair:
    if request.param not in _pairs:
        _pairs[request.param] = Pair(**ADDRESSES[request.param])
    return _pairs[request.param]


@settings(deadline=None, max_examples=50)
@given(read=READS, moment=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)))  # noqa: DTZ001
def test_a_request_equals_that_of_boto3(pair: Pair, read: dict[str, str], moment: datetime) -> None:
    same(pair, read, moment.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "key", [*ODD_KEYS, "..", ".", "/", "//", " ", "a ", " a", "\n", "\x00", "%", "a;b", "~", "💡" * 256]
)
def test_an_odd_key_is_requested_as_boto3_requests_it(pair: Pair, key: str) -> None:
    same(pair, {"Key": key}, NOON)
    same(pair, {"Key": key, "VersionId": "a/b+c=", "IfMatch": '"e"', "Range": "bytes=0-0"}, NOON)


def test_new_credentials_and_a_new_day_are_used_as_boto3_uses_them() -> None:
    session: Any = botocore.session.Session()
    session._credentials = credentials = Credentials("AKIAFIRST", "first")
    found = boto3.Session(botocore_session=session, region_name="eu-west-3")
    pair = Pair()
    pair.client = found.client("s3", config=RETRYING)
    pair.wire = Wire(pair.client)
    pair.reads = SignedReads(pair.client, found.get_credentials(), BUCKET)
    same(pair, {"Key": "k"}, NOON)
    same(pair, {"Key": "k"}, NOON.replace(day=6))
    credentials.access_key, credentials.secret_key, credentials.token = "ASIASECOND", "second", "token"
    same(pair, {"Key": "k"}, NOON.replace(day=6))
    credentials.token = None
    same(pair, {"Key": "k"}, NOON.replace(day=6))


def test_a_bucket_is_followed_to_its_region_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda seconds: None))
    account = Account("0" * 12, "eu-west-3", boto3.Session("AKIATEST", "secret", region_name="eu-west-3"))
    wire, reader = Wire(account.client("s3")), ObjectReader(account, BUCKET)
    moved = b"<Error><Code>PermanentRedirect</Code><Message>Elsewhere.</Message></Error>"
    elsewhere = (HTTPStatus.MOVED_PERMANENTLY, moved, {"x-amz-bucket-region": "eu-west-1"})
    wire.answers = [elsewhere, elsewhere]
    for _ in range(3):
        assert reader.get("k").found
        assert (wire.host, wire.signed_for) == (f"{BUCKET}.s3.eu-west-1.amazonaws.com", "eu-west-1/s3")
    assert [urlsplit(each.url).netloc.split(".")[2] for each in wire.requests] == [
        *["eu-west-3"] * 2,
        *["eu-west-1"] * 3,
    ]


def test_boto3_makes_the_requests_that_are_not_signed() -> None:
    pair = Pair(config=Config(signature_version=UNSIGNED))
    assert pair.reads.read(Key="k").found is None
    assert pair.wire.requests == []


def test_boto3_makes_the_requests_that_a_handler_changes_each_time() -> None:
    pair = Pair()
    numbers = iter(range(1000))

    def number(request: Any, **_: Any) -> None:
        request.headers["X-Amz-Meta-Number"] = str(next(numbers))

    pair.client.meta.events.register("before-sign.s3.GetObject", number)
    assert pair.reads.read(Key="k").found is None
    assert pair.wire.requests == []


def test_a_header_that_a_handler_always_adds_is_sent_and_signed() -> None:
    pair = Pair()
    pair.client.meta.events.register(
        "before-sign.s3.GetObject",
        lambda request, **_: request.headers.__setitem__("X-Amz-Request-Payer", "requester"),
    )
    same(pair, {"Key": "k"}, NOON)


@pytest.mark.parametrize("reads", [10, 100])
def test_boto3_builds_two_requests_however_many_objects_are_read(reads: int) -> None:
    pair = Pair()
    built: list[str] = []
    pair.client.meta.events.register("before-parameter-build.s3.GetObject", lambda params, **_: built.append("one"))
    for number in range(reads):
        pair.by_the_reader({"Key": str(number)})
    assert len(built) == len(signed_reads.PROBES)


def test_capturing_a_request_leaves_other_requests_of_the_client_alone() -> None:
    pair = Pair()
    pair.reads.read(Key="k")
    pair.wire.requests.clear()
    assert urlsplit(pair.by_boto3({"Key": "other"}).url).path == "/other"


@pytest.mark.parametrize(("bucket", "key"), [("no bucket!", "k"), (BUCKET, "")])
def test_what_boto3_refuses_to_send_is_reported_in_one_sentence(bucket: str, key: str) -> None:
    account = Account("0" * 12, "eu-west-3", boto3.Session("AKIATEST", "secret", region_name="eu-west-3"))
    with pytest.raises(VectoraError, match=f"S3 did not answer for s3://{bucket}/{key}: Parameter validation failed"):
        ObjectReader(account, bucket).get(key)


def test_missing_credentials_are_reported_in_one_sentence() -> None:
    account = Account("0" * 12, "eu-west-3", boto3.Session(region_name="eu-west-3"))
    with pytest.raises(VectoraError, match="Unable to locate credentials"):
        ObjectReader(account, BUCKET).get("k")


@settings(deadline=None, max_examples=30)
@given(key=KEYS, version=st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_requests_for_headers_and_tags_are_signed_as_boto3_signs_them(
    pair: Pair, key: str, version: str | None
) -> None:
    read = {"Key": key, **({"VersionId": version} if version else {})}
    by_operation: dict[Operation, Any] = {
        "HeadObject": pair.client.head_object,
        "GetObjectTagging": pair.client.get_object_tagging,
    }
    for operation, by_boto3 in by_operation.items():
        with frozen(NOON):
            assert pair.reads.read(operation, **read).found is not None
            own = pair.wire.requests.pop()
            by_boto3(Bucket=pair.bucket, **read)
            expected = pair.wire.requests.pop()
        assert own.method == expected.method
        assert own.url == expected.url
        ours, theirs = parts(own)[2], parts(expected)[2]
        assert {name for name in theirs if name.startswith("x-amz-")} == {n for n in ours if n.startswith("x-amz-")}
        assert ours["authorization"] == theirs["authorization"]

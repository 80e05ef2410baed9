"""Answers of AWS that end early, arrive late or redirect: requested again, a limited number of times."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.faults.scripted_aws import Request, ScriptedAws, cut, cut_in_chunks, refusal, scripted_aws, whole
from tests.second_opinion.own_host_names import REGION
from vectora_ops.names import Names
from vectora_ops.records import Records
from vectora_ops.snapshots import downloads
from vectora_ops.snapshots.downloads import download
from vectora_ops.snapshots.objects import ObjectReader
from vectora_shared import aws
from vectora_shared.errors import VectoraError
from vectora_shared.storage import Bucket

NAMES = Names(project="vectora-inbox", env="dev")
BUCKET = "vectora-inbox-data-dev"
BODY = b"0123456789" * 10
ENTRY = (
    "<Contents><Key>{0}</Key><LastModified>2026-01-05T06:00:00.000Z</LastModified>"
    "<ETag>&quot;{0}&quot;</ETag><Size>1</Size></Contents>"
)
TRIES_OF_BOTOCORE = 8


def page(*keys: str, following: str = "") -> bytes:
    token = f"<NextContinuationToken>{following}</NextContinuationToken>" if following else ""
    return (
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{BUCKET}</Name><IsTruncated>{str(bool(following)).lower()}</IsTruncated>{token}"
        f"{''.join(ENTRY.format(key) for key in keys)}<EncodingType>url</EncodingType></ListBucketResult>"
    ).encode()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the pauses between attempts, which take no time here."""
    waited: list[float] = []
    nap = SimpleNamespace(sleep=waited.append)
    monkeypatch.setattr(botocore.endpoint, "time", nap)
    monkeypatch.setattr(aws, "time", nap)
    return waited


@pytest.fixture
def scripted(tmp_path: Path, waits: list[float]) -> Iterator[ScriptedAws]:
    with scripted_aws(tmp_path) as running:
        yield running


@pytest.fixture
def reader(scripted: ScriptedAws) -> ObjectReader:
    return ObjectReader(scripted.account, BUCKET)


def keys(reader: ObjectReader) -> list[str]:
    return [found.key for found in reader.listed("")]


BROKEN = {
    "nothing": b"",
    "no body": cut(BODY, 0),
    "first byte": cut(BODY, 1),
    "all but the last byte": cut(BODY, 99),
    "no last chunk": cut_in_chunks(BODY),
    "other bytes": whole(BODY, x_amz_checksum_crc32="AAAAAA=="),
    "refused": whole(refusal("SlowDown"), 503),
    "refused and cut": cut(refusal("SlowDown"), 5, 503),
    "refused without last chunk": cut_in_chunks(refusal("SlowDown"), 503),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_an_incomplete_read_of_an_object_is_repeated(scripted: ScriptedAws, reader: ObjectReader, broken: str) -> None:
    scripted.answers = [BROKEN[broken], BROKEN[broken], whole(BODY, ETag='"e"')]
    assert reader.get("key").body == BODY
    assert scripted.requests == [Request("GET", f"{BUCKET}.s3.{REGION}.amazonaws.com", "/key")] * 3


@pytest.mark.parametrize("broken", ["no body", "all but the last byte", "no last chunk", "other bytes"])
def test_an_object_that_is_never_complete_fails_with_one_sentence(
    scripted: ScriptedAws, reader: ObjectReader, waits: list[float], broken: str
) -> None:
    scripted.answers = [BROKEN[broken]]
    with pytest.raises(VectoraError, match=rf"s3://{BUCKET}/key incompletely 5 times \(\w+\): try again later"):
        reader.get("key")
    assert len(scripted.requests) == aws.READ_ATTEMPTS
    assert waits == sorted(waits)


@pytest.mark.parametrize("length", [0, 1, 60, 200, 400, len(page("a", "b")) - 1])
def test_a_listing_that_ends_early_is_repeated(scripted: ScriptedAws, reader: ObjectReader, length: int) -> None:
    scripted.answers = [
        whole(page("a", "b", following="t")),
        cut(page("c", "d"), length),
        whole(page("c", "d")),
    ]
    assert keys(reader) == ["a", "b", "c", "d"]
    assert len(scripted.requests) == 3


@pytest.mark.parametrize("length", [0, 200])
def test_a_listing_that_is_never_complete_fails_with_one_sentence(
    scripted: ScriptedAws, reader: ObjectReader, length: int
) -> None:
    scripted.answers = [cut(page("a", "b"), length)]
    with pytest.raises(VectoraError, match=rf"refused to list s3://{BUCKET}: .*\(502\).*reached max retries"):
        keys(reader)
    assert len(scripted.requests) == TRIES_OF_BOTOCORE


@pytest.mark.parametrize("code", ["SlowDown", "ServiceUnavailable", "InternalError"])
def test_many_failures_are_retried_and_then_reported_in_one_sentence(
    scripted: ScriptedAws, reader: ObjectReader, waits: list[float], code: str
) -> None:
    scripted.answers = [whole(refusal(code), 503)] * 5 + [whole(page("a"))]
    assert keys(reader) == ["a"]
    # A connection that the server closed may cost one more attempt.
    assert 5 <= len(waits) < TRIES_OF_BOTOCORE
    waits.clear()
    scripted.answers = [whole(refusal(code), 503)]
    with pytest.raises(VectoraError, match=f"S3 refused s3://{BUCKET}/key: .*{code}"):
        reader.get("key")
    # The reader's own attempt comes before those of botocore.
    assert len(waits) == TRIES_OF_BOTOCORE


def test_a_redirect_of_a_new_bucket_is_followed_to_its_region(scripted: ScriptedAws, reader: ObjectReader) -> None:
    redirect = whole(refusal("TemporaryRedirect"), 307, x_amz_bucket_region=REGION)
    scripted.answers = [redirect, whole(page("a")), redirect, whole(BODY)]
    assert keys(reader) == ["a"]
    assert reader.get("key").body == BODY
    assert {request.host for request in scripted.requests} == {f"{BUCKET}.s3.{REGION}.amazonaws.com"}


def test_an_ignored_range_is_cut_from_the_whole_object(scripted: ScriptedAws, reader: ObjectReader) -> None:
    scripted.answers = [whole(BODY), whole(BODY[3:7], 206, Content_Range="bytes 3-6/100")]
    assert reader.get("key", byte_range=(3, 4)).body == BODY[3:7]
    assert reader.get("key", byte_range=(3, 4)).body == BODY[3:7]


def test_an_answer_without_a_body_is_not_reported_as_cut(scripted: ScriptedAws) -> None:
    scripted.answers = [whole(b"", Content_Length="100")]
    assert scripted.account.client("s3").head_object(Bucket=BUCKET, Key="key")["ContentLength"] == 100
    assert len(scripted.requests) == 1


def test_one_cut_read_does_not_fail_a_run_of_the_engine(scripted: ScriptedAws) -> None:
    bucket = Bucket(aws.with_complete_responses(scripted.account.session.client("s3", config=aws.RETRYING)), BUCKET)
    document = json.dumps({"items": list(range(50))}).encode("utf-8")
    scripted.answers = [cut(document, 40), whole(document), cut(page("a", "b"), 0), whole(page("a", "b"))]
    assert bucket.read_json("items.json") == {"items": list(range(50))}
    assert bucket.keys("") == ["a", "b"]


@pytest.mark.parametrize("length", [0, 20])
def test_a_request_to_any_service_is_repeated_when_its_answer_ends_early(scripted: ScriptedAws, length: int) -> None:
    value = {"gates": ["soak"], "digest": "d", "reason": "r", "by": "b", "at": "2026-01-01T00:00:00Z"}
    answer = json.dumps({"Parameter": {"Name": "n", "Value": json.dumps(value), "Version": 1}}).encode("utf-8")
    scripted.answers = [cut(answer, length), whole(answer)]
    bypass = Records(scripted.account, NAMES).bypass()
    assert bypass is not None
    assert bypass.reason == "r"
    scripted.answers = [cut(answer, length)]
    with pytest.raises(ClientError, match=r"\(502\).*reached max retries"):
        Records(scripted.account, NAMES).bypass()


def test_an_incomplete_download_is_repeated_from_a_new_address(
    scripted: ScriptedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "CHUNK_BYTES", 30)
    addresses: list[str] = []

    def locate() -> str:
        addresses.append(f"https://awslambda-{REGION}-tasks.s3.{REGION}.amazonaws.com/code?address={len(addresses)}")
        return addresses[-1]

    scripted.answers = [cut(BODY, 65), whole(refusal("AccessDenied"), 403), cut(BODY, 90), whole(BODY)]
    assert list(download(scripted.account, locate)) == [BODY[:30], BODY[30:60], BODY[60:90], BODY[90:]]
    assert [request.path for request in scripted.requests] == [f"/code?address={each}" for each in range(4)]


@pytest.mark.parametrize(
    ("broken", "reason"), [("nothing", r"\w+Error"), ("first byte", r"\w+Error"), ("refused", "status 503")]
)
def test_a_download_that_is_never_complete_fails_with_one_sentence(
    scripted: ScriptedAws, broken: str, reason: str
) -> None:
    scripted.answers = [BROKEN[broken]]
    with pytest.raises(VectoraError, match=rf"could not be downloaded in 5 attempts \({reason}\)"):
        list(download(scripted.account, lambda: f"https://code.s3.{REGION}.amazonaws.com/code"))
    assert len(scripted.requests) == aws.READ_ATTEMPTS


@pytest.mark.parametrize("broken", ["nothing", "refused", "refused and cut"])
def test_an_invocation_is_never_repeated(scripted: ScriptedAws, broken: str) -> None:
    scripted.answers = [BROKEN[broken]]
    with pytest.raises((ClientError, BotoCoreError)):
        scripted.account.invoker().invoke(FunctionName="f", Payload=b"{}")
    assert len(scripted.requests) == 1


def test_an_invocation_may_take_as_long_as_a_function_runs(scripted: ScriptedAws) -> None:
    config: Any = scripted.account.invoker().meta.config
    assert config.tcp_keepalive
    assert config.read_timeout > 900
    assert scripted.account.client("lambda").meta.config.retries["total_max_attempts"] == TRIES_OF_BOTOCORE

"""Stored replies: nothing is asked twice, and a bad file or a failing bucket only means that the model is called."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from tests.unit.conftest import MemoryBucket
from vectora_core.analysis.analyzer import analyze_concurrently
from vectora_core.analysis.bedrock import BedrockAnalyzer
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.analysis.reply_store import MAX_STORED_BYTES, ReplyStore
from vectora_core.analysis.usage import Usage
from vectora_core.items import IngestedItem, NormalizedContent
from vectora_shared.config.configuration import Configuration

MakeItem = Callable[..., IngestedItem]
Analyze = Callable[..., NormalizedContent]
MODEL_ID = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
REPLY: dict[str, Any] = {
    "summary": "Camurus signed a licence.",
    "companies": ["Camurus"],
    "molecules": [],
    "technologies": [],
    "trademarks": [],
    "indications": [],
    "event_type": "partnership",
    "event_confidence": 0.9,
    "lai_relevance_score": 8,
    "anti_lai_detected": False,
    "pure_player_context": True,
    "headline": "",
    "why_it_matters": "",
}


class CountingModel:
    """A model that answers with a reply and counts the calls."""

    def __init__(self, reply: Any = REPLY) -> None:
        self.reply = reply
        self.calls = 0
        self._lock = threading.Lock()

    def converse(self, **_request: Any) -> Any:
        with self._lock:
            self.calls += 1
        block = {"toolUse": {"toolUseId": "1", "name": "record_analysis", "input": self.reply}}
        usage = {"inputTokens": 300, "outputTokens": 200, "cacheReadInputTokens": 2500, "cacheWriteInputTokens": 7}
        return {"output": {"message": {"content": [block]}}, "usage": usage}


class FailingBucket(MemoryBucket):
    """A bucket that fails to read or write, and counts the attempts."""

    def __init__(self, error: Exception, operation: str) -> None:
        super().__init__("data")
        self._error = error
        self._operation = operation
        self.attempts = 0

    def _fail(self, operation: str) -> None:
        if operation == self._operation:
            self.attempts += 1
            raise self._error

    def read(self, key: str, *, limit: int) -> bytes | None:
        self._fail("read")
        return super().read(key, limit=limit)

    def write(self, key: str, body: bytes, content_type: str) -> None:
        self._fail("write")
        super().write(key, body, content_type)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetObject")


@pytest.fixture
def bucket() -> MemoryBucket:
    return MemoryBucket("data")


@pytest.fixture
def analyzer(configuration: Configuration, lexicon: Lexicon) -> Callable[[Any, ReplyStore], BedrockAnalyzer]:
    return lambda model, store: BedrockAnalyzer(model, MODEL_ID, configuration, lexicon, "lexicon", store)


def test_the_same_item_is_asked_once_and_gets_the_same_analysis(
    analyzer: Any, make_item: MakeItem, bucket: Any
) -> None:
    model, item = CountingModel(), make_item("Camurus signs a licence", "A depot.")
    first = analyzer(model, ReplyStore(bucket)).analyze(item)
    later = ReplyStore(bucket)
    second = analyzer(model, later).analyze(item)
    assert model.calls == 1
    metadata = {"normalization_metadata"}
    assert second.model_dump(exclude=metadata) == first.model_dump(exclude=metadata)
    paid, reused = first.normalization_metadata, second.normalization_metadata
    assert not paid.reused
    assert (paid.cache_read_tokens, paid.cache_write_tokens) == (2500, 7)
    assert reused.reused
    assert (reused.analyzer, reused.model_id) == ("bedrock", MODEL_ID)
    assert (reused.input_tokens, reused.output_tokens, reused.cache_read_tokens) == (0, 0, 0)
    assert (later.reuse.replies, later.reuse.usage, later.reuse.problems) == (1, Usage(300, 200, 2500, 7), ())


def test_a_stored_file_is_small_and_holds_nothing_of_the_item(analyzer: Any, make_item: MakeItem, bucket: Any) -> None:
    analyzer(CountingModel(), ReplyStore(bucket)).analyze(make_item("Secret title", "Secret text", source="s__t"))
    [(key, body)] = bucket.objects.items()
    digest = key.removeprefix("analyses/").removesuffix(".json")
    assert len(digest) == 64
    assert json.loads(body) == {
        "request_digest": digest,
        "reply": REPLY,
        "usage": {"input_tokens": 300, "output_tokens": 200, "cache_read_tokens": 2500, "cache_write_tokens": 7},
    }


def test_names_in_a_stored_reply_are_read_with_the_scopes_of_the_run(
    analyzer: Any, make_item: MakeItem, bucket: Any
) -> None:
    # Only the model's own words are stored: a name that the text does not have is dropped again.
    model, item = CountingModel({**REPLY, "companies": ["CAMURUS", "Invented"]}), make_item("Camurus signs")
    analyzer(model, ReplyStore(bucket)).analyze(item)
    assert b"Invented" in next(iter(bucket.objects.values()))
    assert analyzer(model, ReplyStore(bucket)).analyze(item).entities.companies == ("Camurus",)


@pytest.mark.parametrize("reply", [{}, {**REPLY, "event_type": "party"}, {**REPLY, "summary": "\ud800"}, "text", None])
def test_an_unusable_reply_is_not_stored(analyzer: Any, make_item: MakeItem, bucket: Any, reply: Any) -> None:
    analysis = analyzer(CountingModel(reply), ReplyStore(bucket)).analyze(make_item("Title"))
    assert analysis.normalization_metadata.analyzer == "lexicon"
    assert bucket.objects == {}


def test_a_failed_call_is_not_stored(analyzer: Any, make_item: MakeItem, bucket: Any) -> None:
    class Throttled:
        def converse(self, **_request: Any) -> Any:
            raise refusal("ThrottlingException")

    analyzer(Throttled(), ReplyStore(bucket)).analyze(make_item("Title"))
    assert bucket.objects == {}


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda body: b"", "damaged file"),
        (lambda body: body[:-9], "damaged file"),
        (lambda body: b"\xff\xfe" + body, "damaged file"),
        (lambda body: b"[" * 200_000, "damaged file"),
        (lambda body: b" " * (MAX_STORED_BYTES + 1) + body, "damaged file"),
        (lambda body: b"null", "damaged file"),
        (lambda body: body.replace(b"partnership", b"gossip"), "damaged file"),
        (lambda body: body.replace(b'"lai_relevance_score":8.0', b'"lai_relevance_score":80'), "damaged file"),
        (lambda body: body.replace(b'"output_tokens":200', b'"output_tokens":-200'), "damaged file"),
        (lambda body: body.replace(b'"request_digest":"', b'"request_digest":"0'), "file of another request"),
    ],
)
def test_a_damaged_or_foreign_file_is_reported_and_replaced(
    analyzer: Any, make_item: MakeItem, bucket: Any, damage: Callable[[bytes], bytes], problem: str
) -> None:
    model, item = CountingModel(), make_item("Camurus signs a licence")
    analyzer(model, ReplyStore(bucket)).analyze(item)
    [(key, body)] = bucket.objects.items()
    assert damage(body) != body
    bucket.objects[key] = damage(body)
    store = ReplyStore(bucket)
    analysis = analyzer(model, store).analyze(item)
    assert analysis.normalization_metadata.analyzer == "bedrock"
    assert not analysis.normalization_metadata.reused
    assert store.reuse.problems == (f"1 x {problem}",)
    assert bucket.objects[key] == body


@pytest.mark.parametrize(
    ("error", "operation", "problem"),
    [
        (refusal("AccessDenied"), "read", "1 x not read (AccessDenied)"),
        (refusal("AccessDenied"), "write", "1 x not written (AccessDenied)"),
        (ConnectTimeoutError(endpoint_url="https://s3"), "read", "1 x not read (ConnectTimeoutError)"),
    ],
)
def test_a_bucket_that_fails_is_left_alone_for_the_rest_of_the_run(
    analyzer: Any, make_item: MakeItem, error: Exception, operation: str, problem: str
) -> None:
    bucket: Any = FailingBucket(error, operation)
    model, store = CountingModel(), ReplyStore(bucket)
    asking = analyzer(model, store)
    analyses = [asking.analyze(make_item(f"Item {number}")) for number in range(20)]
    assert {analysis.normalization_metadata.analyzer for analysis in analyses} == {"bedrock"}
    assert model.calls == 20
    assert bucket.attempts == 1
    assert store.reuse.problems == (problem,)


def test_concurrent_runs_share_the_store(analyzer: Any, make_item: MakeItem, bucket: Any) -> None:
    items = [make_item(f"Camurus signs licence {number}") for number in range(40)]
    model = CountingModel()
    results: list[list[NormalizedContent]] = []

    def run() -> None:
        results.append(analyze_concurrently(items, analyzer(model, ReplyStore(bucket)), 4, lambda: None))

    runs = [threading.Thread(target=run) for _ in range(2)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert len(bucket.objects) == 40
    assert 40 <= model.calls <= 80
    metadata = {"normalization_metadata"}
    one, other = ([each.model_dump(exclude=metadata) for each in result] for result in results)
    assert one == other
    before = model.calls
    third = ReplyStore(bucket)
    analyze_concurrently(items, analyzer(model, third), 4, lambda: None)
    assert (model.calls, third.reuse.replies) == (before, 40)


@pytest.mark.parametrize("count", [10, 100])
def test_each_item_takes_one_read_and_each_call_one_write(analyzer: Any, make_item: MakeItem, count: int) -> None:
    class CountingBucket(MemoryBucket):
        requests = 0

        def read(self, key: str, *, limit: int) -> bytes | None:
            self.requests += 1
            return super().read(key, limit=limit)

        def write(self, key: str, body: bytes, content_type: str) -> None:
            self.requests += 1
            super().write(key, body, content_type)

    bucket: Any = CountingBucket("data")
    items = [make_item(f"Item {number}") for number in range(count)]
    for expected in (2 * count, 3 * count):
        asking = analyzer(CountingModel(), ReplyStore(bucket))
        for item in items:
            asking.analyze(item)
        assert bucket.requests == expected

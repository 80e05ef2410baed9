"""The stand-in for Bedrock's models: answers of the lexicon, injected failures, and permissions as on AWS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError

from rehearsal.certificates import Authority
from rehearsal.emulator import ACCOUNT, Emulator, Identity
from rehearsal.model import Behaviour, InferenceProfile, LexiconAnswer, Model
from vectora_core.analysis.bedrock import BedrockAnalyzer
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.items import IngestedItem
from vectora_shared.aws_errors import error_code
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_configuration

REGION = "eu-west-3"
# Only a guard against hanging.
HANGS_AFTER_SECONDS = 600
PROFILE = InferenceProfile("eu.maker.model-1", "maker.model-1", ("eu-north-1", "eu-west-3"))
TOOL = {"tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": {}}}}], "toolChoice": {"tool": {"name": "t"}}}
ITEM = IngestedItem(
    item_id="i",
    source_key="press_corporate__camurus",
    source_type="press_corporate",
    title="Camurus & partner win <fast> approval of a monthly buprenorphine depot",
    content="The long-acting injectable </content></news_item> is given once a month.",
    url="https://www.camurus.com/x",
    published_at=None,
    ingested_at=datetime(2026, 3, 2, tzinfo=UTC),
)
MakeRole = Callable[[str, list[dict[str, Any]]], boto3.Session]


class _ChangeableAnswer:
    """An answer that a test can replace."""

    def __init__(self) -> None:
        self.function: Callable[[Any], dict[str, Any]] = lambda request: {"answer": "yes"}

    def __call__(self, request: Any, /) -> dict[str, Any]:
        return self.function(request)


@pytest.fixture(scope="module")
def answer() -> _ChangeableAnswer:
    return _ChangeableAnswer()


@pytest.fixture(scope="module")
def model(authority: Authority, emulator: Emulator, answer: _ChangeableAnswer) -> Iterator[Model]:
    with Model(emulator.proxy, authority, [PROFILE], answer) as running:
        running.connect(emulator)
        yield running


@pytest.fixture(autouse=True)
def _well_behaved(model: Model, answer: _ChangeableAnswer) -> None:
    answer.function = lambda request: {"answer": "yes"}
    model.behave(Behaviour())


def _grant(resources: list[str], effect: str = "Allow") -> list[dict[str, Any]]:
    return [{"Effect": effect, "Action": "bedrock:InvokeModel", "Resource": resources}]


def _client(session: boto3.Session, region: str = REGION) -> Any:
    once = Config(retries={"total_max_attempts": 1}, max_pool_connections=20)
    return session.client("bedrock-runtime", region_name=region, config=once)


@pytest.fixture(scope="module")
def granted(make_role: MakeRole, model: Model, emulator: Emulator) -> Any:
    """A client whose role may call only the profile."""
    return _client(make_role("granted", _grant(PROFILE.resources(REGION, ACCOUNT))))


def _ask(client: Any, model_id: str = PROFILE.profile_id) -> Any:
    message = {"role": "user", "content": [{"text": "A question"}]}
    return client.converse(modelId=model_id, messages=[message], toolConfig=TOOL)


def _error_of(client: Any, model_id: str = PROFILE.profile_id) -> tuple[str, int]:
    with pytest.raises(ClientError) as raised:
        _ask(client, model_id)
    return error_code(raised.value), raised.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_it_calls_the_forced_tool_and_counts_tokens(granted: Any) -> None:
    reply = _ask(granted)
    assert reply["stopReason"] == "tool_use"
    call = reply["output"]["message"]["content"][0]["toolUse"]
    assert (call["name"], call["input"]) == ("t", {"answer": "yes"})
    usage = reply["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"] > 10


@pytest.mark.parametrize("missing", range(3))
def test_the_profile_and_its_model_in_every_region_must_be_granted(
    missing: int, make_role: MakeRole, model: Model, emulator: Emulator
) -> None:
    resources = PROFILE.resources(REGION, ACCOUNT)
    assert len(resources) == 3
    del resources[missing]
    client = _client(make_role(f"without-{missing}", _grant(resources)))
    assert _error_of(client) == ("AccessDeniedException", 403)
    assert (model.statistics.denied, model.statistics.answered) == (1, 0)


def test_an_explicit_deny_denies(make_role: MakeRole, model: Model, emulator: Emulator) -> None:
    resources = PROFILE.resources(REGION, ACCOUNT)
    client = _client(make_role("denied", _grant(resources) + _grant(resources[-1:], "Deny")))
    assert _error_of(client) == ("AccessDeniedException", 403)


def test_another_model_is_denied_to_a_role_that_may_call_this_one(granted: Any) -> None:
    assert _error_of(granted, "eu.maker.model-2") == ("AccessDeniedException", 403)


def test_a_profile_called_from_a_region_it_does_not_route_to_is_unknown(
    make_role: MakeRole, model: Model, emulator: Emulator
) -> None:
    everywhere = make_role("everywhere", _grant(["arn:aws:bedrock:*"]))
    assert _error_of(_client(everywhere, "us-east-1")) == ("ValidationException", 400)


def test_a_forged_signature_is_refused(make_role: MakeRole, model: Model, emulator: Emulator) -> None:
    keys = make_role("forged", _grant(PROFILE.resources(REGION, ACCOUNT))).get_credentials()
    assert keys
    forger = emulator.session_of(Identity(keys.access_key, "another-secret", keys.token))
    code, status = _error_of(_client(forger))
    assert status == 403
    assert code != "AccessDeniedException"
    assert model.statistics.answered == 0


def test_every_nth_call_is_throttled_as_bedrock_does(granted: Any, model: Model) -> None:
    model.behave(Behaviour(throttle_every=2))
    _ask(granted)
    assert _error_of(granted) == ("ThrottlingException", 429)
    _ask(granted)
    assert (model.statistics.calls, model.statistics.answered, model.statistics.throttled) == (3, 2, 1)


def test_a_seed_throttles_the_same_share_of_calls_each_time(granted: Any, model: Model) -> None:
    def draw() -> list[bool]:
        model.behave(Behaviour(throttle_share=0.5, seed=7))
        outcomes = []
        for _ in range(10):
            before = model.statistics.throttled
            try:
                _ask(granted)
            except granted.exceptions.ThrottlingException:
                assert model.statistics.throttled == before + 1
            outcomes.append(model.statistics.throttled > before)
        return outcomes

    first = draw()
    assert first == draw()
    assert 0 < sum(first) < 10


def test_a_checkpoint_is_refused_for_a_model_without_a_prompt_cache(granted: Any) -> None:
    message = {"role": "user", "content": [{"text": "A question"}]}
    system = [{"text": "Instructions"}, {"cachePoint": {"type": "default"}}]
    with pytest.raises(ClientError, match="did not allow prompt caching") as raised:
        granted.converse(modelId=PROFILE.profile_id, messages=[message], system=system, toolConfig=TOOL)
    assert error_code(raised.value) == "AccessDeniedException"


def test_it_can_be_unavailable(granted: Any, model: Model) -> None:
    model.behave(Behaviour(unavailable_every=1))
    assert _error_of(granted) == ("ServiceUnavailableException", 503)


def test_it_counts_concurrent_calls(granted: Any, model: Model, answer: _ChangeableAnswer) -> None:
    together = threading.Barrier(3)

    def wait_for_the_others(request: Any) -> dict[str, Any]:
        together.wait(timeout=HANGS_AFTER_SECONDS)
        return {}

    answer.function = wait_for_the_others
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: _ask(granted), range(6)))
    assert model.statistics.highest_concurrency == 3


def test_behaviour_can_be_set_and_statistics_read_over_http(granted: Any, model: Model, emulator: Emulator) -> None:
    address = model.control
    with urllib3.PoolManager(ca_certs=str(emulator.ca_bundle)) as web:
        assert web.request("PUT", address, json={"throttle_every": 1}).status == 200
        assert _error_of(granted)[0] == "ThrottlingException"
        shown = web.request("GET", address).json()
        assert (shown["behaviour"]["throttle_every"], shown["statistics"]["throttled"]) == (1, 1)
        refused = web.request("PUT", address, json={"throttle_evry": 1})
        assert (refused.status, refused.headers["x-amzn-ErrorType"]) == (400, "ValidationException")


def test_an_answer_waits_for_the_rest_of_the_latency(
    granted: Any, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(model._state.closing, "wait", waits.append)
    _ask(granted)
    model.behave(Behaviour(latency_seconds=100))
    _ask(granted)
    assert waits[0] == 0
    assert 0 < waits[1] < 100


@pytest.fixture(scope="module")
def configuration(root: Path) -> Configuration:
    return load_configuration(FolderContent(root / "config"), "lai_weekly")


def test_the_engines_analyzer_gets_the_lexicons_analysis(
    granted: Any, configuration: Configuration, answer: _ChangeableAnswer
) -> None:
    answer.function = LexiconAnswer([configuration])
    lexicon = Lexicon(configuration)
    got = BedrockAnalyzer(granted, PROFILE.profile_id, configuration, lexicon, "none").analyze(ITEM)
    expected = lexicon.analyze(ITEM)
    assert got.normalization_metadata.analyzer == "bedrock"
    assert got.normalization_metadata.input_tokens > 100
    metadata = {"normalization_metadata"}
    assert got.model_dump(exclude=metadata) == expected.model_dump(exclude=metadata)
    assert "Camurus" in got.entities.companies


def test_the_engine_uses_its_lexicon_for_every_malformed_reply(
    granted: Any, configuration: Configuration, model: Model
) -> None:
    model.behave(Behaviour(malformed_every=1))
    analyzer = BedrockAnalyzer(granted, PROFILE.profile_id, configuration, Lexicon(configuration), "lexicon")
    reasons = {analyzer.analyze(ITEM).normalization_metadata.fallback_reason for _ in range(3)}
    assert len(reasons) == 2
    assert None not in reasons
    assert model.statistics.malformed == 3


def test_a_message_without_a_clients_prompt_is_rejected(
    granted: Any, configuration: Configuration, answer: _ChangeableAnswer
) -> None:
    answer.function = LexiconAnswer([configuration])
    assert _error_of(granted) == ("ValidationException", 400)


def test_a_request_that_forces_no_tool_is_rejected(granted: Any) -> None:
    with pytest.raises(ClientError, match="force one tool"):
        granted.converse(modelId=PROFILE.profile_id, messages=[{"role": "user", "content": [{"text": "Hello"}]}])

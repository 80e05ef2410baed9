"""The stand-in's prompt cache refuses and counts as Bedrock does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.model import InferenceProfile
from rehearsal.model.converse import permitted_reply
from rehearsal.model.prompt_cache import NO_CACHE, PromptCache
from rehearsal.model.replies import Reply
from rehearsal.model.state import Behaviour, State

MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"
SYSTEM = "Fixed instructions. " * 400
POINT = {"cachePoint": {"type": "default"}}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(clock: Clock) -> State:
    return State(answer=lambda _: {"answer": "yes"}, profiles={}, prompt_cache=PromptCache(clock))


def request(system: list[Any] | None = None, question: str = "Question", tools: list[Any] | None = None) -> Any:
    tool = {"toolSpec": {"name": "t", "inputSchema": {"json": {"type": "object"}}}}
    return {
        "toolConfig": {"tools": tools or [tool], "toolChoice": {"tool": {"name": "t"}}},
        "system": [{"text": SYSTEM}, POINT] if system is None else system,
        "messages": [{"role": "user", "content": [{"text": question}]}],
    }


def begin(state: State, document: Any, model: str = MODEL) -> Reply:
    return permitted_reply(state, InferenceProfile(f"eu.{model}", model, ("eu-west-3",)), document)


def ask(state: State, document: Any, model: str = MODEL) -> dict[str, int]:
    reply = begin(state, document, model)
    assert reply.status == 200, reply.body
    reply.on_sending()
    usage: dict[str, int] = json.loads(reply.body)["usage"]
    assert usage["totalTokens"] == sum(count for name, count in usage.items() if name != "totalTokens")
    return usage


def cached(usage: dict[str, int]) -> tuple[int, int]:
    return usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]


def test_the_first_call_writes_the_prefix_and_later_ones_read_it(state: State) -> None:
    first, second = ask(state, request()), ask(state, request(question="Another, longer question"))
    read, written = cached(first)
    assert read == 0
    assert written > 2000
    assert cached(second) == (written, 0)
    assert first["inputTokens"] < second["inputTokens"] < 20


def test_without_a_checkpoint_nothing_is_cached(state: State) -> None:
    plain = request(system=[{"text": SYSTEM}])
    usage = [ask(state, plain) for _ in range(2)]
    assert {cached(each) for each in usage} == {(0, 0)}
    marked = ask(state, request())
    assert usage[0]["inputTokens"] == marked["inputTokens"] + sum(cached(marked))


def test_a_prefix_below_the_minimum_is_answered_and_not_cached(state: State) -> None:
    short = request(system=[{"text": "Short."}, POINT])
    assert {cached(ask(state, short)) for _ in range(2)} == {(0, 0)}
    # The same prefix is too short for a model with another minimum.
    haiku = "anthropic.claude-haiku-4-5-20251001-v1:0"
    assert {cached(ask(state, request(), haiku)) for _ in range(2)} == {(0, 0)}


def test_another_prefix_is_not_read(state: State) -> None:
    ask(state, request())
    other_tool = [{"toolSpec": {"name": "t", "inputSchema": {"json": {"type": "string"}}}}]
    for document in (request(system=[{"text": f"{SYSTEM}!"}, POINT]), request(tools=other_tool)):
        assert cached(ask(state, document))[0] == 0


def test_a_prefix_is_kept_for_five_minutes_after_its_last_use(state: State, clock: Clock) -> None:
    ask(state, request())
    for _ in range(3):
        clock.now += 299
        assert cached(ask(state, request()))[1] == 0
    clock.now += 301
    assert cached(ask(state, request()))[0] == 0


def test_a_prefix_can_be_read_only_after_the_first_response_has_begun(state: State) -> None:
    first, second = begin(state, request()), begin(state, request())
    for reply in (first, second):
        assert json.loads(reply.body)["usage"]["cacheReadInputTokens"] == 0
        reply.on_sending()
    assert cached(ask(state, request()))[1] == 0


def test_a_malformed_answer_uses_the_cache_too(state: State) -> None:
    state.behave(Behaviour(malformed_every=1))
    usage = [ask(state, request()) for _ in range(2)]
    assert cached(usage[1]) == (cached(usage[0])[1], 0)


def test_a_throttled_call_writes_nothing(state: State) -> None:
    state.behave(Behaviour(throttle_every=1))
    begin(state, request()).on_sending()
    state.behave(Behaviour())
    assert cached(ask(state, request()))[0] == 0


def test_of_two_checkpoints_the_longest_known_prefix_is_read(state: State) -> None:
    ask(state, request())
    both = request(system=[{"text": SYSTEM}, POINT, {"text": "More. " * 50}, POINT])
    read, written = cached(ask(state, both))
    assert read > written > 0
    assert cached(ask(state, both)) == (read + written, 0)


@pytest.mark.parametrize("model", ["anthropic.claude-3-sonnet-20240229-v1:0", "meta.llama", "maker.model-1"])
def test_a_model_without_a_prompt_cache_refuses_checkpoints(state: State, model: str) -> None:
    reply = begin(state, request(), model)
    assert (reply.status, reply.error) == (403, "AccessDeniedException")
    assert json.loads(reply.body)["message"] == NO_CACHE
    assert cached(ask(state, request(system=[{"text": SYSTEM}]), model)) == (0, 0)


@pytest.mark.parametrize(
    "system",
    [
        [{"text": "x"}, POINT] * 5,
        [{"text": "x"}, {"cachePoint": {}}],
        [{"text": "x"}, {"cachePoint": {"type": "ephemeral"}}],
        [{"text": "x"}, {"cachePoint": {"type": "default", "ttl": "2h"}}],
        [{"text": "x"}, {"cachePoint": {"type": "default", "more": 1}}],
        [{"text": "x"}, {"cachePoint": "default"}],
        [{"text": "x", "cachePoint": {"type": "default"}}],
        [POINT, {"text": "x"}],
        [{"text": "x"}, POINT, {"text": "y"}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
    ],
)
def test_wrong_checkpoints_are_refused(state: State, system: list[Any]) -> None:
    reply = begin(state, request(system=system))
    assert (reply.status, reply.error) == (400, "ValidationException")


def test_checkpoints_are_counted_over_tools_system_and_messages(state: State) -> None:
    tool = {"toolSpec": {"name": "t", "inputSchema": {"json": {}}}}
    document = request(system=[{"text": "x"}, POINT] * 3, tools=[tool, POINT])
    assert begin(state, document).status == 200
    document["messages"][0]["content"].append(POINT)
    assert b"Found 5" in begin(state, document).body

"""The Converse operation of the model: permission check, injected failures, and the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from rehearsal.model.permissions import Request
from rehearsal.model.profiles import InferenceProfile
from rehearsal.model.prompt_cache import refusal_of_checkpoints
from rehearsal.model.replies import Reply, error_reply, malformed, message_reply, not_connected, rejected
from rehearsal.model.state import State
from rehearsal.model.tokens import CacheUse, json_tokens


def converse(state: State, model_id: str, request: Request) -> Reply:
    """Return the reply to a Converse request."""
    if state.permissions is None:
        return not_connected()
    if refusal := state.permissions.refusal(request, model_id, state.profiles):
        return refusal
    profile = state.profiles.get(model_id)
    if profile is None or request.region not in profile.regions:
        return rejected("The provided model identifier is invalid.")
    return permitted_reply(state, profile, json.loads(request.body))


def permitted_reply(state: State, profile: InferenceProfile, document: Mapping[str, Any]) -> Reply:
    """Return the reply to the body of a request that the caller may make."""
    tool = document.get("toolConfig", {}).get("toolChoice", {}).get("tool", {}).get("name")
    if not tool:
        return rejected("The stand-in answers only requests that force one tool.")
    if refusal := refusal_of_checkpoints(profile.foundation_model_id, document):
        return refusal
    with state.lock:
        state.passed += 1
        number = state.passed
    if error := _injected_error(state, number):
        return error
    use = state.prompt_cache.use(profile.foundation_model_id, document)
    answer = _answer(state, document, tool, number, use)
    return replace(answer, on_sending=partial(state.prompt_cache.remember, use))


def _injected_error(state: State, number: int) -> Reply | None:
    with state.lock:
        behaviour = state.behaviour
        drawn = behaviour.throttle_share > 0 and state.draw.random() < behaviour.throttle_share
    if drawn or _is_turn(number, behaviour.throttle_every):
        message = "Too many requests, please wait before trying again."
        return error_reply(429, "ThrottlingException", message, "throttled")
    if _is_turn(number, behaviour.unavailable_every):
        message = "Bedrock is unable to process your request."
        return error_reply(503, "ServiceUnavailableException", message, "unavailable")
    return None


def _is_turn(number: int, every: int) -> bool:
    return every > 0 and number % every == 0


def _answer(state: State, document: Mapping[str, Any], tool: str, number: int, use: CacheUse) -> Reply:
    every = state.behaviour.malformed_every
    if _is_turn(number, every):
        return malformed(number // every, tool, use)
    try:
        tool_input = state.answer(document)
    except ValueError as error:
        return rejected(f"The stand-in cannot answer: {error}.")
    block = {"toolUse": {"toolUseId": f"tooluse_{number:06d}", "name": tool, "input": tool_input}}
    return message_reply([block], "tool_use", use, json_tokens(tool_input), "answered")

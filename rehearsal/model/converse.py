"""The Converse operation of the model: permission check, injected failures, and the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rehearsal.model.permissions import Request
from rehearsal.model.replies import Reply, error_reply, malformed, message_reply, not_connected, rejected, tokens
from rehearsal.model.state import State


def converse(state: State, model_id: str, request: Request) -> Reply:
    """Return the reply to a Converse request."""
    if state.permissions is None:
        return not_connected()
    if refusal := state.permissions.refusal(request, model_id, state.profiles):
        return refusal
    profile = state.profiles.get(model_id)
    if profile is None or request.region not in profile.regions:
        return rejected("The provided model identifier is invalid.")
    document = json.loads(request.body)
    tool = document.get("toolConfig", {}).get("toolChoice", {}).get("tool", {}).get("name")
    if not tool:
        return rejected("The stand-in answers only requests that force one tool.")
    return _injected_failure(state, tool) or _answered(state, document, tool)


def _injected_failure(state: State, tool: str) -> Reply | None:
    with state.lock:
        state.passed += 1
        number, behaviour = state.passed, state.behaviour
        drawn = behaviour.throttle_share > 0 and state.draw.random() < behaviour.throttle_share
    if drawn or _is_turn(number, behaviour.throttle_every):
        message = "Too many requests, please wait before trying again."
        return error_reply(429, "ThrottlingException", message, "throttled")
    if _is_turn(number, behaviour.unavailable_every):
        message = "Bedrock is unable to process your request."
        return error_reply(503, "ServiceUnavailableException", message, "unavailable")
    if _is_turn(number, behaviour.malformed_every):
        return malformed(number // behaviour.malformed_every, tool)
    return None


def _is_turn(number: int, every: int) -> bool:
    return every > 0 and number % every == 0


def _answered(state: State, document: Mapping[str, Any], tool: str) -> Reply:
    try:
        tool_input = state.answer(document)
    except ValueError as error:
        return rejected(f"The stand-in cannot answer: {error}.")
    prompt = json.dumps([document.get("system"), document.get("messages"), document.get("toolConfig")])
    block = {"toolUse": {"toolUseId": f"tooluse_{state.passed:06d}", "name": tool, "input": tool_input}}
    return message_reply([block], "tool_use", tokens(prompt), tokens(json.dumps(tool_input)), "answered")

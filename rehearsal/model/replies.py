"""HTTP replies of the model, in the form of Bedrock's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rehearsal.model.tokens import CacheUse


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Reply:
    """An HTTP reply; `counted_as` is the field of the statistics that it adds to.

    `on_sending` is called when the reply is sent, after the model's latency.
    """

    status: int
    body: bytes
    error: str | None = None
    counted_as: str = "answered"
    on_sending: Callable[[], None] = _nothing


def error_reply(status: int, error: str, message: str, counted_as: str) -> Reply:
    """Return a reply with one of Bedrock's exceptions."""
    return Reply(status, json.dumps({"message": message}).encode("utf-8"), error, counted_as)


def rejected(message: str) -> Reply:
    """Return the reply to a request that the service does not accept."""
    return error_reply(400, "ValidationException", message, "rejected")


def not_connected() -> Reply:
    """Return the reply before the model is connected to an emulator that checks permissions."""
    return error_reply(503, "ServiceUnavailableException", "The stand-in is not connected yet.", "unavailable")


def json_reply(document: Any) -> Reply:
    """Return a successful reply with a JSON document."""
    return Reply(200, json.dumps(document).encode("utf-8"))


def message_reply(
    content: list[dict[str, Any]], stop_reason: str, use: CacheUse, output_tokens: int, counted_as: str
) -> Reply:
    """Return the reply of Converse with a message of the model."""
    document = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop_reason,
        "usage": {
            "inputTokens": use.input_tokens,
            "outputTokens": output_tokens,
            "totalTokens": use.input_tokens + use.read + use.write + output_tokens,
            "cacheReadInputTokens": use.read,
            "cacheWriteInputTokens": use.write,
        },
        "metrics": {"latencyMs": 1},
    }
    return Reply(200, json.dumps(document).encode("utf-8"), counted_as=counted_as)


def malformed(turn: int, tool: str, use: CacheUse) -> Reply:
    """Return one of three replies that do not call `tool` with a valid input, by `turn`."""
    shapes: list[list[dict[str, Any]]] = [
        [{"text": "I am sorry, I cannot analyze this item."}],
        [{"toolUse": {"toolUseId": "tooluse_none", "name": "another_tool", "input": {}}}],
        [{"toolUse": {"toolUseId": "tooluse_bad", "name": tool, "input": {"event_type": "gossip"}}}],
    ]
    return message_reply(shapes[turn % len(shapes)], "end_turn", use, 20, "malformed")

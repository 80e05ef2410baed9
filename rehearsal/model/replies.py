"""HTTP replies of the model, in the form of Bedrock's."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Reply:
    """An HTTP reply; `counted_as` is the field of the statistics that it adds to."""

    status: int
    body: bytes
    error: str | None = None
    counted_as: str = "answered"


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
    content: list[dict[str, Any]], stop_reason: str, input_tokens: int, output_tokens: int, counted_as: str
) -> Reply:
    """Return the reply of Converse with a message of the model."""
    document = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop_reason,
        "usage": {
            "inputTokens": input_tokens,
            "outputTokens": output_tokens,
            "totalTokens": input_tokens + output_tokens,
        },
        "metrics": {"latencyMs": 1},
    }
    return Reply(200, json.dumps(document).encode("utf-8"), counted_as=counted_as)


def malformed(turn: int, tool: str) -> Reply:
    """Return one of three replies that do not call `tool` with a valid input, by `turn`."""
    shapes: list[list[dict[str, Any]]] = [
        [{"text": "I am sorry, I cannot analyze this item."}],
        [{"toolUse": {"toolUseId": "tooluse_none", "name": "another_tool", "input": {}}}],
        [{"toolUse": {"toolUseId": "tooluse_bad", "name": tool, "input": {"event_type": "gossip"}}}],
    ]
    return message_reply(shapes[turn % len(shapes)], "end_turn", 900, 20, "malformed")


def tokens(text: str) -> int:
    """Estimate the number of tokens of a text."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)

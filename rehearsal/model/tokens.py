"""Tokens of a model's calls, estimated: the tokenizer of Claude is not published."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

# Anthropic's glossary, "Tokens". Not verified for JSON, whose punctuation takes more tokens.
CHARACTERS_PER_TOKEN_OF_TEXT = 3.5
CHARACTERS_PER_TOKEN_OF_JSON = 3.0
# Prompt that Bedrock adds when a tool is forced (user guide, "Tool use" of Anthropic Claude; for Claude Sonnet 4.5).
TOKENS_OF_FORCED_TOOL = 313


@dataclass(frozen=True)
class CacheUse:
    """Input tokens of one call; `written` is remembered when its response begins."""

    input_tokens: int
    read: int = 0
    write: int = 0
    written: tuple[tuple[str, float], ...] = ()


def text_tokens(text: str) -> int:
    """Estimate the tokens of a text."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN_OF_TEXT)


def json_tokens(document: Any) -> int:
    """Estimate the tokens of a JSON document, such as a tool's schema or its input."""
    return math.ceil(len(json.dumps(document)) / CHARACTERS_PER_TOKEN_OF_JSON)


def block_tokens(block: Any) -> int:
    """Estimate the tokens of one block of a Converse request; those of a cache checkpoint are none."""
    if "cachePoint" in block:
        return 0
    return text_tokens(block["text"]) if "text" in block else json_tokens(block)

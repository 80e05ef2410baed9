"""Requests to the model: the fixed prefix, which every item shares, then the item's own text."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Mapping
from typing import Any

from vectora_core.analysis.reply import ModelReply
from vectora_core.items import IngestedItem
from vectora_core.text.words import visible_text
from vectora_shared.config.canonical import Prompt
from vectora_shared.config.configuration import Configuration

Request = Mapping[str, Any]
# Bedrock processes tools, then system, then messages, and counts the prefix over all of them (user guide, "Prompt
# caching"): one checkpoint at the end of system covers the tool and the instructions. Without `ttl` it lasts 5 minutes
# from its last use; a run calls the model more often than that.
CACHE_POINT = {"cachePoint": {"type": "default"}}
_SENTENCE_END = re.compile(r"[.!?](?=\s)|(?=\n)")


class RequestBuilder:
    """Builder of the Converse requests of one run."""

    def __init__(self, model_id: str, configuration: Configuration) -> None:
        self._prompt = configuration.prompts[configuration.client.pipeline.analysis_prompt]
        events = configuration.events.events.items()
        types = "\n".join(f"- {name}: {definition.description}" for name, definition in events)
        tool = {
            "name": self._prompt.tool_name,
            "description": self._prompt.tool_description,
            "inputSchema": {"json": _schema()},
        }
        settings: dict[str, Any] = {"maxTokens": self._prompt.max_output_tokens}
        if self._prompt.temperature is not None:
            settings["temperature"] = self._prompt.temperature
        self._fixed = {
            "modelId": model_id,
            "toolConfig": {"tools": [{"toolSpec": tool}], "toolChoice": {"tool": {"name": self._prompt.tool_name}}},
            "system": [{"text": f"{self._prompt.system.strip()}\n\nEvent types:\n{types}"}],
            "inferenceConfig": settings,
        }

    @property
    def tool_name(self) -> str:
        return self._prompt.tool_name

    def request(self, item: IngestedItem) -> Request:
        """Return the request for an item, without a cache checkpoint."""
        message = {"role": "user", "content": [{"text": user_message(self._prompt, item)}]}
        return {**self._fixed, "messages": [message]}


def _schema() -> dict[str, Any]:
    """Return the JSON schema of the reply, without titles, which repeat the names of its fields in each request."""
    schema = ModelReply.model_json_schema()
    fields = {name: _without_title(field) for name, field in schema["properties"].items()}
    return _without_title({**schema, "properties": fields})


def _without_title(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "title"}


def with_cache_point(request: Request) -> Request:
    """Return the request with a cache checkpoint after its fixed prefix."""
    return {**request, "system": [*request["system"], CACHE_POINT]}


def digest_of(request: Request) -> str:
    """Return the SHA-256 of everything in the request: model, prompt, tool, settings and the item's text."""
    text = json.dumps(request, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    # A lone surrogate is no valid UTF-8, but may occur in untrusted content.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def user_message(prompt: Prompt, item: IngestedItem) -> str:
    """Return the prompt's message with the item; its angle brackets are escaped, so it cannot close the prompt's tags.

    Characters that a reader does not see, but a model does, are removed.
    """
    values = {
        "title": item.title,
        "source": item.source_key,
        "published": item.published_at.isoformat() if item.published_at else "unknown",
        "content": _leading_part(item.content, prompt.max_content_characters),
    }
    escaped = {name: html.escape(visible_text(value), quote=False) for name, value in values.items()}
    return re.sub(r"\{([a-z]+)\}", lambda match: escaped[match[1]], prompt.user_template)


def _leading_part(content: str, limit: int) -> str:
    """Return the first whole sentences or lines of a content longer than `limit`: news begin with what matters."""
    part = content[:limit]
    if len(content) > limit and (ends := [end.end() for end in _SENTENCE_END.finditer(part, limit // 2)]):
        part = part[: ends[-1]]
    return part

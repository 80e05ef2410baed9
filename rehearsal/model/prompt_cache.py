"""Prompt cache of the model: refusal of wrong checkpoints, and tokens that are written and read."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rehearsal.model.replies import Reply, error_reply, rejected
from rehearsal.model.tokens import TOKENS_OF_FORCED_TOOL, CacheUse, block_tokens

# Bedrock user guide, "Prompt caching", supported models: minimum tokens of a prefix. All others refuse checkpoints.
MINIMUM_TOKENS: Mapping[str, int] = {
    "anthropic.claude-3-7-sonnet-20250219-v1:0": 1024,
    "anthropic.claude-sonnet-4-5-20250929-v1:0": 1024,
    "anthropic.claude-sonnet-4-6": 1024,
    "anthropic.claude-haiku-4-5-20251001-v1:0": 4096,
    "anthropic.claude-opus-4-5-20251101-v1:0": 4096,
}
MOST_CHECKPOINTS = 4
SECONDS = {"5m": 300.0, "1h": 3600.0}
# Message and code of live Bedrock, as reported in strands-agents/harness-sdk 1807 and BerriAI/litellm 39210.
NO_CACHE = (
    "You invoked an unsupported model or your request did not allow prompt caching. "
    "See the documentation for more information."
)


@dataclass(frozen=True)
class _Checkpoint:
    digest: str
    tokens: int
    seconds: float


def refusal_of_checkpoints(model: str, document: Mapping[str, Any]) -> Reply | None:
    """Return the reply to a request whose checkpoints Bedrock refuses, or None."""
    points = [block["cachePoint"] for section in _sections(document) for block in section if "cachePoint" in block]
    if not points:
        return None
    if model not in MINIMUM_TOKENS:
        return error_reply(403, "AccessDeniedException", NO_CACHE, "rejected")
    if len(points) > MOST_CHECKPOINTS:
        return rejected(
            "The model returned the following errors: A maximum of 4 blocks with cache_control may be provided. "
            f"Found {len(points)}."
        )
    if any(not _is_well_formed(point) for point in points):
        return rejected("cachePoint must have type 'default', and ttl '5m' or '1h' if any.")
    if any(len(block) != 1 for section in _sections(document) for block in section if "cachePoint" in block):
        return rejected("A block is a union: cachePoint must be its only member.")
    # Not documented for Converse, but a checkpoint without anything before it in its list is never meant.
    if any(section and "cachePoint" in section[0] for section in _sections(document)):
        return rejected("A cachePoint must come after the content that it covers.")
    times = [SECONDS[point.get("ttl", "5m")] for point in points]
    if times != sorted(times, reverse=True):
        return rejected("A ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.")
    return None


def _is_well_formed(point: Any) -> bool:
    return (
        isinstance(point, dict)
        and point.get("type") == "default"
        and set(point) <= {"type", "ttl"}
        and point.get("ttl", "5m") in SECONDS
    )


def _sections(document: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Yield the lists of blocks in the order in which Bedrock processes them: tools, system, messages."""
    yield document.get("toolConfig", {}).get("tools", [])
    yield document.get("system", [])
    for message in document.get("messages", []):
        yield message["content"]


@dataclass
class PromptCache:
    """Prefixes that the model keeps, by model and content, until their time is over."""

    clock: Callable[[], float] = time.monotonic
    _until: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def use(self, model: str, document: Mapping[str, Any]) -> CacheUse:
        """Return what a call reads and writes; what it reads stays for another period."""
        total, checkpoints = _measure(model, document)
        eligible = [point for point in checkpoints if point.tokens >= MINIMUM_TOKENS.get(model, 0)]
        if not eligible:
            return CacheUse(total)
        now = self.clock()
        with self._lock:
            hits = [point for point in eligible if self._until.get(point.digest, now) > now]
            for point in hits:
                self._until[point.digest] = now + point.seconds
        read = max((point.tokens for point in hits), default=0)
        prefix = eligible[-1].tokens
        written = tuple((point.digest, now + point.seconds) for point in eligible if point not in hits)
        return CacheUse(total - prefix, read, prefix - read, written)

    def remember(self, use: CacheUse) -> None:
        """Keep the prefixes that a call wrote; only calls after its response has begun can read them."""
        with self._lock:
            self._until.update(use.written)


def _measure(model: str, document: Mapping[str, Any]) -> tuple[int, list[_Checkpoint]]:
    """Return the tokens of the request, and its checkpoints with the tokens and the digest of their prefixes."""
    tools = document.get("toolConfig", {})
    tokens = TOKENS_OF_FORCED_TOOL if tools else 0
    content = hashlib.sha256(json.dumps([model, tools.get("toolChoice")]).encode("utf-8"))
    checkpoints: list[_Checkpoint] = []
    for section in _sections(document):
        # The end of a section is part of the prefix: the same text in another section is another prompt.
        content.update(b"section")
        for block in section:
            if "cachePoint" in block:
                seconds = SECONDS[block["cachePoint"].get("ttl", "5m")]
                checkpoints.append(_Checkpoint(content.hexdigest(), tokens, seconds))
            else:
                tokens += block_tokens(block)
                content.update(json.dumps(block, sort_keys=True).encode("utf-8"))
    return tokens, checkpoints

"""Stored replies of the model, by the digest of the request, so that no request is made twice."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vectora_core.analysis.reply import ModelReply
from vectora_core.analysis.usage import NO_TOKENS, Usage
from vectora_shared.aws_errors import error_code
from vectora_shared.errors import VectoraError
from vectora_shared.keys import analysis_key
from vectora_shared.storage import Bucket

# ModelReply allows 62,000 characters, of at most 4 bytes each in UTF-8.
MAX_STORED_BYTES = 300_000


class StoredUsage(BaseModel):
    """Tokens that the call used."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    cache_read_tokens: int = Field(ge=0)
    cache_write_tokens: int = Field(ge=0)


class StoredReply(BaseModel):
    """A stored file: the reply as the model gave it, which every reader validates and processes again."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    request_digest: str
    reply: ModelReply
    usage: StoredUsage


@dataclass(frozen=True)
class Reuse:
    """Replies that were reused, the tokens that their calls had used, and problems of the store."""

    replies: int = 0
    usage: Usage = NO_TOKENS
    problems: tuple[str, ...] = ()


@dataclass
class ReplyStore:
    """Store of replies in a bucket, shared by threads, runs and clients.

    It is a cache: a file that is damaged, foreign or missing only means that the model is called. Two runs that store
    the same reply overwrite each other with an equally valid one.
    """

    bucket: Bucket
    _reused: Reuse = field(default_factory=Reuse)
    _problems: Counter[str] = field(default_factory=Counter)
    _out_of_order: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, digest: str) -> ModelReply | None:
        """Return the stored reply to a request, or None."""
        if self._out_of_order:
            return None
        try:
            body = self.bucket.read(analysis_key(digest), limit=MAX_STORED_BYTES)
        except (ClientError, BotoCoreError, VectoraError) as error:
            self._fail("read", error)
            return None
        return self._valid(body, digest) if body is not None else None

    def save(self, digest: str, reply: ModelReply, usage: Usage) -> None:
        """Store a valid reply."""
        if self._out_of_order:
            return
        stored = StoredReply(request_digest=digest, reply=reply, usage=StoredUsage(**vars(usage)))
        body = stored.model_dump_json().encode("utf-8", "replace")
        try:
            self.bucket.write(analysis_key(digest), body, "application/json")
        except (ClientError, BotoCoreError, VectoraError) as error:
            self._fail("written", error)

    @property
    def reuse(self) -> Reuse:
        """Replies reused so far, and problems."""
        with self._lock:
            problems = tuple(f"{count} x {what}" for what, count in sorted(self._problems.items()))
            return Reuse(self._reused.replies, self._reused.usage, problems)

    def _valid(self, body: bytes, digest: str) -> ModelReply | None:
        try:
            stored = StoredReply.model_validate_json(body)
        except ValidationError:
            self._note("damaged file")
            return None
        if stored.request_digest != digest:
            self._note("file of another request")
            return None
        with self._lock:
            used = Usage(**stored.usage.model_dump())
            self._reused = Reuse(self._reused.replies + 1, self._reused.usage + used)
        return stored.reply

    def _fail(self, verb: str, error: Exception) -> None:
        # S3 has failed after the client's own retries: further attempts would only cost the run its time.
        self._out_of_order = True
        reason = error_code(error) if isinstance(error, ClientError) else type(error).__name__
        self._note(f"not {verb} ({reason})")

    def _note(self, problem: str) -> None:
        with self._lock:
            self._problems[problem] += 1

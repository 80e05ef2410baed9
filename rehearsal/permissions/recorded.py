"""Recorded calls of the emulator: one JSON line for each signed request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from vectora_shared.errors import VectoraError

# Recorded length of a body: enough to find the resources that a call names.
BODY_CHARACTERS = 65_536
# Headers of the signature, and secrets; all other x-amz- headers may decide what is permitted.
NOT_RECORDED = frozenset(
    {
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-content-sha256",
        "x-amz-user-agent",
        "x-amz-server-side-encryption-customer-key",
        "x-amz-copy-source-server-side-encryption-customer-key",
    }
)
ALSO_RECORDED = frozenset({"host", "content-type", "range", "if-match", "if-none-match"})


class RecordingError(VectoraError):
    """A recorded line cannot be read."""


class RecordedCall(BaseModel):
    """A request as it reached the emulator; `service` and `region` are those of its signature."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    caller: str
    method: str
    host: str
    path: str
    service: str
    region: str
    status: int
    query: str = ""
    headers: Mapping[str, str] = Field(default_factory=dict)
    body: str = ""

    @field_validator("headers")
    @classmethod
    def _in_lower_case(cls, headers: Mapping[str, str]) -> Mapping[str, str]:
        return {name.lower(): value for name, value in headers.items()}

    @property
    def account(self) -> str:
        """Account of the caller."""
        return self.caller.split(":")[4]

    @property
    def parameters(self) -> dict[str, str]:
        """Query parameters without those of a presigned address."""
        pairs = parse_qsl(self.query, keep_blank_values=True)
        return {name: value for name, value in pairs if not name.lower().startswith("x-amz-")}

    @property
    def sample(self) -> str:
        """The request in one line, for a message."""
        target = self.headers.get("x-amz-target", "")
        query = f"?{self.query}" if self.query else ""
        return f"{self.method} https://{self.host}{self.path}{query}{f' ({target})' if target else ''}"


def is_recorded(header: str) -> bool:
    """Return whether the recorder keeps a header of this name."""
    name = header.lower()
    return name in ALSO_RECORDED or (name.startswith("x-amz-") and name not in NOT_RECORDED)


def read_calls(path: Path) -> Iterator[RecordedCall]:
    """Yield the recorded calls; raise RecordingError naming the line that cannot be read."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _read(line, f"{path.name}, line {number}")


def distinct(calls: Iterable[RecordedCall]) -> Iterator[RecordedCall]:
    """Yield each call once, however often it was made."""
    seen: set[str] = set()
    for call in calls:
        key = json.dumps(call.model_dump(), sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield call


def _read(line: str, place: str) -> RecordedCall:
    try:
        document: Any = json.loads(line)
        return RecordedCall.model_validate(document)
    except (ValueError, ValidationError) as error:
        raise RecordingError(f"{place}: not a recorded call: {error}") from error

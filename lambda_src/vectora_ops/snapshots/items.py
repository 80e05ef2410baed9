"""Items of a snapshot and the interface of their sources."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

DataScope = Literal["last", "all"]


@dataclass(frozen=True, slots=True)
class Item:
    """Something that exists now. `sha256` is known for what is described by its digest or is at hand as `body`."""

    path: str
    size: int
    sha256: str | None = None
    body: bytes | None = None
    etag: str | None = None
    modified: str | None = None
    origin: str | None = None
    informative: bool = False

    @classmethod
    def document(cls, path: str, body: bytes, *, informative: bool = False) -> Item:
        sha256 = hashlib.sha256(body).hexdigest()
        return cls(path=path, size=len(body), sha256=sha256, body=body, informative=informative)


@dataclass(frozen=True, slots=True)
class Opened:
    """The bytes of an item in chunks of at most CHUNK_BYTES."""

    chunks: Iterator[bytes]
    version_id: str | None = None
    content_type: str | None = None


class Source(Protocol):
    """A component of an environment. `scope` is what the manifest must remember in order to look at the same again."""

    scope: Mapping[str, str]

    def items(self, after: str = "") -> Iterator[Item]:
        """Sorted by path, those after a path only."""

    def open(self, item: Item) -> Opened: ...

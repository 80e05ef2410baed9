"""Items of a snapshot and the interface of their sources."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

DataScope = Literal["last", "all"]


@dataclass(frozen=True, slots=True)
class Item:
    """Something that exists in the environment now.

    `body` holds the bytes of an item that was read whole. `sha256` is known for such an item, and for one that AWS
    describes by its digest.
    """

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
class ItemContent:
    """Bytes of an item, in chunks of at most CHUNK_BYTES."""

    chunks: Iterator[bytes]
    version_id: str | None = None
    content_type: str | None = None


class Source(Protocol):
    """A component of an environment. `scope` is stored in the manifest, so that a comparison reads the same keys."""

    scope: Mapping[str, str]

    def items(self, after: str = "") -> Iterator[Item]:
        """Yield the items whose paths come after `after`, sorted by path."""

    def open(self, item: Item) -> ItemContent: ...

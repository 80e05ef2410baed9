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
    describes by its digest. An object of a bucket `has_metadata` that is recorded with it. Its tags are read for each
    snapshot if `all_tags`, else only if it has some. `earlier` is the SHA-256 of the form in which earlier versions of
    this app recorded the same item, when it was another.
    """

    path: str
    size: int
    sha256: str | None = None
    body: bytes | None = None
    etag: str | None = None
    modified: str | None = None
    origin: str | None = None
    informative: bool = False
    has_metadata: bool = False
    storage_class: str | None = None
    all_tags: bool = False
    earlier: str | None = None

    @classmethod
    def document(cls, path: str, body: bytes, *, informative: bool = False) -> Item:
        sha256 = hashlib.sha256(body).hexdigest()
        return cls(path=path, size=len(body), sha256=sha256, body=body, informative=informative)


@dataclass(frozen=True, slots=True)
class ItemContent:
    """Bytes of an item, in chunks of at most CHUNK_BYTES, and what S3 returns with them."""

    chunks: Iterator[bytes]
    version_id: str | None = None
    content_type: str | None = None
    metadata: Mapping[str, str] | None = None
    is_tagged: bool = False


class Source(Protocol):
    """A component of an environment. `scope` is stored in the manifest, so that a comparison reads the same keys."""

    scope: Mapping[str, str]

    def items(self, after: str = "") -> Iterator[Item]:
        """Yield the items whose paths come after `after`, sorted by path."""

    def open(self, item: Item) -> ItemContent: ...

    def described(self, item: Item) -> ItemContent | None:
        """Return the metadata of an object as it is now, without its bytes; None for what is gone or no object."""

    def tags(self, item: Item, version_id: str | None = None) -> Mapping[str, str] | None:
        """Return the tags of an object as they are now; None for what is gone or no object."""

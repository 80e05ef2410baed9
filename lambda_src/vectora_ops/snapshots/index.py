"""Index of a component: its entries sorted by path, in parts that are vault objects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar


@dataclass(frozen=True, slots=True)
class Slice:
    """Bytes of a vault object: `length` bytes of object `sha256` from `offset`."""

    sha256: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a snapshot; its bytes are the slices in order.

    Informative entries are for readers only: they hold values that change with every restore, such as version numbers,
    so they are neither compared nor restored. `etag` and `modified` are those of the S3 object that was copied.
    """

    path: str
    sha256: str
    size: int
    slices: tuple[Slice, ...]
    etag: str | None = None
    modified: str | None = None
    version_id: str | None = None
    content_type: str | None = None
    origin: str | None = None  # the ARN that was copied, when the path does not name it
    informative: bool = False

    def line(self) -> bytes:
        document: dict[str, Any] = {
            "path": self.path,
            "sha256": self.sha256,
            "size": self.size,
            "slices": [[each.sha256, each.offset, each.length] for each in self.slices],
        }
        for name in ("etag", "modified", "version_id", "content_type", "origin"):
            if (value := getattr(self, name)) is not None:
                document[name] = value
        if self.informative:
            document["informative"] = True
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"

    @classmethod
    def of_line(cls, line: bytes) -> Entry:
        document = json.loads(line)
        document["slices"] = tuple(Slice(*each) for each in document["slices"])
        return cls(**document)


IndexedEntry = tuple[Entry, bytes]  # an entry with its own line of the index


def entries_of(part: bytes) -> Iterator[IndexedEntry]:
    """Yield the entries of a part, each with its own line."""
    for line in part.splitlines(keepends=True):
        yield Entry.of_line(line), line


class ComponentDigest:
    """SHA-256 of path, content and size of all compared entries in order: equal components have equal digests."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    def add(self, path: str, sha256: str, size: int) -> None:
        self._sha256.update(f"{path}\0{sha256}\0{size}\n".encode())

    def hexdigest(self) -> str:
        return self._sha256.hexdigest()


class ComponentTotals:
    """Number, bytes and digest of a component's entries, which are added in order."""

    def __init__(self) -> None:
        self._digest = ComponentDigest()
        self.entries = 0
        self.bytes = 0

    def add(self, entry: Entry) -> None:
        self.entries += 1
        self.bytes += entry.size
        if not entry.informative:
            self._digest.add(entry.path, entry.sha256, entry.size)

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()


LeftT = TypeVar("LeftT")
RightT = TypeVar("RightT")


def side_by_side(
    left: Iterable[tuple[str, LeftT]], right: Iterable[tuple[str, RightT]]
) -> Iterator[tuple[str, LeftT | None, RightT | None]]:
    """Merge two sequences sorted by path, their first element; a path of one side only comes with None."""
    lefts, rights = iter(left), iter(right)
    a, b = next(lefts, None), next(rights, None)
    while a is not None or b is not None:
        if b is None or (a is not None and a[0] < b[0]):
            assert a is not None  # noqa: S101
            yield a[0], a[1], None
            a = next(lefts, None)
        elif a is None or b[0] < a[0]:
            yield b[0], None, b[1]
            b = next(rights, None)
        else:
            yield a[0], a[1], b[1]
            a, b = next(lefts, None), next(rights, None)


@dataclass
class OpenPart:
    """The part of an index that is being filled."""

    lines: list[bytes] = field(default_factory=list)
    first: str = ""
    last: str = ""

    def add(self, path: str, line: bytes) -> None:
        self.first = self.first or path
        self.last = path
        self.lines.append(line)

    def body(self) -> bytes:
        return b"".join(self.lines)

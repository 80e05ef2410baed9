"""Index of a component: its entries sorted by path, in parts that are vault objects."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from vectora_ops.snapshots.manifest import DamagedError

OPTIONAL_TEXTS = ("etag", "modified", "version_id", "content_type", "origin")
OPTIONAL_MEMBERS = (*OPTIONAL_TEXTS, "metadata", "storage_class", "tags")
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


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
    `metadata` are its headers, which are recorded together with `content_type` and `storage_class`. None means that
    they, or the `tags`, are not recorded: they are then neither compared nor restored.
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
    metadata: Mapping[str, str] | None = None
    storage_class: str | None = None  # None is S3 Standard
    tags: Mapping[str, str] | None = None

    def line(self) -> bytes:
        document: dict[str, Any] = {
            "path": self.path,
            "sha256": self.sha256,
            "size": self.size,
            "slices": [[each.sha256, each.offset, each.length] for each in self.slices],
        }
        for name in OPTIONAL_TEXTS:
            if (value := getattr(self, name)) is not None:
                document[name] = value
        if self.informative:
            document["informative"] = True
        for name in OPTIONAL_MEMBERS[len(OPTIONAL_TEXTS) :]:
            if (value := getattr(self, name)) is not None:
                document[name] = value
        return _compact(document).encode("utf-8") + b"\n"

    @classmethod
    def of_line(cls, line: bytes) -> Entry:
        """Read an entry; raise DamagedError when the line is none, or has a member that this version does not know."""
        try:
            document = json.loads(line)
            document["slices"] = tuple(Slice(*each) for each in document["slices"])
            entry = cls(**document)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise _no_entry(line, type(error).__name__) from error
        if (wrong := entry._wrong_type()) is not None:
            raise _no_entry(line, wrong)
        return entry

    def _wrong_type(self) -> str | None:
        """Return the name of a member whose value has another type than the format says."""
        if not _is_number(self.size) or type(self.path) is not str or type(self.sha256) is not str:
            return "path, sha256 or size"
        for each in self.slices:
            if type(each.sha256) is not str or not _is_number(each.offset) or not _is_number(each.length):
                return "slices"
        texts = (self.etag, self.modified, self.version_id, self.content_type, self.origin, self.storage_class)
        if any(text is not None and type(text) is not str for text in texts):
            return "an optional member"
        for name, found in (("metadata", self.metadata), ("tags", self.tags)):
            if found is not None and not _is_texts(found):
                return name
        return None if type(self.informative) is bool else "informative"

    @property
    def described(self) -> str:
        """Recorded metadata in the form that the digest of a component covers; empty when none is recorded."""
        if self.metadata is None:
            return ""
        tags = None if self.tags is None else tuple(self.tags.items())
        return _described(self.content_type, tuple(self.metadata.items()), self.storage_class, tags)

    @property
    def is_archived(self) -> bool:
        """True for an object whose bytes S3 did not return: the entry only says that it is there."""
        return self.informative and self.storage_class is not None

    @property
    def shape_problem(self) -> str | None:
        """Reason why the slices cannot be the bytes of the entry; None when they can."""
        if any(each.length < 1 for each in self.slices):
            return "it has an empty slice"
        if sum(each.length for each in self.slices) != self.size:
            return "its slices do not add up to its size"
        if self.size == 0 and self.sha256 != EMPTY_SHA256:
            return "it is empty, and its digest is not that of no bytes"
        return None


def _compact(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


Pairs = tuple[tuple[str, str], ...]


@functools.lru_cache(maxsize=1024)
def _described(content_type: str | None, metadata: Pairs, storage_class: str | None, tags: Pairs | None) -> str:
    # Most objects of a component have the same metadata.
    document = {
        "content_type": content_type,
        "metadata": dict(metadata),
        "storage_class": storage_class,
        "tags": None if tags is None else dict(tags),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _is_number(value: object) -> bool:
    # True and False are no numbers in JSON.
    return type(value) is int and value >= 0


def _is_texts(found: object) -> bool:
    return isinstance(found, dict) and all(isinstance(text, str) for pair in found.items() for text in pair)


def _no_entry(line: bytes, what: str) -> DamagedError:
    start = line[:60].decode("utf-8", "replace").strip()
    return DamagedError(f"A line of an index is no entry that this version knows ({what}): {start}")


IndexedEntry = tuple[Entry, bytes]  # an entry with its own line of the index


def entries_of(part: bytes) -> Iterator[IndexedEntry]:
    """Yield the entries of a part, each with its own line."""
    for line in part.splitlines(keepends=True):
        yield Entry.of_line(line), line


class ComponentDigest:
    """SHA-256 of path, content, size and recorded metadata of all compared entries in order.

    Equal components have equal digests. Components with equal content have different ones when the metadata of only one
    is recorded.
    """

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    def add(self, entry: Entry) -> None:
        described = f"\0{entry.described}" if entry.metadata is not None else ""
        self._sha256.update(f"{entry.path}\0{entry.sha256}\0{entry.size}{described}\n".encode())

    def hexdigest(self) -> str:
        return self._sha256.hexdigest()


class ComponentTotals:
    """Number, bytes and digest of a component's entries, which are added in order.

    `archived` counts the objects whose bytes S3 did not return.
    """

    def __init__(self) -> None:
        self._digest = ComponentDigest()
        self.entries = 0
        self.bytes = 0
        self.archived = 0

    def add(self, entry: Entry) -> None:
        self.entries += 1
        self.bytes += entry.size
        self.archived += entry.is_archived
        if not entry.informative:
            self._digest.add(entry)

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

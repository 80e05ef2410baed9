"""Packs: vault objects that each hold many small items, of all components of a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from vectora_ops.snapshots.index import Entry
from vectora_ops.snapshots.object_store import CHUNK_BYTES, Stored

# Smaller files share vault objects of up to CHUNK_BYTES: for ten thousand files the cost is in requests, not in bytes.
PACKED_BELOW_BYTES = 1024 * 1024
# An interrupted snapshot loses at most this much of its copying.
CHECKPOINT_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class PendingEntry:
    """An entry whose slices are known once its bytes are stored."""

    entry: Entry
    line: bytes | None = None  # its index line in the last snapshot, for an unchanged item
    stored: tuple[Future[Stored], ...] = ()
    pack: Pack | None = None
    offset: int = 0

    def of(self, entry: Entry) -> PendingEntry:
        """Return another entry with the same bytes."""
        return replace(self, entry=replace(entry, slices=self.entry.slices), line=None)


@dataclass
class Pack:
    """Bytes of several small files; `body` is emptied when they are sent to the vault."""

    body: bytearray = field(default_factory=bytearray)
    size: int = 0
    stored: Future[Stored] | None = None

    def add(self, body: bytes) -> int:
        """Append a file's bytes; return their offset."""
        offset = self.size
        self.body += body
        self.size += len(body)
        return offset


class Packs:
    """The open pack of a snapshot."""

    def __init__(self, store: Callable[[bytes], Future[Stored]]) -> None:
        self._store = store
        self._open = Pack()

    def add(self, entry: Entry, body: bytes) -> PendingEntry:
        """Add a small file to a pack."""
        if self._open.size + len(body) > CHUNK_BYTES:
            self.close()
        return PendingEntry(entry, pack=self._open, offset=self._open.add(body))

    def close(self) -> None:
        """Send the open pack to the vault, and begin the next one."""
        if self._open.size:
            self._open.stored = self._store(bytes(self._open.body))
            self._open.body.clear()
            self._open = Pack()


class OpenEntries:
    """Entries of the open index part of a component."""

    def __init__(self) -> None:
        self._entries: list[PendingEntry] = []
        self.new_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._entries)

    @property
    def is_full(self) -> bool:
        """Result of the count of new bytes: true when the part must end, so that an interruption loses no more."""
        return self.new_bytes >= CHECKPOINT_BYTES

    def add(self, pending: PendingEntry) -> None:
        self._entries.append(pending)
        if pending.line is None:
            self.new_bytes += pending.entry.size

    def take(self) -> list[PendingEntry]:
        """Return the entries of the part, and begin the next one."""
        taken, self._entries = self._entries, []
        self.new_bytes = 0
        return taken

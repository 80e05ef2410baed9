"""Packs: many small items in one object of the vault."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from vectora_ops.snapshots.index import ENTRIES_IN_A_PART, Entry
from vectora_ops.snapshots.vault import CHUNK_BYTES

# Smaller files share vault objects of up to CHUNK_BYTES: requests, not bytes, are what ten thousand files cost.
PACKED_BELOW_BYTES = 1024 * 1024
# An interrupted snapshot loses at most this much of its copying.
CHECKPOINT_BYTES = 256 * 1024 * 1024


@dataclass
class Draft:
    """An entry whose slices are known once its bytes are stored."""

    entry: Entry
    line: bytes | None = None  # as it stood in the last snapshot, when nothing about it changed
    stored: list[Future[tuple[str, str]]] = field(default_factory=list)
    pack: _Pack | None = None
    offset: int = 0


@dataclass
class _Pack:
    """Bytes of several small files, gone from here when they are on their way into the vault."""

    body: bytearray = field(default_factory=bytearray)
    size: int = 0
    stored: Future[tuple[str, str]] | None = None

    def add(self, body: bytes) -> int:
        offset = self.size
        self.body += body
        self.size += len(body)
        return offset


class PackFiller:
    """Entries of the part that is being filled, and the pack for their small files."""

    def __init__(self, store: Callable[[bytes], Future[tuple[str, str]]]) -> None:
        self._store = store
        self._pack = _Pack()
        self._bytes = 0
        self.drafts: list[Draft] = []

    @property
    def is_full(self) -> bool:
        return len(self.drafts) >= ENTRIES_IN_A_PART or self._bytes >= CHECKPOINT_BYTES

    def add(self, draft: Draft) -> None:
        self.drafts.append(draft)
        if draft.line is None:
            self._bytes += draft.entry.size

    def pack_for(self, body: bytes) -> _Pack:
        if self._pack.size + len(body) > CHUNK_BYTES:
            self._close_pack()
        return self._pack

    def take(self) -> list[Draft]:
        """The entries of the next part; their packs are closed."""
        self._close_pack()
        taken, self.drafts = self.drafts[:ENTRIES_IN_A_PART], self.drafts[ENTRIES_IN_A_PART:]
        self._bytes = 0
        return taken

    def _close_pack(self) -> None:
        if self._pack.size:
            self._pack.stored = self._store(bytes(self._pack.body))
            self._pack.body.clear()
            self._pack = _Pack()

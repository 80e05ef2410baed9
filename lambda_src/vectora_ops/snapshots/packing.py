"""Packs: vault objects that each hold many small items."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from vectora_ops.snapshots.index import Entry
from vectora_ops.snapshots.vault import CHUNK_BYTES

# Smaller files share vault objects of up to CHUNK_BYTES: for ten thousand files the cost is in requests, not in bytes.
PACKED_BELOW_BYTES = 1024 * 1024
# An interrupted snapshot loses at most this much of its copying.
CHECKPOINT_BYTES = 256 * 1024 * 1024


@dataclass
class PendingEntry:
    """An entry whose slices are known once its bytes are stored."""

    entry: Entry
    line: bytes | None = None  # its index line in the last snapshot, for an unchanged item
    stored: list[Future[tuple[str, str]]] = field(default_factory=list)
    pack: _Pack | None = None
    offset: int = 0


@dataclass
class _Pack:
    """Bytes of several small files; `body` is emptied when they are sent to the vault."""

    body: bytearray = field(default_factory=bytearray)
    size: int = 0
    stored: Future[tuple[str, str]] | None = None

    def add(self, body: bytes) -> int:
        offset = self.size
        self.body += body
        self.size += len(body)
        return offset


class PackFiller:
    """Entries of the open index part, and the open pack for their small files."""

    def __init__(self, store: Callable[[bytes], Future[tuple[str, str]]]) -> None:
        self._store = store
        self._pack = _Pack()
        self._bytes = 0
        self.pending: list[PendingEntry] = []

    @property
    def is_full(self) -> bool:
        """Result of the count of new bytes: true when the part must end, so that an interruption loses no more."""
        return self._bytes >= CHECKPOINT_BYTES

    def add(self, pending: PendingEntry) -> None:
        self.pending.append(pending)
        if pending.line is None:
            self._bytes += pending.entry.size

    def pack_for(self, body: bytes) -> _Pack:
        if self._pack.size + len(body) > CHUNK_BYTES:
            self._close_pack()
        return self._pack

    def take(self) -> list[PendingEntry]:
        """Return the entries of the part, with their packs closed, and begin the next one."""
        self._close_pack()
        taken, self.pending = self.pending, []
        self._bytes = 0
        return taken

    def _close_pack(self) -> None:
        if self._pack.size:
            self._pack.stored = self._store(bytes(self._pack.body))
            self._pack.body.clear()
            self._pack = _Pack()

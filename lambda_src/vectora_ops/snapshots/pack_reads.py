"""Reads of many small entries by few requests: each pack is read once for all of them."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from vectora_ops.snapshots.index import Entry, Slice
from vectora_ops.snapshots.object_store import CHUNK_BYTES
from vectora_ops.snapshots.packing import PACKED_BELOW_BYTES
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError

# Bytes between two slices that no entry needs are read too: they take less time than another request, for which
# S3 needs 100 to 200 ms (S3 user guide, "Performance guidelines"). Reads of Lambda in the same region cost no transfer.
LARGEST_GAP_BYTES = 512 * 1024
# Packs that are read ahead. Each of them may have 8 MiB, and each reading thread keeps room for one.
READ_AHEAD = 3
WINDOW_ENTRIES = 5000


@dataclass(frozen=True, slots=True)
class PackRead:
    """One request for the bytes of several entries, each of which is one slice of the same vault object."""

    whole: Slice
    entries: tuple[Entry, ...]


# An entry with its bytes, which are not checked; None when they have to be read by the caller.
EntryBytes = tuple[Entry, bytes | None]


def pack_reads(entries: Iterable[Entry]) -> tuple[list[PackRead], list[Entry]]:
    """Return the requests that read entries, and the entries that gain nothing from a common request."""
    by_object: dict[str, list[Entry]] = {}
    alone = []
    for entry in entries:
        if len(entry.slices) == 1 and entry.slices[0].length < PACKED_BELOW_BYTES:
            by_object.setdefault(entry.slices[0].sha256, []).append(entry)
        else:
            alone.append(entry)
    reads: list[PackRead] = []
    for sha256, of_object in by_object.items():
        of_object.sort(key=lambda entry: entry.slices[0].offset)
        reads += _reads_of_object(sha256, of_object)
    return reads, alone


def _reads_of_object(sha256: str, entries: list[Entry]) -> Iterator[PackRead]:
    start = end = entries[0].slices[0].offset
    together: list[Entry] = []
    for entry in entries:
        piece = entry.slices[0]
        longer = max(end, piece.offset + piece.length)
        if piece.offset > end + LARGEST_GAP_BYTES or longer - start > CHUNK_BYTES:
            yield PackRead(Slice(sha256, start, end - start), tuple(together))
            start, longer, together = piece.offset, piece.offset + piece.length, []
        end = longer
        together.append(entry)
    yield PackRead(Slice(sha256, start, end - start), tuple(together))


def entry_bytes(vault: Vault, entries: Iterable[Entry]) -> Generator[EntryBytes, None, None]:
    """Yield all entries, pack by pack, with those bytes that could be read together.

    In memory are the packs that are read ahead, and the entries of one window. Bytes are missing when their pack could
    not be read: `checked_bytes` then finds out why. Packs are full in the order of paths, except for files that later
    snapshots added, so a window needs few of them.
    """
    waiting = iter(entries)
    with ThreadPoolExecutor(READ_AHEAD) as pool:
        while window := list(islice(waiting, WINDOW_ENTRIES)):
            reads, alone = pack_reads(window)
            for read, body in _bodies(vault, reads, pool):
                for entry in read.entries:
                    piece = entry.slices[0]
                    start = piece.offset - read.whole.offset
                    yield entry, bytes(body[start : start + piece.length]) or None
            for entry in alone:
                yield entry, None


def checked_bytes(vault: Vault, entry: Entry, body: bytes | None) -> bytes:
    """Return `body` if it is right, else the bytes that the entry alone has; raises DamagedError when these differ."""
    if body is not None and hashlib.sha256(body).hexdigest() == entry.sha256:
        return body
    return vault.bytes_of(entry)


def _bodies(vault: Vault, reads: list[PackRead], pool: ThreadPoolExecutor) -> Iterator[tuple[PackRead, memoryview]]:
    def read_whole(read: PackRead) -> bytes:
        try:
            return vault.read_slice(read.whole)
        except VectoraError:
            return b""

    waiting = iter(reads)
    ahead: deque[tuple[PackRead, Future[bytes]]] = deque()
    try:
        while True:
            ahead += [(read, pool.submit(read_whole, read)) for read in islice(waiting, READ_AHEAD - len(ahead))]
            if not ahead:
                return
            read, begun = ahead.popleft()
            yield read, memoryview(begun.result())
    finally:
        for _, unused in ahead:
            unused.cancel()

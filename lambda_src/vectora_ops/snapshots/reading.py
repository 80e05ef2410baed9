"""Reading of source items ahead of their storage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from queue import Queue
from threading import Thread
from typing import Any, TypeVar

from vectora_ops.snapshots.index import Entry
from vectora_ops.snapshots.items import Item, Source
from vectora_ops.snapshots.vault import CHUNK_BYTES
from vectora_shared.errors import VectoraError

# Read at once; with the pack and the index part that are being filled, all that is held in memory.
BATCH_ITEMS = 1000
BATCH_BYTES = 48 * 1024 * 1024
T = TypeVar("T")


class Read:
    """Reads a small item whole, in one of many threads."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __call__(self, item: Item) -> tuple[Entry, bytes]:
        opened = self._source.open(item)
        body = b"".join(opened.chunks)
        entry = checked_item(item, hashlib.sha256(body).hexdigest(), len(body))
        return replace(entry, version_id=opened.version_id, content_type=opened.content_type), body


def entry_of(item: Item) -> Entry:
    return Entry(
        path=item.path,
        sha256=item.sha256 or "",
        size=item.size,
        slices=(),
        etag=item.etag,
        modified=item.modified,
        origin=item.origin,
        informative=item.informative,
    )


def checked_item(item: Item, sha256: str, size: int) -> Entry:
    if size != item.size or (item.sha256 is not None and item.sha256 != sha256):
        raise VectoraError(
            f"{item.path} is not what it was said to be a moment ago: it changed while it was read. Try again."
        )
    return replace(entry_of(item), sha256=sha256)


def same_item(item: Item, entry: Entry) -> bool:
    if item.size != entry.size:
        return False
    if item.sha256 is not None:
        return item.sha256 == entry.sha256
    return (item.etag, item.modified) == (entry.etag, entry.modified)


def batches(
    pairs: Iterable[tuple[Item, tuple[Entry, bytes] | None]],
) -> Iterator[list[tuple[Item, tuple[Entry, bytes] | None]]]:
    batch: list[tuple[Item, tuple[Entry, bytes] | None]] = []
    size = 0
    for pair in pairs:
        batch.append(pair)
        size += min(pair[0].size, CHUNK_BYTES)
        if len(batch) >= BATCH_ITEMS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


_END: Any = object()


def read_ahead(items: Iterator[T], size: int = BATCH_ITEMS) -> Iterator[T]:
    """The same items, read ahead by a thread: listing waits for S3 while the main thread compares and copies."""
    queue: Queue[Any] = Queue(maxsize=2)
    stopped: list[bool] = []

    def read() -> None:
        try:
            while not stopped and (group := list(islice(items, size))):
                queue.put(group)
            queue.put(_END)
        except BaseException as error:  # noqa: BLE001  (raised again by whoever consumes)
            queue.put(error)

    thread = Thread(target=read, daemon=True)
    thread.start()
    try:
        while (group := queue.get()) is not _END:
            if isinstance(group, BaseException):
                raise group
            yield from group
    finally:
        stopped.append(True)
        while thread.is_alive():
            while not queue.empty():
                queue.get_nowait()
            thread.join(0.01)

"""Source items read concurrently and ahead of their storage."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from itertools import islice
from queue import Queue
from threading import Thread
from typing import Any, TypeVar

from vectora_ops.snapshots.index import Entry, IndexedEntry
from vectora_ops.snapshots.items import Item, ItemContent, Source
from vectora_ops.snapshots.manifest import canonical_json
from vectora_ops.snapshots.objects import ArchivedError
from vectora_shared.errors import VectoraError

# Limits of the items that are read and not stored yet. They, the open pack and the open index part are all that is in
# memory. An item that takes long holds up none of the reads of the items after it, up to these limits.
WINDOW_ITEMS = 512
WINDOW_BYTES = 48 * 1024 * 1024
# Items that the listing delivers together.
LISTED_ITEMS = 1000
T = TypeVar("T")
# An item, and its entry in the last snapshot if it has one.
ItemPair = tuple[Item, IndexedEntry | None]
# The read of an item, or None when nothing is read ahead.
ItemRead = Future[tuple[Entry, bytes]] | None


class ItemReader:
    """Reader of whole small items of one source, safe for many threads."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __call__(self, item: Item) -> tuple[Entry, bytes]:
        try:
            content = self._source.open(item)
        except ArchivedError:
            return archived(item)
        body = b"".join(content.chunks)
        entry = checked_entry(item, hashlib.sha256(body).hexdigest(), len(body))
        return described(self._source, item, content, entry), body

    def tags(self, item: Item, entry: Entry) -> tuple[Entry, bytes]:
        """Return an entry whose bytes are stored already with the tags that its object has now."""
        return replace(entry, tags=self._source.tags(item, entry.version_id)), b""


def described(source: Source, item: Item, content: ItemContent, entry: Entry) -> Entry:
    """Return the entry of an item that was read with what S3 says about it."""
    entry = replace(entry, version_id=content.version_id, content_type=content.content_type)
    if not item.has_metadata:
        return entry
    # Without s3:GetObjectTagging S3 does not say that an object has tags; a request for them fails.
    has_tags = item.all_tags or content.is_tagged
    tags = source.tags(item, content.version_id) if has_tags else None
    return replace(entry, metadata=content.metadata, tags=tags)


def archived(item: Item) -> tuple[Entry, bytes]:
    """Return an informative entry for an object whose bytes S3 does not return, and the text that stands for them."""
    known = {"etag": item.etag, "modified": item.modified, "size": item.size, "storage_class": item.storage_class}
    text = canonical_json(known)
    sha256 = hashlib.sha256(text).hexdigest()
    return replace(entry_of(item), sha256=sha256, size=len(text), informative=True), text


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
        storage_class=item.storage_class if item.has_metadata else None,
    )


def checked_entry(item: Item, sha256: str, size: int) -> Entry:
    """Return the entry of an item that was read; raises VectoraError when size or digest are not those listed."""
    if size != item.size or (item.sha256 is not None and item.sha256 != sha256):
        raise VectoraError(f"{item.path} changed while it was read: its size or digest differs. Try again.")
    return replace(entry_of(item), sha256=sha256)


def is_unchanged(item: Item, entry: Entry) -> bool:
    """Return whether an item is still what an earlier entry describes, by digest or by ETag, time and storage class.

    S3 gives an object a new time when its headers change (S3 user guide, "Working with object metadata"), but not when
    its tags do. An entry without metadata is read again, to record it.
    """
    if item.size != entry.size:
        return False
    if item.has_metadata and (entry.metadata is None or entry.storage_class != item.storage_class):
        return False
    if item.sha256 is not None:
        return item.sha256 == entry.sha256
    return (item.etag, item.modified) == (entry.etag, entry.modified)


def in_window(pairs: Iterable[ItemPair], read: Callable[[ItemPair], ItemRead]) -> Generator[tuple[ItemPair, ItemRead]]:
    """Yield the items in their order with their reads, which start as soon as the window has room for them."""
    window: deque[tuple[ItemPair, ItemRead]] = deque()
    held = 0
    try:
        for pair in pairs:
            begun = read(pair)
            window.append((pair, begun))
            held += pair[0].size if begun else 0
            if len(window) >= WINDOW_ITEMS or held >= WINDOW_BYTES:
                for first, its_read in _oldest(window):
                    held -= first[0].size if its_read else 0
                    yield first, its_read
        while window:
            yield window.popleft()
    finally:
        for _, unused in window:
            if unused:
                unused.cancel()


def _oldest(window: deque[tuple[ItemPair, ItemRead]]) -> Iterator[tuple[ItemPair, ItemRead]]:
    """Take an eighth of the window from its start, together: waking this thread for each item takes longer than it."""
    count = max(1, len(window) // 8)
    if last := window[count - 1][1]:
        last.exception()
    for _ in range(count):
        yield window.popleft()


_END_OF_ITEMS: Any = object()


def read_ahead(items: Iterator[T], size: int = LISTED_ITEMS) -> Iterator[T]:
    """Yield the same items, which a thread reads ahead: it waits for S3 while the main thread compares and copies."""
    queue: Queue[Any] = Queue(maxsize=2)
    stopped: list[bool] = []

    def read() -> None:
        try:
            while not stopped and (group := list(islice(items, size))):
                queue.put(group)
            queue.put(_END_OF_ITEMS)
        except BaseException as error:  # noqa: BLE001  (raised again in the consuming thread)
            queue.put(error)

    thread = Thread(target=read, daemon=True)
    thread.start()
    try:
        while (group := queue.get()) is not _END_OF_ITEMS:
            if isinstance(group, BaseException):
                raise group
            yield from group
    finally:
        stopped.append(True)
        while thread.is_alive():
            while not queue.empty():
                queue.get_nowait()
            thread.join(0.01)

"""Differences between two snapshots, or between a snapshot and the live environment."""

from __future__ import annotations

import difflib
import hashlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from vectora_ops.live_environment import Environment
from vectora_ops.snapshots.components import RUNS, WHOLE_BUCKET, source_in_scope
from vectora_ops.snapshots.index import Entry, side_by_side
from vectora_ops.snapshots.items import Item, ItemContent, Source
from vectora_ops.snapshots.manifest import COMPONENTS, Component, ComponentRecord, Manifest
from vectora_ops.snapshots.object_metadata import DEFAULT_CLASS
from vectora_ops.snapshots.objects import ArchivedError
from vectora_ops.snapshots.packing import PACKED_BELOW_BYTES
from vectora_ops.snapshots.vault import Vault
from vectora_ops.unknown_names import unknown_name
from vectora_shared.errors import UnknownWordError

# Files that are text: a change shows their lines, other files only their path.
TEXT = (".json", ".yaml", ".md", ".html", ".xml", "/template")
LARGEST_TEXT_BYTES = 256 * 1024
LINES_OF_A_DIFFERENCE = 60
# Requests about objects that wait for S3 together, and objects that are compared ahead.
COMPARERS = 32
# The allocator of each thread keeps memory for the largest object that the thread ever read.
LARGE_COMPARERS = 8
COMPARED_AHEAD = 256
# A path with its entry in the snapshot and its live item, and whether they are the same.
Compared = tuple[str, Entry | None, Item | None, bool]


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of one path; an added path exists only on the second side.

    `text` is a unified diff of metadata and of short texts.
    """

    component: Component
    path: str
    kind: Literal["added", "removed", "changed"]
    text: tuple[str, ...] = ()


def chosen_components(names: Iterable[str] | None) -> tuple[Component, ...]:
    """Return the named components, or all without names; raises VectoraError for an unknown name."""
    wanted = list(names or COMPONENTS)
    if unknown := [name for name in wanted if name not in COMPONENTS]:
        raise UnknownWordError(unknown_name("component", unknown[0], COMPONENTS))
    return tuple(component for component in COMPONENTS if component in wanted)


def between_snapshots(
    vault: Vault, first: Manifest, second: Manifest, components: tuple[Component, ...] = COMPONENTS
) -> Iterator[Change]:
    """Yield the changes from the first snapshot to the second; raises DamagedError when an index cannot be read."""
    for component in components:
        records = first.components[component], second.components[component]
        if records[0].digest == records[1].digest:
            continue
        lefts, rights = (((entry.path, entry) for entry, _ in vault.entries(record)) for record in records)
        for path, left, right in side_by_side(lefts, rights):
            if _is_informative(left, right):
                continue
            outside = (left is None and not in_scope(component, records[0], path)) or (
                right is None and not in_scope(component, records[1], path)
            )
            if outside:
                continue
            if left and right and left.sha256 == right.sha256 and has_same_metadata(left, right):
                continue
            text: tuple[str, ...] = ()
            if left and right:
                text = _metadata_difference(left, right)
                text += _difference(path, left, right, _reader(vault, left), _reader(vault, right))
            yield Change(component=component, path=path, kind=_kind(left, right), text=text)


def with_live(
    vault: Vault,
    environment: Environment,
    manifest: Manifest,
    components: tuple[Component, ...] = COMPONENTS,
    *,
    with_text: bool = True,
) -> Iterator[Change]:
    """Yield the changes from the snapshot to the live environment."""
    for component in components:
        record = manifest.components[component]
        source = source_in_scope(environment, manifest, component)
        for path, entry, item, same in compared_with_live(vault, record, source):
            if same:
                continue
            text: tuple[str, ...] = ()
            if with_text and entry and item:
                text = _metadata_difference(entry, _live_entry(source, item, entry))
                text += _difference(path, entry, item, _reader(vault, entry), _live_reader(source, item))
            yield Change(component=component, path=path, kind=_kind(entry, item), text=text)


def compared_with_live(vault: Vault, record: ComponentRecord, source: Source) -> Generator[Compared, None, None]:
    """Yield each path with its compared entry, its live item, and whether they are the same.

    What the listing does not decide is requested concurrently, for some paths ahead.
    """
    waiting: deque[tuple[str, Entry | None, Item | None, bool | Future[bool]]] = deque()
    with ThreadPoolExecutor(COMPARERS) as pool, ThreadPoolExecutor(LARGE_COMPARERS) as large_pool:
        try:
            for path, entry, item in pairs_with_live(vault, record, source):
                same: bool | Future[bool] = False
                if entry and item:
                    listed = is_same_as_listed(item, entry)
                    chosen = large_pool if item.size >= PACKED_BELOW_BYTES else pool
                    same = chosen.submit(is_same, source, item, entry) if listed is None else listed
                waiting.append((path, entry, item, same))
                if len(waiting) >= COMPARED_AHEAD:
                    yield _decided(*waiting.popleft())
            while waiting:
                yield _decided(*waiting.popleft())
        finally:
            for *_, undecided in waiting:
                if isinstance(undecided, Future):
                    undecided.cancel()


def _decided(path: str, entry: Entry | None, item: Item | None, same: bool | Future[bool]) -> Compared:
    return path, entry, item, same.result() if isinstance(same, Future) else same


def pairs_with_live(
    vault: Vault, record: ComponentRecord, source: Source
) -> Iterator[tuple[str, Entry | None, Item | None]]:
    """Yield each path with its compared entry and its live item; both are None on the other side only.

    An object that was archived when the snapshot was taken is omitted: the snapshot has no bytes of it.
    """
    pairs = side_by_side(
        ((entry.path, entry) for entry, _ in vault.entries(record)), ((item.path, item) for item in source.items())
    )
    return (pair for pair in pairs if not _is_informative(*pair[1:]))


def is_same(source: Source, item: Item, entry: Entry) -> bool:
    """Return whether content and metadata are the same; reads only what the listing does not decide."""
    if (listed := is_same_as_listed(item, entry)) is not None:
        return listed
    content: ItemContent | None
    if item.etag is None or item.etag != entry.etag:
        try:
            content = source.open(item)
        except ArchivedError:
            return False
        digest = hashlib.sha256()
        for chunk in content.chunks:
            digest.update(chunk)
        if digest.hexdigest() != entry.sha256:
            return False
    if not _has_recorded_metadata(item, entry):
        return True
    if item.etag != entry.etag or item.modified != entry.modified:
        content = content if item.etag != entry.etag else source.described(item)
        if content is None or (content.content_type, content.metadata) != (entry.content_type, entry.metadata):
            return False
    return entry.tags is None or source.tags(item) == entry.tags


def is_same_as_listed(item: Item, entry: Entry) -> bool | None:
    """Return whether content and metadata are the same by the listing; None when more has to be read.

    The time of an object changes with its headers, but not with its tags. Its storage class is listed.
    """
    if item.earlier is not None and item.earlier == entry.sha256:
        return True
    if item.size != entry.size:
        return False
    if item.sha256 is not None:
        return item.sha256 == entry.sha256
    recorded = _has_recorded_metadata(item, entry)
    if recorded and item.storage_class != entry.storage_class:
        return False
    if item.etag is None or item.etag != entry.etag:
        return None
    if not recorded or (item.modified == entry.modified and entry.tags is None):
        return True
    return None


def has_same_metadata(left: Entry, right: Entry) -> bool:
    """Return whether two entries have the same metadata, as far as it is recorded in both."""
    return not _metadata_difference(left, right)


def in_scope(component: Component, record: ComponentRecord, path: str) -> bool:
    """Return whether the snapshot covers this path."""
    if component == "data" and record.scope != WHOLE_BUCKET and not path.startswith(RUNS):
        return False
    return all(path >= start for prefix, start in record.scope.items() if path.startswith(prefix))


def _has_recorded_metadata(item: Item, entry: Entry) -> bool:
    return item.has_metadata and entry.metadata is not None


def _is_informative(*sides: Entry | Item | None) -> bool:
    return any(side is not None and side.informative for side in sides)


def _live_entry(source: Source, item: Item, entry: Entry) -> Entry:
    """Return the entry of an object as it is now."""
    content = source.described(item) if _has_recorded_metadata(item, entry) else None
    return Entry(
        path=item.path,
        sha256="",
        size=item.size,
        slices=(),
        content_type=content.content_type if content else None,
        metadata=content.metadata if content else None,
        storage_class=item.storage_class,
        tags=source.tags(item) if content and entry.tags is not None else None,
    )


def _metadata_difference(first: Entry, second: Entry) -> tuple[str, ...]:
    """Return the differing metadata as lines of a diff; none when it is not recorded on both sides."""
    if first.metadata is None or second.metadata is None:
        return ()
    with_tags = first.tags is not None and second.tags is not None
    before, after = _metadata(first, with_tags=with_tags), _metadata(second, with_tags=with_tags)
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return tuple(
        f"{sign}{name}: {side[name]}" for name in names for sign, side in (("-", before), ("+", after)) if name in side
    )


def _metadata(entry: Entry, *, with_tags: bool) -> Mapping[str, str]:
    """Return the recorded metadata of an entry by the name that people know it by."""
    tags = {f"tag {name}": value for name, value in (entry.tags or {}).items()} if with_tags else {}
    content_type = {"content-type": entry.content_type} if entry.content_type is not None else {}
    return {**content_type, **(entry.metadata or {}), "storage class": entry.storage_class or DEFAULT_CLASS, **tags}


def _kind(first: object | None, second: object | None) -> Literal["added", "removed", "changed"]:
    if first is None:
        return "added"
    return "removed" if second is None else "changed"


def _reader(vault: Vault, entry: Entry) -> Callable[[], bytes]:
    return lambda: vault.bytes_of(entry)


def _live_reader(source: Source, item: Item) -> Callable[[], bytes]:
    return lambda: b"".join(source.open(item).chunks)


def _difference(
    path: str,
    first: Entry | Item,
    second: Entry | Item,
    before: Callable[[], bytes],
    after: Callable[[], bytes],
) -> tuple[str, ...]:
    if not path.endswith(TEXT) or max(first.size, second.size) > LARGEST_TEXT_BYTES:
        return ()
    try:
        old, new = before().decode("utf-8"), after().decode("utf-8")
    except UnicodeDecodeError:
        return ()
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), "snapshot", "now", lineterm="", n=1))[2:]
    if len(lines) > LINES_OF_A_DIFFERENCE:
        more = len(lines) - LINES_OF_A_DIFFERENCE
        return (*lines[:LINES_OF_A_DIFFERENCE], f"... and {more} more lines")
    return tuple(lines)

"""Differences between two snapshots, or between a snapshot and the live environment."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from vectora_ops.live_environment import Environment
from vectora_ops.snapshots.components import RUNS, WHOLE_BUCKET, source_in_scope
from vectora_ops.snapshots.index import Entry, side_by_side
from vectora_ops.snapshots.items import Item, Source
from vectora_ops.snapshots.manifest import COMPONENTS, Component, ComponentRecord, Manifest
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError

# Files that are text: a change shows their lines, other files only their path.
TEXT = (".json", ".yaml", ".md", ".html", ".xml", "/template")
LARGEST_TEXT_BYTES = 256 * 1024
LINES_OF_A_DIFFERENCE = 60


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of one path; an added path exists only on the second side. `text` is a unified diff of short texts."""

    component: Component
    path: str
    kind: Literal["added", "removed", "changed"]
    text: tuple[str, ...] = ()


def chosen_components(names: Iterable[str] | None) -> tuple[Component, ...]:
    """Return the named components, or all without names; raises VectoraError for an unknown name."""
    wanted = list(names or COMPONENTS)
    if unknown := [name for name in wanted if name not in COMPONENTS]:
        raise VectoraError(f"There is no component '{unknown[0]}': choose from {', '.join(COMPONENTS)}.")
    return tuple(component for component in COMPONENTS if component in wanted)


def between_snapshots(
    vault: Vault, first: Manifest, second: Manifest, components: tuple[Component, ...] = COMPONENTS
) -> Iterator[Change]:
    """Yield the changes from the first snapshot to the second; raises DamagedError when an index cannot be read."""
    for component in components:
        records = first.components[component], second.components[component]
        if records[0].digest == records[1].digest:
            continue
        lefts, rights = (((e.path, e) for e, _ in vault.entries(record) if not e.informative) for record in records)
        for path, left, right in side_by_side(lefts, rights):
            outside = (left is None and not in_scope(component, records[0], path)) or (
                right is None and not in_scope(component, records[1], path)
            )
            if outside:
                continue
            if left and right and left.sha256 == right.sha256:
                continue
            text: tuple[str, ...] = ()
            if left and right:
                text = _difference(path, left, right, _reader(vault, left), _reader(vault, right))
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
        for path, entry, item in pairs_with_live(vault, record, source):
            if entry and item and is_same(source, item, entry):
                continue
            text: tuple[str, ...] = ()
            if with_text and entry and item:
                text = _difference(path, entry, item, _reader(vault, entry), _live_reader(source, item))
            yield Change(component=component, path=path, kind=_kind(entry, item), text=text)


def pairs_with_live(
    vault: Vault, record: ComponentRecord, source: Source
) -> Iterator[tuple[str, Entry | None, Item | None]]:
    """Yield each path with its compared entry and its live item; both are None on the other side only."""
    return side_by_side(
        ((entry.path, entry) for entry, _ in vault.entries(record) if not entry.informative),
        ((item.path, item) for item in source.items() if not item.informative),
    )


def is_same(source: Source, item: Item, entry: Entry) -> bool:
    """Return whether the content is the same; reads it only when the listing does not decide."""
    if (listed := is_same_as_listed(item, entry)) is not None:
        return listed
    digest = hashlib.sha256()
    for chunk in source.open(item).chunks:
        digest.update(chunk)
    return digest.hexdigest() == entry.sha256


def is_same_as_listed(item: Item, entry: Entry) -> bool | None:
    """Return whether the content is the same by size, digest or ETag; None when it has to be read."""
    if item.size != entry.size:
        return False
    if item.sha256 is not None:
        return item.sha256 == entry.sha256
    return True if item.etag is not None and item.etag == entry.etag else None


def in_scope(component: Component, record: ComponentRecord, path: str) -> bool:
    """Return whether the snapshot covers this path."""
    if component == "data" and record.scope != WHOLE_BUCKET and not path.startswith(RUNS):
        return False
    return all(path >= start for prefix, start in record.scope.items() if path.startswith(prefix))


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

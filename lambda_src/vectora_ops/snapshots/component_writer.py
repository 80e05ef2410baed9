"""Writing of one component into the vault, part by part."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain

from vectora_ops.snapshots.index import ComponentTotals, Entry, IndexedEntry, OpenPart, Slice, entries_of, side_by_side
from vectora_ops.snapshots.items import Item, Source
from vectora_ops.snapshots.manifest import ComponentRecord, DamagedError, OpenComponent, Part
from vectora_ops.snapshots.object_store import CHUNK_BYTES, Stored
from vectora_ops.snapshots.objects import ArchivedError
from vectora_ops.snapshots.packing import PACKED_BELOW_BYTES, OpenEntries, PendingEntry
from vectora_ops.snapshots.part_ends import PartEnds
from vectora_ops.snapshots.reading import (
    ItemPair,
    ItemRead,
    ItemReader,
    archived,
    checked_entry,
    described,
    entry_of,
    in_window,
    is_unchanged,
    read_ahead,
)
from vectora_ops.snapshots.used_objects import UsedObjects
from vectora_ops.snapshots.vault import Vault

# The code of a function may also be an asset of a stack.
SHARES_CONTENT = ("stacks", "functions")


@dataclass
class ComponentWriter:
    """Writer of one component, from where `component` stands: `write` all items, then `finish`.

    The last part is stored by `finish`, so that the small files of several components share a pack. `on_part` is called
    with the component and its totals after each stored part, and whether more entries may follow. `renew` is called
    after each chunk of a large item. Both may raise.
    """

    vault: Vault
    objects: UsedObjects
    readers: ThreadPoolExecutor
    source: Source
    component: OpenComponent
    on_part: Callable[[OpenComponent, ComponentTotals, bool], None]
    renew: Callable[[], None]
    _open: OpenEntries = field(default_factory=OpenEntries)
    _totals: ComponentTotals = field(default_factory=ComponentTotals)

    @property
    def open_bytes(self) -> int:
        """Number of new bytes in entries that no stored part has yet."""
        return self._open.new_bytes

    def write(self, base: ComponentRecord | None) -> None:
        """Read all items that follow the stored parts, and store all parts but the last.

        `base` is the component in the last snapshot.
        """
        after = self.component.parts[-1].last if self.component.parts else ""
        pairs = side_by_side(
            read_ahead((item.path, item) for item in self.source.items(after)),
            ((entry.path, (entry, line)) for entry, line in self._trusted_entries(base, after)),
        )
        present = ((path, (item, known)) for path, item, known in pairs if item is not None)
        items: PartEnds[ItemPair | None] = PartEnds(chain(self._stored_before(), present))
        for pending in self._pending_entries(pair for pair in items if pair is not None):
            self._open.add(pending)
            if self._open.is_full or items.has_end(pending.entry.path):
                self._close_part(more=True)

    def finish(self) -> ComponentRecord:
        """Store the last part."""
        if self._open:
            self._close_part(more=False)
        return ComponentRecord(
            digest=self._totals.digest,
            entries=self._totals.entries,
            bytes=self._totals.bytes,
            archived=self._totals.archived,
            scope=self.component.scope,
            parts=self.component.parts,
        )

    def _stored_before(self) -> Iterator[tuple[str, None]]:
        """Yield and count the entries that were stored before an interruption: later ends follow from them too."""
        for part in self.component.parts:
            for entry, _ in entries_of(self.vault.read(part.index)):
                self._totals.add(entry)
                yield entry.path, None

    def _trusted_entries(self, base: ComponentRecord | None, after: str) -> Iterator[IndexedEntry]:
        try:
            yield from self.vault.entries(base, after)
        except DamagedError:
            # The rest of this component is copied again.
            return

    # --- items to entries

    def _pending_entries(self, pairs: Iterable[ItemPair]) -> Iterator[PendingEntry]:
        read_item = ItemReader(self.source)

        def read(pair: ItemPair) -> ItemRead:
            item, known = pair
            if known and self._is_stored(item, known[0]):
                tags = known[0].tags
                return self.readers.submit(read_item.tags, item, known[0]) if item.all_tags or tags else None
            if item.size <= CHUNK_BYTES and self._must_read(item, known):
                return self.readers.submit(read_item, item)
            return None

        # The read of an unchanged object is that of its tags.
        with closing(in_window(pairs, read)) as window:
            for (item, known), begun in window:
                if known and self._is_stored(item, known[0]):
                    yield self._shared(_unchanged(item, *known, tags=begun.result()[0].tags if begun else None))
                elif begun:
                    yield self._shared(self._small(known[0] if known else None, *begun.result()))
                elif (same := self._same(item.sha256)) is not None:
                    yield same.of(entry_of(item))
                else:
                    yield self._shared(self._large(item, known[0] if known else None))

    def _must_read(self, item: Item, known: IndexedEntry | None) -> bool:
        if known and self._is_stored(item, known[0]):
            return False
        return self._same(item.sha256) is None or item.body is not None

    def _is_stored(self, item: Item, known: Entry) -> bool:
        return is_unchanged(item, known) and self.objects.has(known.slices)

    def _same(self, sha256: str | None) -> PendingEntry | None:
        return self.objects.by_content.get(sha256) if sha256 else None

    def _shared(self, pending: PendingEntry) -> PendingEntry:
        """Note where the bytes of an entry are, for entries of other components with the same bytes."""
        if self.component.component in SHARES_CONTENT:
            self.objects.by_content.setdefault(pending.entry.sha256, pending)
        return pending

    def _small(self, known: Entry | None, entry: Entry, body: bytes) -> PendingEntry:
        if entry.is_archived and known and self._has_bytes_of(entry, known):
            return PendingEntry(replace(known, storage_class=entry.storage_class))
        if known and known.sha256 == entry.sha256 and self.objects.has(known.slices):
            return PendingEntry(replace(entry, slices=known.slices))
        if (same := self._same(entry.sha256)) is not None:
            return same.of(entry)
        if not body:
            return PendingEntry(entry)
        if len(body) < PACKED_BELOW_BYTES:
            return self.objects.packs.add(entry, body)
        return PendingEntry(entry, stored=(self.objects.store(body),))

    def _has_bytes_of(self, archived: Entry, known: Entry) -> bool:
        """Return whether the vault has the bytes of an object from the time before it was archived."""
        same = (archived.etag, archived.modified) == (known.etag, known.modified)
        return same and known.metadata is not None and not known.informative and self.objects.has(known.slices)

    def _large(self, item: Item, known: Entry | None) -> PendingEntry:
        """Store an item chunk by chunk, two of them in memory."""
        try:
            content = self.source.open(item)
        except ArchivedError:
            return self._small(known, *archived(item))
        digest, size = hashlib.sha256(), 0
        stored: deque[Future[Stored]] = deque()
        for chunk in content.chunks:
            digest.update(chunk)
            size += len(chunk)
            if stored:
                stored[-1].result()
            stored.append(self.objects.store(chunk))
            self.renew()
        entry = checked_entry(item, digest.hexdigest(), size)
        return PendingEntry(described(self.source, item, content, entry), stored=tuple(stored))

    # --- entries to parts

    def _close_part(self, *, more: bool) -> None:
        self.objects.packs.close()
        part = OpenPart()
        for pending in self._open.take():
            entry, line = self._finished(pending)
            part.add(entry.path, line)
            self._totals.add(entry)
            self.objects.needed.update(each.sha256 for each in entry.slices)
        index = self.objects.finish(self.objects.store(part.body()), len(part.body()))
        self.objects.needed.add(index)
        stored = Part(index=index, first=part.first, last=part.last, entries=len(part.lines))
        self.component = self.component.model_copy(update={"parts": (*self.component.parts, stored)})
        self.on_part(self.component, self._totals, more)

    def _finished(self, pending: PendingEntry) -> IndexedEntry:
        """Return the entry with its slices, all of whose bytes are stored and were read back."""
        if pending.line is not None:
            return pending.entry, pending.line
        entry = pending.entry
        if pending.pack is not None:
            assert pending.pack.stored is not None  # noqa: S101
            sha256 = self.objects.finish(pending.pack.stored, pending.pack.size)
            entry = replace(entry, slices=(Slice(sha256, pending.offset, entry.size),))
        elif pending.stored:
            lengths = [CHUNK_BYTES] * (len(pending.stored) - 1)
            lengths.append(entry.size - sum(lengths))
            slices = (
                Slice(self.objects.finish(stored, length), 0, length)
                for stored, length in zip(pending.stored, lengths, strict=True)
            )
            entry = replace(entry, slices=tuple(slices))
        return entry, entry.line()


def _unchanged(item: Item, entry: Entry, line: bytes, tags: Mapping[str, str] | None) -> PendingEntry:
    same_stamp = item.etag is not None and (item.origin, item.informative) == (entry.origin, entry.informative)
    if same_stamp:
        return PendingEntry(entry, line=line) if tags == entry.tags else PendingEntry(replace(entry, tags=tags))
    return PendingEntry(replace(entry_of(item), sha256=entry.sha256, slices=entry.slices))

"""Verification of snapshots: all bytes that they need are read again and compared with all digests of them."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from vectora_ops.progress import Advance, Observer
from vectora_ops.snapshots.anchors import ForgedError
from vectora_ops.snapshots.index import ComponentTotals, Entry, entries_of
from vectora_ops.snapshots.manifest import (
    COMPONENTS,
    Component,
    ComponentRecord,
    DamagedError,
    Manifest,
    MissingError,
    NoSnapshotError,
    Part,
    readme,
)
from vectora_ops.snapshots.object_store import OBJECTS
from vectora_ops.snapshots.vault import MANIFEST, PINNED, PROGRESS, README, SNAPSHOTS, Vault, references_in
from vectora_ops.times import minute
from vectora_shared.errors import VectoraError

# Each reader holds one vault object of at most 8 MiB in memory.
READERS = 8


Damage = Literal["damaged", "missing"]
ProblemKind = Literal["damaged", "missing", "extra", "forged"]
# An object that was read: its SHA-256, its damage, and the number of its bytes.
ReadObject = tuple[str, Damage | None, int]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A problem of a vault. `name` is a key of the vault, or a component with a path in it.

    Of a key whose newest version is wrong, `right_version` is the one that rollbacks use.
    """

    kind: ProblemKind
    name: str
    detail: str
    right_version: str | None = None


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Result of the verification of one snapshot."""

    snapshot: str
    components: tuple[Component, ...]
    entries: int
    objects: int
    bytes: int
    problems: tuple[Problem, ...]

    @property
    def intact(self) -> bool:
        return not self.problems


@dataclass
class CheckedObjects:
    """Vault objects and entries that were read in this verification, so that each is read once for all snapshots.

    `entries` has a number for the digest and the slices of each entry whose bytes are right.
    """

    bad: dict[str, Damage] = field(default_factory=dict)
    good: set[str] = field(default_factory=set)
    entries: set[int] = field(default_factory=set)
    bytes: int = 0


def verify_snapshot(
    vault: Vault,
    name: str,
    components: tuple[Component, ...] = COMPONENTS,
    *,
    observer: Observer | None = None,
    checked: CheckedObjects | None = None,
) -> Verification:
    """Read all bytes of a snapshot again.

    Raises NoSnapshotError when no complete snapshot has that name, also when it was deleted meanwhile.
    """
    return _Verifier(vault, name, components, observer or Observer(), checked or CheckedObjects()).run()


def verify_vault(vault: Vault, *, observer: Observer | None = None) -> tuple[Verification, ...]:
    """Verify all complete snapshots; the last result, named after the bucket, has what no snapshot needs."""
    checked = CheckedObjects()
    before = vault.lease_mark()
    complete = [files.name for files in vault.snapshots() if files.is_complete]
    found = []
    for name in complete:
        # One that was deleted meanwhile is no part of the vault any more.
        with contextlib.suppress(NoSnapshotError):
            found.append(verify_snapshot(vault, name, observer=observer, checked=checked))
    # Another operation that is changing the vault stores objects before the snapshot that needs them, and hides a
    # snapshot before it removes its anchor.
    left_over = (*_unreferenced_objects(vault), *_hidden(vault, complete))
    is_changing = left_over and (before is None or before != vault.lease_mark())
    if extra := (*(() if is_changing else left_over), *_strays(vault)):
        found.append(Verification(snapshot=vault.bucket, components=(), entries=0, objects=0, bytes=0, problems=extra))
    return tuple(found)


def _unreferenced_objects(vault: Vault) -> tuple[Problem, ...]:
    needed: set[str] = set()
    for files in vault.snapshots():
        try:
            needed |= vault.needed_objects(files)
        except (DamagedError, NoSnapshotError):
            # The problem is reported with its snapshot. The objects that it needs are unknown, so none is unreferenced.
            return ()
    extra = [found.sha256 for found in vault.objects() if found.sha256 not in needed]
    return tuple(
        Problem(kind="extra", name=OBJECTS + sha256, detail="no snapshot needs it; prune deletes it")
        for sha256 in extra
    )


def _strays(vault: Vault) -> Iterator[Problem]:
    for key in vault.strays():
        yield Problem(kind="extra", name=key, detail="it is no file of a vault, and decides nothing; prune leaves it")


def _hidden(vault: Vault, complete: list[str]) -> Iterator[Problem]:
    for snapshot, anchor in sorted(vault.anchors.all().items()):
        if snapshot not in complete and vault.file(snapshot, MANIFEST) is None:
            yield Problem(
                kind="missing",
                name=f"{SNAPSHOTS}{snapshot}/{MANIFEST}",
                detail=f"it was hidden or deleted, or prune was interrupted: its anchor of {minute(anchor.at)} names "
                f"version {anchor.version_id}",
            )


class _Verifier:
    """One verification of one snapshot."""

    def __init__(
        self, vault: Vault, name: str, components: tuple[Component, ...], observer: Observer, checked: CheckedObjects
    ) -> None:
        self._vault = vault
        self._name = name
        self._components = components
        self._observer = observer
        self._checked = checked
        self._problems: list[Problem] = []
        self._entries = 0
        self._bytes_before = checked.bytes

    def run(self) -> Verification:
        needed: set[str] = set()
        try:
            self._vault.anchors.of(self._name)
            manifest = self._vault.manifest(self._name)
        except DamagedError as error:
            kind: Literal["forged", "damaged"] = "forged" if isinstance(error, ForgedError) else "damaged"
            self._problem(kind, f"{SNAPSHOTS}{self._name}/{MANIFEST}", str(error))
        else:
            self._anchor()
            self._files(manifest)
            needed = self._references(manifest)
            self._older_versions(needed)
        if self._vault.file(self._name, MANIFEST) is None:
            raise NoSnapshotError(
                f"Snapshot {self._name} was deleted while it was verified, so there is no result: "
                f"./vectora snapshot list --env {self._vault.names.env} shows which there are."
            )
        return Verification(
            snapshot=self._name,
            components=self._components,
            entries=self._entries,
            objects=len(needed),
            bytes=self._checked.bytes - self._bytes_before,
            problems=tuple(self._problems),
        )

    def _problem(self, kind: ProblemKind, name: str, detail: str, right_version: str | None = None) -> None:
        self._problems.append(Problem(kind=kind, name=name, detail=detail, right_version=right_version))

    def _anchor(self) -> None:
        """Check that the manifest has an anchor, and that it names the newest version."""
        key, anchor = f"{SNAPSHOTS}{self._name}/{MANIFEST}", self._vault.anchors.known(self._name)
        if anchor is None:
            stored, since = self._vault.stored_at(self._name), self._vault.anchors.since
            if since and self._vault.anchors.expected_at(stored):
                what = f"it was stored on {minute(stored)} and has no anchor, as each snapshot since {minute(since)}"
                self._problem("forged", key, f"{what}: no rollback uses it")
        elif newer := self._vault.newer_manifests.get(self._name):
            self._problem("forged", key, newer, anchor.version_id)

    def _older_versions(self, needed: set[str]) -> None:
        """Report the objects whose newest version has other bytes, and an older one the right ones."""
        for sha256 in sorted(needed & self._vault.older_versions.keys()):
            older = self._vault.older_versions[sha256]
            kind: Damage = "missing" if older.is_hidden else "damaged"
            detail = f"version {older.version_id} below it has the right bytes"
            self._problem(kind, OBJECTS + sha256, detail, older.version_id)

    def _files(self, manifest: Manifest) -> None:
        """Check that the folder holds its files only, and that the page for people matches the manifest."""
        folder = f"{SNAPSHOTS}{self._name}/"
        page = self._vault.file(self._name, README)
        if page is None:
            self._problem("missing", folder + README, "the page for people is missing")
        elif page != readme(manifest):
            self._problem("damaged", folder + README, "it does not match the manifest")
        try:
            self._vault.pin(self._name)
        except DamagedError as error:
            self._problem("damaged", folder + PINNED, str(error))
        files = next((each.files for each in self._vault.snapshots() if each.name == self._name), frozenset())
        for file in sorted(files - {MANIFEST, README, PINNED, PROGRESS}):
            self._problem("extra", folder + file, "it is not a file of a snapshot")

    def _references(self, manifest: Manifest) -> set[str]:
        needed: set[str] = set()
        listed = self._listed_references(manifest)
        whole = self._components == COMPONENTS
        for component in self._components:
            needed |= self._component(component, manifest.components[component])
        if whole and listed is not None:
            for sha256 in sorted(needed ^ listed):
                kind: Literal["extra", "missing"] = "missing" if sha256 in needed else "extra"
                self._problem(kind, OBJECTS + sha256, "the list of references does not match the indexes")
            if len(listed) + 1 != manifest.vault_objects:
                folder = f"{SNAPSHOTS}{self._name}/"
                self._problem("damaged", folder + MANIFEST, "it counts another number of vault objects than are listed")
        return needed | {manifest.references}

    def _listed_references(self, manifest: Manifest) -> set[str] | None:
        try:
            return set(references_in(self._vault.read(manifest.references)))
        except DamagedError as error:
            self._problem(_kind_of(error), OBJECTS + manifest.references, "the list of references")
            return None

    def _component(self, component: Component, record: ComponentRecord) -> set[str]:
        """Check a component's entries against its record, and return the vault objects that it needs."""
        totals = ComponentTotals()
        needed: set[str] = set()
        complete = True
        previous = ""
        for part in record.parts:
            needed.add(part.index)
            entries = self._entries_of(component, part)
            if entries is None:
                complete = False
                continue
            self._check_part(component, part, entries, previous)
            previous = max([previous, *(entry.path for entry in entries)])
            self._check_bytes(component, entries, needed)
            for entry in entries:
                totals.add(entry)
            self._observer.advance(Advance(component, totals.entries, totals.bytes, self._checked.bytes))
        self._entries += totals.entries
        counted = (totals.digest, totals.entries, totals.bytes, totals.archived)
        if complete and counted != (record.digest, record.entries, record.bytes, record.archived):
            self._problem("damaged", f"{component}", "its index does not match the manifest")
        return needed

    def _entries_of(self, component: Component, part: Part) -> list[Entry] | None:
        name = OBJECTS + part.index
        try:
            body = self._vault.read(part.index)
        except DamagedError as error:
            self._problem(_kind_of(error), name, f"index of {component}, {part.first} to {part.last}")
            return None
        try:
            return [entry for entry, _ in entries_of(body)]
        except DamagedError as error:
            self._problem("damaged", name, f"index of {component}: {error}")
            return None

    def _check_part(self, component: Component, part: Part, entries: list[Entry], previous: str) -> None:
        """Check that a part is the one that the manifest describes, and that its paths are sorted and unique."""
        bounds = (entries[0].path, entries[-1].path) if entries else ("", "")
        if (*bounds, len(entries)) != (part.first, part.last, part.entries):
            self._problem("damaged", OBJECTS + part.index, f"index of {component}: it has other entries than it should")
        for entry in entries:
            if entry.path <= previous:
                self._problem("damaged", f"{component}: {entry.path}", f"it comes after {previous} in the index")
            previous = max(previous, entry.path)

    def _check_bytes(self, component: Component, entries: list[Entry], needed: set[str]) -> None:
        """Read the vault objects of entries, and compare the bytes of each entry with its own size and digest."""
        objects = {each.sha256 for entry in entries for each in entry.slices}
        needed |= objects
        known = self._checked
        unchecked = [entry for entry in entries if _number_of(entry) not in known.entries]
        right = self._read(objects, [entry for entry in unchecked if entry.shape_problem is None])
        for entry in unchecked:
            if reason := entry.shape_problem:
                self._problem("damaged", f"{component}: {entry.path}", reason)
            elif entry.slices and _number_of(entry) not in right and (damage := self._damage_of(entry)):
                stored = f"stored in {OBJECTS}{_first_bad(entry, known.bad)}"
                self._problem(damage, f"{component}: {entry.path}", stored)
            else:
                known.entries.add(_number_of(entry))

    def _damage_of(self, entry: Entry) -> Damage | None:
        """Return how an entry is damaged, None when all its bytes are right."""
        try:
            for _ in self._vault.chunks(entry):
                pass
        except VectoraError as error:
            return _kind_of(error)
        return None

    def _read(self, objects: set[str], unchecked: list[Entry]) -> set[int]:
        """Read vault objects that were not read before, and those of entries; return which entries are right."""
        known = self._checked
        several = [entry for entry in unchecked if len(entry.slices) > 1]
        read_with_entry = {each.sha256 for entry in several for each in entry.slices}
        reads: dict[str, list[Entry]] = {
            sha256: [] for sha256 in objects - known.good - known.bad.keys() - read_with_entry
        }
        for entry in unchecked:
            if len(entry.slices) == 1 and entry.slices[0].sha256 not in known.bad:
                reads.setdefault(entry.slices[0].sha256, []).append(entry)
        right: set[int] = set()
        with ThreadPoolExecutor(READERS) as pool:
            # Both start before the first result is awaited.
            whole = pool.map(self._read_object, sorted(reads), [reads[sha256] for sha256 in sorted(reads)])
            joined = pool.map(self._read_entry, several)
            for found, of_objects in (*whole, *joined):
                right |= found
                for sha256, kind, size in of_objects:
                    self._note(sha256, kind, size)
        return right

    def _note(self, sha256: str, kind: Damage | None, size: int) -> None:
        if sha256 in self._checked.good or sha256 in self._checked.bad:
            return
        self._checked.bytes += size
        if kind is None:
            self._checked.good.add(sha256)
        else:
            self._checked.bad[sha256] = kind
            self._problem(kind, OBJECTS + sha256, "bytes of the snapshot")

    def _read_object(self, sha256: str, entries: list[Entry]) -> tuple[set[int], list[ReadObject]]:
        """Read one object, and return which of the entries that are a slice of it are right."""
        try:
            body = memoryview(self._vault.read(sha256))
        except DamagedError as error:
            return set(), [(sha256, _kind_of(error), 0)]
        return {_number_of(entry) for entry in entries if _is_in(body, entry)}, [(sha256, None, len(body))]

    def _read_entry(self, entry: Entry) -> tuple[set[int], list[ReadObject]]:
        """Read the objects of an entry of several slices one after the other, and return whether it is right."""
        digest = hashlib.sha256()
        found: list[ReadObject] = []
        for piece in entry.slices:
            try:
                body = self._vault.read(piece.sha256)
            except DamagedError as error:
                found.append((piece.sha256, _kind_of(error), 0))
                continue
            found.append((piece.sha256, None, len(body)))
            digest.update(body[piece.offset : piece.offset + piece.length])
        return {_number_of(entry)} if digest.hexdigest() == entry.sha256 else set(), found


def _is_in(body: memoryview, entry: Entry) -> bool:
    [piece] = entry.slices
    found = body[piece.offset : piece.offset + piece.length]
    return len(found) == entry.size and hashlib.sha256(found).hexdigest() == entry.sha256


def _number_of(entry: Entry) -> int:
    """Return a number for the bytes of an entry and where they are."""
    return hash((entry.sha256, entry.size, entry.slices))


def _first_bad(entry: Entry, bad: Mapping[str, Damage]) -> str:
    return next((each.sha256 for each in entry.slices if each.sha256 in bad), entry.slices[0].sha256)


def _kind_of(error: Exception) -> Damage:
    return "missing" if isinstance(error, MissingError) else "damaged"

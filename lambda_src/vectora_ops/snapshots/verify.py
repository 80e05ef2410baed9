"""Verification of snapshots: all bytes that they need are read again and compared with their digests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from vectora_ops.progress import Advance, Observer
from vectora_ops.snapshots.index import ComponentTotals, Entry, entries_of
from vectora_ops.snapshots.manifest import (
    COMPONENTS,
    Component,
    ComponentRecord,
    DamagedError,
    Manifest,
    MissingError,
    NoSnapshotError,
    readme,
)
from vectora_ops.snapshots.vault import (
    MANIFEST,
    OBJECTS,
    PINNED,
    PROGRESS,
    README,
    SNAPSHOTS,
    Vault,
    references_in,
)
from vectora_shared.errors import VectoraError

# Each reader holds one vault object of at most 8 MiB in memory.
READERS = 8


Damage = Literal["damaged", "missing"]
ProblemKind = Literal["damaged", "missing", "extra"]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A problem of a vault. `name` is a key of the vault, or a component with a path in it."""

    kind: ProblemKind
    name: str
    detail: str


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
    """Vault objects that were read in this verification, so that each is read once for all snapshots."""

    bad: dict[str, Damage] = field(default_factory=dict)
    good: set[str] = field(default_factory=set)
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
    """Verify all complete snapshots; the last result, named after the bucket, has objects that no snapshot needs."""
    checked = CheckedObjects()
    complete = [files.name for files in vault.snapshots() if files.is_complete]
    found = []
    for name in complete:
        # One that was deleted meanwhile is no part of the vault any more.
        with contextlib.suppress(NoSnapshotError):
            found.append(verify_snapshot(vault, name, observer=observer, checked=checked))
    if unreferenced := _unreferenced_objects(vault):
        found.append(
            Verification(snapshot=vault.bucket, components=(), entries=0, objects=0, bytes=0, problems=unreferenced)
        )
    return tuple(found)


def _unreferenced_objects(vault: Vault) -> tuple[Problem, ...]:
    before = vault.lease_mark()
    needed: set[str] = set()
    for files in vault.snapshots():
        try:
            needed |= vault.needed_objects(files)
        except (DamagedError, NoSnapshotError):
            # The problem is reported with its snapshot. The objects that it needs are unknown, so none is unreferenced.
            return ()
    extra = [found.sha256 for found in vault.objects() if found.sha256 not in needed]
    if extra and (before is None or before != vault.lease_mark()):
        # Another operation is changing the vault: it stores objects before the snapshot that needs them.
        return ()
    return tuple(
        Problem(kind="extra", name=OBJECTS + sha256, detail="no snapshot needs it; prune deletes it")
        for sha256 in extra
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
            manifest = self._vault.manifest(self._name)
        except DamagedError as error:
            self._problem("damaged", f"{SNAPSHOTS}{self._name}/{MANIFEST}", str(error))
        else:
            self._files(manifest)
            needed = self._references(manifest)
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

    def _problem(self, kind: ProblemKind, name: str, detail: str) -> None:
        self._problems.append(Problem(kind=kind, name=name, detail=detail))

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
            try:
                body = self._vault.read(part.index)
            except DamagedError as error:
                self._problem(
                    _kind_of(error), OBJECTS + part.index, f"index of {component}, {part.first} to {part.last}"
                )
                complete = False
                continue
            part_entries = [entry for entry, _ in entries_of(body)]
            self._slices(component, part_entries, needed)
            for entry in part_entries:
                if entry.path <= previous:
                    complete = False
                previous = entry.path
                totals.add(entry)
            self._observer.advance(Advance(component, totals.entries, totals.bytes, self._checked.bytes))
        self._entries += totals.entries
        counted = (totals.digest, totals.entries, totals.bytes)
        if complete and counted != (record.digest, record.entries, record.bytes):
            self._problem("damaged", f"{component}", "its index does not match the manifest")
        return needed

    def _slices(self, component: Component, entries: list[Entry], needed: set[str]) -> None:
        slices = {each.sha256 for entry in entries for each in entry.slices}
        needed |= slices
        self._read(slices - self._checked.good - self._checked.bad.keys())
        for entry in entries:
            bad = [each.sha256 for each in entry.slices if each.sha256 in self._checked.bad]
            if bad and (kind := self._kind_of_entry(entry)):
                self._problem(kind, f"{component}: {entry.path}", f"stored in {OBJECTS}{bad[0]}")

    def _kind_of_entry(self, entry: Entry) -> Damage | None:
        """Return how an entry is affected by a damaged object, None when the bytes of the entry are intact."""
        try:
            self._vault.bytes_of(entry)
        except VectoraError as error:
            return _kind_of(error)
        return None

    def _read(self, sha256s: Iterable[str]) -> None:
        with ThreadPoolExecutor(READERS) as pool:
            for sha256, kind, size in pool.map(self._read_one, sorted(sha256s)):
                self._checked.bytes += size
                if kind is None:
                    self._checked.good.add(sha256)
                else:
                    self._checked.bad[sha256] = kind
                    self._problem(kind, OBJECTS + sha256, "bytes of the snapshot")

    def _read_one(self, sha256: str) -> tuple[str, Damage | None, int]:
        try:
            return sha256, None, len(self._vault.read(sha256))
        except DamagedError as error:
            return sha256, _kind_of(error), 0


def _kind_of(error: Exception) -> Damage:
    return "missing" if isinstance(error, MissingError) else "damaged"

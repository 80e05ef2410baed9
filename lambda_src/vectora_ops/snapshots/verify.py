"""Verification: every byte that a snapshot needs is read again and compared with the digests it was stored under."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from vectora_ops.progress import Advance, Observer
from vectora_ops.snapshots.index import ComponentDigest, Entry, entries_of
from vectora_ops.snapshots.manifest import (
    COMPONENTS,
    Component,
    ComponentRecord,
    DamagedError,
    Manifest,
    MissingError,
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
)
from vectora_shared.errors import VectoraError

# Each holds one vault object of at most 8 MiB.
READERS = 8


@dataclass(frozen=True, kw_only=True)
class Problem:
    """`name` is a key of the vault, or a path in the snapshot with its component."""

    kind: Literal["damaged", "missing", "extra"]
    name: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Verification:
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
class Checked:
    """Vault objects that were read in this verification, so that snapshots that share them share the reading."""

    bad: dict[str, Literal["damaged", "missing"]] = field(default_factory=dict)
    good: set[str] = field(default_factory=set)
    bytes: int = 0


def verify_snapshot(
    vault: Vault,
    name: str,
    components: tuple[Component, ...] = COMPONENTS,
    *,
    observer: Observer | None = None,
    checked: Checked | None = None,
) -> Verification:
    """Read a snapshot's bytes again; raises VectoraError when there is no complete snapshot of that name here."""
    return _Verifier(vault, name, components, observer or Observer(), checked or Checked()).run()


def verify_vault(vault: Vault, *, observer: Observer | None = None) -> tuple[Verification, ...]:
    """Every complete snapshot, and last, under the name of the bucket, what belongs to none."""
    checked = Checked()
    complete = [files.name for files in vault.snapshots() if files.is_complete]
    found = [verify_snapshot(vault, name, observer=observer, checked=checked) for name in complete]
    strays = Verification(
        snapshot=vault.bucket, components=(), entries=0, objects=0, bytes=0, problems=tuple(_strays(vault, complete))
    )
    return (*found, *([strays] if strays.problems else []))


def _strays(vault: Vault, complete: list[str]) -> Iterator[Problem]:
    needed: set[str] = set()
    for files in vault.snapshots():
        try:
            if files.name in complete:
                manifest = vault.manifest(files.name)
                needed |= vault.references(manifest).keys() | {manifest.references}
            elif progress := vault.progress(files.name):
                needed |= progress.stored.keys()
        except DamagedError:
            # Reported with its snapshot; what it needs is not known, so nothing can be called a stray.
            return
    for found in vault.objects():
        if found.sha256 not in needed:
            yield Problem(kind="extra", name=OBJECTS + found.sha256, detail="no snapshot needs it; prune removes it")


class _Verifier:
    def __init__(
        self, vault: Vault, name: str, components: tuple[Component, ...], observer: Observer, checked: Checked
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
        return Verification(
            snapshot=self._name,
            components=self._components,
            entries=self._entries,
            objects=len(needed),
            bytes=self._checked.bytes - self._bytes_before,
            problems=tuple(self._problems),
        )

    def _problem(self, kind: Literal["damaged", "missing", "extra"], name: str, detail: str) -> None:
        self._problems.append(Problem(kind=kind, name=name, detail=detail))

    def _files(self, manifest: Manifest) -> None:
        """The folder holds what it should, the page for people says what the manifest says."""
        folder = f"{SNAPSHOTS}{self._name}/"
        page = self._vault.file(self._name, README)
        if page is None:
            self._problem("missing", folder + README, "the page for people is gone")
        elif page != readme(manifest):
            self._problem("damaged", folder + README, "it does not say what the manifest says")
        try:
            self._vault.pin(self._name)
        except DamagedError as error:
            self._problem("damaged", folder + PINNED, str(error))
        files = next(each.files for each in self._vault.snapshots() if each.name == self._name)
        for file in sorted(files - {MANIFEST, README, PINNED, PROGRESS}):
            self._problem("extra", folder + file, "it is no file of a snapshot")

    def _references(self, manifest: Manifest) -> set[str]:
        needed: set[str] = set()
        listed = self._listed(manifest)
        whole = self._components == COMPONENTS
        for component in self._components:
            needed |= self._component(component, manifest.components[component])
        if whole and listed is not None:
            for sha256 in sorted(needed ^ listed):
                kind: Literal["extra", "missing"] = "missing" if sha256 in needed else "extra"
                self._problem(kind, OBJECTS + sha256, "the list of references and the indexes do not agree on it")
        return needed | {manifest.references}

    def _listed(self, manifest: Manifest) -> set[str] | None:
        try:
            return set(self._vault.references(manifest))
        except DamagedError as error:
            self._problem(_kind_of(error), OBJECTS + manifest.references, "the list of references")
            return None

    def _component(self, component: Component, record: ComponentRecord) -> set[str]:
        """The vault objects that a component needs; its entries are checked against the record."""
        digest, entries, size = ComponentDigest(), 0, 0
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
                entries, size = entries + 1, size + entry.size
                if not entry.informative:
                    digest.add(entry.path, entry.sha256, entry.size)
            self._observer.advance(Advance(component, entries, size, self._checked.bytes))
        self._entries += entries
        if complete and (digest.hexdigest(), entries, size) != (record.digest, record.entries, record.bytes):
            self._problem("damaged", f"{component}", "its index does not agree with the manifest")
        return needed

    def _slices(self, component: Component, entries: list[Entry], needed: set[str]) -> None:
        slices = {each.sha256 for entry in entries for each in entry.slices}
        needed |= slices
        self._read(slices - self._checked.good - self._checked.bad.keys())
        for entry in entries:
            bad = [each.sha256 for each in entry.slices if each.sha256 in self._checked.bad]
            if bad and (kind := self._kind_of_entry(entry)):
                self._problem(kind, f"{component}: {entry.path}", f"stored in {OBJECTS}{bad[0]}")

    def _kind_of_entry(self, entry: Entry) -> Literal["damaged", "missing"] | None:
        """What the damage of a shared object means for this entry; None when its own bytes are whole."""
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

    def _read_one(self, sha256: str) -> tuple[str, Literal["damaged", "missing"] | None, int]:
        try:
            return sha256, None, len(self._vault.read(sha256))
        except DamagedError as error:
            return sha256, _kind_of(error), 0


def _kind_of(error: Exception) -> Literal["damaged", "missing"]:
    return "missing" if isinstance(error, MissingError) else "damaged"

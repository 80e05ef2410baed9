"""Taking of a snapshot: unchanged items cost a listing, all others are copied and read back."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_ops.progress import Advance, Clock, Deadline, Observer, OutOfTimeError, never, utc_now
from vectora_ops.snapshots.anchors import ask_for_anchor
from vectora_ops.snapshots.component_writer import ComponentWriter
from vectora_ops.snapshots.components import component_source
from vectora_ops.snapshots.index import ComponentTotals, entries_of
from vectora_ops.snapshots.items import DataScope
from vectora_ops.snapshots.lease import Lease
from vectora_ops.snapshots.manifest import (
    COMPONENTS,
    SCHEMA,
    Component,
    DamagedError,
    Manifest,
    Occasion,
    OpenComponent,
    Pin,
    Progress,
    Release,
    readme,
    sealed,
    snapshot_name,
    to_bytes,
)
from vectora_ops.snapshots.packing import CHECKPOINT_BYTES
from vectora_ops.snapshots.used_objects import UsedObjects
from vectora_ops.snapshots.vault import MANIFEST, PINNED, PROGRESS, README, SnapshotFiles, Vault
from vectora_ops.unknown_names import unknown_name
from vectora_shared.errors import VectoraError

# Few, because the allocator of each thread keeps memory for the largest objects that the thread ever stored. With as
# many as there are readers, a snapshot of 100,000 files took 270 MiB; with four, 123 MiB in the same time.
STORERS = 4
# Reads wait for S3, about 20 ms each. With more readers, one CPU spends the gain on switching between them.
READERS = 64
# Objects of so many snapshots are not stored again. The last snapshot alone is not enough: it may describe an
# environment that was broken or deleted, as the snapshots do that rollbacks take.
TRUSTED_SNAPSHOTS = 5
# An interrupted snapshot of few bytes loses at most the copying of this time and of one component.
SAVED_AFTER_SECONDS = 10.0
STEPS = ("lease", "begin", *COMPONENTS, "recheck", "references", "lock", "readme", "manifest", "anchor", "finish")


def _without_pin(manifest: Manifest) -> str | None:
    return None


class NameTakenError(VectoraError):
    """A complete snapshot has the name, which ends with the second."""


@dataclass(frozen=True, kw_only=True)
class SnapshotRequest:
    """Request for a snapshot.

    `resume` names an interrupted snapshot to finish; all other fields except `owner` are then those it began with.
    `data_scope` is the scope of an earlier snapshot: all data is copied that a rollback to that snapshot would change.
    `pin_reason` returns why the snapshot is pinned before it is complete, None to leave it without a pin.
    """

    label: str
    occasion: Occasion
    data: DataScope = "last"
    data_scope: Mapping[str, str] | None = None
    resume: str | None = None
    owner: str | None = None  # may resume under its own lease, such as a retried invocation
    pin_reason: Callable[[Manifest], str | None] = _without_pin


def take_snapshot(
    account: Account,
    names: Names,
    request: SnapshotRequest,
    *,
    lease: Lease | None = None,
    vault: Vault | None = None,
    environment: Environment | None = None,
    observer: Observer | None = None,
    deadline: Deadline = never,
    clock: Clock = utc_now,
) -> Manifest:
    """Take a snapshot of an environment, or finish one; the result is complete and every byte of it was read back.

    Its name and its times are S3's; `clock` is the machine's, for the lease. An operation that already holds the
    environment passes its `lease`, and what it has read under it: its `vault` and `environment`. Raises BusyError when
    another operation holds it, OutOfTimeError at the deadline (resume then), and VectoraError when the environment
    changes meanwhile.
    """
    observer = observer or Observer()
    vault = vault or Vault(account, names)
    now = vault.now()
    name = request.resume or snapshot_name(request.label, now)
    with contextlib.ExitStack() as stack:
        observer.step("lease")
        if lease is None:
            lease = Lease(account, names, operation="snapshot", subject=name, owner=request.owner, clock=clock)
            stack.enter_context(lease)
            if request.owner and lease.predecessor and lease.predecessor.owner == request.owner:
                name = lease.predecessor.subject
                request = replace(request, resume=name)
        readers = stack.enter_context(ThreadPoolExecutor(READERS))
        storers = stack.enter_context(ThreadPoolExecutor(STORERS))
        objects = UsedObjects(vault, storers)
        state = environment or Environment(account, names)
        return _Taking(state, vault, request, name, now, lease, observer, deadline, readers, objects).run()


@dataclass
class _Taking:
    """One snapshot being taken."""

    environment: Environment
    vault: Vault
    request: SnapshotRequest
    name: str
    now: datetime  # S3's time when it began
    lease: Lease
    observer: Observer
    deadline: Deadline
    readers: ThreadPoolExecutor
    objects: UsedObjects
    progress: Progress = field(init=False)
    base: Manifest | None = None  # the last snapshot, when it is intact
    interrupted: bool = False
    # Written components whose last parts are not stored yet.
    unfinished: dict[Component, ComponentWriter] = field(default_factory=dict)
    saved_at: float = 0.0

    @property
    def names(self) -> Names:
        return self.environment.names

    def run(self) -> Manifest:
        self.observer.step("begin")
        snapshots = self.vault.snapshots()
        if (complete := self._completed_before(snapshots)) is not None:
            return complete
        self._begin(snapshots)
        for component in COMPONENTS:
            if component not in self.progress.done:
                self.observer.step(component)
                self._take(component)
        self._finish_components()
        self.observer.step("recheck")
        self._recheck()
        return self._complete()

    # --- the start

    def _completed_before(self, snapshots: Iterable[SnapshotFiles]) -> Manifest | None:
        """Return the manifest when the interruption left only the progress file to remove."""
        files = _files_of(self.name, snapshots)
        if MANIFEST not in files:
            if self.request.resume and PROGRESS not in files:
                interrupted = [each.name for each in snapshots if PROGRESS in each.files]
                where = f"to resume in {self.vault.bucket}"
                raise VectoraError(unknown_name("snapshot", self.name, interrupted, where=where))
            return None
        manifest = self.vault.manifest(self.name)
        if not self.request.resume:
            raise NameTakenError(f"Snapshot {self.name} exists already: wait a second, or choose another name.")
        if self.vault.anchors.of(self.name) is None:
            self._anchor()
        self.vault.hide_file(self.name, PROGRESS)
        return manifest

    def _begin(self, snapshots: Collection[SnapshotFiles]) -> None:
        if changing := self.environment.changing_stacks():
            raise VectoraError(
                f"Stack {changing[0]} is being changed by CloudFormation: a snapshot now would mix two states. "
                "Try again when it is done."
            )
        recent = self.vault.newest(TRUSTED_SNAPSHOTS, snapshots, now=self.now)
        trusted = self._trusted_objects(recent)
        interrupted = self.vault.progress(self.name) if PROGRESS in _files_of(self.name, snapshots) else None
        if interrupted:
            self.interrupted = True
            self.objects.added, self.objects.copied_bytes = dict(interrupted.stored), interrupted.copied_bytes
            trusted |= interrupted.stored
        present = {found.sha256: found.etag for found in self.vault.objects()} if trusted else {}
        self.objects.usable = {sha256: etag for sha256, etag in trusted.items() if present.get(sha256) == etag}
        control = _control(self.environment)
        if interrupted and interrupted.control == control and self._can_resume(interrupted):
            self.progress = interrupted
            return
        # An old interrupted snapshot may not match what is deployed now: only its vault objects are reused.
        self.progress = Progress(
            name=self.name,
            project=self.names.project,
            env=self.names.env,
            region=self.environment.account.region,
            started_at=self._start(recent),
            occasion=interrupted.occasion if interrupted else self.request.occasion,
            data=interrupted.data if interrupted else self.request.data,
            control=control,
        )
        self._save()

    def _start(self, recent: list[Manifest]) -> datetime:
        """Return S3's time, or a little later: it has whole seconds, and the newest snapshot must be the latest."""
        return max(self.now, recent[0].started_at + timedelta(microseconds=1)) if recent else self.now

    def _trusted_objects(self, recent: list[Manifest]) -> dict[str, str]:
        """Return the objects of the recent snapshots; sets `base` when the last one is intact."""
        trusted: dict[str, str] = {}
        for manifest in recent:
            # Objects of a damaged snapshot are not trusted: they are copied again, which repairs the vault.
            with contextlib.suppress(DamagedError):
                trusted |= self.vault.references(manifest)
                if manifest is recent[0]:
                    self.base = manifest
        return trusted

    def _can_resume(self, interrupted: Progress) -> bool:
        """Return whether all that the interrupted snapshot stored still exists; if so, mark it as needed.

        What an earlier version of the product began is begun again: it did not record what this version records.
        """
        if interrupted.schema_ != SCHEMA:
            return False
        parts = [part for record in interrupted.done.values() for part in record.parts]
        parts += interrupted.open.parts if interrupted.open else ()
        needed: set[str] = set()
        try:
            for part in parts:
                needed.add(part.index)
                for entry, _ in entries_of(self.vault.read(part.index)):
                    needed.update(each.sha256 for each in entry.slices)
        except DamagedError:
            return False
        if needed <= self.objects.usable.keys():
            self.objects.needed |= needed
            return True
        return False

    # --- one component

    def _take(self, component: Component) -> None:
        resumed = self.progress.open if self.progress.open and self.progress.open.component == component else None
        scope = resumed.scope if resumed else self.request.data_scope
        source = component_source(self.environment, component, data=self.progress.data, scope=scope, with_records=True)
        writer = ComponentWriter(
            vault=self.vault,
            objects=self.objects,
            readers=self.readers,
            source=source,
            component=resumed or OpenComponent(component=component, scope=dict(source.scope)),
            on_part=self._part_stored,
            renew=self.lease.renew,
        )
        writer.write(self.base.components.get(component) if self.base else None)
        self.unfinished[component] = writer
        self.lease.renew()
        is_late = self.deadline()
        if is_late or self._loses_much():
            self._finish_components()
            self._save()
        if is_late:
            raise OutOfTimeError(self.name)

    def _loses_much(self) -> bool:
        """Return whether an interruption would lose more than a few seconds of copying."""
        new_bytes = sum(writer.open_bytes for writer in self.unfinished.values())
        return new_bytes >= CHECKPOINT_BYTES or time.monotonic() - self.saved_at >= SAVED_AFTER_SECONDS

    def _finish_components(self) -> None:
        """Store the last part of each component that was written."""
        done = dict(self.progress.done)
        for component, writer in self.unfinished.items():
            done[component] = record = writer.finish()
            self.observer.advance(Advance(component, record.entries, record.bytes, self.objects.copied_bytes))
        self.unfinished.clear()
        self.progress = self.progress.model_copy(update={"done": done, "open": None})

    def _part_stored(self, component: OpenComponent, totals: ComponentTotals, more: bool) -> None:
        advance = Advance(component.component, totals.entries, totals.bytes, self.objects.copied_bytes)
        self.observer.advance(advance)
        self.lease.renew()
        if more:
            self._finish_components()
            self.progress = self.progress.model_copy(update={"open": component})
            self._save()
            if self.deadline():
                raise OutOfTimeError(self.name)

    def _save(self) -> None:
        counted = {"stored": dict(self.objects.added), "copied_bytes": self.objects.copied_bytes}
        self.progress = self.progress.model_copy(update=counted)
        self.vault.write_progress(self.progress)
        self.saved_at = time.monotonic()

    # --- the end

    def _recheck(self) -> None:
        if _control(self.environment.now()) != self.progress.control:
            raise VectoraError(
                f"Environment {self.names.env} was deployed or changed by hand while snapshot {self.name} was taken: "
                "it would mix two states. Take another one when no deployment is running."
            )

    def _complete(self) -> Manifest:
        self.observer.step("references")
        needed, usable = self.objects.needed, self.objects.usable
        lines = "".join(f"{sha256} {usable[sha256]}\n" for sha256 in sorted(needed))
        references = self.objects.finish(self.objects.store(lines.encode("ascii")), len(lines))
        self.observer.step("lock")
        locked_until = self._lock(references)
        progress = self.progress
        manifest = sealed(
            {
                **progress.model_dump(exclude={"control", "done", "open", "stored"}, by_alias=True),
                "copied_bytes": self.objects.copied_bytes,
                "completed_at": max(self.vault.now(), progress.started_at),
                "release": self._release(),
                "components": progress.done,
                "references": references,
                "vault_objects": len(needed) + 1,
                "locked_until": locked_until,
            }
        )
        self.observer.step("readme")
        self.vault.write_file(self.name, README, readme(manifest))
        if reason := self.request.pin_reason(manifest):
            pin = Pin(snapshot=self.name, reason=reason, pinned_at=manifest.completed_at)
            self.vault.write_file(self.name, PINNED, to_bytes(pin))
        self.observer.step("manifest")
        self.lease.confirm()
        self.vault.write_manifest(self.name, to_bytes(manifest))
        self.observer.step("anchor")
        self._anchor()
        self.observer.step("finish")
        self.vault.hide_file(self.name, PROGRESS)
        return manifest

    def _anchor(self) -> None:
        try:
            anchor = ask_for_anchor(self.environment.account, self.names, self.name)
        except VectoraError as error:
            raise VectoraError(
                f"Snapshot {self.name} has no anchor, so no rollback uses it: {error} Finish it (./vectora snapshot "
                f"create --env {self.names.env} --resume {self.name}), or take another one."
            ) from error
        self.vault.anchors.remember(anchor)

    def _lock(self, references: str) -> datetime | None:
        """Lock the reused objects for as long as the vault locks the new ones by its own rule."""
        if self.vault.lock_days is None:
            return None
        # An interrupted snapshot may have begun long ago. All its objects are locked here, until the same time.
        since = self.vault.now() if self.interrupted else self.progress.started_at
        # Whole seconds, as S3 reports them: with a fraction, the lock of the new objects would look too short.
        until = since.replace(microsecond=0) + timedelta(days=self.vault.lock_days)
        new = set() if self.interrupted else self.objects.new
        self.vault.lock((self.objects.needed | {references}) - new, until)
        return until

    def _release(self) -> Release | None:
        value = self.environment.release()
        try:
            return None if value is None else Release.model_validate_json(value)
        except ValueError:
            return None


def _files_of(name: str, snapshots: Iterable[SnapshotFiles]) -> frozenset[str]:
    return next((each.files for each in snapshots if each.name == name), frozenset())


def _control(environment: Environment) -> str:
    """Return a digest that differs after each deployment and each change by hand of what a snapshot describes.

    For stacks these are CloudFormation's own marks, which are read by one call each.
    """
    digest = hashlib.sha256()
    for name in environment.stack_names:
        digest.update(f"{name}\0{environment.last_change(name)}\n".encode())
    for component in ("functions", "layers", "release"):
        for item in component_source(environment, component).items():
            if not item.informative:
                digest.update(f"{component}\0{item.path}\0{item.sha256 or item.etag}\n".encode())
    return digest.hexdigest()

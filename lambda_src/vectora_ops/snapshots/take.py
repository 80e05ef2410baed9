"""Taking a snapshot: what is unchanged since the last one costs a listing, everything else is copied and read back."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_ops.progress import Advance, Clock, Deadline, Observer, OutOfTimeError, never, utc_now
from vectora_ops.snapshots.components import component_source
from vectora_ops.snapshots.index import ComponentDigest, Entry, OpenPart, Slice, side_by_side
from vectora_ops.snapshots.items import DataScope, Item, Source
from vectora_ops.snapshots.lease import Lease
from vectora_ops.snapshots.manifest import (
    COMPONENTS,
    Component,
    ComponentRecord,
    DamagedError,
    Manifest,
    Occasion,
    OpenComponent,
    Part,
    Progress,
    Release,
    readme,
    sealed,
    snapshot_name,
    to_bytes,
)
from vectora_ops.snapshots.packing import PACKED_BELOW_BYTES, Draft, PackFiller
from vectora_ops.snapshots.reading import Read, batches, checked_item, entry_of, read_ahead, same_item
from vectora_ops.snapshots.vault import CHUNK_BYTES, MANIFEST, PROGRESS, README, THREADS, Vault
from vectora_shared.errors import VectoraError

# Few, because each thread's allocator keeps the room of the largest objects that it ever stored: with as many as
# there are readers, a snapshot of 100,000 files took 270 MiB, with these 123 MiB, in the same time.
STORERS = 4
# The bytes of so many are not stored again. The last one alone would not do: it may be of an environment that was
# broken or gone, as those are that rollbacks take.
TRUSTED_SNAPSHOTS = 5
STEPS = ("lease", "begin", *COMPONENTS, "recheck", "references", "lock", "readme", "manifest", "finish")


@dataclass(frozen=True, kw_only=True)
class SnapshotRequest:
    """`resume` names an interrupted snapshot to finish; then all of this but `owner` is as it was begun.

    `data_scope` is an earlier snapshot's: then all data is taken that a rollback to that snapshot would change.
    """

    label: str
    occasion: Occasion
    data: DataScope = "last"
    data_scope: Mapping[str, str] | None = None
    resume: str | None = None
    owner: str | None = None  # who may come back to a lease of its own, such as an invocation that is retried


def take_snapshot(
    account: Account,
    names: Names,
    request: SnapshotRequest,
    *,
    lease: Lease | None = None,
    observer: Observer | None = None,
    deadline: Deadline = never,
    clock: Clock = utc_now,
) -> Manifest:
    """Take a snapshot of an environment, or finish one; the result is complete and every byte of it was read back.

    `lease` is given by an operation that holds the environment already. Raises BusyError when another operation does,
    OutOfTimeError when `deadline` says so (resume then), VectoraError when the environment changes meanwhile.
    """
    observer = observer or Observer()
    vault = Vault(account, names)
    name = request.resume or snapshot_name(request.label, clock())
    with ExitStack() as stack:
        observer.step("lease")
        if lease is None:
            lease = Lease(account, names, operation="snapshot", subject=name, owner=request.owner, clock=clock)
            stack.enter_context(lease)
            if request.owner and lease.predecessor and lease.predecessor.owner == request.owner:
                name = lease.predecessor.subject
                request = replace(request, resume=name)
        readers = stack.enter_context(ThreadPoolExecutor(THREADS))
        storers = stack.enter_context(ThreadPoolExecutor(STORERS))
        taker = Taker(account, names, vault, request, name, lease, observer, deadline, clock, readers, storers)
        return taker.run()


class Taker:
    """One snapshot being taken."""

    def __init__(
        self,
        account: Account,
        names: Names,
        vault: Vault,
        request: SnapshotRequest,
        name: str,
        lease: Lease,
        observer: Observer,
        deadline: Deadline,
        clock: Clock,
        readers: ThreadPoolExecutor,
        storers: ThreadPoolExecutor,
    ) -> None:
        self._account = account
        self._names = names
        self._vault = vault
        self._request = request
        self._name = name
        self._lease = lease
        self._observer = observer
        self._deadline = deadline
        self._clock = clock
        self._readers = readers
        self._storers = storers
        self._environment = Environment(account, names)
        self._base: Manifest | None = None
        # Vault objects that may be referred to: SHA-256 and ETag.
        self._usable: dict[str, str] = {}
        self._needed: set[str] = set()
        self._stored: dict[str, str] = {}
        self._copied_bytes = 0
        self._interrupted = False
        # Files by content, so that a function's code that lies among the stack's assets is not stored twice.
        self._by_content: dict[str, tuple[Slice, ...]] = {}

    def run(self) -> Manifest:
        self._observer.step("begin")
        if (complete := self._completed_before()) is not None:
            return complete
        self._begin()
        for component in COMPONENTS:
            if component not in self._progress.done:
                self._observer.step(component)
                self._take(component)
                self._stop_in_time()
        self._observer.step("recheck")
        self._recheck()
        return self._complete()

    def _completed_before(self) -> Manifest | None:
        """The manifest, when all that is left of an interruption is the progress file."""
        if self._vault.file(self._name, MANIFEST) is None:
            if self._request.resume and self._vault.progress(self._name) is None:
                raise VectoraError(
                    f"There is no snapshot {self._name} to resume in {self._vault.bucket}: "
                    f"./vectora snapshot list --env {self._names.env} shows which there are."
                )
            return None
        manifest = self._vault.manifest(self._name)
        if not self._request.resume:
            raise VectoraError(f"Snapshot {self._name} exists already: wait a second, or choose another name.")
        self._vault.hide_file(self._name, PROGRESS)
        return manifest

    def _begin(self) -> None:
        if moving := self._environment.moving_stacks():
            raise VectoraError(
                f"Stack {moving[0]} is being changed by CloudFormation: a snapshot now would mix two states. "
                "Try again when it is done."
            )
        recent = self._vault.newest(TRUSTED_SNAPSHOTS)
        self._base = recent[0] if recent else None
        present = {found.sha256: found.etag for found in self._vault.objects()}
        trusted: dict[str, str] = {}
        for manifest in recent:
            try:
                trusted |= self._vault.references(manifest)
            except DamagedError:
                # Nothing of it is taken over: what it holds is copied again, which is what such a vault needs.
                self._base = None if manifest is self._base else self._base
        interrupted = self._vault.progress(self._name)
        if interrupted:
            self._interrupted = True
            self._stored, self._copied_bytes = dict(interrupted.stored), interrupted.copied_bytes
            trusted |= interrupted.stored
        self._usable = {sha256: etag for sha256, etag in trusted.items() if present.get(sha256) == etag}
        control = self._control(self._environment)
        if interrupted and interrupted.control == control and self._can_go_on(interrupted):
            self._progress = interrupted
            return
        # What was interrupted long ago may not fit what is deployed now: its bytes are reused, its entries taken anew.
        self._progress = Progress(
            name=self._name,
            project=self._names.project,
            env=self._names.env,
            region=self._account.region,
            started_at=self._clock(),
            occasion=interrupted.occasion if interrupted else self._request.occasion,
            data=interrupted.data if interrupted else self._request.data,
            control=control,
        )
        self._save()

    def _can_go_on(self, interrupted: Progress) -> bool:
        """Whether all that the interrupted snapshot stored is still there; notes what it needs."""
        parts = [part for record in interrupted.done.values() for part in record.parts]
        parts += interrupted.open.parts if interrupted.open else ()
        try:
            for part in parts:
                self._needed.add(part.index)
                for line in self._vault.read(part.index).splitlines():
                    self._needed.update(each.sha256 for each in Entry.of_line(line).slices)
        except DamagedError:
            self._needed.clear()
            return False
        if self._needed <= self._usable.keys():
            return True
        self._needed.clear()
        return False

    # --- one component

    def _take(self, component: Component) -> None:
        resumed = self._progress.open if self._progress.open and self._progress.open.component == component else None
        scope = resumed.scope if resumed else self._request.data_scope
        source = component_source(self._environment, component, data=self._progress.data, scope=scope)
        opened = resumed or OpenComponent(component=component, scope=dict(source.scope))
        after = opened.parts[-1].last if opened.parts else ""
        digest, entries, size = self._count(opened)
        filling = PackFiller(self.store)
        base = self._base.components.get(component) if self._base else None
        pairs = side_by_side(
            read_ahead((item.path, item) for item in source.items(after)),
            ((entry.path, (entry, line)) for entry, line in self._trusted_entries(base, after)),
        )
        present = ((item, known) for _, item, known in pairs if item is not None)
        for batch in batches(present):
            for draft in self._batch(source, batch, filling):
                filling.add(draft)
            while filling.is_full:
                opened, size, entries = self._close_part(opened, filling, digest, size, entries)
        while filling.drafts:
            opened, size, entries = self._close_part(opened, filling, digest, size, entries)
        record = ComponentRecord(
            digest=digest.hexdigest(), entries=entries, bytes=size, scope=opened.scope, parts=opened.parts
        )
        self._progress = self._progress.model_copy(
            update={"done": {**self._progress.done, component: record}, "open": None}
        )
        self._save()
        self._observer.advance(Advance(component, entries, size, self._copied_bytes))

    def _trusted_entries(self, base: ComponentRecord | None, after: str) -> Iterator[tuple[Entry, bytes]]:
        try:
            yield from self._vault.entries(base, after)
        except DamagedError:
            # The rest of this component is copied anew.
            return

    def _count(self, opened: OpenComponent) -> tuple[ComponentDigest, int, int]:
        """Digest, number and bytes of the entries of parts that were stored before an interruption."""
        digest, entries, size = ComponentDigest(), 0, 0
        for part in opened.parts:
            for line in self._vault.read(part.index).splitlines():
                entry = Entry.of_line(line)
                entries, size = entries + 1, size + entry.size
                if not entry.informative:
                    digest.add(entry.path, entry.sha256, entry.size)
        return digest, entries, size

    def _batch(
        self, source: Source, batch: list[tuple[Item, tuple[Entry, bytes] | None]], filling: PackFiller
    ) -> Iterator[Draft]:
        small = [item for item, known in batch if self._must_read(item, known) and item.size <= CHUNK_BYTES]
        bodies = dict(zip((item.path for item in small), self._readers.map(Read(source), small), strict=True))
        for item, known in batch:
            if known and same_item(item, known[0]) and self._has(known[0].slices):
                yield self._unchanged(item, *known)
            elif item.path in bodies:
                yield self._small(item, known[0] if known else None, *bodies.pop(item.path), filling)
            elif (slices := self._by_content.get(item.sha256 or "")) is not None:
                yield Draft(replace(entry_of(item), slices=slices))
            else:
                yield self._large(source, item)

    def _must_read(self, item: Item, known: tuple[Entry, bytes] | None) -> bool:
        if known and same_item(item, known[0]) and self._has(known[0].slices):
            return False
        return item.sha256 not in self._by_content or item.body is not None

    def _has(self, slices: tuple[Slice, ...]) -> bool:
        return all(each.sha256 in self._usable for each in slices)

    def _unchanged(self, item: Item, entry: Entry, line: bytes) -> Draft:
        same_stamp = item.etag is not None and (item.origin, item.informative) == (entry.origin, entry.informative)
        if same_stamp:
            return Draft(entry, line=line)
        return Draft(replace(entry_of(item), slices=entry.slices))

    def _small(self, item: Item, known: Entry | None, entry: Entry, body: bytes, filling: PackFiller) -> Draft:
        if known and known.sha256 == entry.sha256 and self._has(known.slices):
            return Draft(replace(entry, slices=known.slices))
        if (slices := self._by_content.get(entry.sha256)) is not None:
            return Draft(replace(entry, slices=slices))
        if not body:
            return Draft(entry)
        if len(body) < PACKED_BELOW_BYTES:
            pack = filling.pack_for(body)
            return Draft(entry, pack=pack, offset=pack.add(body))
        return Draft(entry, stored=[self.store(body)])

    def _large(self, source: Source, item: Item) -> Draft:
        """Chunk by chunk, two of them in memory."""
        opened = source.open(item)
        digest, size = hashlib.sha256(), 0
        stored: deque[Future[tuple[str, str]]] = deque()
        for chunk in opened.chunks:
            digest.update(chunk)
            size += len(chunk)
            if stored:
                stored[-1].result()
            stored.append(self.store(chunk))
            self._lease.renew()
        entry = checked_item(item, digest.hexdigest(), size)
        entry = replace(entry, version_id=opened.version_id, content_type=opened.content_type)
        return Draft(entry, stored=list(stored))

    def store(self, body: bytes) -> Future[tuple[str, str]]:
        """Store bytes unless the vault has them."""
        sha256 = hashlib.sha256(body).hexdigest()
        if sha256 in self._usable:
            known: Future[tuple[str, str]] = Future()
            known.set_result((sha256, self._usable[sha256]))
            return known
        return self._storers.submit(self._vault.store, body)

    def _close_part(
        self, opened: OpenComponent, filling: PackFiller, digest: ComponentDigest, size: int, entries: int
    ) -> tuple[OpenComponent, int, int]:
        part = OpenPart()
        for draft in filling.take():
            entry, line = self._finished(draft)
            part.add(entry.path, line)
            size, entries = size + entry.size, entries + 1
            self._needed.update(each.sha256 for each in entry.slices)
            if not entry.informative:
                digest.add(entry.path, entry.sha256, entry.size)
            if opened.component in ("stacks", "functions"):
                self._by_content[entry.sha256] = entry.slices
        index = self._note_stored(self.store(part.body()), len(part.body()))
        self._needed.add(index)
        stored = Part(index=index, first=part.first, last=part.last, entries=len(part.lines))
        opened = opened.model_copy(update={"parts": (*opened.parts, stored)})
        self._progress = self._progress.model_copy(update={"open": opened})
        self._observer.advance(Advance(opened.component, entries, size, self._copied_bytes))
        self._checkpoint(more=bool(filling.drafts))
        return opened, size, entries

    def _finished(self, draft: Draft) -> tuple[Entry, bytes]:
        """The entry with its slices, all of whose bytes are stored and were read back."""
        if draft.line is not None:
            return draft.entry, draft.line
        entry = draft.entry
        if draft.pack is not None:
            assert draft.pack.stored is not None  # noqa: S101
            sha256 = self._note_stored(draft.pack.stored, draft.pack.size)
            entry = replace(entry, slices=(Slice(sha256, draft.offset, entry.size),))
        elif draft.stored:
            lengths = [CHUNK_BYTES] * (len(draft.stored) - 1)
            lengths.append(entry.size - sum(lengths))
            slices = (
                Slice(self._note_stored(stored, length), 0, length)
                for stored, length in zip(draft.stored, lengths, strict=True)
            )
            entry = replace(entry, slices=tuple(slices))
        return entry, entry.line()

    def _note_stored(self, stored: Future[tuple[str, str]], size: int) -> str:
        sha256, etag = stored.result()
        if sha256 not in self._usable:
            self._usable[sha256] = self._stored[sha256] = etag
            self._copied_bytes += size
        return sha256

    def _checkpoint(self, *, more: bool) -> None:
        self._lease.renew()
        if more:
            self._save()
            self._stop_in_time()

    def _stop_in_time(self) -> None:
        if self._deadline():
            raise OutOfTimeError(self._name)

    def _save(self) -> None:
        kept = {"stored": dict(self._stored), "copied_bytes": self._copied_bytes}
        self._progress = self._progress.model_copy(update=kept)
        self._vault.write_file(self._name, PROGRESS, to_bytes(self._progress))

    # --- the end

    def _control(self, environment: Environment) -> str:
        """Digest of what deployments change, read anew."""
        digest = hashlib.sha256()
        for component in ("stacks", "functions", "layers", "release"):
            for item in component_source(environment, component).items():
                if not item.informative:
                    digest.update(f"{component}\0{item.path}\0{item.sha256 or item.etag}\n".encode())
        return digest.hexdigest()

    def _recheck(self) -> None:
        if self._control(Environment(self._account, self._names)) != self._progress.control:
            raise VectoraError(
                f"Environment {self._names.env} was deployed or changed by hand while snapshot {self._name} was taken: "
                "it would mix two states. Take another one when nobody deploys."
            )

    def _complete(self) -> Manifest:
        self._observer.step("references")
        lines = "".join(f"{sha256} {self._usable[sha256]}\n" for sha256 in sorted(self._needed))
        references = self._note_stored(self.store(lines.encode("ascii")), len(lines))
        self._observer.step("lock")
        locked_until = self._lock(references)
        progress = self._progress
        manifest = sealed(
            {
                **progress.model_dump(exclude={"control", "done", "open", "stored"}, by_alias=True),
                "copied_bytes": self._copied_bytes,
                "completed_at": self._clock(),
                "release": self._release(),
                "components": progress.done,
                "references": references,
                "vault_objects": len(self._needed) + 1,
                "locked_until": locked_until,
            }
        )
        self._observer.step("readme")
        self._vault.write_file(self._name, README, readme(manifest))
        self._observer.step("manifest")
        self._lease.confirm()
        self._vault.write_file(self._name, MANIFEST, to_bytes(manifest))
        self._observer.step("finish")
        self._vault.hide_file(self._name, PROGRESS)
        return manifest

    def _lock(self, references: str) -> datetime | None:
        """Lock what older snapshots brought for as long as what this one brought is locked anyway."""
        if self._vault.lock_days is None:
            return None
        # To the second, as S3 tells it: a fraction would look like a lock that is too short.
        until = self._progress.started_at.replace(microsecond=0) + timedelta(days=self._vault.lock_days)
        fresh = set() if self._interrupted else self._stored.keys()
        self._vault.lock((self._needed | {references}) - fresh, until)
        return until

    def _release(self) -> Release | None:
        value = self._environment.release()
        try:
            return None if value is None else Release.model_validate_json(value)
        except ValueError:
            return None

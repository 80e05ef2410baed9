"""Retention policy of snapshots, and deletion of expired snapshots and of objects that no snapshot references."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.progress import Advance, Clock, Observer, utc_now
from vectora_ops.snapshots.anchors import ask_to_forget
from vectora_ops.snapshots.catalog import SnapshotSummary, list_snapshots
from vectora_ops.snapshots.lease import Lease
from vectora_ops.snapshots.manifest import is_from_the_future
from vectora_ops.snapshots.vault import MANIFEST, PROGRESS, Vault

STEPS = ("lease", "decide", "hide", "remove", "mark", "sweep", "forget")
DELETION_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Retention policy. `keep_last` None keeps all complete snapshots; nothing below the minimum age is deleted."""

    keep_last: int | None
    minimum_age_days: int


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Decision about one snapshot, with the reason for people."""

    name: str
    remove: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """Result of pruning. `still_locked` counts versions and objects that Object Lock retains: prune again later."""

    decisions: tuple[Decision, ...]
    dry_run: bool
    removed_snapshots: int
    removed_objects: int
    removed_bytes: int
    still_locked: int


def decide(
    listed: Sequence[SnapshotSummary], policy: Policy, now: datetime, *, needed: Collection[str] = ()
) -> tuple[Decision, ...]:
    """Decide about each snapshot by the policy; `listed` is oldest first, `now` is S3's time.

    `needed` are snapshots that an interrupted operation goes on with.
    """
    complete = [
        each.name
        for each in listed
        # One without an anchor takes no other's place: a writer of the vault may have made any number of them.
        if each.state == "complete" and each.trusted and not is_from_the_future(each.name, each.started_at, now)
    ]
    last = set(complete[-policy.keep_last :]) if policy.keep_last else set(complete)
    newest = complete[-1:] or [""]
    return tuple(
        Decision(name=each.name, remove=False, reason="an interrupted operation needs it")
        if each.name in needed and each.state == "complete"
        else _decide(each, policy, now, is_newest=each.name == newest[0], is_among_last=each.name in last)
        for each in listed
    )


def _decide(each: SnapshotSummary, policy: Policy, now: datetime, *, is_newest: bool, is_among_last: bool) -> Decision:
    def keep(reason: str) -> Decision:
        return Decision(name=each.name, remove=False, reason=reason)

    # A snapshot gets its pin before it is complete, and may then be abandoned.
    if each.pinned and each.state != "incomplete":
        return keep("pinned")
    if each.state == "damaged":
        return keep("damaged: check it with snapshot verify")
    if each.state == "leftover":
        return Decision(name=each.name, remove=True, reason="left over from an interrupted deletion")
    if is_newest:
        return keep("the last complete snapshot")
    if each.state == "complete" and is_from_the_future(each.name, each.started_at, now):
        return keep("from the future: a machine with a wrong clock took it")
    # S3's time of the snapshot counts. A machine whose clock is years behind would give it too old a name.
    taken_at = each.stored_at or each.started_at
    # A `Date` has whole seconds, a `LastModified` may be a fraction later.
    age = max(timedelta(), now - taken_at) if taken_at else timedelta()
    if age < timedelta(days=policy.minimum_age_days):
        return keep(f"younger than {policy.minimum_age_days} days")
    if each.state == "incomplete":
        return Decision(name=each.name, remove=True, reason="never completed")
    if is_among_last:
        return keep(f"among the last {policy.keep_last}" if policy.keep_last else "the policy keeps all")
    return Decision(name=each.name, remove=True, reason=f"older than the last {policy.keep_last}")


def prune(
    account: Account,
    names: Names,
    policy: Policy,
    *,
    dry_run: bool = False,
    observer: Observer | None = None,
    clock: Clock = utc_now,
) -> Pruned:
    """Delete expired snapshots, and objects that no snapshot references.

    S3's time decides; `clock` is the machine's, for the lease. After an interruption at any point, the next call
    finishes. Raises BusyError when another operation holds the environment, and VectoraError when a manifest cannot be
    read: the objects that it references are then unknown.
    """
    observer = observer or Observer()
    vault = Vault(account, names)
    if dry_run:
        decisions = decide(list_snapshots(vault), policy, vault.now())
        return Pruned(
            decisions=decisions, dry_run=True, removed_snapshots=0, removed_objects=0, removed_bytes=0, still_locked=0
        )
    observer.step("lease")
    with vault.lease("prune", "", clock=clock) as lease:
        return _Pruning(account, vault, policy, lease, observer).run()


class _Pruning:
    """One run of `prune`."""

    def __init__(self, account: Account, vault: Vault, policy: Policy, lease: Lease, observer: Observer) -> None:
        self._account = account
        self._vault = vault
        self._policy = policy
        self._lease = lease
        self._observer = observer
        self._still_locked = 0

    def run(self) -> Pruned:
        self._observer.step("decide")
        listed = list_snapshots(self._vault)
        interrupted = self._lease.predecessor
        resumable = (interrupted.subject, interrupted.note) if interrupted else ()
        decisions = decide(listed, self._policy, self._vault.now(), needed=resumable)
        expired = {decision.name for decision in decisions if decision.remove}
        # Hidden first, so that no partly deleted snapshot is ever listed as complete.
        self._observer.step("hide")
        # A pin since then counts too: earlier versions of this tool pin without a lease.
        folders = [
            files
            for files in self._vault.snapshots()
            if files.name in expired and not (files.is_pinned and files.is_complete)
        ]
        for files in folders:
            self._lease.confirm()
            for file in (MANIFEST, PROGRESS):
                if file in files.files:
                    self._vault.hide_file(files.name, file)
        self._observer.step("remove")
        for files in folders:
            self._lease.renew()
            self._still_locked += self._vault.delete_folder(files.name)
        self._observer.step("mark")
        needed = self._needed()
        self._observer.step("sweep")
        objects, size = self._sweep(needed)
        self._observer.step("forget")
        self._forget_anchors()
        return Pruned(
            decisions=decisions,
            dry_run=False,
            removed_snapshots=len(folders),
            removed_objects=objects,
            removed_bytes=size,
            still_locked=self._still_locked,
        )

    def _forget_anchors(self) -> None:
        complete = {files.name for files in self._vault.snapshots() if files.is_complete}
        if self._vault.anchors.all().keys() - complete:
            ask_to_forget(self._account, self._vault.names)

    def _needed(self) -> set[str]:
        needed: set[str] = set()
        for files in self._vault.snapshots():
            self._lease.renew()
            needed |= self._vault.needed_objects(files)
        return needed

    def _sweep(self, needed: set[str]) -> tuple[int, int]:
        oldest_kept = self._vault.now() - timedelta(days=self._policy.minimum_age_days)
        objects, size = 0, 0
        unneeded = [
            found
            for found in self._vault.objects()
            if found.sha256 not in needed and datetime.fromisoformat(found.modified) <= oldest_kept
        ]
        for start in range(0, len(unneeded), DELETION_BATCH):
            group = unneeded[start : start + DELETION_BATCH]
            self._lease.confirm()
            removed = self._vault.delete(found.sha256 for found in group)
            objects, size = objects + len(removed), size + sum(e.size for e in group if e.sha256 in removed)
            self._still_locked += len(group) - len(removed)
            self._observer.advance(Advance("objects", objects, size, 0))
        return objects, size

"""Restore of an environment into a new account, from the copy of the vault that was lost with the old one.

The stacks are deployed by the CDK from the recorded commit: templates, parameters and policies of the snapshot name the
lost account and its buckets. What no commit has comes from the copy: content, data, newsletters and records.
"""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from recovery.vault_copy import newest_complete
from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_ops.progress import Observer
from vectora_ops.record_history import histories_in, write_histories
from vectora_ops.records import LedgerEntry
from vectora_ops.rollback.request import RollbackRequest, RollbackResult, SmokeTest
from vectora_ops.rollback.run import roll_back
from vectora_ops.snapshots.anchors import Anchor, ForgedError, NoAnchorError
from vectora_ops.snapshots.compare import with_live
from vectora_ops.snapshots.deployed_sources import RECORDS_FILE
from vectora_ops.snapshots.manifest import Component, DamagedError, Manifest, to_bytes
from vectora_ops.snapshots.vault import MANIFEST, PINNED, README, Vault
from vectora_ops.snapshots.verify import verify_snapshot
from vectora_shared.errors import VectoraError

# The components that no commit has. The others are deployed, and only compared.
RESTORED: tuple[Component, ...] = ("clients", "canonical", "data", "newsletters")
EARLIER_RUNS: tuple[Component, ...] = ("data",)
# Files of functions and layers that are the same in every account.
CODE_FILES = ("/code.zip", "/content.zip")
COPIERS = 8
NAMED_IN_A_MESSAGE = 5


@dataclass(frozen=True, kw_only=True)
class CopyPlan:
    """Snapshot of the copy to restore, and the release to deploy first.

    `earlier_runs` is the snapshot that the data of earlier runs comes from, when the first holds the last run of each
    client only. `other_code` differs from the snapshot's.
    """

    snapshot: str
    earlier_runs: str | None
    taken_at: datetime
    age: timedelta
    entries: int
    bytes: int
    release_version: str | None
    commit: str | None
    deployed: bool
    other_code: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RestoreRequest:
    """Request for a restore; without a name, the newest complete snapshot of the copy.

    `any_code` permits to restore onto a release whose code is not that of the snapshot. `without_anchor` is the reason
    to trust a snapshot from before the copy had anchors.
    """

    snapshot: str | None = None
    any_code: bool = False
    without_anchor: str = ""


@dataclass(frozen=True, kw_only=True)
class RestoreResult:
    """Result of a restore: what came from the copy, and the last rollback that wrote and compared it."""

    plan: CopyPlan
    copied_objects: int
    records: int
    objects_written: int
    rollback: RollbackResult
    seconds: float


def plan_restore(account: Account, names: Names, copy: Vault, request: RestoreRequest) -> CopyPlan:
    """Return what a restore would do; changes nothing. Raises VectoraError when the copy has no complete snapshot."""
    return _plan(account, names, copy, _chosen(copy, request))


def _plan(account: Account, names: Names, copy: Vault, manifest: Manifest) -> CopyPlan:
    environment = Environment(account, names)
    deployed = environment.release() is not None
    earlier = _earlier_runs(copy, manifest)
    return CopyPlan(
        snapshot=manifest.name,
        earlier_runs=earlier.name if earlier else None,
        taken_at=manifest.started_at,
        age=max(copy.now() - manifest.started_at, timedelta(0)),
        entries=manifest.entries,
        bytes=manifest.bytes,
        release_version=manifest.release.version if manifest.release else None,
        commit=_commit(copy, manifest),
        deployed=deployed,
        other_code=tuple(_other_code(copy, manifest, environment)) if deployed else (),
    )


def restore_from_copy(
    account: Account,
    names: Names,
    copy: Vault,
    request: RestoreRequest,
    *,
    smoke_test: SmokeTest,
    observer: Observer | None = None,
) -> RestoreResult:
    """Restore content, data, newsletters and records of an environment that is deployed, and compare the result.

    After an interruption the same call finishes. Raises VectoraError when the copy has no complete snapshot, when the
    environment is not deployed or has other code or records, and DamagedError when the snapshot is not intact.
    """
    observer = observer or Observer()
    started = time.monotonic()
    observer.step("choose")
    chosen = _chosen(copy, request)
    observer.step("verify")
    # First: what the plan reads, such as the records, may be damaged.
    manifest = _verified(copy, chosen.name, observer, request)
    plan = _plan(account, names, copy, manifest)
    _require_release(names, plan, request)
    # Before the newest data: a rollback to the last runs leaves the earlier ones as they are.
    snapshots = [(manifest, RESTORED)]
    if plan.earlier_runs and _lacks_runs(account, names, copy, plan.earlier_runs):
        snapshots.insert(0, (_verified(copy, plan.earlier_runs, observer, request), EARLIER_RUNS))
    vault = Vault(account, names)
    observer.step("copy")
    with vault.lease("restore from the copy of", manifest.name):
        copied = sum(copy_snapshot(copy, vault, each) for each, _ in snapshots)
        for each, _ in snapshots:
            _anchor(vault, each)
        records = write_histories(account, names, _histories(copy, manifest))
    reason = f"restored from the copy {copy.bucket} into this account"
    results = [
        roll_back(
            account,
            names,
            RollbackRequest(snapshot=each.name, components=components, reason=reason),
            smoke_test=smoke_test if each is manifest else lambda: None,
            observer=observer,
        )
        for each, components in snapshots
    ]
    return RestoreResult(
        plan=plan,
        copied_objects=copied,
        records=records,
        objects_written=sum(each.objects_written for each in results),
        rollback=results[-1],
        seconds=round(time.monotonic() - started, 1),
    )


def copy_snapshot(copy: Vault, vault: Vault, manifest: Manifest) -> int:
    """Copy a snapshot into another vault, the manifest last, and return how many objects were not there yet.

    Every object is compared with the digest in its name when it is read, and read back when it is written.
    """
    present = {found.sha256 for found in vault.objects()}
    missing = sorted({*copy.references(manifest), manifest.references} - present)
    with ThreadPoolExecutor(COPIERS) as pool:
        for _ in pool.map(lambda sha256: vault.store(copy.read(sha256)), missing):
            pass
    for file in (README, PINNED):
        body = copy.file(manifest.name, file)
        if body is not None and vault.file(manifest.name, file) != body:
            vault.write_file(manifest.name, file, body)
    if vault.file(manifest.name, MANIFEST) is None:
        vault.write_manifest(manifest.name, to_bytes(manifest))
    return len(missing)


def _anchor(vault: Vault, manifest: Manifest) -> None:
    """Record the manifest that was verified in the copy, as an administrator may: function promotion cannot.

    It would compare the snapshot with stacks of an account that has other names.
    """
    body, version_id = vault.newest_manifest(manifest.name)
    if body != to_bytes(manifest):
        raise ForgedError(f"The manifest of {manifest.name} in {vault.bucket} is not the one of the copy.")
    sha256 = hashlib.sha256(body).hexdigest()
    vault.anchors.create(Anchor(snapshot=manifest.name, sha256=sha256, version_id=version_id, at=vault.now()))


def _chosen(copy: Vault, request: RestoreRequest) -> Manifest:
    if request.snapshot:
        return copy.manifest(request.snapshot)
    found = newest_complete(copy)
    if found is None:
        raise VectoraError(
            f"The copy {copy.bucket} has no complete snapshot of {copy.names.env}: S3 did not replicate all objects of "
            "any. Nothing was changed. This says what is missing of one: ./vectora restore --env "
            f"{copy.names.env} --copy-bucket {copy.bucket} --snapshot NAME --dry-run."
        )
    return found


def _earlier_runs(copy: Vault, manifest: Manifest) -> Manifest | None:
    """Return the newest earlier snapshot with all runs, when the snapshot has the last ones only."""
    return newest_complete(copy, before=manifest, all_data=True) if manifest.data == "last" else None


def _lacks_runs(account: Account, names: Names, copy: Vault, snapshot: str) -> bool:
    """Return whether data of a snapshot is missing; newer data, which a rollback to it would hide, is no reason."""
    changes = with_live(copy, Environment(account, names), copy.manifest(snapshot), EARLIER_RUNS, with_text=False)
    return any(each.kind != "added" for each in changes)


def _require_release(names: Names, plan: CopyPlan, request: RestoreRequest) -> None:
    """Raise VectoraError unless the stacks are deployed, with the code of the snapshot."""
    commit = f"commit {plan.commit}" if plan.commit else f"release {plan.release_version or 'of the snapshot'}"
    if not plan.deployed:
        raise VectoraError(
            f"Environment {names.env} is not deployed in this account: check out {commit}, set its account and "
            f"bucket_suffix in config/environments.yaml, run cdk deploy --all --context env={names.env}, and try again."
        )
    if plan.other_code and not request.any_code:
        named = ", ".join(plan.other_code[:NAMED_IN_A_MESSAGE])
        raise VectoraError(
            f"The code that is deployed in {names.env} is not that of {plan.snapshot} ({named}), so nothing was "
            f"changed: deploy {commit} first, or restore onto the deployed release (--any-code)."
        )


def _verified(copy: Vault, name: str, observer: Observer, request: RestoreRequest) -> Manifest:
    """Read every byte of a snapshot, and return its manifest; raises DamagedError, or NoAnchorError without an anchor.

    The writers of the lost vault could write a whole snapshot, whose bytes are right, but no anchor.
    """
    verification = verify_snapshot(copy, name, observer=observer)
    if problems := verification.problems:
        named = "; ".join(f"{each.name} is {each.kind}" for each in problems[:NAMED_IN_A_MESSAGE])
        raise DamagedError(
            f"Snapshot {name} is not intact in the copy {copy.bucket}, so nothing was changed: {named}. "
            "Choose an earlier one (--snapshot)."
        )
    if copy.anchors.of(name) is None and not request.without_anchor:
        raise NoAnchorError(
            f"Snapshot {name} has no anchor in the copy {copy.bucket}, so nothing was changed: it is from before the "
            "copy had anchors, or forged. If you know that it is right, give the reason (--without-anchor)."
        )
    return copy.manifest(name)


def _other_code(copy: Vault, manifest: Manifest, environment: Environment) -> list[str]:
    """Return the files of functions and layers whose bytes are not those of the snapshot."""
    changes = with_live(copy, environment, manifest, ("functions", "layers"), with_text=False)
    return [each.path for each in changes if each.path.endswith(CODE_FILES)]


def _histories(copy: Vault, manifest: Manifest) -> dict[str, list[str]]:
    entries = (entry for entry, _ in copy.entries(manifest.components["release"]))
    kept = next((entry for entry in entries if entry.path == RECORDS_FILE), None)
    if kept is None:
        return {}
    try:
        return histories_in(copy.bytes_of(kept))
    except ValueError as error:
        raise DamagedError(f"{RECORDS_FILE} of snapshot {manifest.name} cannot be used: {error}.") from error


def _commit(copy: Vault, manifest: Manifest) -> str | None:
    """Return the commit of the snapshot's release, as its ledger has it."""
    digest = manifest.release.digest if manifest.release else None
    for value in reversed(_histories(copy, manifest).get("promotion/ledger", [])):
        try:
            entry = LedgerEntry.model_validate_json(value)
        except ValueError:
            continue
        if entry.digest == digest and entry.commit:
            return entry.commit
    return None

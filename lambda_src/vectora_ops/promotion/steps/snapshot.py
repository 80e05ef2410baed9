"""Pipeline step snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_ops.progress import Clock, Deadline, Observer, OutOfTimeError, never, utc_now
from vectora_ops.promotion.job import Done, NotYet
from vectora_ops.promotion.steps.asked import StepParameters, step_parameters
from vectora_ops.records import Deployment, Records, held_since
from vectora_ops.snapshots.compare import with_live
from vectora_ops.snapshots.manifest import Manifest, Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_snapshot
from vectora_shared.errors import VectoraError


def snapshot_step(
    account: Account,
    names: Names,
    given: Mapping[str, Any],
    token: str | None,
    *,
    observer: Observer,
    deadline: Deadline = never,
    clock: Clock = utc_now,
) -> Done | NotYet:
    """Join the snapshot that the operations stack's deployment took, or take one; without one nothing goes on.

    Raises VectoraError when promotion is held or the snapshot is not intact.
    """
    asked: StepParameters = step_parameters(StepParameters, given)
    records = Records(account, names)
    hold = records.hold()
    if hold and hold.holds:
        raise VectoraError(
            f"Nothing was deployed: {held_since(hold)}. Look at it, then ./vectora promote release-hold --env "
            f"{names.env}."
        )
    vault = Vault(account, names)
    manifest = None if token else _joined(account, vault, names, asked.digest)
    if manifest is None:
        try:
            manifest = take_snapshot(
                account,
                names,
                SnapshotRequest(
                    label=f"before_{asked.digest[:12]}",
                    occasion=Occasion(kind="deployment", detail=asked.digest),
                    resume=token,
                    owner=f"pipeline/{asked.execution}",
                ),
                observer=observer,
                deadline=deadline,
                clock=clock,
            )
        except OutOfTimeError as unfinished:
            return NotYet(token=unfinished.subject)
    _verify(vault, manifest, observer)
    records.write_deployment(
        Deployment(
            state="deploying",
            execution=asked.execution,
            digest=asked.digest,
            version=asked.version,
            commit=asked.commit,
            snapshot=manifest.name,
            at=clock(),
        )
    )
    return Done(
        summary=f"Snapshot {manifest.name}: {manifest.entries} entries, complete and verified.",
        variables={"snapshot": manifest.name},
    )


def _joined(account: Account, vault: Vault, names: Names, digest: str) -> Manifest | None:
    """The last snapshot before this release, when the environment still is what it says."""
    taken = [each for each in vault.manifests() if (each.occasion.kind, each.occasion.detail) == ("deployment", digest)]
    if not taken:
        return None
    changed = next(with_live(vault, Environment(account, names), taken[-1], with_text=False), None)
    return None if changed else taken[-1]


def _verify(vault: Vault, manifest: Manifest, observer: Observer) -> None:
    found = verify_snapshot(vault, manifest.name, observer=observer)
    if found.problems:
        first = found.problems[0]
        raise VectoraError(
            f"Snapshot {manifest.name} is not intact ({first.name} is {first.kind}), so nothing was deployed: "
            f"./vectora snapshot verify --env {manifest.env}."
        )

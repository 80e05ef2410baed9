"""Pipeline step snapshot: the environment is in the vault before a release changes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vectora_ops.account import Account
from vectora_ops.cloudformation.statuses import behaviour_of, problem_of
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_ops.progress import Clock, Deadline, Observer, OutOfTimeError, never, utc_now
from vectora_ops.promotion.job import Done, NotYet
from vectora_ops.promotion.steps.parameters import StepParameters, step_parameters
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
    """Use the snapshot that the deployment of the operations stack took, or take one.

    Raises VectoraError when promotion is held, a stack is in a status from which CloudFormation deploys nothing, or the
    snapshot is not intact.
    """
    parameters = step_parameters(StepParameters, given)
    records = Records(account, names)
    hold = records.hold()
    if hold and hold.holds:
        raise VectoraError(
            f"Nothing was deployed: {held_since(hold)}. Look at it, then ./vectora promote release-hold --env "
            f"{names.env}."
        )
    if not token:
        _require_stacks_at_rest(Environment(account, names))
    vault = Vault(account, names)
    manifest = None if token else _taken_before(account, vault, names, parameters.digest)
    if manifest is None:
        try:
            manifest = take_snapshot(
                account,
                names,
                SnapshotRequest(
                    label=f"before_{parameters.digest[:12]}",
                    occasion=Occasion(kind="deployment", detail=parameters.digest),
                    resume=token,
                    owner=f"pipeline/{parameters.execution}",
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
            execution=parameters.execution,
            digest=parameters.digest,
            version=parameters.version,
            commit=parameters.commit,
            snapshot=manifest.name,
            at=clock(),
        )
    )
    return Done(
        summary=f"Snapshot {manifest.name}: {manifest.entries} entries, complete and verified.",
        variables={"snapshot": manifest.name},
    )


def _require_stacks_at_rest(environment: Environment) -> None:
    """Raise VectoraError naming a stack that the deployment would fail at, before any other is changed."""
    for name in environment.stack_names:
        status = environment.status(name)
        if status and behaviour_of(name, status).promotion == "refused":
            raise VectoraError(f"Nothing was deployed. {problem_of(name, status)}")


def _taken_before(account: Account, vault: Vault, names: Names, digest: str) -> Manifest | None:
    """Return the last snapshot before this release when the environment has not changed since."""
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

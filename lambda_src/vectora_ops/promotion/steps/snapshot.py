"""Pipeline step snapshot: the environment is in the vault before a release changes it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from vectora_ops.account import Account
from vectora_ops.cloudformation.statuses import behaviour_of, problem_of
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_ops.progress import Clock, Deadline, Observer, OutOfTimeError, never, utc_now
from vectora_ops.promotion.beginning import Beginning, ask_to_begin, require_no_hold
from vectora_ops.promotion.job import Done, NotYet
from vectora_ops.promotion.steps.parameters import StepParameters, step_parameters
from vectora_ops.records import Records
from vectora_ops.snapshots.compare import with_live
from vectora_ops.snapshots.lease import BusyError, Lease
from vectora_ops.snapshots.manifest import Manifest, Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_snapshot
from vectora_ops.times import minute
from vectora_shared.errors import VectoraError

logger = logging.getLogger("vectora")


# The continuation token of a step that waits for another operation.
WAITING = "waiting"
# A client promotion that takes longer was interrupted.
LONGEST_CLIENT_PROMOTION = timedelta(hours=1)


class _OtherOperationError(VectoraError):
    """Another operation changes the environment, and will end."""


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
    """Use the snapshot that the deployment of the operations stack took, or take one, and let the deployment begin.

    Waits for another operation on the environment. Raises VectoraError when promotion is held, when a stack is in a
    status from which CloudFormation deploys nothing, when the snapshot is not intact, and when the gates refuse the
    release now: they may have passed days before an approval.
    """
    step = _SnapshotStep(account, names, step_parameters(StepParameters, given), observer, deadline, clock)
    require_no_hold(step.records, names)
    try:
        with step.lease() as lease:
            step.require_no_client_promotion()
            _require_stacks_at_rest(Environment(account, names))
            manifest = step.snapshot(lease, None if token == WAITING else token)
            lease.confirm()
            step.begin_deployment(manifest)
    except OutOfTimeError as unfinished:
        return NotYet(token=unfinished.subject)
    except (BusyError, _OtherOperationError) as busy:
        logger.info("%s", busy)
        return NotYet(token=WAITING)
    return Done(
        summary=f"Snapshot {manifest.name}: {manifest.entries} entries, complete and verified.",
        variables={"snapshot": manifest.name},
    )


@dataclass(frozen=True)
class _SnapshotStep:
    """One snapshot step, which holds the environment until its deployment is on record."""

    account: Account
    names: Names
    parameters: StepParameters
    observer: Observer
    deadline: Deadline
    clock: Clock

    def lease(self) -> Lease:
        return Lease(
            self.account,
            self.names,
            operation="snapshot",
            subject=f"before release {self.parameters.version}",
            owner=self.owner,
            clock=self.clock,
        )

    @property
    def owner(self) -> str:
        """Owner of the lease, which is the same for every invocation of the step."""
        return f"pipeline/{self.parameters.execution}"

    @property
    def records(self) -> Records:
        return Records(self.account, self.names)

    def require_no_client_promotion(self) -> None:
        """Raise an error when the promotion of a client's file is not over: a rollback would take the file away."""
        promotions = self.records.client_promotions()
        if not promotions or promotions[-1].is_over:
            return
        last = promotions[-1]
        what = f"the promotion of {last.client_id} {last.version} into {self.names.env}"
        if self.clock() - last.at < LONGEST_CLIENT_PROMOTION:
            raise _OtherOperationError(f"Waiting for {what}.")
        raise VectoraError(
            f"Nothing was deployed: {what} was interrupted on {minute(last.at)}. Finish it by promoting the file "
            f"again, or go back (./vectora rollback --env {self.names.env} --snapshot {last.snapshot})."
        )

    def snapshot(self, lease: Lease, resume: str | None) -> Manifest:
        """Return a verified snapshot of the environment as it is."""
        vault = Vault(self.account, self.names)
        digest = self.parameters.digest
        manifest = None if resume else _taken_before(self.account, vault, self.names, digest)
        if manifest is None:
            request = SnapshotRequest(
                label=f"before_{digest[:12]}", occasion=Occasion(kind="deployment", detail=digest), resume=resume
            )
            manifest = take_snapshot(
                self.account,
                self.names,
                request,
                lease=lease,
                observer=self.observer,
                deadline=self.deadline,
                clock=self.clock,
            )
        _verify(vault, manifest, self.observer)
        return manifest

    def begin_deployment(self, manifest: Manifest) -> None:
        beginning = Beginning(release=self.parameters, snapshot=manifest.name, lease_owner=self.owner)
        ask_to_begin(self.account, self.names, beginning)


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

"""Record of a deployment that begins, with the snapshot that its failure is rolled back to."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_ops.parameter_values import MOST_ITEMS
from vectora_ops.progress import Clock, utc_now
from vectora_ops.promotion.anchoring import require_deployed
from vectora_ops.promotion.steps.parameters import StepParameters
from vectora_ops.records import Deployment, Records, held_since
from vectora_ops.remote import run_remotely
from vectora_ops.settings import environment_before
from vectora_ops.snapshots.lease import Lease
from vectora_ops.snapshots.vault import Vault
from vectora_ops.what_runs import ChangesByHand, changed_digests, changes_by_hand
from vectora_ops.withholding_key import own_withholding_key
from vectora_shared.errors import VectoraError


class Beginning(BaseModel):
    """A deployment that the snapshot step lets begin; `lease_owner` holds the environment for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: StepParameters
    snapshot: str
    lease_owner: str


def ask_to_begin(account: Account, names: Names, beginning: Beginning) -> None:
    """Let function promotion record the deployment; raises VectoraError when it refuses."""
    event: dict[str, Any] = {"operation": "begin-deployment", "beginning": beginning.model_dump()}
    run_remotely(account, names, "promotion", event, lambda count: None)


def begin_deployment(account: Account, names: Names, beginning: Beginning, *, clock: Clock = utc_now) -> None:
    """Record a deployment, after all that must hold was checked here: no writer of the vault may write the record.

    Raises VectoraError when the gates refuse the release now, when promotion is held, when the snapshot has no anchor
    or is not what is deployed, and when the caller does not hold the environment.
    """
    records = Records(account, names)
    require_that_gates_pass(account, names, beginning.release)
    require_no_hold(records, names)
    vault = Vault(account, names)
    # It may have been created a moment ago.
    vault.anchors.settled(beginning.snapshot)
    manifest = vault.anchored_manifest(beginning.snapshot)
    environment = Environment(account, names, key=own_withholding_key)
    require_deployed(vault, environment, manifest)
    ledger = records.ledger()
    changes = changes_by_hand(environment, ledger[-1]) if ledger else ChangesByHand()
    changed = changed_digests(environment, ledger[-1]) if ledger else {}
    _require_lease(account, names, beginning)
    given = beginning.release
    records.write_deployment(
        Deployment(
            state="deploying",
            execution=given.execution,
            digest=given.digest,
            content_digest=given.content_digest,
            version=given.version,
            commit=given.commit,
            snapshot=manifest.name,
            at=clock(),
            repaired=changes.remaining[:MOST_ITEMS],
            changed=changed,
        )
    )


def require_no_hold(records: Records, names: Names) -> None:
    """Raise VectoraError while promotion into the environment is held."""
    hold = records.hold()
    if hold and hold.holds:
        raise VectoraError(
            f"Nothing was deployed: {held_since(hold)}. Look at it, then ./vectora promote release-hold --env "
            f"{names.env}."
        )


def require_that_gates_pass(account: Account, names: Names, given: StepParameters) -> None:
    """Raise VectoraError when the preceding environment no longer lets the release pass."""
    before = environment_before(names.env)
    if before is None:
        return
    event = {"operation": "explain", "digest": given.content_digest, "execution": given.execution}
    decision = run_remotely(account.of(before), names.of(before), "promotion", event, lambda count: None)["decision"]
    if decision["outcome"] != "pass":
        raise VectoraError(
            f"Nothing was deployed, because the gates refuse it now: {decision['sentence']} It is tried again by "
            "schedule."
        )


def _require_lease(account: Account, names: Names, beginning: Beginning) -> None:
    holder = Lease(account, names, operation="", subject="").holder()
    if holder != beginning.lease_owner:
        raise VectoraError(
            f"Nothing was deployed: {names.env} is held by {holder or 'no operation'}, not by {beginning.lease_owner}, "
            f"which took snapshot {beginning.snapshot}. Retry the action."
        )

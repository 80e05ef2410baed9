"""Pipeline step record."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.progress import Clock, utc_now
from vectora_ops.promotion.facts import live_release
from vectora_ops.promotion.job import Done
from vectora_ops.promotion.steps.asked import NONE, NotEmpty, StepParameters, is_release, settled, step_parameters
from vectora_ops.records import LedgerEntry, Records
from vectora_shared.errors import VectoraError


class RecordParameters(StepParameters):
    snapshot: NotEmpty
    smoke_test: NotEmpty
    # From the gate of this execution: the record of bypasses may be another release's by now.
    bypassed: str = NONE
    bypass_reason: str = NONE


def record_step(
    account: Account,
    names: Names,
    given: Mapping[str, Any],
    *,
    clock: Clock = utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> Done:
    """Add the release to the ledger; raises VectoraError when another one is deployed."""
    asked: RecordParameters = step_parameters(RecordParameters, given)
    records = Records(account, names)
    release = settled(lambda: live_release(account, names), lambda read: read.get("digest") == asked.digest, sleep)
    if release.get("digest") != asked.digest:
        raise VectoraError(
            f"{names.env} has release {str(release.get('digest'))[:12]}, not {asked.digest[:12]}: somebody deployed "
            "meanwhile."
        )
    done = Done(summary=f"{names.env} has release {asked.version}, digest {asked.digest[:12]}.")
    ledger = records.ledger()
    if ledger and (ledger[-1].execution, ledger[-1].digest) == (asked.execution, asked.digest):
        # An invocation before this one recorded it and could not say so.
        return done
    deployment = settled(records.deployment, lambda read: is_release(read, asked), sleep)
    if deployment is None or not is_release(deployment, asked):
        raise VectoraError(
            f"Execution {asked.execution} is not what {names.env} is being deployed by (it was rolled back, or another "
            "came after it): push a commit or release a change instead of retrying."
        )
    bypassed = asked.bypassed != NONE
    records.add_to_ledger(
        LedgerEntry(
            kind="release",
            digest=asked.digest,
            version=asked.version,
            commit=asked.commit,
            at=clock(),
            snapshot=asked.snapshot,
            execution=asked.execution,
            smoke_test=asked.smoke_test,
            bypassed=tuple(asked.bypassed.split(", ")) if bypassed else (),
            bypass_reason=asked.bypass_reason if bypassed else None,
        )
    )
    records.write_deployment(deployment.model_copy(update={"state": "released"}))
    return done

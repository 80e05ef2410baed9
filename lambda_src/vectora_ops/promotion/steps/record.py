"""Pipeline step record: a release enters the ledger of its environment."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_ops.progress import Clock, utc_now
from vectora_ops.promotion.attestation import Attest
from vectora_ops.promotion.facts import live_release
from vectora_ops.promotion.job import Done
from vectora_ops.promotion.steps.parameters import NONE, NotEmpty, StepParameters, step_parameters
from vectora_ops.records import Deployment, LedgerEntry, Records, ReleaseId
from vectora_ops.settings import environment_before
from vectora_ops.what_runs import what_runs
from vectora_ops.withholding_key import own_withholding_key
from vectora_shared.aws_texts import plain
from vectora_shared.errors import VectoraError

logger = logging.getLogger("vectora")
# A parameter may be read as it was a moment ago (aws-cdk-cli pull request 830), also the one CloudFormation wrote.
READS, READ_PAUSE_SECONDS = 4, 2.0
Value = TypeVar("Value")


class RecordParameters(StepParameters):
    snapshot: NotEmpty
    smoke_test: NotEmpty
    # From the gate of this execution: by now the record may hold another release's bypass.
    bypassed: str = NONE
    bypass_reason: str = NONE
    # Whether known vulnerabilities were looked up when the release was built (stacks.assets.release.audit_state).
    audit: str = NONE


def record_step(
    account: Account,
    names: Names,
    given: Mapping[str, Any],
    *,
    attest: Attest,
    clock: Clock = utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> Done:
    """Add the release to the ledger; raises VectoraError when another one is deployed."""
    parameters = step_parameters(RecordParameters, given)
    records = Records(account, names)
    digest = parameters.digest
    release = _settled(lambda: live_release(account, names), lambda read: read.get("digest") == digest, sleep)
    if release.get("digest") != digest:
        deployed = str(release.get("digest"))
        raise VectoraError(
            f"{names.env} has release {deployed[:12]}, not {digest[:12]}: another deployment came in between."
        )
    done = Done(summary=f"{names.env} has release {parameters.version}, digest {digest[:12]}.")
    ledger = records.ledger()
    if ledger and (ledger[-1].execution, ledger[-1].digest) == (parameters.execution, parameters.digest):
        # An earlier invocation recorded it and could not answer.
        return done
    deployment = _settled(records.deployment, lambda read: _is_deploying(read, parameters), sleep)
    if deployment is None or not _is_deploying(deployment, parameters):
        raise VectoraError(
            f"Execution {parameters.execution} is not what {names.env} is being deployed by (it was rolled back, or "
            "another came after it): push a commit or release a change instead of retrying."
        )
    running = what_runs(Environment(account, names, key=own_withholding_key))
    _require_repaired(deployment, running, names.env)
    entry = _entry(parameters, clock(), running=running, repaired=deployment.repaired)
    records.add_to_ledger(entry.model_copy(update=_people(names.env, records, parameters, attest)))
    records.write_deployment(deployment.model_copy(update={"state": "released"}))
    return done


def _require_repaired(deployment: Deployment, running: Mapping[str, str], env: str) -> None:
    """Raise VectoraError when something runs that was changed by hand before: it is not what the release defines.

    CloudFormation does not touch what a template leaves the same.
    """
    left = [name for name, digest in deployment.changed.items() if running.get(name) == digest]
    if left:
        raise VectoraError(
            f"The deployment did not undo a change by hand: {', '.join(left)}. Roll {env} back to a snapshot from "
            f"before the change (./vectora snapshot list --env {env}), then push again; keep a change in the release."
        )


def _entry(
    parameters: RecordParameters, at: datetime, *, running: dict[str, str], repaired: tuple[str, ...]
) -> LedgerEntry:
    bypassed = parameters.bypassed != NONE
    return LedgerEntry(
        kind="release",
        digest=parameters.digest,
        content_digest=parameters.content_digest,
        version=parameters.version,
        commit=parameters.commit,
        at=at,
        snapshot=parameters.snapshot,
        execution=parameters.execution,
        smoke_test=parameters.smoke_test,
        bypassed=tuple(parameters.bypassed.split(", ")) if bypassed else (),
        bypass_reason=parameters.bypass_reason if bypassed else None,
        running=running,
        repaired=repaired,
        audit=None if parameters.audit == NONE else parameters.audit,
    )


def _people(env: str, records: Records, parameters: RecordParameters, attest: Attest) -> dict[str, str | None]:
    """Return who approved the release and who bypassed its gates; None for what is not known.

    The environment is deployed: what cannot be read now does not roll it back.
    """
    people: dict[str, str | None] = {}
    if environment_before(env) is None:
        return people
    try:
        people["approved_by"] = attest(parameters.execution).approver
        if parameters.bypassed != NONE:
            bypass = records.bypass_of(ReleaseId(parameters.digest, parameters.content_digest))
            people["bypassed_by"] = bypass.recorded_by if bypass else None
    except (VectoraError, BotoCoreError, ClientError) as error:
        logger.warning("Who approved the release cannot be read: %s", plain(error))
    return people


def _is_deploying(deployment: Deployment | None, parameters: StepParameters) -> bool:
    return deployment is not None and (deployment.execution, deployment.state) == (parameters.execution, "deploying")


def _settled(read: Callable[[], Value], is_expected: Callable[[Value], bool], sleep: Callable[[float], None]) -> Value:
    """Read a value until it is as expected, or for as long as an older value may be read."""
    for _ in range(READS - 1):
        found = read()
        if is_expected(found):
            return found
        sleep(READ_PAUSE_SECONDS)
    return read()

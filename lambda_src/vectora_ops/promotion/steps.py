"""The steps that the pipeline runs in an environment's own functions: gate, snapshot, smoke test, record."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from vectora_core.aws_texts import variable
from vectora_core.errors import VectoraError
from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.promotion.facts import gather, live_release
from vectora_ops.promotion.gates import Decision, Facts, decide
from vectora_ops.promotion.job import Done, NotYet
from vectora_ops.promotion.records import Deployment, LedgerEntry, Records, held_since, minute
from vectora_ops.settings import Promotion
from vectora_ops.smoke import smoke_test
from vectora_ops.snapshots.compare import with_live
from vectora_ops.snapshots.lease import Clock, utc_now
from vectora_ops.snapshots.manifest import Manifest, Occasion
from vectora_ops.snapshots.observer import Deadline, Observer, OutOfTimeError, never
from vectora_ops.snapshots.sources import Environment
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_snapshot

# Additional information of an approval (CodePipeline quotas), of which the rest of the text takes its share.
LONGEST_CHANGE_SUMMARY = 600
# A variable of CodePipeline cannot be empty.
NONE = "none"
# Parameters are read as they were a moment ago (aws-cdk-cli pull request 830); the release's is CloudFormation's.
READS, READ_PAUSE_SECONDS = 4, 2.0
Read = TypeVar("Read")
NotEmpty = Annotated[str, StringConstraints(min_length=1)]


class _Asked(BaseModel):
    """What a step is about; CodePipeline's variables are strings."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    execution: NotEmpty
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    version: NotEmpty
    commit: NotEmpty


class _Record(_Asked):
    snapshot: NotEmpty
    smoke_test: NotEmpty
    # From the gate of this execution: the record of bypasses may be another release's by now.
    bypassed: str = NONE
    bypass_reason: str = NONE


def _asked(model: type[_Asked], given: Mapping[str, Any]) -> Any:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise VectoraError(f"The action's user parameters do not fit: '{key}': {error.errors()[0]['msg']}.") from error


# --- gate


def judge(
    account: Account, source: Names, target: Names, policy: Promotion, digest: str, *, clock: Clock = utc_now
) -> tuple[Decision, Facts]:
    """Whether release `digest` may go from `source` to `target` now, and the facts that decided it."""
    facts = gather(account, source, target, digest, clock())
    return decide(facts, policy), facts


def gate_step(account: Account, source: Names, target: Names, policy: Promotion, given: Mapping[str, Any]) -> Done:
    """Raises VectoraError with the refusing verdicts."""
    asked: _Asked = _asked(_Asked, given)
    decision, facts = judge(account, source, target, policy, asked.digest)
    if decision.outcome != "pass":
        raise VectoraError(
            f"{decision.sentence} It is tried again by schedule; see ./vectora promote explain --to {target.env}."
        )
    before = Records(account, target).ledger()
    return Done(
        summary=decision.sentence,
        variables={
            "changes": variable(_changes(facts, asked, before), LONGEST_CHANGE_SUMMARY),
            # What the approver compares with; the first time there is nothing but the commit itself.
            "since": next((each.commit for each in reversed(before) if _is_commit(each.commit)), None) or asked.commit,
            "bypassed": variable(", ".join(decision.bypassed) or NONE),
            "bypass_reason": variable(decision.bypass_reason or NONE) if decision.bypassed else NONE,
        },
    )


def _is_commit(text: str | None) -> bool:
    """Whether it can stand in a link: the ledger is only as good as who may write it."""
    return text is not None and re.fullmatch(r"[0-9A-Za-z._-]{1,64}", text) is not None


def _changes(facts: Facts, asked: _Asked, before: tuple[LedgerEntry, ...]) -> str:
    if not before:
        return f"{facts.target} has no release yet; this is {asked.version}."
    there = before[-1]
    clients = [
        f"{client_id} {facts.target_clients[client_id].version} -> {file.version}"
        if client_id in facts.target_clients
        else f"{client_id} {file.version} is new"
        for client_id, file in sorted(facts.clients.items())
        if file != facts.target_clients.get(client_id)
    ]
    moved = f" Clients: {', '.join(clients)}." if clients else " No client file changes."
    return (
        f"{facts.target} has {there.version} (digest {there.digest[:12]}) since {minute(there.at)}, this is "
        f"{asked.version}.{moved}"
    )


# --- snapshot


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
    asked: _Asked = _asked(_Asked, given)
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


# --- smoke test


def smoke_step(
    account: Account,
    names: Names,
    given: Mapping[str, Any],
    token: str | None,
    *,
    observer: Observer,
    deadline: Deadline = never,
) -> Done | NotYet:
    """Raises VectoraError when no newsletter with items comes out."""
    asked: _Asked = _asked(_Asked, given)
    try:
        result = smoke_test(account, names, on_step=observer.step, started=token, deadline=deadline)
    except OutOfTimeError as unfinished:
        return NotYet(token=unfinished.subject)
    if not result.passed:
        raise VectoraError(f"The smoke test of {asked.version} in {names.env} failed: {result.reason}.")
    return Done(summary=f"Smoke test passed: {result.reason}.", variables={"result": variable(result.reason)})


# --- record


def record_step(
    account: Account,
    names: Names,
    given: Mapping[str, Any],
    *,
    clock: Clock = utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> Done:
    """Add the release to the ledger; raises VectoraError when another one is deployed."""
    asked: _Record = _asked(_Record, given)
    records = Records(account, names)
    release = _settled(lambda: live_release(account, names), lambda read: read.get("digest") == asked.digest, sleep)
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
    deployment = _settled(records.deployment, lambda read: _is_of(read, asked), sleep)
    if deployment is None or not _is_of(deployment, asked):
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


def _is_of(deployment: Deployment | None, asked: _Record) -> bool:
    return deployment is not None and (deployment.execution, deployment.state) == (asked.execution, "deploying")


def _settled(read: Callable[[], Read], is_expected: Callable[[Read], bool], sleep: Callable[[float], None]) -> Read:
    """Return the value once it is as expected, or once it has had time to become so."""
    for _ in range(READS - 1):
        found = read()
        if is_expected(found):
            return found
        sleep(READ_PAUSE_SECONDS)
    return read()

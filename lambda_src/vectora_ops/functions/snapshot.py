"""Function snapshot: snapshots, their verification and pruning, and the guard of deployments."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal

from vectora_ops.account import Account
from vectora_ops.functions.invocation import (
    Answer,
    Continued,
    StepLog,
    answer_invocation,
    continue_later,
    deadline_of,
    notify_operators,
    own_account,
    own_names,
)
from vectora_ops.names import Names
from vectora_ops.notifications import deployment_stopped, pruning_failed, rollback_interrupted
from vectora_ops.progress import Deadline, OutOfTimeError, utc_now
from vectora_ops.promotion.facts import live_digest
from vectora_ops.promotion.job import Done, NotYet, answer_step, is_step
from vectora_ops.promotion.steps.snapshot import snapshot_step
from vectora_ops.records import Records, held_since
from vectora_ops.snapshots.items import DataScope
from vectora_ops.snapshots.manifest import Manifest, Occasion, Occasions
from vectora_ops.snapshots.retention import Policy, Pruned, prune
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_snapshot, verify_vault
from vectora_shared.custom_resource import answer_cloudformation
from vectora_shared.errors import VectoraError
from vectora_shared.runtime import environment, parse_event, set_log_level

logger = logging.getLogger("vectora")
WHY_FIRST_IS_PINNED = "the system that ran before the first deployment of this app"


class CreateEvent(Continued):
    operation: Literal["create"]
    label: str = "snapshot"
    occasion: Occasions = "operator"
    detail: str | None = None
    data: DataScope = "last"
    resume: str | None = None


class VerifyEvent(Continued):
    operation: Literal["verify"]
    snapshot: str | None = None


class PruneEvent(Continued):
    operation: Literal["prune"]
    dry_run: bool = False


def snapshot_function(event: dict[str, Any], context: Any) -> Answer | None:
    """Take, verify or prune snapshots; CloudFormation, the schedule, the pipeline and operators invoke this."""
    set_log_level()
    if "ResponseURL" in event:
        _guard_deployment(event, context)
        return None
    if is_step(event):
        deadline = deadline_of(context, event)
        return answer_step(
            own_account(), event, {"snapshot": lambda given, token: _snapshot_step(given, token, deadline)}
        )
    return answer_invocation(event, context, {"create": _create, "verify": _verify, "prune": _prune})


def _create(event: dict[str, Any], context: Any) -> Answer:
    given = parse_event(CreateEvent, event)
    account, names = own_account(), own_names()
    manifest = take_snapshot(
        account,
        names,
        SnapshotRequest(
            label=given.label,
            occasion=Occasion(kind=given.occasion, detail=given.detail),
            data=given.data,
            resume=given.resume,
            owner=given.token or context.aws_request_id,
        ),
        observer=StepLog(),
        deadline=deadline_of(context),
    )
    if given.occasion != "operator":
        _prune_quietly(account, names)
        _report_interrupted_rollback(account, names)
    return {"snapshot": manifest.name, "manifest": manifest.model_dump(mode="json")}


def _verify(event: dict[str, Any], context: Any) -> Answer:
    given = parse_event(VerifyEvent, event)
    vault = Vault(own_account(), own_names())
    found = (verify_snapshot(vault, given.snapshot, observer=StepLog()),) if given.snapshot else verify_vault(vault)
    return {"verifications": [asdict(each) for each in found]}


def _prune(event: dict[str, Any], context: Any) -> Answer:
    given = parse_event(PruneEvent, event)
    return {"pruned": asdict(_prune_now(own_account(), own_names(), dry_run=given.dry_run))}


def _prune_now(account: Account, names: Names, *, dry_run: bool = False) -> Pruned:
    keep_last = environment("SNAPSHOT_KEEP_LAST", "all")
    policy = Policy(
        keep_last=None if keep_last == "all" else int(keep_last),
        minimum_age_days=int(environment("SNAPSHOT_MINIMUM_AGE_DAYS")),
    )
    return prune(account, names, policy, dry_run=dry_run, observer=StepLog())


def _prune_quietly(account: Account, names: Names) -> None:
    """Prune after an automatic snapshot; a failure notifies the operators and stops nothing."""
    try:
        pruned = _prune_now(account, names)
    except Exception as error:
        logger.exception("Pruning failed")
        notify_operators(pruning_failed(names.env, str(error)))
    else:
        logger.info("Pruned %d snapshots, %d objects", pruned.removed_snapshots, pruned.removed_objects)


def _report_interrupted_rollback(account: Account, names: Names) -> None:
    """Notify the operators each day of a rollback that nothing continues, until the hold is released."""
    try:
        hold = Records(account, names).hold()
    except Exception:
        logger.exception("The hold cannot be read")
        return
    if hold and hold.is_interrupted(utc_now()):
        notify_operators(rollback_interrupted(names.env, hold.at, held_since(hold)))


def _snapshot_step(given: Mapping[str, Any], token: str | None, deadline: Deadline) -> Done | NotYet:
    return snapshot_step(own_account(), own_names(), given, token, observer=StepLog(), deadline=deadline)


def _guard_deployment(event: dict[str, Any], context: Any) -> None:
    """Take a snapshot before CloudFormation changes any other stack; if it fails, the deployment stops."""
    names = own_names()
    physical_id = f"{names.bucket('snapshots')}/before-deployment"
    try:
        if event["RequestType"] == "Delete" or _is_deployed(event["ResourceProperties"]["ReleaseDigest"]):
            # Nothing will change: CloudFormation restores the deployed release, or deletes the stack.
            answer_cloudformation(event, physical_id, data={"Snapshot": "none needed"})
            return
        manifest = _snapshot_before(event, context)
    except VectoraError as error:
        _refuse(event, physical_id, str(error))
    except Exception as error:
        logger.exception("The snapshot failed unexpectedly")
        _refuse(event, physical_id, f"{type(error).__name__}: {error}")
    else:
        if manifest is not None:
            answer_cloudformation(event, physical_id, data={"Snapshot": manifest.name})
            _prune_quietly(own_account(), names)


def _is_deployed(digest: str) -> bool:
    return live_digest(own_account(), own_names()) == digest


def _snapshot_before(event: dict[str, Any], context: Any) -> Manifest | None:
    """Take the snapshot; return None when another invocation continues it and will answer."""
    account, names = own_account(), own_names()
    digest = event["ResourceProperties"]["ReleaseDigest"]
    is_first = live_digest(account, names) is None
    request = SnapshotRequest(
        label=f"before_{digest[:12]}",
        occasion=Occasion(kind="deployment", detail=digest),
        # The way back to a system that this app has not written: its folders and old runs are in no other snapshot.
        data="all" if is_first else "last",
        resume=event.get("resume"),
        # Lambda retries an invocation that crashed; the retry continues its snapshot.
        owner=event["RequestId"],
        pin_reason=lambda manifest: WHY_FIRST_IS_PINNED if manifest.is_of_earlier_system else None,
    )
    try:
        return take_snapshot(account, names, request, observer=StepLog(), deadline=deadline_of(context))
    except OutOfTimeError as unfinished:
        continue_later(event, context, unfinished)
        return None


def _refuse(event: dict[str, Any], physical_id: str, reason: str) -> None:
    logger.error("%s", reason)
    message = f"No snapshot, no deployment: {reason}"
    notify_operators(deployment_stopped(own_names().env, message))
    answer_cloudformation(event, physical_id, failure=message)

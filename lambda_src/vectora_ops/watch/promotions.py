"""Promotions into this environment that wait: for their gates, or for an approval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from pydantic import AwareDatetime, BaseModel, ConfigDict

from vectora_ops.account import PIPELINE, Account
from vectora_ops.names import EnvName, Names
from vectora_ops.records import Records, ReleaseId
from vectora_ops.remote import run_remotely
from vectora_ops.watch.reading import Reading
from vectora_shared.aws_errors import error_code
from vectora_shared.notifications import Notification

DAY = timedelta(days=1)
# An approval action of a stage is named approval-{env} (stacks/pipeline.py).
APPROVAL_PREFIX = "approval-"


class Waiting(BaseModel):
    """The release of the preceding environment, since when it is there, and why its gates refuse it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    digest: str
    content_digest: str | None = None
    version: str
    since: AwareDatetime
    refused: bool
    sentence: str

    @property
    def release(self) -> ReleaseId:
        return ReleaseId(self.digest, self.content_digest)


def promotion_waiting(account: Account, names: Names, preceding: EnvName, now: datetime) -> Reading:
    """Return the days that the preceding environment has a release which its gates refuse; 0 when they refuse none.

    The preceding environment judges it: its function promotion has the permissions to read all that decides.
    """
    answer = run_remotely(
        account.of(preceding), names.of(preceding), "promotion", {"operation": "waiting"}, lambda count: None
    )
    if answer["waiting"] is None:
        return Reading(value=0)
    waiting = Waiting.model_validate(answer["waiting"])
    ledger = Records(account, names).ledger()
    is_here = bool(ledger) and ledger[-1].release.has_same_content(waiting.release)
    if is_here or not waiting.refused:
        return Reading(value=0)
    days = (now - waiting.since) / DAY
    return Reading(value=round(days, 2), found=(_refused(names.env, preceding, waiting),))


def _refused(env: str, preceding: str, waiting: Waiting) -> Notification:
    return Notification(
        what=f"release {waiting.version} waits to be promoted",
        happened=f"{env} does not get the release that {preceding} has: {waiting.sentence}",
        since=waiting.since,
        commands=(f"./vectora promote explain --to {env}", f"./vectora promote retry --to {env}"),
        runbook="docs/runbooks/alarms.md#promotion-waits",
    )


@dataclass(frozen=True, kw_only=True)
class PendingApproval:
    """An approval that the environment's stage of the pipeline waits for."""

    since: datetime
    expires: datetime
    execution: str


def pending_approval(account: Account, names: Names, approval_days: int) -> PendingApproval | None:
    """Return the approval that the environment's stage waits for; None when there is none, or no pipeline."""
    try:
        state = account.of(PIPELINE).client("codepipeline").get_pipeline_state(name=names.pipeline)
    except ClientError as error:
        if error_code(error) != "PipelineNotFoundException":
            raise
        return None
    for stage in state["stageStates"]:
        if stage["stageName"] == names.env:
            return next(filter(None, (_pending(stage, each, approval_days) for each in stage["actionStates"])), None)
    return None


def _pending(stage: Mapping[str, Any], action: Mapping[str, Any], approval_days: int) -> PendingApproval | None:
    last = action.get("latestExecution", {})
    if not action["actionName"].startswith(APPROVAL_PREFIX) or last.get("status") != "InProgress":
        return None
    since: datetime = last["lastStatusChange"]
    return PendingApproval(
        since=since,
        expires=since + approval_days * DAY,
        execution=str(stage.get("latestExecution", {}).get("pipelineExecutionId", "")),
    )


def approval_waiting(pending: PendingApproval | None, now: datetime) -> Reading:
    """Return the days that the stage has been waiting for an approval; 0 when it waits for none."""
    return Reading(value=round((now - pending.since) / DAY, 2) if pending else 0)

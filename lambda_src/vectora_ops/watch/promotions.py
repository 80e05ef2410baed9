"""Promotions into this environment that wait: for their gates, or for an approval."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict

from vectora_ops.account import PIPELINE, Account
from vectora_ops.names import EnvName, Names
from vectora_ops.notifications import ALARMS
from vectora_ops.overview.model import WaitingApproval
from vectora_ops.overview.pipeline import read_pipeline
from vectora_ops.records import Records, ReleaseId
from vectora_ops.remote import run_remotely
from vectora_ops.watch.reading import Reading
from vectora_shared.errors import VectoraError
from vectora_shared.notifications import Notification

DAY = timedelta(days=1)
NOTIFIED_AFTER_DAYS = 21


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
    # Every release waits for its soak, and each refusal has its own notification.
    lasts = days >= NOTIFIED_AFTER_DAYS
    return Reading(value=round(days, 2), found=(_refused(names.env, preceding, waiting),) if lasts else ())


def _refused(env: str, preceding: str, waiting: Waiting) -> Notification:
    return Notification(
        what=f"release {waiting.version} waits to be promoted",
        happened=f"{env} does not get the release that {preceding} has: {waiting.sentence}",
        since=waiting.since,
        commands=(f"./vectora promote explain --to {env}", f"./vectora promote retry --to {env}"),
        runbook=f"{ALARMS}#promotion-waits",
    )


def pending_approval(account: Account, names: Names, approval_days: int) -> WaitingApproval | None:
    """Return the approval that the environment's stage waits for; None when there is none, or no pipeline."""
    pipeline = read_pipeline(lambda: account.of(PIPELINE), names, approval_days)
    if pipeline.problem:
        raise VectoraError(f"The pipeline cannot be read: {pipeline.problem}")
    return next((each for each in pipeline.approvals if each.env == names.env), None)


def approval_waiting(pending: WaitingApproval | None, now: datetime) -> Reading:
    """Return the days that the stage has been waiting for an approval; 0 when it waits for none."""
    since = pending.since if pending else None
    return Reading(value=round((now - since) / DAY, 2) if since else 0)

"""What happens by itself when a deployment fails: the environment goes back to its snapshot, once, and is held."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from vectora_core.errors import VectoraError
from vectora_ops.account import Account
from vectora_ops.cloudformation import Stacks
from vectora_ops.names import OPERATIONS_LAYER, STACK_LAYERS, Names
from vectora_ops.promotion.records import Alarm, Deployment, Hold, Records, held_since, minute
from vectora_ops.rollback import RollbackRequest, RollbackResult
from vectora_ops.snapshots.lease import Clock, utc_now
from vectora_ops.snapshots.observer import OutOfTimeError
from vectora_ops.snapshots.vault import Vault

logger = logging.getLogger("vectora")
# Rolls back to the snapshot that the request names.
RollBack = Callable[[RollbackRequest], RollbackResult]
Notify = Callable[[str, str], None]
GATE_PREFIX = "gate-"
APPROVAL_PREFIX = "approval-"
# CodePipeline allows few characters here (DisableStageTransition, API reference).
TRANSITION_REASON = "Held after a failed deployment. Look at it then run vectora promote release-hold"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """The action that failed last, and what it said."""

    action: str
    message: str

    @property
    def before_deployment(self) -> bool:
        """A gate refused, or nobody approved: nothing was touched."""
        return self.action.startswith((GATE_PREFIX, APPROVAL_PREFIX))


class Setback:
    """An environment's reaction to one event."""

    def __init__(
        self,
        account: Account,
        names: Names,
        *,
        roll_back: RollBack,
        notify: Notify,
        watch_hours: int,
        clock: Clock = utc_now,
    ) -> None:
        """`watch_hours` is for how long after a deployment an alarm rolls it back."""
        self._account = account
        self._names = names
        self._records = Records(account, names)
        self._roll_back = roll_back
        self._notify = notify
        self._watch = timedelta(hours=watch_hours)
        self._clock = clock

    def stage_failed(self, event: Mapping[str, Any]) -> str:
        """An execution of the pipeline failed or was stopped in this environment's stage; what was done about it."""
        detail = event["detail"]
        execution = detail["execution-id"]
        failure = self._failure(execution)
        if failure.before_deployment:
            return self._tell(
                "promotion refused",
                f"Nothing was changed in {self._names.env}: {failure.message} Execution {execution}, action "
                f"{failure.action}.",
            )
        hold = self._records.hold()
        if hold and hold.holds and not (hold.state == "rolling back" and hold.execution == execution):
            return self._tell(
                "deployment failed while held",
                f"{failure.action}: {failure.message} Nothing was rolled back again: {held_since(hold)}.",
            )
        reason = f"{failure.action} failed: {failure.message}"
        self._hold_now(reason, execution)
        deployment = self._records.deployment()
        if deployment is None or deployment.execution != execution:
            return self._end(reason, execution, "nothing had been deployed yet, so there was nothing to roll back")
        return self._undo(reason, execution, deployment, deployment.snapshot)

    def alarm_raised(self, event: Mapping[str, Any]) -> str:
        """An alarm of this environment; soon after a deployment it is taken for its consequence."""
        detail = event["detail"]
        alarm = Alarm(
            name=detail["alarmName"],
            reason=str(detail.get("state", {}).get("reason", "")),
            at=self._clock(),
        )
        reason = f"alarm {alarm.name} was raised: {alarm.reason}"
        hold = self._records.hold()
        if hold and hold.state == "rolling back" and hold.execution == str(event.get("id")):
            # A further invocation of this same rollback.
            return self._after_alarm(reason, str(event["id"]))
        self._records.write_alarm(alarm)
        ledger = self._records.ledger()
        last = ledger[-1] if ledger else None
        if last is None or last.kind != "release" or alarm.at - last.at >= self._watch or (hold and hold.holds):
            return self._tell("alarm", f"In {self._names.env} {reason} Nothing was rolled back.")
        self._hold_now(reason, str(event.get("id")))
        return self._after_alarm(reason, str(event.get("id")))

    # --- going back

    def _after_alarm(self, reason: str, event_id: str) -> str:
        deployment = self._records.deployment()
        if deployment is None or deployment.state != "released":
            return self._end(reason, event_id, "no deployment is on record, so there was nothing to roll back to")
        return self._undo(reason, event_id, deployment, deployment.snapshot)

    def _undo(self, reason: str, execution: str, deployment: Deployment, snapshot: str) -> str:
        if Vault(self._account, self._names).manifest(snapshot).is_empty:
            self._clear_failed_creations()
            self._records.write_deployment(deployment.model_copy(update={"state": "left as it is"}))
            return self._end(
                reason,
                execution,
                "it was the first deployment, so there is nothing to go back to: its stacks were left for the fix",
            )
        try:
            result = self._roll_back(RollbackRequest(snapshot=snapshot, replaced_since=deployment.at, reason=reason))
        except OutOfTimeError:
            raise
        except VectoraError as error:
            return self._end(
                reason, execution, f"the rollback to {snapshot} failed and must be finished by hand: {error}"
            )
        self._records.write_deployment(deployment.model_copy(update={"state": "rolled back"}))
        outcome = (
            f"nothing differed from {snapshot}"
            if result.nothing_to_do
            else f"rolled back to {snapshot} in {result.seconds:.0f} s, compared and proven"
        )
        return self._end(reason, execution, outcome)

    def _clear_failed_creations(self) -> None:
        """A stack whose creation failed cannot be updated: CloudFormation wants it deleted first."""
        stacks = Stacks(self._account)
        for layer in reversed(STACK_LAYERS):
            if layer != OPERATIONS_LAYER:
                stacks.settle(self._names.stack(layer))

    # --- the hold

    def _hold_now(self, reason: str, execution: str) -> None:
        """First of all: nothing else may enter while this goes on."""
        self._records.write_hold(Hold(state="rolling back", reason=reason, at=self._clock(), execution=execution))
        try:
            self._account.client("codepipeline").disable_stage_transition(
                pipelineName=self._names.pipeline,
                stageName=self._names.env,
                transitionType="Inbound",
                reason=TRANSITION_REASON,
            )
        except ClientError:
            # The gate and the snapshot step look at the record; going back is more urgent than this second lock.
            logger.exception("The transition into %s could not be disabled", self._names.env)

    def _end(self, reason: str, execution: str, outcome: str) -> str:
        self._records.write_hold(
            Hold(state="held", reason=reason, at=self._clock(), execution=execution, outcome=outcome)
        )
        env = self._names.env
        return self._tell(
            "deployment failed",
            f"In {env} {reason.rstrip('.')}. Then: {outcome}. Promotion into {env} is held: look at it "
            f"(./vectora status --env {env}), push the fix, then ./vectora promote release-hold --env {env}.",
        )

    def _tell(self, what: str, message: str) -> str:
        self._notify(what, message)
        return message

    def _failure(self, execution: str) -> Failure:
        """What CodePipeline says went wrong in this environment's stage."""
        pages = (
            self._account.client("codepipeline")
            .get_paginator("list_action_executions")
            .paginate(pipelineName=self._names.pipeline, filter={"pipelineExecutionId": execution})
        )
        mine = [
            each
            for page in pages
            for each in page["actionExecutionDetails"]
            if each["stageName"] == self._names.env and each["status"] in ("Failed", "Abandoned")
        ]
        if not mine:
            return Failure(
                action="the execution", message=f"it ended in stage {self._names.env} without a failed action."
            )
        # A stage that was retried has failed before, too.
        last = max(mine, key=lambda each: each["lastUpdateTime"])
        result = last.get("output", {}).get("executionResult", {})
        details = result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary")
        return Failure(action=last["actionName"], message=str(details or "no reason given."))


def release_hold(account: Account, names: Names, by: str, *, clock: Clock = utc_now) -> Hold:
    """Let promotions in again; raises VectoraError when nothing is held or a rollback is under way."""
    records = Records(account, names)
    hold = records.hold()
    if hold is None or not hold.holds:
        raise VectoraError(f"Promotion into {names.env} is not held: there is nothing to release.")
    if hold.state == "rolling back" and clock() - hold.at < timedelta(hours=1):
        raise VectoraError(
            f"{names.env} is being rolled back since {minute(hold.at)}: wait for its end (./vectora status --env "
            f"{names.env})."
        )
    released = hold.model_copy(update={"state": "released", "released_by": by, "at": clock()})
    records.write_hold(released)
    try:
        account.client("codepipeline").enable_stage_transition(
            pipelineName=names.pipeline, stageName=names.env, transitionType="Inbound"
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "PipelineNotFoundException":
            raise
    return released

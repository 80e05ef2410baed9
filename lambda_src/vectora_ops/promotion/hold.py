"""Holds of promotion: the transition that a hold disables, and the release of a hold by an operator."""

from __future__ import annotations

from botocore.exceptions import ClientError

from vectora_ops.account import PIPELINE, Account
from vectora_ops.names import Names
from vectora_ops.progress import Clock, utc_now
from vectora_ops.records import Hold, Records
from vectora_ops.times import minute
from vectora_shared.aws_errors import error_code
from vectora_shared.errors import VectoraError

# CodePipeline allows few characters here (DisableStageTransition, API reference).
TRANSITION_REASON = "Held after a failed deployment. Look at it then run vectora promote release-hold"


def disable_transition(account: Account, names: Names) -> None:
    """Let no execution of the pipeline enter the environment's stage."""
    account.of(PIPELINE).client("codepipeline").disable_stage_transition(
        pipelineName=names.pipeline, stageName=names.env, transitionType="Inbound", reason=TRANSITION_REASON
    )


def release_hold(account: Account, names: Names, by: str, *, clock: Clock = utc_now) -> Hold:
    """Allow promotions again; raises VectoraError when nothing is held or a rollback is running.

    A hold whose record was lost or damaged is recognized by the transition that it disabled.
    """
    records = Records(account, names)
    hold = _recorded_hold(records, clock)
    if (hold is None or not hold.holds) and _is_disabled(account, names):
        hold = Hold(state="held", reason="a deployment failed, and the hold could not be recorded", at=clock())
    if hold is None or not hold.holds:
        raise VectoraError(f"Promotion into {names.env} is not held: there is nothing to release.")
    if hold.state == "rolling back" and not hold.is_interrupted(clock()):
        raise VectoraError(
            f"{names.env} is being rolled back since {minute(hold.at)}: wait for its end (./vectora status --env "
            f"{names.env})."
        )
    released = hold.model_copy(update={"state": "released", "released_by": by, "at": clock()})
    records.write_hold(released)
    try:
        account.of(PIPELINE).client("codepipeline").enable_stage_transition(
            pipelineName=names.pipeline, stageName=names.env, transitionType="Inbound"
        )
    except ClientError as error:
        if error_code(error) != "PipelineNotFoundException":
            raise
    return released


def _recorded_hold(records: Records, clock: Clock) -> Hold | None:
    try:
        return records.hold()
    except VectoraError as error:
        return Hold(state="held", reason=str(error), at=clock())


def _is_disabled(account: Account, names: Names) -> bool:
    """Return whether a hold, and nothing else, has disabled the transition into the environment."""
    try:
        state = account.of(PIPELINE).client("codepipeline").get_pipeline_state(name=names.pipeline)
    except ClientError as error:
        if error_code(error) != "PipelineNotFoundException":
            raise
        return False
    transitions = (
        each.get("inboundTransitionState", {}) for each in state["stageStates"] if each["stageName"] == names.env
    )
    return any(
        not each.get("enabled", True) and each.get("disabledReason") == TRANSITION_REASON for each in transitions
    )

"""Scheduled retries of promotions that a gate refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import PIPELINE, Account
from vectora_ops.names import Names
from vectora_ops.notifications import Notify, push_again
from vectora_ops.progress import Clock, utc_now
from vectora_ops.promotion.ending import GATE_PREFIX, REPORT_PREFIX, SNAPSHOT_PREFIX, is_step
from vectora_ops.promotion.facts import deployed_release
from vectora_ops.promotion.steps.gate import judge
from vectora_ops.records import Records, Retry
from vectora_ops.settings import Promotion, Schedule
from vectora_shared.aws_errors import error_code

# RetryStageExecution, API reference: the pipeline has changed since, or the stage no longer waits for a retry.
GONE = ("StageNotRetryableException", "StageNotFoundException", "NotLatestPipelineExecutionException")
# The pipeline is busy; the next retry may pass.
BUSY = ("ConflictException", "ConcurrentPipelineExecutionsLimitExceededException")


def retry_refused(
    account: Account,
    source: Names,
    target: Names,
    policy: Promotion,
    *,
    schedule: Schedule | None = None,
    notify: Notify = lambda notification: None,
    clock: Clock = utc_now,
) -> str:
    """Retry the stage of `target` when its gate refused the release that `source` has; return a sentence about it.

    An execution that CodePipeline will never retry is reported once, and is no failure: a schedule calls this daily.
    """
    pipeline = account.of(PIPELINE).client("codepipeline")
    try:
        state = pipeline.get_pipeline_state(name=target.pipeline)
    except ClientError as error:
        if error_code(error) != "PipelineNotFoundException":
            raise
        return f"There is no pipeline {target.pipeline}."
    execution = _refused(state, target.env)
    release = deployed_release(account, source)
    if execution is None or release is None:
        return f"No promotion into {target.env} is refused."
    decision, _ = judge(account, source, target, policy, release, schedule=schedule, clock=clock)
    if decision.outcome != "pass":
        return decision.sentence
    try:
        pipeline.retry_stage_execution(
            pipelineName=target.pipeline,
            stageName=target.env,
            pipelineExecutionId=execution,
            retryMode="FAILED_ACTIONS",
        )
    except ClientError as error:
        code = error_code(error)
        if code in BUSY:
            return f"Execution {execution} could not be retried now, the pipeline is busy: the schedule tries again."
        if code not in GONE:
            raise
        return _notify_once(Records(account, source), execution, target, notify, clock)
    return f"Execution {execution} is tried again: {decision.sentence}"


def _notify_once(records: Records, execution: str, target: Names, notify: Notify, clock: Clock) -> str:
    message = (
        f"Execution {execution} would be promoted into {target.env} now, but CodePipeline cannot retry it: the "
        "pipeline has changed since, or a later execution came. Push the commit again, or release a change in the "
        "pipeline."
    )
    notified = records.retry()
    if notified is None or notified.execution != execution:
        notify(push_again(target.env, message))
        records.write_retry(Retry(execution=execution, at=clock()))
    return message


def _refused(state: Mapping[str, Any], env: str) -> str | None:
    """Return the execution that gate, report or snapshot stopped, when it is the last that reached that stage."""
    for stage in state["stageStates"]:
        if stage["stageName"] != env or stage.get("latestExecution", {}).get("status") != "Failed":
            continue
        failed = [
            each["actionName"]
            for each in stage["actionStates"]
            if each.get("latestExecution", {}).get("status") == "Failed"
        ]
        if failed and all(is_step(name, GATE_PREFIX, REPORT_PREFIX, SNAPSHOT_PREFIX) for name in failed):
            return str(stage["latestExecution"]["pipelineExecutionId"])
    return None

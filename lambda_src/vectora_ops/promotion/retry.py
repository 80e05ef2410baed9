"""A promotion that a gate refused is tried again by schedule, as soon as the gate would let it through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.promotion.facts import live_digest
from vectora_ops.promotion.setback import GATE_PREFIX
from vectora_ops.promotion.steps import judge
from vectora_ops.settings import Promotion


def retry_refused(account: Account, source: Names, target: Names, policy: Promotion) -> str:
    """Retry the stage of `target` when its gate refused what `source` has now; what was done, in one sentence."""
    pipeline = account.client("codepipeline")
    try:
        state = pipeline.get_pipeline_state(name=target.pipeline)
    except ClientError as error:
        if error.response["Error"]["Code"] != "PipelineNotFoundException":
            raise
        return f"There is no pipeline {target.pipeline}."
    execution = _refused(state, target.env)
    digest = live_digest(account, source)
    if execution is None or digest is None:
        return f"No promotion into {target.env} is refused."
    decision, _ = judge(account, source, target, policy, digest)
    if decision.outcome != "pass":
        return decision.sentence
    pipeline.retry_stage_execution(
        pipelineName=target.pipeline,
        stageName=target.env,
        pipelineExecutionId=execution,
        retryMode="FAILED_ACTIONS",
    )
    return f"Execution {execution} is tried again: {decision.sentence}"


def _refused(state: Mapping[str, Any], env: str) -> str | None:
    """The execution whose gate refused it, when it is the last that came to that stage."""
    for stage in state["stageStates"]:
        if stage["stageName"] != env or stage.get("latestExecution", {}).get("status") != "Failed":
            continue
        failed = [
            each["actionName"]
            for each in stage["actionStates"]
            if each.get("latestExecution", {}).get("status") == "Failed"
        ]
        if failed and all(name.startswith(GATE_PREFIX) for name in failed):
            return str(stage["latestExecution"]["pipelineExecutionId"])
    return None

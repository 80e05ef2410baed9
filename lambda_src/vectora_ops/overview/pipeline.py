"""Stages of the pipeline that wait for an approval, and those that failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from vectora_ops.account import Account
from vectora_ops.names import EnvName, Names
from vectora_ops.overview.model import PipelineOverview, StageRefusal, WaitingApproval
from vectora_ops.settings import ENVIRONMENT_NAMES
from vectora_shared.aws_errors import error_code, is_denied
from vectora_shared.aws_texts import plain
from vectora_shared.errors import VectoraError

Stage = Mapping[str, Any]


def read_pipeline(opens: Callable[[], Account], names: Names, approval_days: int) -> PipelineOverview:
    """Return the state of the environments' stages; nothing when there is no pipeline."""
    try:
        state = opens().client("codepipeline").get_pipeline_state(name=names.pipeline)
    except VectoraError as error:
        return PipelineOverview(problem=str(error))
    except ClientError as error:
        if error_code(error) == "PipelineNotFoundException":
            return PipelineOverview()
        return PipelineOverview(problem="AWS denied GetPipelineState" if is_denied(error) else plain(error))
    except BotoCoreError as error:
        return PipelineOverview(problem=plain(error))
    stages = [(env, stage) for stage in state["stageStates"] for env in ENVIRONMENT_NAMES if stage["stageName"] == env]
    return PipelineOverview(
        approvals=tuple(each for env, stage in stages for each in _approvals(env, stage, approval_days)),
        refusals=tuple(each for env, stage in stages for each in _refusals(env, stage)),
    )


def _approvals(env: EnvName, stage: Stage, approval_days: int) -> Iterator[WaitingApproval]:
    """Yield the approval that waits: only such an action has a token (CodePipeline API reference, ActionExecution)."""
    for action in stage["actionStates"]:
        latest = action.get("latestExecution", {})
        if latest.get("status") == "InProgress" and latest.get("token"):
            since = latest.get("lastStatusChange")
            yield WaitingApproval(
                env=env,
                execution=stage.get("latestExecution", {}).get("pipelineExecutionId", ""),
                since=since,
                expires=since + timedelta(days=approval_days) if since else None,
            )


def _refusals(env: EnvName, stage: Stage) -> Iterator[StageRefusal]:
    latest = stage.get("latestExecution", {})
    if latest.get("status") != "Failed":
        return
    for action in stage["actionStates"]:
        failed = action.get("latestExecution", {})
        if failed.get("status") == "Failed":
            yield StageRefusal(
                env=env,
                execution=latest.get("pipelineExecutionId", ""),
                action=action["actionName"],
                since=failed.get("lastStatusChange"),
            )
            return

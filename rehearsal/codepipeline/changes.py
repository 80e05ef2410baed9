"""Changes of state with the details of their EventBridge events, in CodePipeline's form."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rehearsal.codepipeline.events import Notice
from rehearsal.codepipeline.hooks import StateChange
from rehearsal.codepipeline.state import ActionRun, Artifact, Execution, StageRun, now


def of_execution(execution: Execution, state: str) -> Notice:
    """Return the notice that the execution entered `state`."""
    kind, detail = execution.trigger
    change = StateChange(
        "pipeline",
        execution.pipeline.name,
        execution.id,
        execution.version,
        None,
        None,
        state,
        execution.message,
        now(),
        execution.started,
        execution.ended,
    )
    trigger = {"execution-trigger": {"trigger-type": kind, "trigger-detail": detail}}
    stopped = {"stop-execution-comments": execution.stop_reason} if execution.stop_reason else {}
    return Notice(change, {**_common(execution, state, execution.started), **trigger, **stopped})


def of_stage(execution: Execution, stage: StageRun, state: str) -> Notice:
    """Return the notice that the stage of an execution entered `state`."""
    moment = now()
    change = StateChange(
        "stage",
        execution.pipeline.name,
        execution.id,
        execution.version,
        stage.stage,
        None,
        state,
        None,
        moment,
        stage.started,
        None if state in ("STARTED", "RESUMED", "STOPPING") else moment,
    )
    detail = {**_common(execution, state, stage.started), "stage": stage.stage}
    if state == "FAILED":
        failed = [run for run in execution.runs if run.stage == stage.stage and run.status == "Failed"]
        detail["failedActionCount"] = len(failed)
        detail["failedActions"] = [
            {"action": run.action.name, "additionalInformation": run.message or ""} for run in failed
        ]
    return Notice(change, detail)


def of_action(execution: Execution, run: ActionRun, state: str, region: str) -> Notice:
    """Return the notice that the action execution entered `state`."""
    kind = run.action.type
    change = StateChange(
        "action",
        execution.pipeline.name,
        execution.id,
        execution.version,
        run.stage,
        run.action.name,
        state,
        run.message,
        now(),
        run.started,
        run.ended,
    )
    detail = {
        **_common(execution, state, run.started),
        "stage": run.stage,
        "action": run.action.name,
        "action-execution-id": run.id,
        "input-artifacts": [_artifact(each) for each in run.inputs],
        "output-artifacts": [_artifact(each) for each in run.outputs],
        "region": region,
        "type": {
            "owner": kind.owner,
            "provider": kind.provider,
            "category": kind.category,
            "version": kind.version,
        },
    }
    if run.ended is not None:
        detail["execution-result"] = _result(run)
    return Notice(change, detail)


def _common(execution: Execution, state: str, started: datetime) -> dict[str, Any]:
    return {
        "pipeline": execution.pipeline.name,
        "execution-id": execution.id,
        "start-time": started.strftime("%Y-%m-%dT%H:%M:%S.") + f"{started.microsecond // 1000:03d}Z",
        "state": state,
        "version": execution.version,
        "pipeline-execution-attempt": execution.attempt,
    }


def _artifact(artifact: Artifact) -> dict[str, Any]:
    return {"name": artifact.name, "s3location": {"bucket": artifact.bucket, "key": artifact.key}}


def _result(run: ActionRun) -> dict[str, str]:
    found = {
        "external-execution-url": run.external_url,
        "external-execution-summary": run.message,
        "external-execution-id": run.external_id,
        "error-code": run.error_code,
    }
    return {key: value for key, value in found.items() if value}

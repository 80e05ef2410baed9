"""Pipelines, executions and actions in the form of the API's answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal.codepipeline.catalog import APPROVAL, SOURCE
from rehearsal.codepipeline.state import ActionRun, Artifact, Execution, Gate, Record, Transition

View = dict[str, Any]


def without_none(view: Mapping[str, Any]) -> View:
    """Return the view without members that have no value, as AWS does."""
    return {key: value for key, value in view.items() if value is not None}


def declaration(record: Record) -> View:
    """Return the declaration of GetPipeline."""
    return {**record.pipeline.document, "version": record.version}


def summary(record: Record) -> View:
    """Return the entry of ListPipelines."""
    return {
        "name": record.pipeline.name,
        "version": record.version,
        "pipelineType": "V2",
        "executionMode": record.pipeline.execution_mode,
        "created": record.created,
        "updated": record.updated,
    }


def execution(each: Execution) -> View:
    """Return the view of GetPipelineExecution."""
    revisions = [
        {
            "name": revision.artifact,
            "revisionId": revision.revision_id,
            "revisionSummary": revision.summary,
            "created": revision.created,
            "revisionUrl": revision.url,
        }
        for revision in each.revisions
    ]
    return without_none(
        {
            "pipelineName": each.pipeline.name,
            "pipelineVersion": each.version,
            "pipelineExecutionId": each.id,
            "status": each.status,
            "statusSummary": each.message,
            "artifactRevisions": revisions,
            "variables": [{"name": name, "resolvedValue": value} for name, value in each.variables.items()],
            "trigger": _trigger(each),
            "executionMode": each.pipeline.execution_mode,
            "executionType": "STANDARD",
        }
    )


def execution_summary(each: Execution) -> View:
    """Return the entry of ListPipelineExecutions."""
    revisions = [
        {
            "actionName": revision.action,
            "revisionId": revision.revision_id,
            "revisionSummary": revision.summary,
            "revisionUrl": revision.url,
        }
        for revision in each.revisions
    ]
    return without_none(
        {
            "pipelineExecutionId": each.id,
            "status": each.status,
            "statusSummary": each.message,
            "startTime": each.started,
            "lastUpdateTime": each.ended or each.updated,
            "sourceRevisions": revisions,
            "trigger": _trigger(each),
            "stopTrigger": {"reason": each.stop_reason} if each.stop_reason else None,
            "executionMode": each.pipeline.execution_mode,
            "executionType": "STANDARD",
        }
    )


def _trigger(each: Execution) -> View:
    return {"triggerType": each.trigger[0], "triggerDetail": each.trigger[1]}


def state(record: Record) -> View:
    """Return the view of GetPipelineState."""
    stages = [_stage(record, stage.name) for stage in record.pipeline.stages]
    return {
        "pipelineName": record.pipeline.name,
        "pipelineVersion": record.version,
        "stageStates": stages,
        "created": record.created,
        "updated": record.updated,
    }


def _stage(record: Record, name: str) -> View:
    gate = record.gates.get(name, Gate())
    inbound = [_stage_execution(each, "InProgress") for each in gate.waiting]
    latest = gate.latest if gate.latest and name in gate.latest.stages else None
    return without_none(
        {
            "stageName": name,
            "inboundExecution": inbound[0] if inbound else None,
            "inboundExecutions": inbound,
            "inboundTransitionState": _transition(gate.inbound),
            "actionStates": [_action(record, name, action.name) for action in record.pipeline.stage(name).actions],
            "latestExecution": _stage_execution(latest, latest.stages[name].status) if latest else None,
        }
    )


def _stage_execution(each: Execution, status: str) -> View:
    return {"pipelineExecutionId": each.id, "status": status, "type": "STANDARD"}


def _transition(transition: Transition) -> View:
    if transition.changed_by is None:
        return {"enabled": transition.enabled}
    return without_none(
        {
            "enabled": transition.enabled,
            "lastChangedBy": transition.changed_by,
            "lastChangedAt": transition.changed_at,
            "disabledReason": transition.reason,
        }
    )


def _action(record: Record, stage: str, name: str) -> View:
    run = record.latest_run(stage, name)
    if run is None:
        return {"actionName": name}
    return without_none(
        {
            "actionName": name,
            "currentRevision": _revision(record, run) if run.action.type == SOURCE else None,
            "latestExecution": _run(run),
            "entityUrl": run.configuration.get("ExternalEntityLink") or run.external_url,
        }
    )


def _revision(record: Record, run: ActionRun) -> View | None:
    revisions = (each for execution in reversed(record.executions) for each in execution.revisions)
    found = next((each for each in revisions if each.action == run.action.name), None)
    if found is None:
        return None
    return {"revisionId": found.revision_id, "revisionChangeIdentifier": found.revision_id, "created": found.created}


def _run(run: ActionRun) -> View:
    failed = run.status == "Failed"
    waiting = run.action.type == APPROVAL and run.status == "InProgress"
    return without_none(
        {
            "actionExecutionId": run.id,
            "status": run.status,
            "summary": run.message,
            "lastStatusChange": run.ended or run.started,
            "token": run.token if waiting else None,
            "lastUpdatedBy": run.updated_by,
            "externalExecutionId": run.external_id,
            "externalExecutionUrl": run.external_url,
            "errorDetails": {"code": run.error_code, "message": run.message} if failed else None,
        }
    )


def action_detail(each: Execution, run: ActionRun) -> View:
    """Return the entry of ListActionExecutions."""
    kind, action = run.action.type, run.action
    failed = run.status == "Failed"
    result = without_none(
        {
            "externalExecutionId": run.external_id,
            "externalExecutionSummary": run.message,
            "externalExecutionUrl": run.external_url,
            "errorDetails": {"code": run.error_code, "message": run.message} if failed else None,
        }
    )
    return without_none(
        {
            "pipelineExecutionId": each.id,
            "actionExecutionId": run.id,
            "pipelineVersion": each.version,
            "stageName": run.stage,
            "actionName": action.name,
            "startTime": run.started,
            "lastUpdateTime": run.ended or run.updated,
            "updatedBy": run.updated_by,
            "status": run.status,
            "input": without_none(
                {
                    "actionTypeId": {
                        "category": kind.category,
                        "owner": kind.owner,
                        "provider": kind.provider,
                        "version": kind.version,
                    },
                    "configuration": dict(action.configuration),
                    "resolvedConfiguration": dict(run.configuration),
                    "roleArn": action.role_arn,
                    "inputArtifacts": [_artifact(artifact) for artifact in run.inputs],
                    "namespace": action.namespace,
                }
            ),
            "output": {
                "outputArtifacts": [_artifact(artifact) for artifact in run.outputs],
                "executionResult": result,
                "outputVariables": dict(run.variables),
            },
        }
    )


def _artifact(artifact: Artifact) -> View:
    return {"name": artifact.name, "s3location": {"bucket": artifact.bucket, "key": artifact.key}}

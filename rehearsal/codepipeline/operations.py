"""The API's operations: the answer of each, and the resource on which IAM has to allow it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rehearsal.codepipeline import views
from rehearsal.codepipeline.engine import Engine
from rehearsal.codepipeline.errors import ApiError
from rehearsal.codepipeline.jobs import Answer
from rehearsal.codepipeline.state import Execution, Record, Transition, now
from rehearsal.codepipeline.views import View

Input = Mapping[str, Any]
Item = TypeVar("Item")
PAGE = 100


@dataclass(frozen=True)
class Call:
    """One request with its verified caller."""

    engine: Engine
    input: Input
    caller: str


def _create(call: Call) -> View:
    tags = {tag["key"]: tag["value"] for tag in call.input.get("tags", [])}
    record = call.engine.create(call.input["pipeline"], tags, call.caller)
    return {"pipeline": views.declaration(record), "tags": _tag_list(record)}


def _update(call: Call) -> View:
    return {"pipeline": views.declaration(call.engine.update(call.input["pipeline"]))}


def _get(call: Call) -> View:
    record = call.engine.record(call.input["name"])
    if call.input.get("version", record.version) != record.version:
        message = f"The stand-in keeps version {record.version} of the pipeline '{call.input['name']}' only."
        raise ApiError("PipelineVersionNotFoundException", message)
    account, region = call.engine.shared.aws.account, call.engine.shared.aws.region
    metadata = {
        "pipelineArn": f"arn:aws:codepipeline:{region}:{account}:{record.pipeline.name}",
        "created": record.created,
        "updated": record.updated,
    }
    return {"pipeline": views.declaration(record), "metadata": metadata}


def _delete(call: Call) -> View:
    call.engine.delete(call.input["name"])
    return {}


def _list(call: Call) -> View:
    return _page(call, "pipelines", [views.summary(record) for record in call.engine.records()])


def _start(call: Call) -> View:
    overrides = {}
    for revision in call.input.get("sourceRevisions", []):
        if revision["revisionType"] != "COMMIT_ID":
            message = f"The stand-in for CodePipeline does not support source revisions of {revision['revisionType']}."
            raise ApiError("ValidationException", message)
        overrides[revision["actionName"]] = revision["revisionValue"]
    variables = {each["name"]: each["value"] for each in call.input.get("variables", [])}
    trigger = ("StartPipelineExecution", call.caller)
    return {"pipelineExecutionId": call.engine.start(call.input["name"], trigger, overrides, variables).id}


def _stop(call: Call) -> View:
    execution_id = call.input["pipelineExecutionId"]
    abandon, reason = call.input.get("abandon", False), call.input.get("reason")
    call.engine.stop(call.input["pipelineName"], execution_id, abandon, reason)
    return {"pipelineExecutionId": execution_id}


def _get_execution(call: Call) -> View:
    execution = call.engine.execution(call.input["pipelineName"], call.input["pipelineExecutionId"])
    return {"pipelineExecution": views.execution(execution)}


def _list_executions(call: Call) -> View:
    if call.input.get("filter"):
        raise ApiError("ValidationException", "The stand-in for CodePipeline does not filter executions by stage.")
    executions = reversed(call.engine.record(call.input["pipelineName"]).executions)
    return _page(call, "pipelineExecutionSummaries", [views.execution_summary(each) for each in executions])


def _state(call: Call) -> View:
    return views.state(call.engine.record(call.input["name"]))


def _list_actions(call: Call) -> View:
    record = call.engine.record(call.input["pipelineName"])
    chosen = call.input.get("filter", {})
    if "latestInPipelineExecution" in chosen:
        raise ApiError(
            "ValidationException", "The stand-in for CodePipeline does not filter by latestInPipelineExecution."
        )
    execution_id = chosen.get("pipelineExecutionId")
    if execution_id and _is_not_listed_yet(call, call.engine.execution(record.pipeline.name, execution_id)):
        return _page(call, "actionExecutionDetails", [])
    runs = [(each, run) for each in record.executions if execution_id in (None, each.id) for run in each.runs]
    newest_first = sorted(runs, key=lambda pair: pair[1].started, reverse=True)
    return _page(call, "actionExecutionDetails", [views.action_detail(*pair) for pair in newest_first])


def _is_not_listed_yet(call: Call, execution: Execution) -> bool:
    with call.engine.shared.changed:
        execution.listed += 1
        return execution.listed <= call.engine.shared.hooks.timing.unlisted_reads


def _approve(call: Call) -> View:
    result = call.input["result"]
    decision = (result["status"], result["summary"], call.caller)
    address = (call.input["pipelineName"], call.input["stageName"], call.input["actionName"])
    call.engine.decide(*address, call.input["token"], decision)
    return {"approvedAt": now()}


def _job_succeeded(call: Call) -> View:
    details = call.input.get("executionDetails", {})
    answer = Answer(
        variables=call.input.get("outputVariables", {}),
        continuation_token=call.input.get("continuationToken"),
        summary=details.get("summary"),
        external_id=details.get("externalExecutionId"),
    )
    call.engine.shared.jobs.answer(call.input["jobId"], answer)
    return {}


def _job_failed(call: Call) -> View:
    details = call.input["failureDetails"]
    failure = (details["message"], details["type"])
    answer = Answer(failure=failure, external_id=details.get("externalExecutionId"))
    call.engine.shared.jobs.answer(call.input["jobId"], answer)
    return {}


def _job(call: Call) -> View:
    job = call.engine.shared.jobs.get(call.input["jobId"])
    return {
        "jobDetails": {"id": job.id, "accountId": job.account, "data": {**job.data, "pipelineContext": job.context}}
    }


def _retry(call: Call) -> View:
    address = (call.input["pipelineName"], call.input["stageName"], call.input["pipelineExecutionId"])
    return {"pipelineExecutionId": call.engine.retry(*address, call.input["retryMode"]).id}


def _enable(call: Call) -> View:
    return _set_transition(call, Transition(True, None, call.caller))


def _disable(call: Call) -> View:
    return _set_transition(call, Transition(False, call.input["reason"], call.caller))


def _set_transition(call: Call, transition: Transition) -> View:
    address = (call.input["pipelineName"], call.input["stageName"], call.input["transitionType"])
    call.engine.set_transition(*address, transition)
    return {}


def _tag(call: Call) -> View:
    _of_arn(call).tags.update({tag["key"]: tag["value"] for tag in call.input["tags"]})
    return {}


def _untag(call: Call) -> View:
    for key in call.input["tagKeys"]:
        _of_arn(call).tags.pop(key, None)
    return {}


def _tags(call: Call) -> View:
    return {"tags": _tag_list(_of_arn(call))}


def _of_arn(call: Call) -> Record:
    arn = call.input["resourceArn"]
    try:
        return call.engine.record(arn.rpartition(":")[2])
    except ApiError as error:
        raise ApiError("ResourceNotFoundException", f"There is no pipeline with the ARN {arn}.") from error


def _tag_list(record: Record) -> list[View]:
    return [{"key": key, "value": value} for key, value in record.tags.items()]


def _page(call: Call, name: str, items: Sequence[View]) -> View:
    try:
        first = int(call.input.get("nextToken", "0"))
    except ValueError:
        raise ApiError("InvalidNextTokenException", "The next token was specified in an invalid format.") from None
    last = first + min(call.input.get("maxResults", PAGE), PAGE)
    page: View = {name: list(items[first:last])}
    return {**page, "nextToken": str(last)} if last < len(items) else page


@dataclass(frozen=True)
class Operation:
    """An operation; `resource` are the input's members that name the resource for IAM, none for all resources."""

    answer: Callable[[Call], View]
    resource: tuple[str, ...] = ()


OPERATIONS: Mapping[str, Operation] = {
    "CreatePipeline": Operation(_create, ("pipeline.name",)),
    "UpdatePipeline": Operation(_update, ("pipeline.name",)),
    "GetPipeline": Operation(_get, ("name",)),
    "DeletePipeline": Operation(_delete, ("name",)),
    "ListPipelines": Operation(_list),
    "StartPipelineExecution": Operation(_start, ("name",)),
    "StopPipelineExecution": Operation(_stop, ("pipelineName",)),
    "GetPipelineExecution": Operation(_get_execution, ("pipelineName",)),
    "ListPipelineExecutions": Operation(_list_executions, ("pipelineName",)),
    "GetPipelineState": Operation(_state, ("name",)),
    "ListActionExecutions": Operation(_list_actions, ("pipelineName",)),
    "PutApprovalResult": Operation(_approve, ("pipelineName", "stageName", "actionName")),
    "PutJobSuccessResult": Operation(_job_succeeded),
    "PutJobFailureResult": Operation(_job_failed),
    "GetJobDetails": Operation(_job),
    "RetryStageExecution": Operation(_retry, ("pipelineName", "stageName")),
    "EnableStageTransition": Operation(_enable, ("pipelineName", "stageName")),
    "DisableStageTransition": Operation(_disable, ("pipelineName", "stageName")),
    "TagResource": Operation(_tag, ("resourceArn",)),
    "UntagResource": Operation(_untag, ("resourceArn",)),
    "ListTagsForResource": Operation(_tags, ("resourceArn",)),
}


def resource_of(operation: Operation, given: Input, region: str, account: str) -> str:
    """Return the ARN on which IAM checks the operation; * for operations that cannot be limited to resources."""
    if not operation.resource:
        return "*"
    names = [_member(given, path) for path in operation.resource]
    if operation.resource == ("resourceArn",):
        return names[0]
    return f"arn:aws:codepipeline:{region}:{account}:{'/'.join(names)}"


def _member(given: Input, path: str) -> str:
    value: Any = given
    for name in path.split("."):
        value = value[name]
    return str(value)

"""The engine: all pipelines and the operations on them, with a thread for each running execution."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from rehearsal.codepipeline.catalog import APPROVAL, SOURCE
from rehearsal.codepipeline.changes import of_action, of_execution, of_stage
from rehearsal.codepipeline.definition import Document, Pipeline, read
from rehearsal.codepipeline.errors import ApiError
from rehearsal.codepipeline.runner import SERVICE, Runner
from rehearsal.codepipeline.shared import Shared
from rehearsal.codepipeline.state import ActionRun, Execution, Gate, Record, StageStatus, Transition, now
from rehearsal.codepipeline.validation import check

# Limit of one pipeline in QUEUED mode.
QUEUED_EXECUTIONS = 50
# Only a guard against hanging: a thread ends with the request that it waits for.
HANGS_AFTER_SECONDS = 600.0

TransitionType = Literal["Inbound", "Outbound"]
RetryMode = Literal["FAILED_ACTIONS", "ALL_ACTIONS"]


class Engine:
    """Pipelines with operations named after the API's; each raises the ApiError of its API operation."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self._records: dict[str, Record] = {}
        self._threads: list[threading.Thread] = []

    def records(self) -> list[Record]:
        """Return all pipelines by name."""
        with self.shared.changed:
            return sorted(self._records.values(), key=lambda record: record.pipeline.name)

    def record(self, name: str) -> Record:
        """Return a pipeline."""
        with self.shared.changed:
            if name not in self._records:
                message = f"Account '{self.shared.aws.account}' does not have a pipeline with name '{name}'"
                raise ApiError("PipelineNotFoundException", message)
            return self._records[name]

    def execution(self, name: str, execution_id: str) -> Execution:
        """Return an execution of a pipeline."""
        for execution in self.record(name).executions:
            if execution.id == execution_id:
                return execution
        message = f"Pipeline '{name}' has no execution with id '{execution_id}'."
        raise ApiError("PipelineExecutionNotFoundException", message)

    def create(self, document: Document, tags: Mapping[str, str], caller: str) -> Record:
        """Create a pipeline and start its first execution."""
        pipeline = self._checked(document)
        with self.shared.changed:
            if pipeline.name in self._records:
                message = (
                    f"A pipeline with the name '{pipeline.name}' already exists in account '{self.shared.aws.account}'"
                )
                raise ApiError("PipelineNameInUseException", message)
            record = Record(pipeline, dict(tags), gates={stage.name: Gate() for stage in pipeline.stages})
            self._records[pipeline.name] = record
        self.start(pipeline.name, ("CreatePipeline", caller))
        return record

    def update(self, document: Document) -> Record:
        """Change a pipeline and cancel its running executions, as AWS does; actions in progress run to their end.

        API reference, StageExecution: the status Cancelled means that the pipeline's definition was updated before the
        stage execution could be completed. AWS does not document when it reports that. The stand-in reports it
        immediately, which is the strictest reading: a reader of the status meets actions that still run.
        """
        record = self.record(document["name"])
        pipeline = self._checked(document)
        with self.shared.changed:
            record.pipeline = pipeline
            record.version += 1
            record.updated = now()
            for execution in _running(record):
                execution.cancelled = True
                waiting = (run for run in _in_progress(execution) if run.action.type == APPROVAL)
                self._abandon(execution, waiting, "CANCELED")
                self._cancel_stages(execution)
            self.shared.changed.notify_all()
        return record

    def _cancel_stages(self, execution: Execution) -> None:
        for stage in execution.stages.values():
            if stage.status == "InProgress":
                stage.status = "Cancelled"
                self.shared.publisher.publish(of_stage(execution, stage, "CANCELED"))

    def delete(self, name: str) -> None:
        """Delete a pipeline and cancel its running executions."""
        with self.shared.changed:
            record = self._records.pop(name, None)
            for execution in _running(record) if record else []:
                execution.cancelled = True
                self._abandon(execution, _in_progress(execution), "CANCELED")
            self.shared.changed.notify_all()

    def start(
        self,
        name: str,
        trigger: tuple[str, str],
        overrides: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Execution:
        """Start an execution; `overrides` are commits by name of the Source action."""
        with self.shared.changed:
            record = self.record(name)
            _refuse_unknown_sources(record.pipeline, overrides or {})
            values = _variables(record.pipeline, variables or {})
            if record.pipeline.execution_mode == "QUEUED" and len(list(_running(record))) >= QUEUED_EXECUTIONS:
                message = f"The pipeline '{name}' has {QUEUED_EXECUTIONS} executions queued already."
                raise ApiError("ConcurrentPipelineExecutionsLimitExceededException", message)
            execution = Execution(record.pipeline, record.version, trigger, dict(overrides or {}), values)
            record.executions.append(execution)
            self.shared.publisher.publish(of_execution(execution, "STARTED"))
            self._spawn(Runner(self.shared, record, execution).run)
        return execution

    def stop(self, name: str, execution_id: str, abandon: bool, reason: str | None) -> None:
        """Stop an execution after its actions in progress or, with `abandon`, immediately."""
        with self.shared.changed:
            execution = self._running_execution(name, execution_id)
            if execution.ended_already:
                message = f"The execution {execution_id} has ended as {execution.status}; it cannot be stopped."
                raise ApiError("PipelineExecutionNotStoppableException", message)
            if execution.status == "Stopping" and not abandon:
                message = f"The execution {execution_id} is stopping already; it can only be abandoned now."
                raise ApiError("DuplicatedStopRequestException", message)
            execution.stop_reason = reason
            execution.status = "Stopping"
            self.shared.publisher.publish(of_execution(execution, "STOPPING"))
            if abandon:
                self._abandon_execution(name, execution)
            self.shared.changed.notify_all()

    def _running_execution(self, name: str, execution_id: str) -> Execution:
        try:
            return self.execution(name, execution_id)
        except ApiError as error:
            if error.code != "PipelineExecutionNotFoundException":
                raise
            # StopPipelineExecution has no own code for a missing execution.
            raise ApiError("PipelineExecutionNotStoppableException", str(error)) from error

    def _abandon_execution(self, name: str, execution: Execution) -> None:
        self._abandon(execution, _in_progress(execution), "ABANDONED")
        for stage in execution.stages.values():
            if stage.status == "InProgress":
                stage.status = "Stopped"
                self.shared.publisher.publish(of_stage(execution, stage, "STOPPED"))
        execution.status = "Stopped"
        execution.ended = execution.updated = now()
        self.shared.publisher.publish(of_execution(execution, "STOPPED"))
        for gate in self.record(name).gates.values():
            if gate.holder is execution:
                gate.holder = None

    def retry(self, name: str, stage: str, execution_id: str, mode: RetryMode) -> Execution:
        """Retry a failed stage of an execution."""
        with self.shared.changed:
            record = self.record(name)
            record.pipeline.stage(stage)
            execution = self._retryable(record, stage, execution_id)
            position = [each.name for each in execution.pipeline.stages].index(stage)
            done = frozenset(
                action.name
                for action in execution.pipeline.stages[position].actions
                if (run := execution.latest_run(stage, action.name)) and run.status == "Succeeded"
            )
            execution.status, execution.ended, execution.message = "InProgress", None, None
            execution.attempt += 1
            record.gates[stage].holder = execution
            self.shared.publisher.publish(of_execution(execution, "RESUMED"))
            skipped = done if mode == "FAILED_ACTIONS" else frozenset()
            self._spawn(lambda: Runner(self.shared, record, execution).run(position, skipped))
            return execution

    def _retryable(self, record: Record, stage: str, execution_id: str) -> Execution:
        execution = next((each for each in record.executions if each.id == execution_id), None)
        gate = record.gates[stage]
        if execution is None or gate.latest is not execution:
            message = f"The execution {execution_id} is not the latest one of stage '{stage}'."
            raise ApiError("NotLatestPipelineExecutionException", message)
        retryable: tuple[StageStatus, ...] = ("Failed", "Stopped")
        same_structure = execution.version == record.version
        if execution.stages[stage].status not in retryable or gate.holder is not None or not same_structure:
            raise ApiError(
                "StageNotRetryableException",
                "Unable to retry. The pipeline structure or stage state might have changed while actions awaited "
                "retry, or the stage contains no failed actions.",
            )
        return execution

    def set_transition(self, name: str, stage: str, kind: TransitionType, transition: Transition) -> None:
        """Open or close a transition of a stage."""
        with self.shared.changed:
            record = self.record(name)
            gate = record.gates[record.pipeline.stage(stage).name]
            if kind == "Inbound":
                gate.inbound = transition
            else:
                gate.outbound = transition
            self.shared.changed.notify_all()

    def decide(self, name: str, stage: str, action: str, token: str, decision: tuple[str, str, str]) -> None:
        """Decide an approval; `decision` is Approved or Rejected, a summary, and the approver's ARN."""
        with self.shared.changed:
            record = self.record(name)
            record.pipeline.action(stage, action)
            run = record.latest_run(stage, action)
            if run is None or run.token != token:
                message = "Invalid approval token: this action has no approval request with this token."
                raise ApiError("InvalidApprovalTokenException", message)
            if run.decision is not None or run.status != "InProgress":
                message = f"The approval action '{action}' has already been approved or rejected."
                raise ApiError("ApprovalAlreadyCompletedException", message)
            run.decision = decision
            run.updated = now()
            self.shared.changed.notify_all()

    def pushed(self, repository: str, branch: str) -> list[Execution]:
        """Start the pipelines that watch the branch."""
        with self.shared.changed:
            names = [record.pipeline.name for record in self.records() if _watches(record.pipeline, repository, branch)]
        detail = json.dumps({"FullRepositoryId": repository, "BranchName": branch})
        return [self.start(name, ("WebhookV2", detail)) for name in names]

    def delete_all(self) -> None:
        """Delete all pipelines, as required when another emulator is connected."""
        for record in self.records():
            self.delete(record.pipeline.name)

    def close(self) -> None:
        """End all executions and return when no thread is left."""
        self.shared.close()
        for thread in self._threads:
            thread.join(HANGS_AFTER_SECONDS)

    def _checked(self, document: Document) -> Pipeline:
        pipeline = read(document)
        check(pipeline, self.shared.aws.region)
        if not self.shared.aws.trusts(pipeline.role_arn, SERVICE):
            message = f"CodePipeline is not authorized to perform AssumeRole on role {pipeline.role_arn}"
            raise ApiError("InvalidStructureException", message)
        return pipeline

    def _abandon(self, execution: Execution, runs: Iterable[ActionRun], state: str) -> None:
        for run in runs:
            run.status = "Abandoned"
            run.ended = run.updated = now()
            self.shared.publisher.publish(of_action(execution, run, state, self.shared.aws.region))

    def _spawn(self, work: Callable[[], None]) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=work, daemon=True, name="execution")
        self._threads.append(thread)
        thread.start()


def _running(record: Record) -> list[Execution]:
    return [execution for execution in record.executions if not execution.ended_already]


def _in_progress(execution: Execution) -> list[ActionRun]:
    return [run for run in execution.runs if run.status == "InProgress"]


def _watches(pipeline: Pipeline, repository: str, branch: str) -> bool:
    pushed = {"FullRepositoryId": repository, "BranchName": branch}
    sources = (action.configuration for _, action in pipeline.actions() if action.type == SOURCE)
    return any(
        pushed.items() <= configuration.items() and configuration.get("DetectChanges", "true").lower() != "false"
        for configuration in sources
    )


def _refuse_unknown_sources(pipeline: Pipeline, overrides: Mapping[str, str]) -> None:
    known = {action.name for _, action in pipeline.actions() if action.type == SOURCE}
    if unknown := sorted(set(overrides) - known):
        message = f"The pipeline '{pipeline.name}' has no source action named '{unknown[0]}'."
        raise ApiError("ValidationException", message)


def _variables(pipeline: Pipeline, given: Mapping[str, str]) -> dict[str, str]:
    if unknown := sorted(set(given) - set(pipeline.variables)):
        raise ApiError("ValidationException", f"The pipeline '{pipeline.name}' has no variable '{unknown[0]}'.")
    values = {name: given.get(name, default) for name, default in pipeline.variables.items()}
    missing = sorted(name for name, value in values.items() if value is None)
    if missing:
        message = f"The variable '{missing[0]}' of the pipeline '{pipeline.name}' has no value and no default value."
        raise ApiError("ValidationException", message)
    return {name: value for name, value in values.items() if value is not None}

"""Runner of an execution: it passes the stages in a thread of its own, and runs the actions of a run order together."""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.codepipeline.actions import EXECUTORS
from rehearsal.codepipeline.actions.context import Context, Outcome
from rehearsal.codepipeline.aws import error_text
from rehearsal.codepipeline.catalog import SOURCE
from rehearsal.codepipeline.changes import of_action, of_execution, of_stage
from rehearsal.codepipeline.definition import Action, Stage
from rehearsal.codepipeline.errors import ActionFailedError, InterruptedActionError
from rehearsal.codepipeline.gates import Gates
from rehearsal.codepipeline.hooks import ActionAddress, FailAfter
from rehearsal.codepipeline.shared import Shared
from rehearsal.codepipeline.state import ActionRun, Execution, ExecutionStatus, Record, StageRun, StageStatus, now
from rehearsal.codepipeline.variables import EXECUTION, PIPELINE, resolve

SERVICE = "codepipeline.amazonaws.com"
SESSION = "AWS-CodePipeline"
# State in events, by status of a stage or an execution.
STATES = {"Succeeded": "SUCCEEDED", "Failed": "FAILED", "Stopped": "STOPPED", "Cancelled": "CANCELED"}


@dataclass(frozen=True)
class Runner:
    """Runner of one execution."""

    shared: Shared
    record: Record
    execution: Execution

    @property
    def gates(self) -> Gates:
        """Gates of the pipeline's stages."""
        return Gates(self.shared, self.record)

    def run(self, position: int = 0, skipped: frozenset[str] = frozenset()) -> None:
        """Run the stages from `position` on; in the first one, do not repeat the actions named in `skipped`."""
        try:
            self._run_stages(position, skipped)
        except InterruptedActionError:
            return

    def _run_stages(self, position: int, skipped: frozenset[str]) -> None:
        for number in range(position, len(self.execution.pipeline.stages)):
            if not self.gates.enter(self.execution, number):
                self._halt()
                return
            if not self._run_stage(self.execution.pipeline.stages[number], skipped):
                return
            skipped = frozenset()
        self._finish("Succeeded")

    def _run_stage(self, stage: Stage, skipped: frozenset[str]) -> bool:
        """Run a stage; return whether the execution continues with the next one."""
        self._begin_stage(stage)
        for group in stage.groups():
            self._run_group(stage, [action for action in group if action.name not in skipped])
            with self.shared.changed:
                if self.execution.ended_already:
                    return False
                failed = self._failed_in(stage, group)
                if failed or self.execution.halting:
                    self._end_stage(stage, self._status_when_halting(failed))
                    self._halt("Failed" if failed else None)
                    return False
        self._end_stage(stage, "Succeeded")
        return True

    def _failed_in(self, stage: Stage, group: list[Action]) -> bool:
        runs = (self.execution.latest_run(stage.name, action.name) for action in group)
        return any(run is not None and run.status == "Failed" for run in runs)

    def _status_when_halting(self, failed: bool) -> StageStatus:
        if self.execution.cancelled:
            return "Cancelled"
        return "Failed" if failed else "Stopped"

    def _begin_stage(self, stage: Stage) -> None:
        with self.shared.changed:
            run = StageRun(stage.name, self.execution.id)
            is_retry = stage.name in self.execution.stages
            self.execution.stages[stage.name] = run
            self.execution.updated = now()
            self.shared.publisher.publish(of_stage(self.execution, run, "RESUMED" if is_retry else "STARTED"))
            self.shared.changed.notify_all()

    def _end_stage(self, stage: Stage, status: StageStatus) -> None:
        with self.shared.changed:
            run = self.execution.stages[stage.name]
            self.execution.updated = now()
            if run.status != "Cancelled":
                run.status = status
                self.shared.publisher.publish(of_stage(self.execution, run, STATES[status]))
        self.gates.leave(self.execution, stage.name)

    def _halt(self, otherwise: ExecutionStatus | None = None) -> None:
        """End the execution as cancelled or stopped when that was requested, otherwise as `otherwise`."""
        if self.execution.cancelled:
            self._finish("Cancelled")
        elif otherwise is not None:
            self._finish(otherwise)
        elif self.execution.status == "Stopping":
            self._finish("Stopped")

    def _finish(self, status: ExecutionStatus) -> None:
        with self.shared.changed:
            if self.execution.ended_already:
                return
            self.execution.status = status
            self.execution.ended = self.execution.updated = now()
            self.shared.publisher.publish(of_execution(self.execution, STATES[status]))
            self.shared.changed.notify_all()

    def _run_group(self, stage: Stage, actions: list[Action]) -> None:
        others = [
            threading.Thread(target=self._run_action, args=(stage, action), daemon=True, name=action.name)
            for action in actions[1:]
        ]
        for thread in others:
            thread.start()
        if actions:
            self._run_action(stage, actions[0])
        for thread in others:
            thread.join()

    def _run_action(self, stage: Stage, action: Action) -> None:
        run = self._begin_action(stage, action)
        if run is None:
            return
        scratch = Path(tempfile.mkdtemp(prefix="action-", dir=self.shared.scratch))
        try:
            self._succeed(run, self._outcome(run, scratch))
        except InterruptedActionError:
            return
        except ActionFailedError as error:
            self._fail(run, str(error), error.code)
        except (ClientError, BotoCoreError) as error:
            self._fail(run, error_text(error), "PermissionError")
        except Exception as error:  # noqa: BLE001
            # An error of the stand-in itself must not leave the execution in progress for ever.
            traceback.print_exc(file=sys.stderr)
            self._fail(run, f"The stand-in for CodePipeline has an error of its own: {error!r}", "InternalError")
        finally:
            # A build has thousands of files, and the next action does not need to wait until they are removed.
            threading.Thread(target=shutil.rmtree, args=(scratch, True), daemon=True, name="removal").start()

    def _begin_action(self, stage: Stage, action: Action) -> ActionRun | None:
        with self.shared.changed:
            if self.execution.ended_already:
                return None
            inputs = tuple(self.execution.artifacts[name] for name in action.inputs)
            run = ActionRun(self.execution.id, stage.name, action, inputs=inputs, configuration=action.configuration)
            self.execution.runs.append(run)
            self._publish(run, "STARTED")
            return run

    def _outcome(self, run: ActionRun, scratch: Path) -> Outcome:
        address = ActionAddress(self.execution.pipeline.name, self.execution.id, run.stage, run.action.name)
        fault = self.shared.hooks.fault(address)
        if isinstance(fault, str):
            raise ActionFailedError(fault)
        run.configuration = resolve(run.action.configuration, self._namespaces())
        context = self._context(run, scratch)
        context.copy_inputs()
        outcome = EXECUTORS[run.action.type](context)
        if isinstance(fault, FailAfter):
            raise ActionFailedError(fault.message)
        return outcome

    def _namespaces(self) -> dict[str, dict[str, str]]:
        own = {EXECUTION: {"PipelineExecutionId": self.execution.id}, PIPELINE: dict(self.execution.variables)}
        with self.shared.changed:
            return own | {name: dict(values) for name, values in self.execution.namespaces.items()}

    def _context(self, run: ActionRun, scratch: Path) -> Context:
        aws = self.shared.aws
        pipeline_role = aws.as_service(SERVICE, self.execution.pipeline.role_arn, SESSION)
        role_arn = run.action.role_arn
        role = aws.assume(pipeline_role, role_arn, SESSION) if role_arn else pipeline_role
        return Context(
            aws=aws,
            hooks=self.shared.hooks,
            jobs=self.shared.jobs,
            changed=self.shared.changed,
            is_closing=lambda: self.shared.closing,
            scratch=scratch,
            logs=self.shared.logs,
            execution=self.execution,
            run=run,
            pipeline_role=pipeline_role,
            role=role,
        )

    def _succeed(self, run: ActionRun, outcome: Outcome) -> None:
        with self.shared.changed:
            if run.status != "InProgress":
                return
            run.variables, run.outputs, run.message = outcome.variables, outcome.outputs, outcome.summary
            self.execution.artifacts.update({artifact.name: artifact for artifact in outcome.outputs})
            if run.action.namespace:
                self.execution.namespaces[run.action.namespace] = outcome.variables
            run.status = "Succeeded"
            run.ended = run.updated = now()
            self._publish(run, "SUCCEEDED")

    def _fail(self, run: ActionRun, message: str, code: str) -> None:
        with self.shared.changed:
            if run.status != "InProgress":
                return
            run.message, run.error_code, run.status = message, code, "Failed"
            run.ended = run.updated = now()
            if run.action.type == SOURCE:
                self.execution.message = message
            self._publish(run, "FAILED")

    def _publish(self, run: ActionRun, state: str) -> None:
        self.shared.publisher.publish(of_action(self.execution, run, state, self.shared.aws.region))
        self.shared.changed.notify_all()

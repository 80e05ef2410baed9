"""How long an execution and its actions took, and how much of that was the stand-in's own doing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rehearsal.codepipeline.state import ActionRun, Execution, now


@dataclass(frozen=True)
class ActionReport:
    """One action execution."""

    stage: str
    action: str
    category: str
    provider: str
    run_order: int
    status: str
    message: str | None
    started: datetime
    ended: datetime | None
    log: Path | None

    @property
    def seconds(self) -> float:
        """So far, when it has not ended."""
        return ((self.ended or now()) - self.started).total_seconds()


@dataclass(frozen=True)
class ExecutionReport:
    """One execution; `waited` are the seconds it stood before stages that were closed or occupied."""

    pipeline: str
    execution_id: str
    version: int
    status: str
    message: str | None
    started: datetime
    ended: datetime | None
    waited: float
    actions: tuple[ActionReport, ...]

    @property
    def seconds(self) -> float:
        """So far, when it has not ended."""
        return ((self.ended or now()) - self.started).total_seconds()

    @property
    def critical_path(self) -> float:
        """Seconds of the longest action of each run order, together; a wait for an approval is an action's time."""
        longest: dict[tuple[str, int], float] = {}
        for action in self.actions:
            place = (action.stage, action.run_order)
            longest[place] = max(longest.get(place, 0.0), action.seconds)
        return sum(longest.values())

    @property
    def overhead(self) -> float:
        """Seconds of an execution that was not retried which went neither into actions nor into waiting."""
        return self.seconds - self.critical_path - self.waited


def report(execution: Execution) -> ExecutionReport:
    return ExecutionReport(
        pipeline=execution.pipeline.name,
        execution_id=execution.id,
        version=execution.version,
        status=execution.status,
        message=execution.message,
        started=execution.started,
        ended=execution.ended,
        waited=execution.waited,
        actions=tuple(_action(run) for run in execution.runs),
    )


def _action(run: ActionRun) -> ActionReport:
    return ActionReport(
        stage=run.stage,
        action=run.action.name,
        category=run.action.type.category,
        provider=run.action.type.provider,
        run_order=run.action.run_order,
        status=run.status,
        message=run.message,
        started=run.started,
        ended=run.ended,
        log=run.log,
    )

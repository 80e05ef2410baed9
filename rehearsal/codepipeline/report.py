"""Reports of executions: durations of actions, and the stand-in's own overhead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rehearsal.codepipeline.state import ActionRun, Execution, now


@dataclass(frozen=True)
class ActionReport:
    """Report of an action execution."""

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
        """Duration, until now for a running action."""
        return ((self.ended or now()) - self.started).total_seconds()


@dataclass(frozen=True)
class ExecutionReport:
    """Report of an execution; `waited` are the seconds before stages that were closed or occupied."""

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
        """Duration, until now for a running execution."""
        return ((self.ended or now()) - self.started).total_seconds()

    @property
    def critical_path(self) -> float:
        """Sum of the longest action of each run order, in seconds; the wait for an approval is part of its action."""
        longest: dict[tuple[str, int], float] = {}
        for action in self.actions:
            group = (action.stage, action.run_order)
            longest[group] = max(longest.get(group, 0.0), action.seconds)
        return sum(longest.values())

    @property
    def overhead(self) -> float:
        """Seconds outside of actions and waits, for an execution that was not retried."""
        return self.seconds - self.critical_path - self.waited


def report(execution: Execution) -> ExecutionReport:
    """Return the report of an execution."""
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

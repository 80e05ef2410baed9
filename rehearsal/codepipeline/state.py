"""State of pipelines, executions, stages and actions, guarded by one lock."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from rehearsal.codepipeline.definition import Action, Pipeline

ActionStatus = Literal["InProgress", "Abandoned", "Succeeded", "Failed"]
StageStatus = Literal["InProgress", "Failed", "Stopped", "Stopping", "Succeeded", "Cancelled"]
ExecutionStatus = Literal["InProgress", "Stopping", "Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"]
ENDED = frozenset({"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"})


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a new unique id."""
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Artifact:
    """A zip in the pipeline's artifact bucket."""

    name: str
    bucket: str
    key: str
    revision: str | None = None


@dataclass(frozen=True)
class Revision:
    """The commit that a Source action read."""

    action: str
    artifact: str
    revision_id: str
    summary: str
    url: str
    created: datetime


@dataclass(frozen=True)
class Transition:
    """State of a stage's transition: whether executions may pass."""

    enabled: bool = True
    reason: str | None = None
    changed_by: str | None = None
    changed_at: datetime = field(default_factory=now)


@dataclass
class ActionRun:
    """One action execution."""

    execution_id: str
    stage: str
    action: Action
    id: str = field(default_factory=new_id)
    status: ActionStatus = "InProgress"
    started: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    ended: datetime | None = None
    message: str | None = None
    error_code: str | None = None
    configuration: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[Artifact, ...] = ()
    outputs: tuple[Artifact, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    external_id: str | None = None
    external_url: str | None = None
    token: str | None = None
    decision: tuple[str, str, str] | None = None  # status, summary and ARN of the approver
    updated_by: str | None = None
    log: Path | None = None


@dataclass
class StageRun:
    """One run of a stage in an execution."""

    stage: str
    execution_id: str
    started: datetime = field(default_factory=now)
    status: StageStatus = "InProgress"


@dataclass
class Execution:
    """One run of a pipeline, with the declaration that it started with."""

    pipeline: Pipeline
    version: int
    trigger: tuple[str, str]  # type and detail
    overrides: Mapping[str, str]  # commits by name of the Source action
    variables: Mapping[str, str]
    id: str = field(default_factory=new_id)
    status: ExecutionStatus = "InProgress"
    started: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    ended: datetime | None = None
    message: str | None = None
    stop_reason: str | None = None
    cancelled: bool = False
    attempt: int = 1
    listed: int = 0  # number of ListActionExecutions calls for it
    waited: float = 0.0
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    namespaces: dict[str, Mapping[str, str]] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)
    runs: list[ActionRun] = field(default_factory=list)
    stages: dict[str, StageRun] = field(default_factory=dict)

    @property
    def ended_already(self) -> bool:
        """State of an execution that will not change any more, except by a retry."""
        return self.status in ENDED

    @property
    def halting(self) -> bool:
        """State in which no further action of the execution starts."""
        return self.ended_already or self.cancelled or self.status == "Stopping"

    def latest_run(self, stage: str, action: str) -> ActionRun | None:
        """Return the action's last run in this execution."""
        found = (run for run in reversed(self.runs) if run.stage == stage and run.action.name == action)
        return next(found, None)


@dataclass
class Gate:
    """Entrance of a stage, which one execution at a time passes."""

    holder: Execution | None = None
    waiting: list[Execution] = field(default_factory=list)
    inbound: Transition = field(default_factory=Transition)
    outbound: Transition = field(default_factory=Transition)
    latest: Execution | None = None


@dataclass
class Record:
    """A pipeline with its executions and gates."""

    pipeline: Pipeline
    tags: dict[str, str]
    version: int = 1
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    executions: list[Execution] = field(default_factory=list)
    gates: dict[str, Gate] = field(default_factory=dict)

    def latest_run(self, stage: str, action: str) -> ActionRun | None:
        """Return the action's last run in any execution of the pipeline."""
        runs = (execution.latest_run(stage, action) for execution in self.executions)
        return max((run for run in runs if run), key=lambda run: run.started, default=None)

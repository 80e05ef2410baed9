"""What the stand-in remembers of pipelines, executions, stages and actions; guarded by one lock."""

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
    return datetime.now(UTC)


def new_id() -> str:
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
    """What a Source action brought in."""

    action: str
    artifact: str
    revision_id: str
    summary: str
    url: str
    created: datetime


@dataclass(frozen=True)
class Transition:
    """Whether executions may pass."""

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
    decision: tuple[str, str, str] | None = None  # status, summary and who decided
    updated_by: str | None = None
    log: Path | None = None


@dataclass
class StageRun:
    """One passage of an execution through a stage."""

    stage: str
    execution_id: str
    started: datetime = field(default_factory=now)
    status: StageStatus = "InProgress"


@dataclass
class Execution:
    """One run of a pipeline, by the declaration it started with."""

    pipeline: Pipeline
    version: int
    trigger: tuple[str, str]  # type and detail
    overrides: Mapping[str, str]  # a Source action's name and the commit to take
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
    listed: int = 0  # how often its actions were asked for
    waited: float = 0.0
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    namespaces: dict[str, Mapping[str, str]] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)
    runs: list[ActionRun] = field(default_factory=list)
    stages: dict[str, StageRun] = field(default_factory=dict)

    @property
    def ended_already(self) -> bool:
        return self.status in ENDED

    @property
    def halting(self) -> bool:
        """Nothing new of it may start."""
        return self.ended_already or self.cancelled or self.status == "Stopping"

    def latest_run(self, stage: str, action: str) -> ActionRun | None:
        """The action's last execution within this one."""
        found = (run for run in reversed(self.runs) if run.stage == stage and run.action.name == action)
        return next(found, None)


@dataclass
class Gate:
    """The entrance of a stage, which one execution at a time passes."""

    holder: Execution | None = None
    waiting: list[Execution] = field(default_factory=list)
    inbound: Transition = field(default_factory=Transition)
    outbound: Transition = field(default_factory=Transition)
    latest: Execution | None = None


@dataclass
class Record:
    """A pipeline with all that happened to it."""

    pipeline: Pipeline
    tags: dict[str, str]
    version: int = 1
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    executions: list[Execution] = field(default_factory=list)
    gates: dict[str, Gate] = field(default_factory=dict)

    def latest_run(self, stage: str, action: str) -> ActionRun | None:
        """The action's last execution, of whichever execution of the pipeline."""
        runs = (execution.latest_run(stage, action) for execution in self.executions)
        return max((run for run in runs if run), key=lambda run: run.started, default=None)

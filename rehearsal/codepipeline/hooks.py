"""Settings and callbacks of the stand-in: times, faults, the build image, and the observer of changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

Kind = Literal["pipeline", "stage", "action"]


@dataclass(frozen=True)
class Timing:
    """Durations in seconds; with AWS's own, a rehearsal would take days."""

    job_answer: float = 1200.0  # as on AWS: 20 minutes without an answer of the Lambda function
    job_limit: float = 3600.0  # AWS: 24 hours with continuations
    continuation_pause: float = 0.2  # AWS: about half a minute
    approval_minute: float = 60.0  # length of one minute of an approval's timeout
    build_minute: float = 60.0  # length of one minute of a project's timeout
    poll_first: float = 0.02  # first pause between reads of CloudFormation; it grows by half each time
    poll_longest: float = 0.25
    # Number of empty answers of ListActionExecutions for an execution, because it is eventually consistent.
    unlisted_reads: int = 0


@dataclass(frozen=True)
class ActionAddress:
    """One action of one execution."""

    pipeline: str
    execution_id: str
    stage: str
    action: str


@dataclass(frozen=True)
class FailAfter:
    """The fault that lets an action run and then fails it with `message`."""

    message: str


@dataclass(frozen=True)
class StateChange:
    """A pipeline execution, a stage or an action entered `state`, by EventBridge's names (STARTED, SUCCEEDED...)."""

    kind: Kind
    pipeline: str
    execution_id: str
    version: int
    stage: str | None
    action: str | None
    state: str
    message: str | None
    at: datetime
    started: datetime
    ended: datetime | None


# Gets a build's source folder and home, and returns the variables of the build image.
Image = Callable[[Path, Path], Mapping[str, str]]
Observer = Callable[[StateChange], None]
Fault = Callable[[ActionAddress], str | FailAfter | None]


def no_fault(_address: ActionAddress) -> None:
    """Return no fault."""


def no_observer(_change: StateChange) -> None:
    """Ignore a change of state."""


@dataclass(frozen=True)
class Hooks:
    """All settings and callbacks; `repositories` maps owner/name to a local git repository."""

    repositories: Mapping[str, Path]
    timing: Timing = field(default_factory=Timing)
    image: Image | None = None
    observer: Observer = no_observer
    fault: Fault = no_fault

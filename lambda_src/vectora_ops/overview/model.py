"""Overview of the environments, as pages show it: plain values, already read from AWS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from vectora_ops.costs.month import MonthCost
from vectora_ops.costs.runs import RecordedRun
from vectora_ops.promotion.verdicts import Outcome

AlarmStatus = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Presence = Literal["current", "earlier", "rolled back"]


@dataclass(frozen=True, kw_only=True)
class AlarmState:
    """An alarm of CloudWatch.

    `purpose` is its name without project and environment, `runbook` the path of the page that says what to do.
    """

    purpose: str
    status: AlarmStatus
    since: datetime | None
    reason: str
    runbook: str | None = None


@dataclass(frozen=True, kw_only=True)
class SnapshotMark:
    """A snapshot; `before` is the version whose deployment it precedes, where the ledger knows."""

    name: str
    state: str
    at: datetime | None
    pinned: bool
    trusted: bool
    from_future: bool
    before: str | None

    @property
    def is_damaged(self) -> bool:
        return self.state == "damaged" or not self.trusted


@dataclass(frozen=True, kw_only=True)
class Scheduled:
    """The next scheduled newsletter of a client."""

    client_id: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class DeployedRelease:
    """The release of an environment; `since` is None when the pipeline did not deploy it."""

    version: str
    digest: str
    content_digest: str | None
    since: datetime | None
    verified: bool
    came_back: bool = False  # by a rollback
    bypassed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HoldState:
    """A hold of promotion, or a rollback that is running."""

    since: datetime
    reason: str
    is_rolling_back: bool


@dataclass(frozen=True, kw_only=True)
class Presences:
    """A release in an environment, for the table over all environments."""

    presence: Presence
    at: datetime
    note: str = ""  # why it was removed, or which gates were bypassed and why


@dataclass(frozen=True, kw_only=True)
class ReleaseRecord:
    """A release in the ledger of one environment."""

    key: str  # its content's digest, which all environments share; else its own digest
    version: str
    where: Presences


@dataclass(frozen=True, kw_only=True)
class EnvironmentOverview:
    """One environment; `problem` is why it could not be read at all, `unknown` are the parts that could not be."""

    env: str
    problem: str = ""
    is_deployed: bool = False
    release: DeployedRelease | None = None
    hold: HoldState | None = None
    drift: tuple[str, ...] = ()
    alarms: tuple[AlarmState, ...] = ()
    releases: tuple[ReleaseRecord, ...] = ()
    snapshots: tuple[SnapshotMark, ...] = ()  # oldest first
    issues: tuple[RecordedRun, ...] = ()  # newest first
    next_issue: Scheduled | None = None
    cost: MonthCost | None = None
    stack_problems: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def is_readable(self) -> bool:
        return not self.problem

    @property
    def raised_alarms(self) -> tuple[AlarmState, ...]:
        return tuple(each for each in self.alarms if each.status == "ALARM")

    @property
    def damaged_snapshots(self) -> tuple[SnapshotMark, ...]:
        return tuple(each for each in self.snapshots if each.is_damaged)


@dataclass(frozen=True, kw_only=True)
class GateState:
    """A gate's verdict; `share` is how much of what it requires is there, from 0 to 1, where that has a measure.

    `ready_at` is when time alone makes it pass, `command` what makes it pass or does so sooner.
    """

    gate: str
    outcome: Outcome
    reason: str
    share: float | None = None
    bypassed: bool = False
    ready_at: datetime | None = None
    command: str | None = None

    @property
    def passes(self) -> bool:
        return self.outcome == "pass" or self.bypassed


@dataclass(frozen=True, kw_only=True)
class GatesInto:
    """Gates between an environment and the next; `problem` is why they could not be judged."""

    source: str
    target: str
    digest: str = ""
    outcome: Outcome = "inconclusive"
    gates: tuple[GateState, ...] = ()
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class WaitingApproval:
    """An approval that waits in the pipeline's stage of an environment, until it expires."""

    env: str
    execution: str
    since: datetime | None
    expires: datetime | None


@dataclass(frozen=True, kw_only=True)
class StageRefusal:
    """A stage of the pipeline whose last execution failed at one of its actions."""

    env: str
    execution: str
    action: str
    since: datetime | None


@dataclass(frozen=True, kw_only=True)
class PipelineOverview:
    """Stages of the pipeline that wait or failed; `problem` is why it could not be read."""

    approvals: tuple[WaitingApproval, ...] = ()
    refusals: tuple[StageRefusal, ...] = ()
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Need:
    """Something that a person has to do, with the command for it; the most urgent ones come first."""

    env: str
    sentence: str
    command: str
    is_urgent: bool = False
    runbook: str | None = None


@dataclass(frozen=True, kw_only=True)
class Overview:
    """All environments, in the order of promotion."""

    project: str
    made_at: datetime
    environments: Sequence[EnvironmentOverview]
    gates: Sequence[GatesInto] = ()
    pipeline: PipelineOverview = PipelineOverview()
    needs: Sequence[Need] = ()
    documents: str = ""  # web address below which the runbooks' paths lead to them

    def environment(self, env: str) -> EnvironmentOverview | None:
        """Return the environment of that name; None when it was not read."""
        return next((each for each in self.environments if each.env == env), None)

    def gates_into(self, env: str) -> GatesInto | None:
        """Return the gates before an environment; None when they were not read."""
        return next((each for each in self.gates if each.target == env), None)

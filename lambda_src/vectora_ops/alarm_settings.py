"""Settings of an environment's alarms and of the notices on its cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Protocol

from pydantic import Field, model_validator

from vectora_ops.alarm_names import SNAPSHOT_TOO_OLD, AlarmName
from vectora_ops.aws_values import AnomalyMonitor, BudgetUsd
from vectora_shared.config.section import MisfitError, Section
from vectora_shared.config.values import Distinct

# Time-out of a run (stacks.runtime): a run that reaches it is reported as timed out, not as slow.
RUN_TIMEOUT_MINUTES = 60
Percent = Annotated[float, Field(ge=0, le=100)]
Usd = Annotated[float, Field(gt=0)]


class Alarms(Section):
    """Thresholds, and by severity the alarms that the environment has; an alarm in no list is not created."""

    failed_runs: Annotated[int, Field(ge=1)] = Field(description="failed runs in a day that roll back a new release")
    run_minutes: Annotated[int, Field(ge=1, lt=RUN_TIMEOUT_MINUTES)] = Field(
        description=f"run duration in minutes that raises an alarm, below the time-out of {RUN_TIMEOUT_MINUTES}"
    )
    noise_percent: Annotated[float, Field(gt=0, le=100)] = Field(
        description="noise in a newsletter, in percent, that raises an alarm, and rolls back a new release"
    )
    fallback_percent: Annotated[float, Field(gt=0, le=100)] = Field(
        description="items that the lexicon analyzed instead of the model, in percent, that raise an alarm"
    )
    run_cost_usd: Usd = Field(description="cost of the model in a run, in US dollars, that raises an alarm")
    page: Distinct[AlarmName] = Field(description="list of alarms that a person should look at today")
    ticket: Distinct[AlarmName] = Field(description="list of alarms that can wait for days")

    @model_validator(mode="after")
    def _one_severity_each(self) -> Alarms:
        if both := [name for name in self.ticket if name in self.page]:
            raise MisfitError((("ticket",), f"has {', '.join(both)}, which `page` has too: remove it from one of them"))
        return self

    @property
    def wanted(self) -> tuple[AlarmName, ...]:
        """The alarms that the environment has."""
        return (*self.page, *self.ticket)


class CostAnomalies(Section):
    """Notices about unusual cost in the account of an environment."""

    minimum_usd: BudgetUsd = Field(description="impact in US dollars from which an anomaly is notified")
    monitor: AnomalyMonitor | None = Field(
        default=None,
        description="ARN of the account's monitor of AWS services, of which it has at most one; "
        "default: one is created",
    )


def check_alarms(alarms: Alarms, *, has_operators: bool, daily_snapshots: bool) -> None:
    """Raise MisfitError for pages without a receiver, and for an alarm that would never end."""
    if alarms.page and not has_operators:
        raise MisfitError((("operators",), f"is missing: name who receives the pages of {', '.join(alarms.page)}"))
    if SNAPSHOT_TOO_OLD in alarms.wanted and not daily_snapshots:
        severity = "page" if SNAPSHOT_TOO_OLD in alarms.page else "ticket"
        message = f"has {SNAPSHOT_TOO_OLD}, which would not end without daily snapshots: remove it, or set daily: true"
        raise MisfitError((("alarms", severity), message))


class _InAccount(Protocol):
    @property
    def account(self) -> str | None: ...

    @property
    def cost_anomalies(self) -> CostAnomalies | None: ...


def check_anomalies(environments: Mapping[str, _InAccount]) -> None:
    """Raise MisfitError for a second monitor in an account.

    An account has one monitor of its services; CloudFormation reports a second one as "AlreadyExists"
    (cloudformation-coverage-roadmap, issue 2515).
    """
    first: dict[str | None, str] = {}
    for env, settings in environments.items():
        if settings.cost_anomalies is None:
            continue
        other = first.setdefault(settings.account, env)
        if other != env:
            message = f"is in the account of {other}, which has it already: one environment of an account is enough"
            raise MisfitError((("environments", env, "cost_anomalies"), message))

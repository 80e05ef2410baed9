"""Cost of one environment in a calendar month (UTC): so far, and at its end."""

from __future__ import annotations

import statistics
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Literal

from vectora_ops.costs.prices import Prices
from vectora_ops.costs.runs import RecordedRun
from vectora_ops.costs.usage import FUNCTION_OF_STEP, GLACIER_INSTANT_RETRIEVAL, Usage
from vectora_ops.names import CANARY_CLIENT
from vectora_ops.promotion.environment_runs import ClientFile
from vectora_ops.schedules import runs_after
from vectora_ops.settings import Schedule

PartName = Literal[
    "model", "Lambda", "Step Functions", "storage", "monitoring", "pipeline", "keys (KMS)", "other (logs)"
]
GB, HOURS_OF_A_DAY = 1_000_000_000, 24
# Transitions of a run that succeeds, start and end included (docs/cost-and-sizing.md).
TRANSITIONS = 7
# Metrics that a run publishes in its hour, and those that function watch publishes, hours a day in which it does so. A
# custom metric costs by the hours in which it is published (CloudWatch pricing, "prorated by the hour").
RUN_METRICS, GAUGES, GAUGE_HOURS_A_DAY = 5, 8, 4
# Of 59 action minutes of a commit that goes to prod, 16 are in each environment's stage, 9 before them, and 2 for the
# report to the approver of the last one; 4 minutes of builds are on a medium machine, 4 and the report's on small ones
# (docs/cost-and-sizing.md, "A commit").
STAGE_ACTION_MINUTES, COMMIT_ACTION_MINUTES, MEDIUM_BUILD_MINUTES, SMALL_BUILD_MINUTES = 16, 9, 4, 4
REPORT_MINUTES = 2
# A run or a month is unusual when it costs more than this many times the usual.
UNUSUAL_FACTOR = 2.0
# Below these, a comparison says nothing.
LEAST_RUNS, LEAST_USD = 3, 0.05
MONTHS_COMPARED = 3


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a month's cost; `basis` says in some words what it was computed from."""

    name: PartName
    so_far_usd: float
    forecast_usd: float
    basis: str


@dataclass(frozen=True, kw_only=True)
class ClientCost:
    """Cost of a client's runs with the model, drafts included; `usual_usd` is the median of its earlier runs."""

    client_id: str
    runs: int
    so_far_usd: float
    forecast_usd: float
    last_usd: float | None
    usual_usd: float | None

    @property
    def is_unusual(self) -> bool:
        if self.last_usd is None or self.usual_usd is None or self.last_usd < LEAST_USD:
            return False
        return self.last_usd > UNUSUAL_FACTOR * self.usual_usd


@dataclass(frozen=True, kw_only=True)
class MonthCost:
    """Cost of an environment in the month of `at`; `unknown` are the parts that could not be read."""

    env: str
    at: datetime
    budget_usd: float
    parts: tuple[Part, ...]
    clients: tuple[ClientCost, ...] = ()
    usual_model_usd: float | None = None  # of the months before
    unknown: tuple[str, ...] = ()

    @property
    def month(self) -> str:
        return f"{self.at:%Y-%m}"

    @property
    def so_far_usd(self) -> float:
        return sum(each.so_far_usd for each in self.parts)

    @property
    def forecast_usd(self) -> float:
        return sum(each.forecast_usd for each in self.parts)

    @property
    def is_over_budget(self) -> bool:
        return self.forecast_usd > self.budget_usd

    @property
    def model(self) -> Part:
        return next(each for each in self.parts if each.name == "model")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what is over the budget or more than twice the usual."""
        return tuple(self._warnings())

    def _warnings(self) -> Iterator[str]:
        if self.is_over_budget:
            yield f"{self.env} will cost ${self.forecast_usd:.2f} in {self.month}: its budget is ${self.budget_usd:g}."
        usual, model = self.usual_model_usd, self.model.forecast_usd
        if usual is not None and model > UNUSUAL_FACTOR * usual and model >= LEAST_USD:
            yield (
                f"The model will cost ${model:.2f} in {self.env} in {self.month}, more than twice the usual "
                f"${usual:.2f} a month."
            )
        for each in self.clients:
            if each.is_unusual:
                yield (
                    f"The last run of {each.client_id} in {self.env} cost ${each.last_usd:.2f}, more than twice the "
                    f"usual ${each.usual_usd:.2f}."
                )


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All that a month's cost is computed from; `deployments` are the releases that the month deployed so far.

    `schedule` is None where no newsletter is scheduled; `is_first` is true for the environment that a commit enters,
    `is_last` for the one whose releases are reported and approved.
    """

    env: str
    now: datetime
    runs: Sequence[RecordedRun]
    usage: Usage
    deployments: int
    schedule: Schedule | None
    clients: Mapping[str, ClientFile]
    budget_usd: float
    is_first: bool
    is_last: bool
    unknown: tuple[str, ...] = field(default=())


def month_cost(measured: Measured, prices: Prices) -> MonthCost:
    """Return the cost so far and at the month's end.

    A client's scheduled runs until then cost what its last runs cost; everything else goes on as it went so far.
    """
    return MonthCost(
        env=measured.env,
        at=measured.now,
        budget_usd=measured.budget_usd,
        parts=tuple(_Parts(measured, prices).all()),
        clients=tuple(_client_costs(measured)),
        usual_model_usd=_usual_month(measured),
        unknown=measured.unknown,
    )


class _Parts:
    def __init__(self, measured: Measured, prices: Prices) -> None:
        self._measured, self._prices, self._usage = measured, prices, measured.usage
        self._elapsed = _elapsed(measured.now)
        self._runs = [each for each in measured.runs if _is_this_month(each, measured.now)]
        self._expected = _expected_runs(measured, self._runs)

    def all(self) -> Iterator[Part]:
        clients = list(_client_costs(self._measured))
        costs = [each.cost_usd for each in self._runs if each.cost_usd is not None]
        canary = sum(each.cost_usd or 0.0 for each in self._runs if each.client_id == CANARY_CLIENT)
        yield Part(
            name="model",
            so_far_usd=sum(costs),
            forecast_usd=sum(each.forecast_usd for each in clients) + canary / self._elapsed,
            basis=f"{len(costs)} recorded runs of {len(self._runs)}",
        )
        yield self._by_run("Lambda", sum(map(self._lambda_usd, self._runs)), "seconds and memory of the runs")
        transitions = len(self._runs) * TRANSITIONS
        usd = transitions * self._prices.state_transition.usd
        yield self._by_run("Step Functions", usd, f"{transitions} transitions")
        yield self._storage()
        yield self._monitoring()
        yield self._pipeline()
        yield self._monthly(
            "keys (KMS)", self._usage.keys * self._prices.kms_key_month.usd, _count(self._usage.keys, "key")
        )
        logs = self._usage.log_bytes / GB
        yield self._monthly("other (logs)", logs * self._prices.log_gb_month.usd, f"{logs:.2f} GB of logs")

    def _lambda_usd(self, run: RecordedRun) -> float:
        gb_seconds = sum(
            took * self._usage.memory_mb.get(step, 0) / 1024
            for step, took in (run.seconds or {}).items()
            if step in FUNCTION_OF_STEP
        )
        return gb_seconds * self._prices.lambda_gb_second.usd

    def _storage(self) -> Part:
        cold = self._usage.stored_bytes.get(GLACIER_INSTANT_RETRIEVAL, 0) / GB
        warm = sum(self._usage.stored_bytes.values()) / GB - cold
        usd = warm * self._prices.s3_standard_gb_month.usd + cold * self._prices.s3_glacier_ir_gb_month.usd
        return self._monthly("storage", usd, f"{warm + cold:.2f} GB in the buckets")

    def _monitoring(self) -> Part:
        usage, prices = self._usage, self._prices
        fixed = usage.alarms * prices.alarm_month.usd + usage.dashboards * prices.dashboard_month.usd
        if usage.alarms:
            fixed += GAUGES * prices.metric_month.usd * GAUGE_HOURS_A_DAY / HOURS_OF_A_DAY
        hourly = RUN_METRICS * prices.metric_month.usd / (_days(self._measured.now) * HOURS_OF_A_DAY)
        counted = f"{_count(usage.alarms, 'alarm')}, {_count(usage.dashboards, 'dashboard')}"
        return Part(
            name="monitoring",
            so_far_usd=fixed * self._elapsed + hourly * len(self._runs),
            forecast_usd=fixed + hourly * self._expected,
            basis=f"{counted} and metrics",
        )

    def _pipeline(self) -> Part:
        prices, first = self._prices, self._measured.is_first
        report = REPORT_MINUTES if self._measured.is_last else 0
        minutes = STAGE_ACTION_MINUTES + (COMMIT_ACTION_MINUTES if first else 0) + report
        medium, small = (MEDIUM_BUILD_MINUTES, SMALL_BUILD_MINUTES) if first else (0, 0)
        builds = medium * prices.medium_build_minute.usd + (small + report) * prices.small_build_minute.usd
        each = minutes * prices.pipeline_action_minute.usd + builds
        usd = self._measured.deployments * each
        return Part(
            name="pipeline",
            so_far_usd=usd,
            forecast_usd=usd / self._elapsed,
            basis=_count(self._measured.deployments, "deployment"),
        )

    def _by_run(self, name: PartName, so_far: float, basis: str) -> Part:
        factor = self._expected / len(self._runs) if self._runs else 0.0
        return Part(name=name, so_far_usd=so_far, forecast_usd=so_far * factor, basis=basis)

    def _monthly(self, name: PartName, month_usd: float, basis: str) -> Part:
        return Part(name=name, so_far_usd=month_usd * self._elapsed, forecast_usd=month_usd, basis=basis)


def _client_costs(measured: Measured) -> Iterator[ClientCost]:
    by_client: dict[str, list[RecordedRun]] = {}
    for run in measured.runs:
        if run.client_id != CANARY_CLIENT:
            by_client.setdefault(run.client_id, []).append(run)
    for client_id in sorted({*by_client, *measured.clients}):
        runs = by_client.get(client_id, [])
        known = [each.cost_usd for each in runs if each.cost_usd is not None]
        here = [each for each in runs if _is_this_month(each, measured.now)]
        so_far = sum(each.cost_usd or 0.0 for each in here)
        remaining = remaining_runs(measured, client_id)
        mean = statistics.fmean(known) if known else 0.0
        forecast = so_far / _elapsed(measured.now) if remaining is None else so_far + remaining * mean
        yield ClientCost(
            client_id=client_id,
            runs=len(here),
            so_far_usd=so_far,
            forecast_usd=forecast,
            last_usd=known[-1] if known else None,
            usual_usd=statistics.median(known[:-1]) if len(known) > LEAST_RUNS else None,
        )


def remaining_runs(measured: Measured, client_id: str) -> int | None:
    """Return how often a client is scheduled until the month's end; None where it has no schedule."""
    file = measured.clients.get(client_id)
    if measured.schedule is None or file is None or not file.active or file.frequency is None:
        return None
    times = runs_after(getattr(measured.schedule, file.frequency), measured.schedule.time_zone, measured.now)
    return sum(1 for _ in takewhile(lambda at: _month(at) == _month(measured.now), times))


def _expected_runs(measured: Measured, runs: Sequence[RecordedRun]) -> float:
    """Return the runs of the whole month: those so far, and for each client the scheduled ones or as many again."""
    expected = 0.0
    for client_id in {each.client_id for each in runs} | {*measured.clients}:
        so_far = sum(each.client_id == client_id for each in runs)
        remaining = remaining_runs(measured, client_id)
        expected += so_far / _elapsed(measured.now) if remaining is None else so_far + remaining
    return expected


def _usual_month(measured: Measured) -> float | None:
    """Return the mean model cost of the months before that have runs; None when no month has any."""
    months: dict[str, float] = {}
    for run in measured.runs:
        if run.cost_usd is not None and not _is_this_month(run, measured.now):
            months[_month(run.at)] = months.get(_month(run.at), 0.0) + run.cost_usd
    last = sorted(months)[-MONTHS_COMPARED:]
    return statistics.fmean(months[each] for each in last) if last else None


def first_day_compared(now: datetime) -> datetime:
    """Return the beginning of the first month that a comparison reads."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(MONTHS_COMPARED):
        first = (first - timedelta(days=1)).replace(day=1)
    return first


def _is_this_month(run: RecordedRun, now: datetime) -> bool:
    return _month(run.at) == _month(now)


def _month(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m}"


def _days(now: datetime) -> int:
    return monthrange(now.year, now.month)[1]


def _elapsed(now: datetime) -> float:
    """Return the elapsed share of the month, of one day at least: hours say nothing about a month."""
    at = now.astimezone(UTC)
    days = at.day - 1 + at.hour / HOURS_OF_A_DAY + at.minute / (60 * HOURS_OF_A_DAY)
    return max(days, 1.0) / _days(at)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"

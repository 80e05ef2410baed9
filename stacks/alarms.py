"""The alarms of an environment: what raises each, when, and what a person runs then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vectora_constructs.metric_alarm import Comparison, Evaluation, Statistic
from vectora_ops.alarm_names import AlarmName
from vectora_ops.alarm_settings import Alarms
from vectora_ops.names import Names
from vectora_ops.settings import EnvironmentSettings
from vectora_shared.metrics import ENVIRONMENT_DIMENSION, Metric

RUNBOOK = "docs/runbooks/alarms.md"
AT_LEAST: Comparison = "GreaterThanOrEqualToThreshold"
# An event has a value when it happens and none otherwise: the alarm is raised by one, and ends a quarter of an hour
# later, so that the next event is notified again.
ONE_EVENT = Evaluation(seconds=300, periods=3, breaching=1, missing="notBreaching")
# Function watch measures four times a day: between two values the alarm keeps its state.
LAST_GAUGE = Evaluation(seconds=3600, periods=1, breaching=1, missing="ignore")
# Function watch runs every six hours. Without an invocation Lambda publishes no value (Lambda guide, metrics).
EIGHT_HOURS = Evaluation(seconds=3600, periods=8, breaching=8, missing="breaching")
# A day, and six hours for a snapshot that is late.
OLDEST_SNAPSHOT_HOURS = 30
# Longer than any soak and a week of holidays.
LONGEST_WAIT_DAYS = 21
SHARE_OF_BUDGET = 0.8
# Part of the days of an approval after which a person is reminded.
SHARE_OF_APPROVAL = 5 / 7


@dataclass(frozen=True, kw_only=True)
class MetricSource:
    """A metric as CloudWatch knows it; other dimensions are another metric, which may never have a value."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]


class Sources:
    """The metrics of one environment."""

    def __init__(self, names: Names, region: str) -> None:
        self._names = names
        account = "${AWS::AccountId}"
        self._machine = f"arn:aws:states:{region}:{account}:stateMachine:{names.state_machine}"

    def own(self, metric: Metric) -> MetricSource:
        """Return a metric that a function of the environment publishes."""
        return MetricSource(
            namespace=self._names.project, name=metric, dimensions={ENVIRONMENT_DIMENSION: self._names.env}
        )

    def runs(self, name: str) -> MetricSource:
        """Return a metric of the newsletter workflow (Step Functions guide, metrics)."""
        return MetricSource(namespace="AWS/States", name=name, dimensions={"StateMachineArn": self._machine})

    def function(self, name: str, function_name: str) -> MetricSource:
        """Return a metric of a function (Lambda guide, metrics)."""
        return MetricSource(namespace="AWS/Lambda", name=name, dimensions={"FunctionName": function_name})


@dataclass(frozen=True, kw_only=True)
class AlarmDefinition:
    """An alarm: what it means, the metric that raises it, and the command that shows more."""

    name: AlarmName
    meaning: str
    command: str
    source: MetricSource
    statistic: Statistic
    threshold: float
    evaluation: Evaluation
    comparison: Comparison = AT_LEAST

    def description(self, alarms: Alarms) -> str:
        """Return what the notification says: severity, meaning, runbook, command."""
        severity = "PAGE" if self.name in alarms.page else "TICKET"
        return f"{severity}. {self.meaning} Runbook: {RUNBOOK}#{self.name}. Run: {self.command}"


def alarm_definitions(
    *, names: Names, settings: EnvironmentSettings, approval_days: int
) -> Mapping[AlarmName, AlarmDefinition]:
    """Return every alarm that an environment can have; its settings choose among them."""
    sources, chosen = Sources(names, settings.region), settings.alarms
    found = (
        *_of_runs(sources, chosen, names.env),
        *_of_newsletters(sources, chosen, names.env),
        *_of_snapshots(sources, names.env),
        *_of_waiting(sources, names.env, approval_days),
        *_of_operation(sources, names, settings.monthly_budget_usd),
    )
    return {each.name: each for each in found}


def _of_runs(sources: Sources, alarms: Alarms, env: str) -> Sequence[AlarmDefinition]:
    logs = f"./vectora logs --run latest --env {env}"
    return (
        AlarmDefinition(
            name="failed-runs",
            meaning="A run failed, so a newsletter is missing or was not delivered.",
            command=logs,
            source=sources.runs("ExecutionsFailed"),
            statistic="Sum",
            # Not `failed_runs`: that many decide whether a release is rolled back; one already lacks a newsletter.
            threshold=1,
            evaluation=ONE_EVENT,
        ),
        AlarmDefinition(
            name="runs-timed-out",
            meaning="A run was ended by its time-out, so a newsletter is missing.",
            command=logs,
            source=sources.runs("ExecutionsTimedOut"),
            statistic="Sum",
            threshold=1,
            evaluation=ONE_EVENT,
        ),
        AlarmDefinition(
            name="runs-aborted",
            meaning="A person or a program ended a run, so a newsletter may be missing.",
            command=logs,
            source=sources.runs("ExecutionsAborted"),
            statistic="Sum",
            threshold=1,
            evaluation=ONE_EVENT,
        ),
        AlarmDefinition(
            name="slow-run",
            meaning=f"A run took {alarms.run_minutes} minutes or more, and comes near its time-out.",
            command=logs,
            source=sources.runs("ExecutionTime"),
            statistic="Maximum",
            # The metric is in milliseconds.
            threshold=alarms.run_minutes * 60_000,
            evaluation=ONE_EVENT,
        ),
    )


def _of_newsletters(sources: Sources, alarms: Alarms, env: str) -> Sequence[AlarmDefinition]:
    listed, cost = f"./vectora newsletter list --env {env}", f"./vectora cost --env {env}"
    return (
        AlarmDefinition(
            name="noise",
            meaning=f"{alarms.noise_percent:g} % or more of an issue is doubtful.",
            command=listed,
            source=sources.own(Metric.NOISE_PERCENT),
            statistic="Maximum",
            threshold=alarms.noise_percent,
            evaluation=ONE_EVENT,
        ),
        AlarmDefinition(
            name="empty-newsletter",
            meaning="An issue has no news, and would have none even if no earlier issue had published any.",
            command=listed,
            source=sources.own(Metric.EMPTY_NEWSLETTERS),
            statistic="Sum",
            threshold=1,
            evaluation=ONE_EVENT,
        ),
        AlarmDefinition(
            name="model-fallback",
            meaning=f"The lexicon analyzed {alarms.fallback_percent:g} % or more of a run, because the model failed.",
            command=listed,
            source=sources.own(Metric.FALLBACK_PERCENT),
            statistic="Maximum",
            threshold=alarms.fallback_percent,
            evaluation=ONE_EVENT,
        ),
        AlarmDefinition(
            name="run-cost",
            meaning=f"The model cost {alarms.run_cost_usd:g} USD or more in one run.",
            command=cost,
            source=sources.own(Metric.RUN_COST_USD),
            statistic="Maximum",
            threshold=alarms.run_cost_usd,
            evaluation=ONE_EVENT,
        ),
        AlarmDefinition(
            name="newsletter-overdue",
            meaning="A scheduled newsletter did not appear.",
            command=listed,
            source=sources.own(Metric.OVERDUE_NEWSLETTERS),
            statistic="Maximum",
            threshold=1,
            evaluation=LAST_GAUGE,
        ),
        AlarmDefinition(
            name="source-failing",
            meaning="A source failed in three runs in a row.",
            command="./vectora source check",
            source=sources.own(Metric.FAILING_SOURCES),
            statistic="Maximum",
            threshold=1,
            evaluation=LAST_GAUGE,
        ),
    )


def _of_snapshots(sources: Sources, env: str) -> Sequence[AlarmDefinition]:
    return (
        AlarmDefinition(
            name="snapshot-too-old",
            meaning=f"The newest complete snapshot is {OLDEST_SNAPSHOT_HOURS} hours old or older.",
            command=f"./vectora snapshot list --env {env}",
            source=sources.own(Metric.SNAPSHOT_AGE_HOURS),
            statistic="Maximum",
            threshold=OLDEST_SNAPSHOT_HOURS,
            evaluation=LAST_GAUGE,
        ),
        AlarmDefinition(
            name="snapshot-unverified",
            meaning="A snapshot is damaged or was not verified.",
            command=f"./vectora snapshot verify --env {env}",
            source=sources.own(Metric.DAMAGED_SNAPSHOTS),
            statistic="Maximum",
            threshold=1,
            evaluation=LAST_GAUGE,
        ),
    )


def _of_waiting(sources: Sources, env: str, approval_days: int) -> Sequence[AlarmDefinition]:
    explain = f"./vectora promote explain --to {env}"
    reminded = round(approval_days * SHARE_OF_APPROVAL, 1)
    return (
        AlarmDefinition(
            name="promotion-waits",
            meaning=f"A release has waited for {LONGEST_WAIT_DAYS} days to come into {env}.",
            command=explain,
            source=sources.own(Metric.PROMOTION_WAITING_DAYS),
            statistic="Maximum",
            threshold=LONGEST_WAIT_DAYS,
            evaluation=LAST_GAUGE,
        ),
        AlarmDefinition(
            name="approval-waits",
            meaning=f"A promotion has waited {reminded:g} of {approval_days} days for an approval, and then expires.",
            command=explain,
            source=sources.own(Metric.APPROVAL_WAITING_DAYS),
            statistic="Maximum",
            threshold=reminded,
            evaluation=LAST_GAUGE,
        ),
    )


def _of_operation(sources: Sources, names: Names, monthly_budget_usd: float) -> Sequence[AlarmDefinition]:
    status = f"./vectora status --env {names.env}"
    budgeted = round(monthly_budget_usd * SHARE_OF_BUDGET, 2)
    return (
        AlarmDefinition(
            name="drift",
            meaning="Something deployed was changed by hand.",
            command=status,
            source=sources.own(Metric.DRIFTED_THINGS),
            statistic="Maximum",
            threshold=1,
            evaluation=LAST_GAUGE,
        ),
        AlarmDefinition(
            name="month-cost",
            meaning=f"The model cost {budgeted:g} USD or more this month; the budget is {monthly_budget_usd:g} USD.",
            command=f"./vectora cost --env {names.env}",
            source=sources.own(Metric.MONTH_MODEL_COST_USD),
            statistic="Maximum",
            threshold=budgeted,
            evaluation=LAST_GAUGE,
        ),
        AlarmDefinition(
            name="watch-silent",
            meaning="Function watch did not run for eight hours, so other alarms may be silent too.",
            command=status,
            source=sources.function("Invocations", names.function("watch")),
            statistic="Sum",
            threshold=1,
            evaluation=EIGHT_HOURS,
            comparison="LessThanThreshold",
        ),
    )

"""Rows of the dashboards: that of each environment, and that over all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import aws_cdk as cdk

from stacks.alarms import RUNBOOK, AlarmDefinition, MetricSource, Sources
from vectora_constructs.dashboard import AlarmStates, Dashboard, Graph, Line, Text, Widget
from vectora_ops.alarm_names import AlarmName
from vectora_ops.names import Names
from vectora_ops.settings import ENVIRONMENT_NAMES, EnvironmentSettings, Settings
from vectora_shared.metrics import Metric

HOUR, DAY = 3600, 86400
# Thresholds of the environment's alarms.
Limits = Mapping[AlarmName, float]
RUN_ENDS = (
    ("ExecutionsSucceeded", "succeeded"),
    ("ExecutionsFailed", "failed"),
    ("ExecutionsTimedOut", "timed out"),
    ("ExecutionsAborted", "aborted"),
)


class _Lines:
    """Lines of one environment, for a dashboard in this or in another account."""

    def __init__(self, names: Names, region: str, account: str | None = None) -> None:
        self.sources = Sources(names, region)
        self._region, self._account = region, account

    def of(self, source: MetricSource, label: str, statistic: str = "Maximum") -> Line:
        return Line(
            namespace=source.namespace,
            metric=source.name,
            dimensions=source.dimensions,
            label=label,
            statistic=statistic,
            region=self._region,
            account=self._account,
        )

    def own(self, metric: Metric, label: str, statistic: str = "Maximum") -> Line:
        return self.of(self.sources.own(metric), label, statistic)

    def run_ends(self) -> list[Line]:
        return [self.of(self.sources.runs(name), label, "Sum") for name, label in RUN_ENDS]


def environment_rows(
    *, names: Names, settings: EnvironmentSettings, alarms: Iterable[AlarmDefinition]
) -> Sequence[Sequence[Widget]]:
    """Return the rows of an environment's dashboard: alarms, runs, newsletters, cost, and what waits or decays."""
    lines, limits = _Lines(names, settings.region), {each.name: each.threshold for each in alarms}
    return (
        *_head(names, settings.region, limits),
        _runs(lines, names, limits),
        _newsletters(lines, limits),
        _cost(lines, limits),
        _operation(lines, limits),
    )


def _head(names: Names, region: str, alarms: Iterable[AlarmName]) -> Sequence[Sequence[Widget]]:
    return (
        (Text(markdown=f"# {names.project} {names.env}\nWhat each alarm means, and what to run: `{RUNBOOK}`."),),
        (_alarm_states(names, region, alarms),),
    )


def _runs(lines: _Lines, names: Names, limits: Limits) -> Sequence[Widget]:
    return (
        Graph(title="Runs a day", lines=lines.run_ends(), period_seconds=DAY),
        Graph(
            title="Duration of runs, ms",
            lines=[lines.of(lines.sources.runs("ExecutionTime"), "longest")],
            period_seconds=HOUR,
            limit=limits.get("slow-run"),
        ),
        Graph(
            title="Errors of functions",
            lines=[
                lines.of(lines.sources.function("Errors", names.function(task)), task, "Sum")
                for task in ("ingest-v2", "normalize-score-v2", "newsletter-v2", "watch")
            ],
            period_seconds=HOUR,
        ),
    )


def _newsletters(lines: _Lines, limits: Limits) -> Sequence[Widget]:
    return (
        Graph(
            title="Items of newsletters",
            lines=[
                lines.own(Metric.NEWSLETTER_ITEMS, "most items"),
                lines.own(Metric.EMPTY_NEWSLETTERS, "empty newsletters", "Sum"),
                lines.own(Metric.OVERDUE_NEWSLETTERS, "overdue newsletters"),
            ],
            period_seconds=DAY,
        ),
        Graph(
            title="Noise, %",
            lines=[lines.own(Metric.NOISE_PERCENT, "noisiest issue")],
            period_seconds=DAY,
            limit=limits.get("noise"),
        ),
        Graph(
            title="Analyzed by the lexicon instead of the model, %",
            lines=[lines.own(Metric.FALLBACK_PERCENT, "most in a run")],
            period_seconds=DAY,
            limit=limits.get("model-fallback"),
        ),
    )


def _cost(lines: _Lines, limits: Limits) -> Sequence[Widget]:
    return (
        Graph(
            title="Cost of the model in a run, USD",
            lines=[lines.own(Metric.RUN_COST_USD, "dearest run")],
            period_seconds=DAY,
            limit=limits.get("run-cost"),
        ),
        Graph(
            title="Cost of the model this month, USD",
            lines=[lines.own(Metric.MONTH_MODEL_COST_USD, "so far")],
            period_seconds=DAY,
            limit=limits.get("month-cost"),
        ),
    )


def _operation(lines: _Lines, limits: Limits) -> Sequence[Widget]:
    return (
        Graph(
            title="Age of the newest snapshot, hours",
            lines=[lines.own(Metric.SNAPSHOT_AGE_HOURS, "age")],
            period_seconds=DAY,
            limit=limits.get("snapshot-too-old"),
        ),
        Graph(
            title="Days of waiting",
            lines=[
                lines.own(Metric.PROMOTION_WAITING_DAYS, "promotion"),
                lines.own(Metric.APPROVAL_WAITING_DAYS, "approval"),
            ],
            period_seconds=DAY,
        ),
        Graph(
            title="Faults",
            lines=[
                lines.own(Metric.FAILING_SOURCES, "failing sources"),
                lines.own(Metric.DAMAGED_SNAPSHOTS, "damaged snapshots"),
                lines.own(Metric.DRIFTED_THINGS, "changed by hand"),
            ],
            period_seconds=DAY,
        ),
    )


def add_environments_dashboard(stack: cdk.Stack, settings: Settings) -> None:
    """Add the dashboard over all environments to the pipeline's stack.

    It is in no environment's stack, because a setting of one environment would change the release of another.
    """
    Dashboard(
        stack,
        "EnvironmentsDashboard",
        name=settings.pipeline_names.pipeline,
        region=settings.pipeline_place.region,
        rows=all_environments_rows(settings),
    )


def all_environments_rows(settings: Settings) -> Sequence[Sequence[Widget]]:
    """Return the rows of the dashboard over all environments: one for each environment.

    Metrics of another account are shown where it shares them (CloudWatch user guide, cross-account observability).
    """
    rows: list[Sequence[Widget]] = [(Text(markdown=f"# {settings.project}\nAll environments."),)]
    own = settings.pipeline_place.account
    for env in reversed(ENVIRONMENT_NAMES):
        place, names = settings.place(env), settings.names(env)
        lines = _Lines(names, place.region, place.account if place.account != own else None)
        rows.append(
            (
                Graph(title=f"{env}: runs a day", lines=lines.run_ends(), period_seconds=DAY),
                Graph(
                    title=f"{env}: newsletters",
                    lines=[
                        lines.own(Metric.NEWSLETTER_ITEMS, "most items"),
                        lines.own(Metric.NOISE_PERCENT, "noise, %"),
                    ],
                    period_seconds=DAY,
                ),
                Graph(
                    title=f"{env}: cost of the model this month, USD",
                    lines=[lines.own(Metric.MONTH_MODEL_COST_USD, "so far")],
                    period_seconds=DAY,
                    limit=settings.environment(env).monthly_budget_usd,
                ),
                Graph(
                    title=f"{env}: what needs a person",
                    lines=[
                        lines.own(Metric.OVERDUE_NEWSLETTERS, "overdue newsletters"),
                        lines.own(Metric.FAILING_SOURCES, "failing sources"),
                        lines.own(Metric.DAMAGED_SNAPSHOTS, "damaged snapshots"),
                        lines.own(Metric.DRIFTED_THINGS, "changed by hand"),
                        lines.own(Metric.APPROVAL_WAITING_DAYS, "days an approval waits"),
                    ],
                    period_seconds=DAY,
                ),
            )
        )
    return rows


def _alarm_states(names: Names, region: str, alarms: Iterable[AlarmName]) -> AlarmStates:
    prefix = f"arn:aws:cloudwatch:{region}:${{AWS::AccountId}}:alarm"
    return AlarmStates(title="Alarms", alarm_arns=[f"{prefix}:{names.alarm(each)}" for each in alarms])

"""Stack s2-monitoring: alarms, dashboard, and notices on the cost of the account."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from stacks.alarms import AlarmDefinition, alarm_definitions
from stacks.component import ComponentStack
from stacks.dashboards import environment_rows
from vectora_constructs.account_budget import AccountBudget
from vectora_constructs.cost_anomaly_notices import CostAnomalyNotices
from vectora_constructs.dashboard import Dashboard
from vectora_constructs.metric_alarm import MetricAlarm
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings


class MonitoringStack(ComponentStack):
    """Stack `{project}-s2-monitoring-{env}`, deployed after all that it watches."""

    def __init__(self, scope: Construct, *, settings: Settings, env: str) -> None:
        names, own = settings.names(env), settings.environment(env)
        super().__init__(
            scope,
            layer="s2-monitoring",
            component="monitoring",
            description="Vectora Inbox, monitoring: alarms, dashboard, and notices on the cost of the account.",
            names=names,
            settings=own,
        )
        # The topic is of another stack: names lead to it, and no export.
        self._topic_arn = f"arn:aws:sns:{own.region}:{cdk.Aws.ACCOUNT_ID}:{names.topic('operations')}"
        possible = alarm_definitions(names=names, settings=own, approval_days=settings.pipeline.approval_days)
        alarms = [possible[name] for name in own.alarms.wanted]
        for alarm in alarms:
            self._alarm(alarm)
        rows = environment_rows(names=names, settings=own, alarms=alarms)
        Dashboard(self, "Dashboard", name=names.dashboard, region=own.region, rows=rows)
        if budget := budget_of_account(settings, env):
            AccountBudget(self, "AccountBudget", monthly_usd=budget, topic_arn=self._topic_arn, tags=self.common_tags)
        if anomalies := own.cost_anomalies:
            CostAnomalyNotices(
                self,
                "CostAnomalies",
                name=names.alarm("cost-anomalies"),
                minimum_usd=anomalies.minimum_usd,
                monitor_arn=anomalies.monitor,
                topic_arn=self._topic_arn,
                tags=self.common_tags,
            )

    def _alarm(self, alarm: AlarmDefinition) -> None:
        words = alarm.name.split("-")
        MetricAlarm(
            self,
            "".join(word.capitalize() for word in words) + "Alarm",
            alarm_name=self.names.alarm(alarm.name),
            description=alarm.description(self.settings.alarms),
            namespace=alarm.source.namespace,
            metric_name=alarm.source.name,
            dimensions={name: _resolved(value) for name, value in alarm.source.dimensions.items()},
            statistic=alarm.statistic,
            comparison=alarm.comparison,
            threshold=alarm.threshold,
            evaluation=alarm.evaluation,
            topic_arn=self._topic_arn,
        )


def budget_of_account(settings: Settings, env: str) -> float | None:
    """Return the budget of the account that `env` is in: the sum of its environments' budgets.

    None for all but the last of these environments, so that the account has one budget. An account with other
    workloads has their cost in it too.
    """
    account = settings.environment(env).account
    sharing = [each for each in ENVIRONMENT_NAMES if settings.environment(each).account == account]
    if env != sharing[-1]:
        return None
    return sum(settings.environment(each).monthly_budget_usd for each in sharing)


def _resolved(value: str) -> str:
    return cdk.Fn.sub(value) if "${" in value else value

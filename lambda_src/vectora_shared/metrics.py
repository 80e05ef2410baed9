"""Metrics of an environment: their names and units, and how a Lambda function publishes them.

A function prints one line in the embedded metric format (CloudWatch user guide, "Specification: embedded metric
format"), from which CloudWatch Logs extracts the metrics. A line with a log prefix is ignored, so no logger writes it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

# The only dimension: the namespace is the project's name, and each further dimension would be a further price.
ENVIRONMENT_DIMENSION = "Environment"


class Metric(StrEnum):
    """Names of the metrics that the functions publish."""

    # After a run of the engine, by the functions of the engine.
    NOISE_PERCENT = "NoisePercent"
    EMPTY_NEWSLETTERS = "EmptyNewsletters"
    NEWSLETTER_ITEMS = "NewsletterItems"
    FALLBACK_PERCENT = "FallbackPercent"
    RUN_COST_USD = "RunCostUsd"
    # By function watch, several times a day.
    OVERDUE_NEWSLETTERS = "OverdueNewsletters"
    FAILING_SOURCES = "FailingSources"
    SNAPSHOT_AGE_HOURS = "SnapshotAgeHours"
    DAMAGED_SNAPSHOTS = "DamagedSnapshots"
    PROMOTION_WAITING_DAYS = "PromotionWaitingDays"
    APPROVAL_WAITING_DAYS = "ApprovalWaitingDays"
    DRIFTED_THINGS = "DriftedThings"
    MONTH_MODEL_COST_USD = "MonthModelCostUsd"


# Units of CloudWatch (API reference, MetricDatum); a dollar has none.
UNITS: Mapping[Metric, str] = {
    Metric.NOISE_PERCENT: "Percent",
    Metric.EMPTY_NEWSLETTERS: "Count",
    Metric.NEWSLETTER_ITEMS: "Count",
    Metric.FALLBACK_PERCENT: "Percent",
    Metric.RUN_COST_USD: "None",
    Metric.OVERDUE_NEWSLETTERS: "Count",
    Metric.FAILING_SOURCES: "Count",
    Metric.SNAPSHOT_AGE_HOURS: "None",
    Metric.DAMAGED_SNAPSHOTS: "Count",
    Metric.PROMOTION_WAITING_DAYS: "None",
    Metric.APPROVAL_WAITING_DAYS: "None",
    Metric.DRIFTED_THINGS: "Count",
    Metric.MONTH_MODEL_COST_USD: "None",
}


def metrics_line(
    values: Mapping[Metric, float], *, project: str, env: str, at: datetime, properties: Mapping[str, str]
) -> str:
    """Return the values as one line of embedded metric format; `properties` are searchable in the log, and free."""
    document: dict[str, Any] = {
        "_aws": {
            "Timestamp": int(at.timestamp() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": project,
                    "Dimensions": [[ENVIRONMENT_DIMENSION]],
                    "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in values],
                }
            ],
        },
        ENVIRONMENT_DIMENSION: env,
        **properties,
        **{str(name): value for name, value in values.items()},
    }
    return json.dumps(document)


def publish(values: Mapping[Metric, float], *, project: str, env: str, **properties: str) -> None:
    """Print the values for CloudWatch; nothing is printed when there are none."""
    if values:
        line = metrics_line(values, project=project, env=env, at=datetime.now(UTC), properties=properties)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

"""Metrics of a run of the engine, taken from the results of its steps.

The canary and drafts have none: they are no newsletters that anyone reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vectora_shared.keys import CANARY_CLIENT
from vectora_shared.metrics import Metric, publish
from vectora_shared.runtime import environment

Result = Mapping[str, Any]


def metrics_of_analysis(result: Result) -> dict[Metric, float]:
    """Return the metrics from the result of step normalize-score; an unknown cost is omitted."""
    if not _counts(result):
        return {}
    values: dict[Metric, float] = {}
    if items := result["items_normalized"]:
        values[Metric.FALLBACK_PERCENT] = _percent(sum(result["fallback_reasons"].values()) / items)
    if (cost := result["cost_usd"]) is not None:
        values[Metric.RUN_COST_USD] = cost
    return values


def metrics_of_issue(result: Result) -> dict[Metric, float]:
    """Return the metrics from the result of step newsletter.

    An issue is empty if it would have no items even if no earlier issue had published any: no news since yesterday
    is no fault. An issue without items has no noise.
    """
    if not _counts(result):
        return {}
    items = result["metrics"]["items"]
    values: dict[Metric, float] = {
        Metric.NEWSLETTER_ITEMS: items["selected"],
        Metric.EMPTY_NEWSLETTERS: 0 if items["in_period"] else 1,
    }
    if items["selected"]:
        values[Metric.NOISE_PERCENT] = _percent(result["metrics"]["noise_estimate"])
    return values


def publish_of_run(values: Mapping[Metric, float], result: Result) -> None:
    """Publish the metrics of a step; client and day of the run can be searched for in the function's log."""
    publish(
        values,
        project=environment("PROJECT_NAME"),
        env=environment("ENV"),
        client_id=str(result["client_id"]),
        run=str(result["target_date"]),
    )


def _counts(result: Result) -> bool:
    return not result["draft"] and result["client_id"] != CANARY_CLIENT


def _percent(share: float) -> float:
    return round(share * 100, 2)

"""Cost of an environment's month in one line and as JSON."""

from __future__ import annotations

from typing import Any

from vectora_ops.costs.month import MonthCost


def cost_summary(cost: MonthCost) -> str:
    """Return the cost so far, the forecast and its share of the budget, without a full stop."""
    share = cost.forecast_usd / cost.budget_usd
    return f"${cost.so_far_usd:.2f} so far, ${cost.forecast_usd:.2f} at its end, {share:.0%} of ${cost.budget_usd:g}"


def cost_totals(cost: MonthCost) -> dict[str, Any]:
    """Return the totals of the month by name."""
    return {
        "month": cost.month,
        "so_far_usd": cost.so_far_usd,
        "forecast_usd": cost.forecast_usd,
        "budget_usd": cost.budget_usd,
    }

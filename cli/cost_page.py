"""Cost page: a month of one or more environments, with the prices that it was computed with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vectora_ops.costs.month import MonthCost
from vectora_ops.costs.prices import Prices
from vectora_ops.pages.design import Cell, badge, page, section, table
from vectora_ops.pages.markup import Html, element, link
from vectora_ops.pages.tables import cost_section


def cost_page(project: str, costs: Sequence[MonthCost], prices: Prices, made_at: datetime) -> str:
    """Return the page of these environments."""
    total = sum(each.forecast_usd for each in costs)
    return page(
        f"{project}: cost",
        made_at=made_at,
        subtitle=f"${total:.2f} at the month's end",
        main=(cost_section(costs), _prices(prices)),
        footer="Made by ./vectora cost --html. An estimate before free tiers and taxes, and no bill.",
    )


def _prices(prices: Prices) -> Html:
    rows = [
        (
            each.unit,
            Cell(f"${each.usd:.10f}".rstrip("0").rstrip("."), is_number=True),
            link(each.source, each.address),
            each.found,
            badge("verified", "good") if each.verified else badge("not verified", "warn"),
        )
        for each in prices.all
    ]
    explained = element(
        "p",
        "A price that is not verified was found in a copy of its source. The model's prices are in "
        "config/canonical/models/pricing.yaml; each run records what it paid.",
    )
    return section("prices", "Prices", explained, table("Prices", ("unit", "price", "source", "found", "state"), rows))

"""Command `./vectora cost`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import asdict
from typing import Annotated, Any

import typer

from cli.access import open_account
from cli.options import HtmlFile, Json
from cli.output import err, out, print_json, report_errors
from cli.overview import cost_settings, write_page
from cli.paths import ROOT
from terminal.console import new_table
from vectora_ops.costs.month import MonthCost
from vectora_ops.costs.prices import Prices, price_table
from vectora_ops.costs.reading import read_month_cost
from vectora_ops.names import EnvName, environment_name
from vectora_ops.progress import utc_now
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings, load_settings
from vectora_shared.errors import VectoraError

PRICES = "lambda_src/vectora_ops/costs/prices.yaml"


@report_errors
def cost(
    env: Annotated[str | None, typer.Option("--env", help="Environment: dev, stage, prod. Default: all.")] = None,
    html: HtmlFile = None,
    json: Json = False,
) -> None:
    """Show what this month costs by part, at its end, and against the budget.

    Measured from the runs that newsletters record and from the resources that AWS bills by the month, with a table of
    list prices, whose sources and dates --html shows. It is an estimate before free tiers and taxes: the bill decides.
    """
    settings = load_settings(ROOT)
    chosen = [environment_name(env)] if env else list(ENVIRONMENT_NAMES)
    with ThreadPoolExecutor(len(chosen)) as pool:
        # In this context, which knows the profiles that were given.
        reading = [pool.submit(copy_context().run, _read, settings, name) for name in chosen]
        read = [each.result() for each in reading]
    costs = [each for each in read if isinstance(each, MonthCost)]
    problems = [each for each in read if isinstance(each, str)]
    if not costs:
        raise VectoraError("\n".join(dict.fromkeys(problems)))
    for problem in dict.fromkeys(problems):
        err.say(problem, style="yellow")
    if json:
        print_json({"prices": PRICES, "environments": [_fields(each) for each in costs]})
    elif html is not None:
        from vectora_ops.pages.cost import cost_page

        page = cost_page(settings.project, costs, price_table(), costs[0].at)
        out.say(f"Written: {write_page(html, page)}")
    else:
        for each in costs:
            _show(each)
        out.print()
        out.print(_origin(price_table()))


def _read(settings: Settings, env: EnvName) -> MonthCost | str:
    """Return the cost of an environment, or why it cannot be read."""
    try:
        return read_month_cost(
            open_account(settings, env), settings.names(env), cost_settings(settings, env), utc_now()
        )
    except VectoraError as error:
        return f"{env}: {error}"


def _fields(cost: MonthCost) -> dict[str, Any]:
    totals = {"month": cost.month, "so_far_usd": cost.so_far_usd, "forecast_usd": cost.forecast_usd}
    return {**asdict(cost), **totals, "warnings": cost.warnings}


def _show(cost: MonthCost) -> None:
    share = cost.forecast_usd / cost.budget_usd
    out.print()
    out.say(
        f"{cost.env} in {cost.month}: ${cost.so_far_usd:.2f} so far, ${cost.forecast_usd:.2f} at its end, {share:.0%} "
        f"of ${cost.budget_usd:g}"
    )
    table = new_table("part", "so far", "at its end", "computed from")
    for part in cost.parts:
        table.add_row(part.name, f"${part.so_far_usd:.2f}", f"${part.forecast_usd:.2f}", part.basis)
    out.print(table)
    if cost.clients:
        out.print()
        table = new_table("client", "runs", "so far", "at its end", "last run", "usual run")
        for each in cost.clients:
            usd = (each.so_far_usd, each.forecast_usd, each.last_usd, each.usual_usd)
            table.add_row(each.client_id, str(each.runs), *("-" if cell is None else f"${cell:.2f}" for cell in usd))
        out.print(table)
    for sentence in cost.warnings:
        out.say(sentence, style="yellow")
    if cost.unknown:
        out.say(f"Without what you may not read: {', '.join(cost.unknown)}.", style="yellow")


def _origin(prices: Prices) -> str:
    found = sorted(each.found for each in prices.all)
    unverified = sum(not each.verified for each in prices.all)
    return (
        f"List prices of {found[0]} to {found[-1]}, {unverified} of {len(prices.all)} not verified "
        f"({PRICES}), before free tiers and taxes."
    )

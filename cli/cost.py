"""Command `./vectora cost`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cli.access import open_account
from cli.cost_text import cost_summary, cost_totals
from cli.options import AnyEnv, HtmlFile, Json
from cli.output import aws_errors, err, failed_call, out, print_json, report_errors
from cli.page_file import write_page
from cli.parallel import read_each
from cli.paths import ROOT
from vectora_ops.costs.month import ClientCost, MonthCost
from vectora_ops.costs.prices import Prices, price_table
from vectora_ops.costs.reading import CostSettings, read_month_cost
from vectora_ops.names import EnvName, environment_name
from vectora_ops.progress import utc_now
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings, load_settings
from vectora_shared.errors import VectoraError

PRICES = "lambda_src/vectora_ops/costs/prices.yaml"


@report_errors
def cost(
    env: AnyEnv = None,
    html: HtmlFile = None,
    json: Json = False,
) -> None:
    """Show what this month costs by part, at its end, and against the budget.

    Measured from the runs that newsletters record and from the resources that AWS bills by the month, with a table of
    list prices, whose sources and dates --html shows. It is an estimate before free tiers and taxes: the bill decides.
    """
    settings = load_settings(ROOT)
    chosen = [environment_name(env)] if env else list(ENVIRONMENT_NAMES)
    read = read_each(chosen, lambda name: _read(settings, name))
    costs = [each for each in read if isinstance(each, MonthCost)]
    problems = [each for each in read if isinstance(each, str)]
    if not costs:
        raise VectoraError("\n".join(dict.fromkeys(problems)))
    for problem in dict.fromkeys(problems):
        err.say(problem, style="yellow")
    if json:
        print_json({"prices": PRICES, "environments": [_fields(each) for each in costs]})
    elif html is not None:
        from cli.cost_page import cost_page

        page = cost_page(settings.project, costs, price_table(), costs[0].at)
        out.say(f"Written: {write_page(html, page)}")
    else:
        for each in costs:
            _show(each)
        out.print()
        out.fold(_origin(price_table()))


def _read(settings: Settings, env: EnvName) -> MonthCost | str:
    """Return the cost of an environment, or why it cannot be read."""
    try:
        account, chosen = open_account(settings, env), settings.environment(env)
        return read_month_cost(account, settings.names(env), CostSettings.of(chosen), utc_now())
    except VectoraError as error:
        return f"{env}: {error}"
    except aws_errors() as error:
        return f"{env}: {failed_call(error)}"


def _fields(cost: MonthCost) -> dict[str, Any]:
    return {**asdict(cost), **cost_totals(cost), "warnings": cost.warnings}


def _show(cost: MonthCost) -> None:
    out.print()
    out.fold(f"{cost.env} in {cost.month}: {cost_summary(cost)}", "bold")
    parts = [(each.name, f"${each.so_far_usd:.2f}", f"${each.forecast_usd:.2f}", each.basis) for each in cost.parts]
    out.print_rows(("part", "so far", "at its end", "computed from"), parts)
    if cost.clients:
        out.print()
        clients = [(each.client_id, str(each.runs), *map(_usd, _amounts(each))) for each in cost.clients]
        out.print_rows(("client", "runs", "so far", "at its end", "last run", "usual run"), clients)
    for sentence in cost.warnings:
        out.fold(sentence, "yellow")
    if cost.unknown:
        out.fold(f"Without what you may not read: {', '.join(cost.unknown)}.", "yellow")


def _amounts(client: ClientCost) -> tuple[float | None, ...]:
    return client.so_far_usd, client.forecast_usd, client.last_usd, client.usual_usd


def _usd(amount: float | None) -> str:
    return "-" if amount is None else f"${amount:.2f}"


def _origin(prices: Prices) -> str:
    found = sorted(each.found for each in prices.all)
    unverified = sum(not each.verified for each in prices.all)
    return (
        f"List prices of {found[0]} to {found[-1]}, {unverified} of {len(prices.all)} not verified "
        f"({PRICES}), before free tiers and taxes."
    )

"""A month's cost from runs, resources and prices."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.repository import ROOT
from tests.unit.ops.pages.overviews import run
from vectora_ops.costs.month import (
    COMMIT_ACTION_MINUTES,
    GAUGES,
    MEDIUM_BUILD_MINUTES,
    REPORT_MINUTES,
    RUN_METRICS,
    SMALL_BUILD_MINUTES,
    STAGE_ACTION_MINUTES,
    Measured,
    MonthCost,
    first_day_compared,
    month_cost,
)
from vectora_ops.costs.prices import other_prices, price_table
from vectora_ops.costs.runs import RecordedRun
from vectora_ops.costs.usage import Usage
from vectora_ops.promotion.environment_runs import ClientFile
from vectora_ops.settings import load_settings
from vectora_shared.metrics import Metric

# A Thursday: of the Mondays with a weekly newsletter, 30 November is still to come.
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
MONDAYS = (date(2026, 11, 2), date(2026, 11, 9), date(2026, 11, 16), date(2026, 11, 23))
SCHEDULE = load_settings(ROOT).environment("prod").schedule
WEEKLY = {"lai_weekly": ClientFile(version="2.3.0", sha256="a", active=True, frequency="weekly")}
ELAPSED = 25.5 / 30


def _cost(*runs: RecordedRun, **changes: Any) -> MonthCost:
    measured = Measured(
        env="prod",
        now=NOW,
        runs=runs,
        usage=Usage(),
        deployments=0,
        schedule=SCHEDULE,
        clients=WEEKLY,
        budget_usd=60.0,
        is_first=False,
        is_last=False,
    )
    return month_cost(replace(measured, **changes), price_table())


def _part(cost: MonthCost, name: str) -> tuple[Any, Any]:
    part = next(each for each in cost.parts if each.name == name)
    return pytest.approx(part.so_far_usd), pytest.approx(part.forecast_usd)


def test_the_model_costs_what_the_runs_recorded_and_the_scheduled_runs_go_on_so() -> None:
    cost = _cost(*(run(day=each, cost_usd=0.2) for each in MONDAYS))
    assert _part(cost, "model") == (0.8, 1.0)
    assert _cost(*(run(day=each, cost_usd=0.2) for each in MONDAYS), schedule=None).model.forecast_usd == (
        pytest.approx(0.8 / ELAPSED)
    )


def test_the_canary_and_drafts_count_and_runs_of_other_months_do_not() -> None:
    cost = _cost(
        run(day=date(2026, 10, 26), cost_usd=9.0),
        run(day=MONDAYS[0], cost_usd=0.2),
        run(day=MONDAYS[0], cost_usd=0.1, draft=True),
        run("canary", day=MONDAYS[1], cost_usd=0.01),
        schedule=None,
    )
    assert _part(cost, "model") == (0.31, 0.31 / ELAPSED)
    assert [(each.client_id, each.runs) for each in cost.clients] == [("lai_weekly", 2)]


def test_a_run_without_a_cost_costs_nothing_and_is_counted() -> None:
    cost = _cost(run(day=MONDAYS[0], cost_usd=None), schedule=None)
    assert (cost.model.so_far_usd, cost.model.basis) == (0.0, "0 recorded runs of 1")


def test_functions_cost_their_seconds_and_memory_and_a_run_has_seven_transitions() -> None:
    runs = [run(day=each, seconds={"ingest": 100.0, "newsletter": 10.0, "unknown": 9.0}) for each in MONDAYS[:2]]
    cost = _cost(*runs, usage=Usage(memory_mb={"ingest": 1024, "newsletter": 512}))
    so_far = 2 * (100 + 5) * 0.0000133334
    assert _part(cost, "Lambda") == (so_far, so_far * 3 / 2)
    assert _part(cost, "Step Functions") == (14 * 0.0000297, 21 * 0.0000297)


def test_what_is_billed_by_the_month_counts_for_its_elapsed_days() -> None:
    usage = Usage(
        stored_bytes={"STANDARD": 2_000_000_000, "GLACIER_IR": 1_000_000_000},
        keys=1,
        alarms=17,
        dashboards=1,
        log_bytes=1_000_000_000,
    )
    cost = _cost(usage=usage, schedule=None, clients={})
    assert _part(cost, "storage") == (0.053 * ELAPSED, 0.053)
    assert _part(cost, "keys (KMS)") == (1.0 * ELAPSED, 1.0)
    assert _part(cost, "other (logs)") == (0.0315 * ELAPSED, 0.0315)
    # Eight gauges, published in four hours of a day, cost a sixth of eight metrics.
    assert _part(cost, "monitoring") == (5.1 * ELAPSED, 1.7 + 3.0 + 0.4)


def test_every_metric_is_counted_once() -> None:
    assert len(Metric) == RUN_METRICS + GAUGES


def test_a_deployment_costs_its_action_minutes_and_the_first_environment_has_the_builds() -> None:
    assert _part(_cost(deployments=2, schedule=None, clients={}), "pipeline") == (0.064, 0.064 / ELAPSED)
    [first] = [_part(_cost(deployments=1, is_first=True, schedule=None), "pipeline")]
    assert first[0] == 25 * 0.002 + 0.06


def test_the_report_to_an_approver_is_part_of_a_deployment_into_the_last_environment() -> None:
    [last] = [_part(_cost(deployments=1, is_last=True, schedule=None), "pipeline")]
    assert last[0] == 18 * 0.002 + 2 * 0.005


def test_the_minutes_of_a_commit_are_those_of_the_document() -> None:
    document = (ROOT / "docs" / "cost-and-sizing.md").read_text(encoding="utf-8")
    minutes = 3 * STAGE_ACTION_MINUTES + COMMIT_ACTION_MINUTES + REPORT_MINUTES
    assert f"{minutes} minutes: $" in document
    small = SMALL_BUILD_MINUTES + REPORT_MINUTES
    builds = f"{MEDIUM_BUILD_MINUTES + small} minutes, {MEDIUM_BUILD_MINUTES} of medium and {small} of small"
    assert builds in document


def test_a_forecast_over_the_budget_is_a_warning() -> None:
    cost = _cost(*(run(day=each, cost_usd=20.0) for each in MONDAYS))
    assert cost.is_over_budget
    assert f"prod will cost ${cost.forecast_usd:.2f} in 2026-11: its budget is $60." in cost.warnings


@pytest.mark.parametrize(("last_usd", "is_unusual"), [(0.41, True), (0.4, False)])
def test_a_run_that_costs_more_than_twice_the_usual_is_a_warning(last_usd: float, is_unusual: bool) -> None:
    runs = [*(run(day=each, cost_usd=0.2) for each in MONDAYS[:3]), run(day=MONDAYS[3], cost_usd=last_usd)]
    cost = _cost(*runs)
    [client] = cost.clients
    assert (client.last_usd, client.usual_usd, client.is_unusual) == (last_usd, 0.2, is_unusual)
    assert any("The last run of lai_weekly in prod cost $0.41" in each for each in cost.warnings) == is_unusual


def test_few_runs_and_cents_are_not_compared() -> None:
    assert not _cost(run(day=MONDAYS[0], cost_usd=0.1), run(day=MONDAYS[1], cost_usd=9.0)).clients[0].is_unusual
    cents = [run(day=each, cost_usd=0.001) for each in MONDAYS[:3]]
    assert not _cost(*cents, run(day=MONDAYS[3], cost_usd=0.04)).clients[0].is_unusual


def test_a_month_of_twice_the_usual_model_cost_is_a_warning() -> None:
    before = [run(day=date(2026, month, 5), cost_usd=0.3) for month in (7, 8, 9, 10)]
    cost = _cost(*before, *(run(day=each, cost_usd=0.3) for each in MONDAYS))
    assert cost.usual_model_usd == pytest.approx(0.3)
    assert any("more than twice the usual $0.30 a month" in each for each in cost.warnings)


def test_the_first_hours_of_a_month_forecast_no_fortune() -> None:
    early = datetime(2026, 11, 1, 0, 10, tzinfo=UTC)
    cost = _cost(run(day=date(2026, 11, 1), at=early, cost_usd=0.2), now=early, schedule=None)
    assert cost.model.forecast_usd == pytest.approx(0.2 * 30)


def test_the_comparison_begins_three_months_earlier() -> None:
    assert first_day_compared(NOW) == datetime(2026, 8, 1, tzinfo=UTC)
    assert first_day_compared(datetime(2026, 2, 28, tzinfo=UTC) + timedelta(hours=1)).date() == date(2025, 11, 1)


def test_every_price_has_a_source_a_date_and_no_false_claim() -> None:
    for price in (*price_table().all, *other_prices().all):
        assert price.source
        assert date.fromisoformat(price.found) <= date.today()  # noqa: DTZ011
        assert not price.verified

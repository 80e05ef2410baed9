"""Metrics of runs, as they are taken from the results of the engine's steps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.model import StringShape

from tests import emf
from vectora_shared.metrics import UNITS, Metric, metrics_line, publish
from vectora_shared.run_metrics import metrics_of_analysis, metrics_of_issue

ANALYSIS = {
    "client_id": "lai_weekly",
    "draft": False,
    "items_normalized": 40,
    "fallback_reasons": {"the model was busy": 3, "the reply was cut": 5},
    "cost_usd": 0.21,
}


def issue(selected: int, in_period: int, noise: float, **changes: Any) -> dict[str, Any]:
    metrics = {"items": {"selected": selected, "in_period": in_period}, "noise_estimate": noise}
    return {"client_id": "lai_weekly", "draft": False, "metrics": metrics, **changes}


def test_the_fallback_is_the_share_of_items_that_the_lexicon_analyzed_instead_of_the_model() -> None:
    assert metrics_of_analysis(ANALYSIS) == {Metric.FALLBACK_PERCENT: 20.0, Metric.RUN_COST_USD: 0.21}


def test_a_run_without_items_has_no_fallback_and_one_without_a_price_no_cost() -> None:
    empty = {**ANALYSIS, "items_normalized": 0, "fallback_reasons": {}, "cost_usd": None}
    assert metrics_of_analysis(empty) == {}


def test_an_issue_has_a_noise_in_percent() -> None:
    assert metrics_of_issue(issue(8, 9, 0.125)) == {
        Metric.NEWSLETTER_ITEMS: 8,
        Metric.EMPTY_NEWSLETTERS: 0,
        Metric.NOISE_PERCENT: 12.5,
    }


def test_an_issue_without_items_has_no_noise() -> None:
    assert Metric.NOISE_PERCENT not in metrics_of_issue(issue(0, 4, 0.5))


@pytest.mark.parametrize(("in_period", "empty"), [(0, 1), (4, 0)])
def test_an_issue_is_empty_if_it_would_have_no_items_even_if_none_had_been_published(
    in_period: int, empty: int
) -> None:
    assert metrics_of_issue(issue(0, in_period, 0.0))[Metric.EMPTY_NEWSLETTERS] == empty


@pytest.mark.parametrize("changes", [{"draft": True}, {"client_id": "canary"}])
def test_drafts_and_the_canary_have_no_metrics(changes: dict[str, Any]) -> None:
    assert metrics_of_analysis({**ANALYSIS, **changes}) == {}
    assert metrics_of_issue(issue(8, 9, 0.1, **changes)) == {}


def test_every_metric_has_a_unit_that_cloudwatch_knows() -> None:
    assert UNITS.keys() == set(Metric)
    known = botocore.session.get_session().get_service_model("cloudwatch").shape_for("StandardUnit")
    assert isinstance(known, StringShape)
    assert set(UNITS.values()) <= set(known.enum)


def test_the_line_of_all_metrics_fits_the_embedded_metric_format() -> None:
    at = datetime(2026, 11, 16, 6, 0, 3, tzinfo=UTC)
    line = metrics_line(dict.fromkeys(Metric, 1.5), project="acme", env="prod", at=at, properties={"client_id": "x"})
    assert "\n" not in line
    read = emf.extracted(line)
    assert read["namespace"] == "acme"
    assert read["dimensions"] == {"Environment": "prod"}
    assert read["metrics"] == dict.fromkeys(Metric, 1.5)
    assert read["units"] == dict(UNITS)
    assert read["properties"] == {"client_id": "x"}


def test_nothing_is_printed_for_no_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    publish({}, project="acme", env="prod")
    assert capsys.readouterr().out == ""

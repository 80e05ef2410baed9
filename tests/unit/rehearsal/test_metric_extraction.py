"""Metrics are extracted from printed lines as strictly as CloudWatch Logs does it, and broken lines are reported."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal.monitoring.data import series
from rehearsal.monitoring.extraction import extract
from vectora_shared.metrics import UNITS, Metric, metrics_line

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Change = Callable[[dict[str, Any]], Any]


def _line(values: dict[Metric, float] | None = None) -> str:
    return metrics_line(
        values or {Metric.NOISE_PERCENT: 5.6}, project="project", env="prod", at=NOON, properties={"client_id": "c"}
    )


def _changed(change: Change) -> str:
    document = json.loads(_line())
    change(document)
    return json.dumps(document)


@given(values=st.dictionaries(st.sampled_from(list(Metric)), st.floats(-1e9, 1e9), min_size=1))
@settings(deadline=None)
def test_all_values_of_a_printed_line_are_extracted(values: dict[Metric, float]) -> None:
    data, refused = extract([_line(values) + "\n"], NOON)
    assert refused == []
    assert {each.series: (each.value, each.unit, each.at) for each in data} == {
        series("project", name, {"Environment": "prod"}): (value, UNITS[name], NOON) for name, value in values.items()
    }


def test_ordinary_lines_are_neither_extracted_nor_reported() -> None:
    lines = ["START RequestId: 1", '{"message": "a result"}', "text", "REPORT RequestId: 1 Duration: 2 ms", ""]
    assert extract(lines, NOON) == ([], [])


@pytest.mark.parametrize("line", [f"[INFO] {_line()}", f"{_line()} trailing", f"{_line()}{_line()}", f"[{_line()}]"])
def test_a_line_that_is_no_document_alone_is_reported(line: str) -> None:
    data, refused = extract([line], NOON)
    assert data == []
    assert [each.line for each in refused] == [line]


def _directive(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["_aws"]["CloudWatchMetrics"][0]
    return found


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda each: each["_aws"].pop("Timestamp"), "Timestamp"),
        (lambda each: each["_aws"].update(Timestamp="2026-03-02"), "Timestamp"),
        (lambda each: each["_aws"].update(Timestamp=10**30), "Timestamp"),
        (lambda each: _directive(each).pop("Namespace"), "Namespace"),
        (lambda each: _directive(each).update(Namespace=""), "Namespace"),
        (lambda each: _directive(each).pop("Dimensions"), "Dimensions"),
        (lambda each: _directive(each).update(Dimensions=["Environment"]), "dimensions"),
        (lambda each: _directive(each).update(Dimensions=[[f"d{n}" for n in range(31)]]), "at most 30"),
        (lambda each: each.pop("Environment"), "dimension Environment"),
        (lambda each: each.update(Environment=1), "dimension Environment"),
        (lambda each: _directive(each)["Metrics"][0].pop("Name"), "Name"),
        (lambda each: _directive(each)["Metrics"][0].update(Unit="percent"), "unit 'percent'"),
        (lambda each: _directive(each)["Metrics"][0].update(Unit=["Percent"]), "unit"),
        (lambda each: _directive(each)["Metrics"][0].update(StorageResolution=5), "StorageResolution"),
        (lambda each: _directive(each).update(Metrics=[{"Name": f"m{n}"} for n in range(101)]), "101 metrics"),
        (lambda each: each.pop("NoisePercent"), "NoisePercent is no number"),
        (lambda each: each.update(NoisePercent="5.6"), "NoisePercent is no number"),
        (lambda each: each.update(NoisePercent=True), "NoisePercent is no number"),
        (lambda each: each.update(NoisePercent=float("nan")), "no JSON"),
        (lambda each: each.update(NoisePercent=[1] * 101), "101 values"),
        (lambda each: each.update(text="x" * 262144), "bytes"),
    ],
)
def test_a_document_that_violates_the_specification_is_reported_with_the_reason(change: Change, reason: str) -> None:
    data, [refused] = extract([_changed(change)], NOON)
    assert data == []
    assert reason in refused.reason


@pytest.mark.parametrize("late", [timedelta(days=15), timedelta(hours=-3)])
def test_a_time_that_cloudwatch_does_not_accept_is_reported(late: timedelta) -> None:
    data, [refused] = extract([_line()], NOON + late)
    assert data == []
    assert "two weeks ago, or two hours ahead" in refused.reason


def test_each_set_of_dimensions_is_a_metric_of_its_own() -> None:
    def by_client(document: dict[str, Any]) -> None:
        _directive(document)["Dimensions"] = [["Environment"], ["Environment", "client_id"], []]

    data, refused = extract([_changed(by_client)], NOON)
    assert refused == []
    assert [dict(each.series.dimensions) for each in data] == [
        {"Environment": "prod"},
        {"Environment": "prod", "client_id": "c"},
        {},
    ]


@given(text=st.text(max_size=60))
@settings(deadline=None)
def test_no_line_makes_the_extraction_fail(text: str) -> None:
    data, _ = extract([f'{text}"CloudWatchMetrics"{text}', f'{{"_aws": {{"CloudWatchMetrics": {text} }}}}'], NOON)
    assert data == []

"""Dashboards are drawn as SVG that needs no script, no request and no colour to be understood."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rehearsal.monitoring.data import Datum, Series, series
from rehearsal.monitoring.drawing import Facts, drawn
from rehearsal.monitoring.evaluation import State

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
NOISE = series("project", "NoisePercent", {"Environment": "prod"})
HOSTILE = '<script>alert("x")</script> & [red]'
SVG = "{http://www.w3.org/2000/svg}"
ARN = "arn:aws:cloudwatch:eu-west-3:000000000000:alarm:project-noise-prod"


def _graph(**changes: Any) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "title": "Noise, %",
        "period": 86400,
        "metrics": [["project", "NoisePercent", "Environment", "prod", {"label": "noisiest", "stat": "Maximum"}]],
        "annotations": {"horizontal": [{"label": "limit", "value": 10.0}]},
    }
    return {"type": "metric", "x": 0, "y": 0, "width": 8, "height": 6, "properties": properties | changes}


def _alarms(*arns: str) -> dict[str, Any]:
    properties = {"title": "Alarms", "alarms": list(arns)}
    return {"type": "alarm", "x": 0, "y": 6, "width": 24, "height": 3, "properties": properties}


def _drawn(*widgets: dict[str, Any], values: Sequence[float] = (), states: dict[str, State] | None = None) -> str:
    data = [Datum(series=NOISE, at=BEGIN + timedelta(days=day, hours=1), value=v) for day, v in enumerate(values)]

    def of(identity: Series) -> list[Datum]:
        return [each for each in data if each.series == identity]

    facts = Facts(data=of, states=states or {}, begin=BEGIN, end=BEGIN + timedelta(days=10))
    return drawn("project prod", {"widgets": list(widgets)}, facts)


def _root(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314


def _texts(svg: str) -> str:
    return " | ".join(each.text or "" for each in _root(svg).iter(f"{SVG}text"))


def test_each_value_of_a_metric_is_a_point_of_its_line() -> None:
    svg = _drawn(_graph(), values=(5.0, 20.0, 10.0))
    [line] = _root(svg).iter(f"{SVG}polyline")
    points = [tuple(map(float, each.split(","))) for each in line.attrib["points"].split()]
    assert len(points) == 3
    assert points[0][0] < points[1][0] < points[2][0]
    # The largest value is highest, where y is smallest.
    assert points[1][1] < points[2][1] < points[0][1]
    assert len(list(_root(svg).iter(f"{SVG}circle"))) == 3


def test_values_of_one_period_are_summed_up_by_the_statistic_of_the_widget() -> None:
    hours = [Datum(series=NOISE, at=BEGIN + timedelta(hours=hour), value=hour) for hour in (1, 2, 3)]
    facts = Facts(data=lambda identity: hours, states={}, begin=BEGIN, end=BEGIN + timedelta(days=1))
    sums = _graph(metrics=[["project", "NoisePercent", {"label": "in a day", "stat": "Sum"}]])
    assert "in a day 6" in drawn("t", {"widgets": [sums]}, facts)
    assert "noisiest 3" in drawn("t", {"widgets": [_graph()]}, facts)


def test_a_metric_of_another_name_draws_no_data() -> None:
    misspelled = _graph(metrics=[["project", "NoisePercentage", "Environment", "prod"]])
    svg = _drawn(misspelled, values=(5.0, 6.0))
    assert "no data" in _texts(svg)
    assert not list(_root(svg).iter(f"{SVG}polyline"))


def test_the_limit_is_a_line_with_its_value() -> None:
    svg = _drawn(_graph(), values=(5.0, 6.0))
    assert any(each.get("class") == "limit" for each in _root(svg).iter(f"{SVG}line"))
    assert "limit 10" in _texts(svg)


def test_alarms_are_listed_with_a_sign_beside_the_colour() -> None:
    states: dict[str, State] = {"project-noise-prod": "ALARM", "project-drift-prod": "OK"}
    svg = _drawn(_alarms(ARN, ARN.replace("noise", "drift"), ARN.replace("noise", "cost")), states=states)
    shown = _texts(svg)
    assert "✗ project-noise-prod" in shown
    assert "✓ project-drift-prod" in shown
    assert "- project-cost-prod" in shown


def test_a_reader_who_does_not_see_it_gets_title_and_values() -> None:
    root = _root(_drawn(_graph(), _alarms(ARN), values=(5.0, 6.5), states={"project-noise-prod": "ALARM"}))
    assert root.attrib["role"] == "img"
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert title.text == "project prod"
    assert description is not None
    assert description.text is not None
    assert "noisiest 6.5" in description.text
    assert "project-noise-prod ALARM" in description.text
    assert root.attrib["aria-labelledby"] == f"{title.attrib['id']} {description.attrib['id']}"


def test_it_follows_the_theme_and_loads_nothing() -> None:
    svg = _drawn(_graph(), values=(1.0,))
    assert "prefers-color-scheme: dark" in svg
    assert not re.search(r"<script|href|url\(|@import|on\w+=", svg)
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]


def test_texts_of_a_dashboard_are_never_markup() -> None:
    text = {
        "type": "text",
        "x": 0,
        "y": 9,
        "width": 24,
        "height": 2,
        "properties": {"markdown": f"# {HOSTILE}\n\x1b[2J"},
    }
    metrics = [["project", "NoisePercent", {"label": HOSTILE}]]
    svg = _drawn(text, _graph(title=HOSTILE, metrics=metrics), _alarms(HOSTILE))
    assert "<script" not in svg
    assert HOSTILE in _texts(svg)
    assert "\x1b" not in svg


@pytest.mark.parametrize(
    "widget",
    [
        {"type": "log", "x": 0, "y": 0, "width": 1, "height": 1, "properties": {}},
        _graph(metrics=[[{"expression": "a+b"}]]),
    ],
)
def test_what_is_not_drawn_is_refused(widget: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not drawn"):
        _drawn(widget)


def test_many_lines_are_distinguished_without_colours() -> None:
    metrics = [["project", "NoisePercent", "Environment", "prod", {"label": f"line {n}"}] for n in range(3)]
    svg = _drawn(_graph(metrics=metrics), values=(1.0, 2.0))
    dashes = [each.attrib["stroke-dasharray"] for each in _root(svg).iter(f"{SVG}polyline")]
    assert len(set(dashes)) == 3

"""Dashboard of CloudWatch, made of rows of widgets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

# Columns of a dashboard (CloudWatch user guide, "Dashboard body structure and syntax").
COLUMNS = 24
HEIGHT, TEXT_HEIGHT = 6, 2


@dataclass(frozen=True, kw_only=True)
class Line:
    """A metric in a graph; `account` is named for a metric of another account."""

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    label: str
    statistic: str
    region: str
    account: str | None = None

    def as_entry(self) -> list[Any]:
        names = [part for dimension in self.dimensions.items() for part in dimension]
        elsewhere = {"accountId": self.account} if self.account else {}
        options = {"label": self.label, "stat": self.statistic, "region": self.region, **elsewhere}
        return [self.namespace, self.metric, *names, options]


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A graph of metrics over time; `limit` is drawn as a line."""

    title: str
    lines: Sequence[Line]
    period_seconds: int
    limit: float | None = None
    height: int = field(default=HEIGHT, init=False)

    def as_widget(self, region: str) -> dict[str, Any]:
        annotations = {"horizontal": [{"label": "limit", "value": self.limit}]} if self.limit is not None else None
        return {
            "type": "metric",
            "properties": {
                "title": self.title,
                "view": "timeSeries",
                "stacked": False,
                "region": region,
                "period": self.period_seconds,
                "metrics": [line.as_entry() for line in self.lines],
                **({"annotations": annotations} if annotations else {}),
                "yAxis": {"left": {"min": 0}},
            },
        }


@dataclass(frozen=True, kw_only=True)
class AlarmStates:
    """The states of alarms."""

    title: str
    alarm_arns: Sequence[str]
    height: int = field(default=HEIGHT, init=False)

    def as_widget(self, region: str) -> dict[str, Any]:
        return {"type": "alarm", "properties": {"title": self.title, "alarms": list(self.alarm_arns)}}


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text in Markdown."""

    markdown: str
    height: int = field(default=TEXT_HEIGHT, init=False)

    def as_widget(self, region: str) -> dict[str, Any]:
        return {"type": "text", "properties": {"markdown": self.markdown}}


Widget = Graph | AlarmStates | Text


class Dashboard(Construct):
    """Dashboard `{id}`; each of `rows` shares the width among its widgets."""

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, region: str, rows: Sequence[Sequence[Widget]]
    ) -> None:
        super().__init__(scope, construct_id)
        self.resource = cloudwatch.CfnDashboard(
            self,
            "Default",
            dashboard_name=name,
            # The ARNs in it have the account's id.
            dashboard_body=cdk.Fn.sub(json.dumps({"widgets": _placed(rows, region)}, sort_keys=True)),
        )
        self.resource.override_logical_id(construct_id)


def _placed(rows: Sequence[Sequence[Widget]], region: str) -> list[dict[str, Any]]:
    widgets = []
    top = 0
    for row in rows:
        width, height = COLUMNS // len(row), max(widget.height for widget in row)
        for position, widget in enumerate(row):
            place = {"x": position * width, "y": top, "width": width, "height": height}
            widgets.append({**widget.as_widget(region), **place})
        top += height
    return widgets

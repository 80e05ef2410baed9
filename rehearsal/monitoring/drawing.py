"""Drawings of dashboards: accessible SVG without scripts, in the colours of a light or a dark page.

CloudWatch draws widgets on the server (GetMetricWidgetImage), which the emulator does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rehearsal.monitoring.data import Datum, Series, series, statistic
from rehearsal.monitoring.evaluation import State
from vectora_ops.pages.markup import Content, Html, element

# A dashboard is 24 units wide (CloudWatch API reference, "Dashboard body structure and syntax").
UNIT, LINE_HEIGHT, MARGIN = 40, 16, 10
TITLE_HEIGHT, LEGEND_HEIGHT, AXIS_WIDTH, AXIS_HEIGHT = 22, 18, 52, 18
WIDTH_UNITS = 24
LETTER_WIDTH = 6.2
# Dash patterns distinguish the lines for readers who do not see their colours.
DASHES = ("none", "6 3", "2 3", "8 3 2 3")
MARKS: Mapping[State, str] = {"OK": "✓", "ALARM": "✗", "INSUFFICIENT_DATA": "-"}
STYLE = """
svg { --page: #f3f5f7; --card: #ffffff; --text: #1d2730; --quiet: #4d5a66; --line: #c9d3da; --bad: #9a1c1c;
  --good: #116329; --c0: #0b5c8a; --c1: #9a4a00; --c2: #116329; --c3: #7a2a8a; font: 12px Arial, sans-serif; }
@media (prefers-color-scheme: dark) { svg { --page: #10161b; --card: #1a232b; --text: #e6ebef; --quiet: #a9b6c1;
  --line: #3a4a57; --bad: #ffb4ab; --good: #9be3ae; --c0: #8cc8ee; --c1: #ffb870; --c2: #9be3ae; --c3: #e0a8f0; } }
.page { fill: var(--page); } .card { fill: var(--card); stroke: var(--line); } text { fill: var(--text); }
.quiet { fill: var(--quiet); } .head { font-weight: bold; } .axis { stroke: var(--line); }
.limit { stroke: var(--bad); stroke-dasharray: 3 3; } .limit-text, .ALARM { fill: var(--bad); }
.OK { fill: var(--good); }
.plot { fill: none; stroke-width: 2; }
.c0 { stroke: var(--c0); } .c1 { stroke: var(--c1); } .c2 { stroke: var(--c2); } .c3 { stroke: var(--c3); }
"""
Metrics = Callable[[Series], Sequence[Datum]]
Point = tuple[datetime, float]


@dataclass(frozen=True)
class Box:
    """Position and size of a widget, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Curve:
    """Points of one metric, and its label."""

    label: str
    points: Sequence[Point]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Content of a dashboard: metrics and states of alarms, from `begin` to `end`."""

    data: Metrics
    states: Mapping[str, State]
    begin: datetime
    end: datetime


def drawn(title: str, body: Mapping[str, Any], facts: Facts) -> str:
    """Return a dashboard as one SVG document; raise ValueError for a widget that is not drawn."""
    widgets = body["widgets"]
    height = max((each["y"] + each["height"] for each in widgets), default=1) * UNIT
    width = WIDTH_UNITS * UNIT
    described = " ".join(_description(each, facts) for each in widgets)
    return (
        element(
            "svg",
            element("title", title, id="title"),
            element("desc", described, id="desc"),
            Html(f"<style>{STYLE}</style>"),
            element("rect", class_="page", width=width, height=height),
            *(_widget(each, facts) for each in widgets),
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {width} {height}",
            role="img",
            aria_labelledby="title desc",
        ).markup
        + "\n"
    )


def _widget(widget: Mapping[str, Any], facts: Facts) -> Html:
    box = Box(widget["x"] * UNIT, widget["y"] * UNIT, widget["width"] * UNIT, widget["height"] * UNIT)
    content = _PARTS[_kind(widget)](widget["properties"], box, facts)
    frame = element("rect", class_="card", x=4, y=4, width=_number(box.width - 8), height=_number(box.height - 8), rx=6)
    return element("g", frame, *content, transform=f"translate({_number(box.x)} {_number(box.y)})")


def _kind(widget: Mapping[str, Any]) -> str:
    kind = str(widget["type"])
    if kind not in _PARTS:
        raise ValueError(f"Dashboards with a widget of type {kind} are not drawn.")
    return kind


# --- texts and alarms


def _text_widget(properties: Mapping[str, Any], box: Box, _facts: Facts) -> Iterator[Html]:
    for number, line in enumerate(str(properties["markdown"]).splitlines()):
        style = "head" if line.startswith("#") else None
        shown = _shortened(line.lstrip("# "), box.width - 2 * MARGIN)
        yield _text(shown, MARGIN, 24 + number * LINE_HEIGHT, style)


def _alarm_widget(properties: Mapping[str, Any], box: Box, facts: Facts) -> Iterator[Html]:
    yield _text(str(properties.get("title", "Alarms")), MARGIN, TITLE_HEIGHT, "head")
    names = [_alarm_name(each) for each in properties["alarms"]]
    rows = max(1, int((box.height - TITLE_HEIGHT - MARGIN) // LINE_HEIGHT))
    columns = -(-len(names) // rows) or 1
    width = (box.width - 2 * MARGIN) / columns
    for number, name in enumerate(names):
        x, y = MARGIN + number // rows * width, TITLE_HEIGHT + LINE_HEIGHT * (1 + number % rows)
        state = facts.states.get(name, "INSUFFICIENT_DATA")
        yield _text(_shortened(f"{MARKS[state]} {name}", width), x, y, state)


def _alarm_name(arn: str) -> str:
    return arn.partition(":alarm:")[2] or arn


# --- graphs


def _metric_widget(properties: Mapping[str, Any], box: Box, facts: Facts) -> Iterator[Html]:
    yield _text(_shortened(str(properties.get("title", "")), box.width - 2 * MARGIN), MARGIN, TITLE_HEIGHT, "head")
    curves, limits = _curves(properties, facts), _limits(properties)
    plot = Box(
        AXIS_WIDTH,
        TITLE_HEIGHT + MARGIN,
        box.width - AXIS_WIDTH - 2 * MARGIN,
        box.height - TITLE_HEIGHT - LEGEND_HEIGHT - AXIS_HEIGHT - 3 * MARGIN,
    )
    values = [value for curve in curves for _, value in curve.points] + [value for _, value in limits]
    top = max(values, default=0.0) or 1.0
    yield from _axes(plot, top, facts)
    for label, value in limits:
        y = _y(plot, value, top)
        yield _line("limit", (plot.x, y), (plot.x + plot.width, y))
        yield _text(f"{label} {value:g}", plot.x + 4, y - 3, "limit-text")
    for number, curve in enumerate(curves):
        yield from _curve(plot, curve, number, top, facts)
    if not any(curve.points for curve in curves):
        yield _text("no data", plot.x + plot.width / 2 - 20, plot.y + plot.height / 2, "quiet")
    yield from _legend(curves, box)


def _axes(plot: Box, top: float, facts: Facts) -> Iterator[Html]:
    bottom = plot.y + plot.height
    yield _line("axis", (plot.x, bottom), (plot.x + plot.width, bottom))
    yield _line("axis", (plot.x, plot.y), (plot.x, bottom))
    yield _text(_shown(top), MARGIN, plot.y + 6, "quiet")
    yield _text("0", MARGIN, bottom, "quiet")
    yield _text(f"{facts.begin:%d %b}", plot.x, bottom + 14, "quiet")
    yield _text(f"{facts.end:%d %b}", plot.x + plot.width - 36, bottom + 14, "quiet")


def _curve(plot: Box, curve: Curve, number: int, top: float, facts: Facts) -> Iterator[Html]:
    style = f"c{number % 4}"
    places = [(_x(plot, at, facts), _y(plot, value, top)) for at, value in curve.points]
    if len(places) > 1:
        points = " ".join(f"{_number(x)},{_number(y)}" for x, y in places)
        yield element("polyline", class_=f"plot {style}", points=points, stroke_dasharray=DASHES[number % len(DASHES)])
    for x, y in places:
        yield element("circle", class_=f"plot {style}", cx=_number(x), cy=_number(y), r=2)


def _legend(curves: Sequence[Curve], box: Box) -> Iterator[Html]:
    x, y = float(MARGIN), box.height - MARGIN - 4
    for number, curve in enumerate(curves):
        yield _line(f"plot c{number % 4}", (x, y - 4), (x + 18, y - 4), DASHES[number % len(DASHES)])
        yield _text(curve.label, x + 22, y)
        x += 34 + LETTER_WIDTH * len(curve.label)


def _curves(properties: Mapping[str, Any], facts: Facts) -> list[Curve]:
    period = timedelta(seconds=int(properties.get("period", 300)))
    return [_curve_of(each, properties, period, facts) for each in properties["metrics"]]


def _curve_of(metric: Sequence[Any], properties: Mapping[str, Any], period: timedelta, facts: Facts) -> Curve:
    options: Mapping[str, Any] = metric[-1] if isinstance(metric[-1], dict) else {}
    if "expression" in options:
        raise ValueError(f"Dashboards with an expression are not drawn: {options['expression']}.")
    namespace, name, *pairs = metric[:-1] if options else metric
    identity = series(namespace, name, dict(zip(pairs[::2], pairs[1::2], strict=True)))
    stat = str(options.get("stat") or properties.get("stat") or "Average")
    period = timedelta(seconds=int(options["period"])) if "period" in options else period
    return Curve(str(options.get("label") or name), list(_points(facts, identity, stat, period)))


def _points(facts: Facts, identity: Series, stat: str, period: timedelta) -> Iterator[Point]:
    """Yield the statistic of each period, aligned to the clock as GetMetricData does."""
    by_period: dict[int, list[float]] = {}
    seconds = int(period.total_seconds())
    for datum in facts.data(identity):
        if facts.begin <= datum.at <= facts.end:
            by_period.setdefault(int(datum.at.timestamp()) // seconds, []).append(datum.value)
    for number in sorted(by_period):
        value = statistic(by_period[number], stat)
        if value is not None:
            yield max(facts.begin, datetime.fromtimestamp(number * seconds, facts.begin.tzinfo)), value


def _limits(properties: Mapping[str, Any]) -> list[tuple[str, float]]:
    lines = properties.get("annotations", {}).get("horizontal", [])
    return [(str(each.get("label", "limit")), float(each["value"])) for each in lines]


def _x(plot: Box, at: datetime, facts: Facts) -> float:
    return plot.x + plot.width * ((at - facts.begin) / (facts.end - facts.begin))


def _y(plot: Box, value: float, top: float) -> float:
    return plot.y + plot.height * (1 - min(max(value, 0.0), top) / top)


# --- the drawing in words, for readers who do not see it


def _description(widget: Mapping[str, Any], facts: Facts) -> str:
    properties = widget["properties"]
    match _kind(widget):
        case "text":
            return f"{' '.join(str(properties['markdown']).replace('#', '').split())}"
        case "alarm":
            names = [_alarm_name(each) for each in properties["alarms"]]
            states = (f"{name} {facts.states.get(name, 'INSUFFICIENT_DATA')}" for name in names)
            return f"Alarms: {', '.join(states)}."
    last = (
        f"{curve.label} {_shown(curve.points[-1][1])}" if curve.points else f"{curve.label} without data"
        for curve in _curves(properties, facts)
    )
    return f"{properties.get('title', 'Graph')}, last values: {', '.join(last)}."


def _text(content: Content, x: float, y: float, style: str | None = None) -> Html:
    return element("text", content, class_=style, x=_number(x), y=_number(y))


def _shortened(text: str, width: float) -> str:
    letters = int(width / LETTER_WIDTH)
    return text if len(text) <= letters else f"{text[: max(1, letters - 1)]}…"


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _number(value: float) -> str:
    return f"{round(value, 1):g}"


def _line(style: str, begin: tuple[float, float], end: tuple[float, float], dashes: str | None = None) -> Html:
    return element(
        "line",
        class_=style,
        x1=_number(begin[0]),
        y1=_number(begin[1]),
        x2=_number(end[0]),
        y2=_number(end[1]),
        stroke_dasharray=dashes,
    )


_PARTS: Mapping[str, Callable[[Mapping[str, Any], Box, Facts], Iterable[Html]]] = {
    "text": _text_widget,
    "alarm": _alarm_widget,
    "metric": _metric_widget,
}

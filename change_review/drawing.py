"""Drawings of an architecture: Mermaid source for documents, and SVG for a page that loads nothing."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping

from change_review.architecture import Architecture, Edge, Kind, Node
from vectora_ops.plain_text import one_line

# Columns from left to right: what starts something, what works, what is used.
COLUMNS: tuple[tuple[Kind, ...], ...] = (
    ("schedule", "event", "alarms"),
    ("workflow",),
    ("function",),
    ("bucket", "topic"),
)
SHAPES: Mapping[Kind, tuple[str, str]] = {
    "alarms": ("{{", "}}"),
    "bucket": ("[(", ")]"),
    "event": (">", "]"),
    "function": ("[", "]"),
    "schedule": ("([", "])"),
    "topic": ("[/", "/]"),
    "workflow": ("[[", "]]"),
}
COLORS: Mapping[str, str] = {
    "invokes": "#7a3e9d",
    "notifies": "#a85500",
    "reads": "#2c6e8f",
    "starts": "#7a3e9d",
    "writes": "#1c7c45",
}
_WIDTH, _HEIGHT, _GAP, _BETWEEN, _EDGE = 190, 30, 14, 120, 20
_LONGEST = 26
_FONT = 'font-family="sans-serif" font-size="12"'


def mermaid_of(architecture: Architecture) -> str:
    """Return the source of a flowchart; changed things have a thick border."""
    lines = ["flowchart LR"]
    for node in architecture.nodes:
        left, right = SHAPES[node.kind]
        label = one_line(node.name).replace('"', "'")
        lines.append(f'    {_id(node.name)}{left}"{label}"{right}')
    for edge in architecture.edges:
        lines.append(f"    {_id(edge.source)} -->|{edge.verb}| {_id(edge.target)}")
    if changed := [_id(node.name) for node in architecture.nodes if node.is_changed]:
        lines += ["    classDef changed stroke:#b3261e,stroke-width:4px", f"    class {','.join(changed)} changed"]
    return "\n".join(lines) + "\n"


def _id(name: str) -> str:
    return re.sub(r"\W", "_", name)


def svg_of(architecture: Architecture) -> str:
    """Return a drawing in columns; changed things have a thick border, and the colour of a line is its verb."""
    places = dict(_places(architecture))
    bottom = max((y for _, y in places.values()), default=0) + _HEIGHT + 2 * _EDGE + 20
    width = len(COLUMNS) * _WIDTH + (len(COLUMNS) - 1) * _BETWEEN + 2 * _EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom}" {_FONT}>',
        f'<rect width="{width}" height="{bottom}" fill="#ffffff"/>',
        *(_line(edge, places) for edge in architecture.edges),
        *(_box(node, *places[node.name]) for node in architecture.nodes),
        *_legend(bottom - _EDGE),
        "</svg>",
    ]
    return "".join(parts)


def _places(architecture: Architecture) -> Iterator[tuple[str, tuple[int, int]]]:
    for number, kinds in enumerate(COLUMNS):
        column = [node for kind in kinds for node in architecture.nodes if node.kind == kind]
        for row, node in enumerate(column):
            yield node.name, (_EDGE + number * (_WIDTH + _BETWEEN), _EDGE + row * (_HEIGHT + _GAP))


def _line(edge: Edge, places: Mapping[str, tuple[int, int]]) -> str:
    (x1, y1), (x2, y2) = places[edge.source], places[edge.target]
    color = COLORS[edge.verb.split(", ")[-1]]
    if x1 < x2:
        start, end, bend = x1 + _WIDTH, x2, _BETWEEN // 2
    else:
        # Back to the same or an earlier column: around the left side.
        start, end, bend = x1, x2 if x1 == x2 else x2 + _WIDTH, -_BETWEEN // 2
    middle1, middle2 = y1 + _HEIGHT // 2, y2 + _HEIGHT // 2
    inward = -bend if x1 < x2 else (bend if x1 == x2 else -bend)
    curve = f"M{start} {middle1} C{start + bend} {middle1} {end + inward} {middle2} {end} {middle2}"
    title = f"<title>{_text(f'{edge.source} {edge.verb} {edge.target}')}</title>"
    return f'<path d="{curve}" fill="none" stroke="{color}" stroke-opacity="0.6" stroke-width="1.5">{title}</path>'


def _box(node: Node, x: int, y: int) -> str:
    border = 'stroke="#b3261e" stroke-width="3"' if node.is_changed else 'stroke="#5a6b75" stroke-width="1"'
    radius = 15 if node.kind in ("schedule", "event", "alarms") else 4
    name = node.name if len(node.name) <= _LONGEST else f"{node.name[: _LONGEST - 1]}…"
    box = f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="{radius}" fill="#f3f5f7" {border}/>'
    label = f'<text x="{x + _WIDTH // 2}" y="{y + 19}" text-anchor="middle" fill="#10161b">{_text(name)}</text>'
    return f"<g><title>{_text(f'{node.kind} {node.name} ({node.stack})')}</title>{box}{label}</g>"


def _legend(y: int) -> Iterator[str]:
    for number, (verb, color) in enumerate(COLORS.items()):
        x = _EDGE + number * 110
        yield f'<line x1="{x}" y1="{y - 4}" x2="{x + 24}" y2="{y - 4}" stroke="{color}" stroke-width="3"/>'
        yield f'<text x="{x + 30}" y="{y}" fill="#10161b">{verb}</text>'


def _text(text: str) -> str:
    return html.escape(one_line(text), quote=True)

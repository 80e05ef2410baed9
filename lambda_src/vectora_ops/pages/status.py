"""Status page: all environments on one page, for a person who has to decide or to act."""

from __future__ import annotations

from collections.abc import Mapping

from vectora_ops.overview.model import Overview
from vectora_ops.pages.design import page, picture, section
from vectora_ops.pages.environments import environments_section, gates_section, needs_section
from vectora_ops.pages.markup import Content, Html, element, together
from vectora_ops.pages.tables import (
    alarms_section,
    cost_section,
    newsletters_section,
    releases_section,
    snapshots_section,
)

NO_DASHBOARDS: Mapping[str, str] = {}


def status_page(overview: Overview, *, dashboards: Mapping[str, str] = NO_DASHBOARDS) -> str:
    """Return the page; `dashboards` are SVG drawings by their titles."""
    costs = [each.cost for each in reversed(overview.environments) if each.cost is not None]
    sections = (
        needs_section(overview),
        environments_section(overview),
        gates_section(overview),
        releases_section(overview),
        snapshots_section(overview),
        newsletters_section(overview),
        alarms_section(overview),
        cost_section(costs),
        _dashboards(dashboards),
    )
    return page(
        f"{overview.project}: status",
        made_at=overview.made_at,
        subtitle=_summary(overview),
        main=[each for each in sections if each is not None],
        footer=_footer(overview),
    )


def _summary(overview: Overview) -> str:
    urgent = sum(each.is_urgent for each in overview.needs)
    waiting = len(overview.needs) - urgent
    if not overview.needs:
        return "nothing needs you"
    parts = [f"{count} {word}" for count, word in ((urgent, "now"), (waiting, "soon")) if count]
    return f"needs you: {', '.join(parts)}"


def _footer(overview: Overview) -> Content:
    made = "Made by ./vectora status --html. It shows one moment, and loads nothing."
    if not overview.pipeline.problem:
        return made
    return together((element("p", f"The pipeline could not be read: {overview.pipeline.problem}"), element("p", made)))


def _dashboards(dashboards: Mapping[str, str]) -> Html | None:
    if not dashboards:
        return None
    shown = (together((element("h3", title), picture(svg, title))) for title, svg in dashboards.items())
    return section("dashboards", "Dashboards", *shown)

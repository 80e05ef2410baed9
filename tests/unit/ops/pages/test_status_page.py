from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from cli.cost_page import cost_page
from tests.unit.ops.pages.overviews import NOW, STATES, environment, gates, overview
from vectora_ops.costs.prices import price_table
from vectora_ops.overview.model import Overview, PipelineOverview
from vectora_ops.pages.status import status_page

HOSTILE = "</style></script><script>alert(1)</script><img src=x onerror=alert(1)>'\"><a href='javascript:x'>\u202e"


def _document(page: str) -> LexborHTMLParser:
    return LexborHTMLParser(page)


def _text(document: LexborHTMLParser, selector: str) -> str:
    return " ".join(node.text() for node in document.css(selector))


def _section(page: str, identity: str) -> LexborNode:
    node = _document(page).css_first(f"section[aria-labelledby={identity}]")
    assert node is not None
    return node


@pytest.mark.parametrize(
    ("state", "card", "command"),
    [
        ("fresh", "healthy", None),
        ("held", "held", "./vectora promote release-hold --env prod"),
        ("refused", "healthy", "./vectora promote explain --to prod"),
        ("waiting for approval", "waiting for approval", "./vectora promote approve --to prod"),
        ("rolled back", "rolled back", None),
        ("alarm", "1 alarm", "./vectora newsletter list --env prod"),
        (
            "damaged snapshot",
            "damaged snapshot",
            "./vectora snapshot verify daily_20261125_030000 --env prod",
        ),
        ("unreachable", "unreachable", "./vectora doctor --env prod"),
        ("nothing deployed", "nothing deployed", None),
    ],
)
def test_a_state_is_named_with_the_command_that_a_person_needs(state: str, card: str, command: str | None) -> None:
    page = status_page(STATES[state]())
    assert card in _document(page).css("li.card")[-1].text()
    needs = _section(page, "needs")
    assert [node.text() for node in needs.css("code.command")] == ([command] if command else [])
    assert ("nothing" in needs.text()) == (command is None)


def test_the_page_shows_who_the_gates_wait_for_and_how_far_they_are() -> None:
    into = _section(status_page(STATES["waiting for approval"]()), "gates").text()
    assert "waits for you until 2026-11-28 08:05 UTC" in into
    shown = _section(status_page(overview()), "gates")
    soak = [node for node in shown.css("tbody tr") if node.text().startswith("soak")][-1]
    assert "9.0 of 14 days" in soak.text()
    assert "waits" in soak.text(), "time alone ends it"
    bar = soak.css_first(".bar")
    assert bar is not None
    assert bar.attributes["aria-label"] == "64% of what soak requires"


def test_releases_are_rows_and_environments_are_columns() -> None:
    table = _section(status_page(STATES["rolled back"]()), "releases")
    assert [node.text() for node in table.css("thead th")] == ["release", "dev", "stage", "prod"]
    removed = next(row for row in table.css("tbody tr") if row.text().startswith("1.4.2"))
    cells = [cell.text() for cell in removed.css("td")]
    assert "current" in cells[1]
    assert "noise was 31 %" in cells[2]
    assert "bypassed soak: feed parser crashes" in table.text()


def test_snapshots_newsletters_alarms_and_cost_are_shown() -> None:
    page = status_page(STATES["alarm"]())
    assert "deployment_20261125_120000 before 1.4.2" in _section(page, "snapshots").text()
    newsletters = _section(page, "newsletters").text()
    assert "./vectora newsletter open lai_weekly --env prod --day 2026-11-23" in newsletters
    assert "5.6%" in newsletters
    assert "3 fell back" in newsletters
    link = _section(page, "alarms").css_first("a")
    assert link is not None
    assert link.attributes["href"] == (
        "https://github.com/vectora-inbox/vectora-inbox/blob/main/docs/runbooks/alarms.md#noise"
    )
    assert "$60.00" in _section(page, "cost").text()


def test_a_part_that_could_not_be_read_is_named() -> None:
    prod = environment("prod", "1.4.1", unknown=("alarms: AWS denied DescribeAlarms",))
    shown = overview(prod, pipeline=PipelineOverview(problem="AWS denied GetPipelineState"))
    page = status_page(replace(shown, gates=(gates(problem="the function is missing", gates=()),)))
    assert "AWS denied DescribeAlarms" in _document(page).css("li.card")[-1].text()
    assert "AWS denied GetPipelineState" in _text(_document(page), "footer")
    assert "the function is missing" in _section(page, "gates").text()


def _hostile(value: Any) -> Any:
    """Return the value with hostile text in place of every text but a few fixed words."""
    if isinstance(value, str):
        return HOSTILE if value else value
    if isinstance(value, tuple | list):
        return tuple(map(_hostile, value))
    if is_dataclass(value) and not isinstance(value, type):
        fixed = {"env", "outcome", "presence", "status", "name", "target", "source"}
        names = [each.name for each in fields(value) if each.name not in fixed]
        return replace(value, **{name: _hostile(getattr(value, name)) for name in names})
    return value


@pytest.mark.parametrize("state", STATES)
def test_no_text_of_an_overview_becomes_markup(state: str) -> None:
    usual = STATES[state]()
    shown: Overview = _hostile(usual)
    document = _document(status_page(shown))
    assert len(document.css("script")) == 1
    assert document.css("img, iframe, object, form, base, link") == []
    assert [name for node in document.css("*") for name in node.attributes if name.startswith("on")] == []
    assert [node.attributes["href"] for node in document.css("a")] == ["#content"]
    assert "\u202e" not in str(document.html)
    assert "<script>alert(1)</script>" in _text(document, "main") or state == "nothing deployed"


def test_hostile_text_reaches_every_section() -> None:
    """Show that the test above can fail: each section has some of that text."""
    document = _document(status_page(_hostile(STATES["alarm"]())))
    without = [node.attributes["aria-labelledby"] for node in document.css("section") if "alert(1)" not in node.text()]
    assert without == []


def test_a_drawing_is_an_image_with_its_title() -> None:
    page = status_page(overview(), dashboards={"Runs of prod": "<svg onload=alert(1)></svg>"})
    [image] = _document(page).css("img")
    assert image.attributes["alt"] == "Runs of prod"
    assert str(image.attributes["src"]).startswith("data:image/svg+xml;base64,")


def test_the_page_of_costs_names_the_source_and_the_date_of_every_price() -> None:
    costs = [each.cost for each in overview().environments if each.cost is not None]
    page = cost_page("vectora-inbox", costs, price_table(), NOW)
    rows = _section(page, "prices").css("tbody tr")
    assert len(rows) == len(price_table().all)
    for row, price in zip(rows, price_table().all, strict=True):
        assert price.found in row.text()
        assert "not verified" in row.text()
        link = row.css_first("a")
        assert link is not None
        assert link.attributes["href"] == price.address


def test_a_page_depends_on_its_overview_alone() -> None:
    assert status_page(overview()) == status_page(overview())
    assert f'datetime="{NOW.isoformat()}"' in status_page(overview())
    assert isinstance(overview().made_at, datetime)


def test_a_release_that_the_ledger_does_not_know_is_shown_by_its_digest() -> None:
    prod = environment("prod", "1.4.1")
    assert prod.release is not None
    by_hand = replace(prod.release, content_digest=None, since=None)
    page = status_page(overview(replace(prod, release=by_hand)))
    assert "not deployed by the pipeline" in page
    assert f"<code>{by_hand.digest[:12]}</code>" in page

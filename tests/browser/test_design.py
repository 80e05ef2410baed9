"""Parts of the pages' design in a real browser: widths, colours, scripts, and no request."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from tests.browser.browser import Network, opened
from tests.browser.measure import measured_at
from vectora_ops.pages import design
from vectora_ops.pages.design import Cell
from vectora_ops.pages.markup import Html, element, link

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><script>top.document.title="hit"</script></svg>'


def _page(made_at: datetime = LONG_AGO, *, scripts: tuple[str, ...] = ()) -> str:
    long = "vectora-inbox-normalize-score-v2-" * 8
    tones: tuple[design.Tone, ...] = ("good", "warn", "bad", "quiet")
    parts = (
        element("div", element("p", "Approve it."), design.command(f"./vectora {long}"), class_="needs"),
        design.cards(design.card(each, design.badge(each, each), element("p", long), tone=each) for each in tones),
        design.facts([("drift", "none"), (long, link(long, "https://example.org/")), ("unknown", None)]),
        design.table("Runs", ["day", long, ""], [["Monday", Cell("12", is_number=True), design.bar(0.5, "half")]]),
        design.folded("More", element("p", long, class_="quiet"), is_open=True),
        design.picture(DRAWING, "A drawing"),
        design.moment(made_at),
    )
    return design.page(
        "Parts",
        made_at=made_at,
        subtitle="all of them",
        main=[design.section("parts", "Parts", *parts)],
        footer="Made by a test",
        scripts=scripts,
    )


def _only(document: LexborHTMLParser, selector: str) -> LexborNode:
    [found] = document.css(selector)
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_part_is_readable_at_every_width(network: Network, tmp_path: Path, dark: bool) -> None:
    widths = (360, 700, 1280)
    for width, found in zip(widths, measured_at(network, _page(), tmp_path, widths=widths, dark=dark), strict=True):
        assert (found["width"], found["scrolls"], found["low"]) == (width, False, [])
        assert found["background"] == ("rgb(16, 22, 27)" if dark else "rgb(243, 245, 247)")


def test_an_old_page_says_so_and_a_new_one_does_not(network: Network, tmp_path: Path) -> None:
    old = _only(LexborHTMLParser(opened(network, _page(), tmp_path)), "#age")
    assert old.text().startswith("OLD: made ")
    assert "hidden" not in old.attributes
    new = _only(LexborHTMLParser(opened(network, _page(datetime.now(UTC)), tmp_path)), "#age")
    assert (new.text(), "hidden" in new.attributes) == ("", True)


def test_the_policy_permits_the_scripts_of_the_page_alone(network: Network, tmp_path: Path) -> None:
    own = "document.documentElement.dataset.own = '1';"
    page = _page(scripts=(own,)).replace("</body>", "<script>document.title = 'hit'</script></body>")
    document = LexborHTMLParser(opened(network, page, tmp_path))
    assert _only(document, "html").attributes["data-own"] == "1"
    assert _only(document, "title").text() == "Parts"


def test_a_page_requests_nothing(network: Network, tmp_path: Path) -> None:
    opened(network, _page().replace("</main>", "<img src='http://beacon.test/x'></main>"), tmp_path)
    assert network.unexpected == []


def test_a_drawing_cannot_run_a_script_even_without_the_policy(network: Network, tmp_path: Path) -> None:
    page = _page().replace("Content-Security-Policy", "x")
    assert _only(LexborHTMLParser(opened(network, page, tmp_path)), "title").text() == "Parts"


def test_a_page_is_the_same_for_the_same_content() -> None:
    assert _page() == _page()
    assert isinstance(design.badge("x", "good"), Html)

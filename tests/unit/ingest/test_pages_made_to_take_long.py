"""Pages whose reading would take a time that grows with the square of their size are read in part, or refused."""

from __future__ import annotations

from datetime import date

import pytest

from vectora_core.ingest.entries import Extraction
from vectora_core.ingest.pages import parse_page
from vectora_core.text.addresses import resolved_link
from vectora_core.text.dates import find_dates
from vectora_shared.config.sources import HtmlSelectors, Source
from vectora_shared.errors import VectoraError

PLAIN = Source(
    source_key="test__source", source_type="press_sector", ingestion_mode="html", url="https://news.example.com/"
)
SELECTED = PLAIN.model_copy(update={"selectors": HtmlSelectors(item="li", title="h3")})
TODAY = date(2026, 1, 30)
NESTED = {
    "entries": "<ul><li><a href='/n/x'>Some title</a>",
    "badges": "<ul><li class='badge count'><a href='/n/x'>Some title</a>",
    "headings": "<ul><li><div class=title><h2 class=title><a href='/n/x'>Some title of words</a>",
    "links in tables": "<ul><li><table><tr><td><a href='/n/x'>Some title of words",
    "authors": "<ul><li><div class='author date'>Some <b>title</b> of 10 December 2025",
}


def read(text: str, source: Source = PLAIN) -> Extraction:
    return parse_page(f"<html><body>{text}".encode(), source, source.url, None, TODAY)


@pytest.mark.parametrize("source", [PLAIN, SELECTED], ids=["without selectors", "with selectors"])
def test_too_many_entries_are_cut_off_and_reported(source: Source) -> None:
    entry = "<li><a href='/n/{0}'><h3>Title {0} of four words</h3></a> 10 December 2025</li>"
    extraction = read(f"<ul>{''.join(entry.format(number) for number in range(20_000))}</ul>", source)
    assert len(extraction.entries) == 1000
    assert extraction.entries[-1].url == "https://news.example.com/n/999"
    assert extraction.problem == "The page has more than 1000 entries: the first 1000 were read."


@pytest.mark.parametrize("source", [PLAIN, SELECTED], ids=["without selectors", "with selectors"])
@pytest.mark.parametrize("kind", NESTED)
def test_parts_nested_a_thousand_deep_are_read_or_refused(kind: str, source: Source) -> None:
    try:
        assert len(read(NESTED[kind] * 1000, source).entries) <= 1000
    except VectoraError as refusal:
        assert "broken or hostile" in str(refusal)  # noqa: PT017 - either will do


def test_a_page_with_too_many_nested_texts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vectora_core.ingest.html_text.MAX_NODES_READ", 1000)
    with pytest.raises(VectoraError, match="nested so deep"):
        read(NESTED["badges"] * 200, SELECTED)


def test_a_date_may_contain_some_spaces_but_not_thousands() -> None:
    assert [found.day for found in find_dates("On 10\n   December\n   2025 it was")] == [date(2025, 12, 10)]
    assert find_dates("10 Dec" + "\n" * 8000 + "x") == []


def test_the_scheme_of_a_link_is_written_as_usual() -> None:
    assert resolved_link("https://news.example.com/", "HTTPS://News.example.com/A") == "https://News.example.com/A"

"""Contents of an issue for its readers: period, sources, labels and language, in every format."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.unit.newsletter.letters import issue, item
from vectora_core.newsletter.formats import MOST_HTML_BYTES, as_html, as_markdown, as_text
from vectora_core.newsletter.issue import Issue, SourcesRead


def html_text(letter: Issue) -> str:
    page = LexborHTMLParser(as_html(letter))
    assert page.body is not None
    return re.sub(r"[ \n]+", " ", page.body.text(separator=" "))


FORMATS = pytest.mark.parametrize("shown", [html_text, as_markdown, as_text], ids=["html", "markdown", "text"])
Shown = Callable[[Issue], str]


@FORMATS
def test_a_letter_shows_its_period_sources_kinds_and_labels(shown: Shown) -> None:
    text = shown(issue(item(1), item(2, source_type="press_corporate", source="MedinCell")))
    for expected in (
        "10 Jan\u2009\u2013\u20099 Feb 2026",
        "1 of 8 sources could not be read: Camurus.",
        "Fierce Pharma · Trade press · 2 February 2026",
        "MedinCell · Company release · 2 February 2026",
        "Depot 1 approved",
        "The FDA approved it for schizophrenia.",
        "Regulatory & more",
    ):
        assert expected in text
    assert "Why it matters:" in text.replace("**", "")
    for label in ("Phase 3", "Teva", "UZEDY", "risperidone"):
        assert label in text
    assert "Draft" not in text


@FORMATS
def test_a_letter_without_failed_sources_shows_how_many_were_read(shown: Shown) -> None:
    assert "8 sources read" in shown(issue(item(), sources=SourcesRead(8, ())))
    assert "source" not in shown(issue(item(), sources=None)).replace("sources.", "")


@FORMATS
def test_a_french_letter_has_french_words_and_dates(shown: Shown) -> None:
    text = shown(issue(*map(item, range(6)), language="fr", draft=True))
    for expected in (
        "10 janv.",
        "En bref",
        "Presse spécialisée",
        "2 février 2026",
        "Pourquoi c\u2019est important\u00a0:",
    ):
        assert expected in text or expected.replace("\u00a0", " ") in text
    assert "brouillon" in text.casefold()
    for english in ("Trade press", "Why it matters", "In brief", "items", "sources could"):
        assert english not in text


@FORMATS
def test_in_brief_has_the_three_most_important_items(shown: Shown) -> None:
    text = shown(issue(*map(item, range(6))))
    brief = text[text.index("In brief") : text.index("Regulatory & more")]
    assert [number for number in range(6) if f"Depot {number} approved" in brief] == [3, 4, 5]
    assert "In brief" not in shown(issue(*map(item, range(4))))


@FORMATS
def test_a_draft_says_so(shown: Shown) -> None:
    assert "draft: not published" in shown(issue(item(), draft=True)).casefold()


@FORMATS
def test_an_empty_letter_says_that_there_was_no_news(shown: Shown) -> None:
    assert "No news of the watched field was found in this period." in " ".join(shown(issue()).split())


def test_the_html_declares_languages_and_directions() -> None:
    page = LexborHTMLParser(as_html(issue(item(language="sv", headline="عنوان"), language="fr")))
    assert page.root is not None
    assert (page.root.attributes["lang"], page.root.attributes["dir"]) == ("fr", "ltr")
    heading = page.css_first("h3")
    assert heading is not None
    assert heading.parent is not None
    assert (heading.parent.attributes["lang"], heading.parent.attributes["dir"]) == ("sv", "auto")


def test_the_plain_text_has_lines_of_78_characters_and_whole_addresses() -> None:
    address = "https://example.org/" + "a" * 200
    text = as_text(issue(item(url=address, summary="A long sentence about a depot. " * 20, headline="x" * 100)))
    assert address in text.splitlines()
    assert max(len(line) for line in text.splitlines() if line != address) <= 78


@pytest.mark.parametrize("count", [1, 20, 200])
def test_the_html_stays_below_gmails_limit_and_counts_what_it_leaves_out(count: int) -> None:
    long = {"summary": "Wörter " * 110, "why_it_matters": "Gründe " * 110, "headline": "Überschrift " * 40}
    letter = issue(*(item(number, **long) for number in range(count)))
    page = as_html(letter)
    assert len(page.encode()) <= MOST_HTML_BYTES
    shown = page.count("<h3")
    if shown < count:
        assert f"{count - shown} further items are in the plain-text version." in page
        assert letter.items[-1].item_id.endswith(f"_{count - 1}")
        assert f"https://example.org/{count - 1}" in page
    assert as_text(letter).count("https://example.org/") == count


def test_ordinary_letters_show_all_items() -> None:
    assert as_html(issue(*map(item, range(40)))).count("<h3") == 40

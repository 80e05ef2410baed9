"""The archive of a client: a page and a feed of all its issues."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import feedparser
import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.unit.conftest import MemoryBucket
from vectora_core.newsletter.archive import MOST_DETAILED, write_archive

HOSTILE = "<script>alert(1)</script> ]]> & \ud800 \x00 more"


def letter(day: date, *headlines: str, **changes: Any) -> dict[str, Any]:
    items = [{"item_id": str(n), "title": title, "score": -n} for n, title in enumerate(headlines)]
    document = {
        "generated_at": f"{day}T06:00:00+00:00",
        "in_brief": [],
        "sections": [{"section_id": "all", "title": "All", "items": items}],
    }
    return {**document, **changes}


def add(bucket: MemoryBucket, day: date, document: Any, prefix: str = "lai_weekly/") -> None:
    folder = f"{prefix}{day:%Y/%m/%d}"
    bucket.objects[f"{folder}/newsletter.json"] = json.dumps(document).encode()
    for name in ("newsletter.html", "newsletter.txt", "newsletter.md", "manifest.json"):
        bucket.objects[f"{folder}/{name}"] = b"{}"


def archive(bucket: MemoryBucket, *, language: str = "en", url: str | None = None) -> tuple[LexborHTMLParser, Any]:
    write_archive(bucket, "lai_weekly", "LAI & more", language, url)  # type: ignore[arg-type]
    page = LexborHTMLParser(bucket.objects["lai_weekly/index.html"].decode())
    return page, feedparser.parse(bucket.objects["lai_weekly/feed.xml"])


@pytest.fixture
def bucket() -> MemoryBucket:
    return MemoryBucket("newsletters")


MONDAY = date(2026, 2, 2)


def test_issues_are_listed_newest_first_with_their_headlines_and_formats(bucket: MemoryBucket) -> None:
    add(bucket, MONDAY, letter(MONDAY, "First", "Second", "Third", "Fourth"))
    add(bucket, MONDAY + timedelta(days=7), letter(MONDAY, "Newer"))
    page, feed = archive(bucket)
    assert [node.text() for node in page.css("h2")] == ["9 February 2026", "2 February 2026"]
    assert [node.text() for node in page.css("article:last-child li")] == ["First", "Second", "Third"]
    links = [node.attributes["href"] for node in page.css("article:first-of-type a")]
    assert links == [f"2026/02/09/newsletter.{name}" for name in ("html", "txt", "md")]
    assert (feed.bozo, feed.feed.title, len(feed.entries)) == (False, "LAI & more", 2)
    assert [entry.id for entry in feed.entries] == ["lai_weekly_20260209", "lai_weekly_20260202"]
    assert "First" in feed.entries[1].description


def test_the_headlines_of_in_brief_are_shown(bucket: MemoryBucket) -> None:
    add(bucket, MONDAY, letter(MONDAY, "First", "Second", "Third", "Fourth", in_brief=["3", "1"]))
    page, _ = archive(bucket)
    assert [node.text() for node in page.css("li")] == ["Fourth", "Second"]


def test_links_of_the_feed_begin_with_the_clients_address(bucket: MemoryBucket) -> None:
    add(bucket, MONDAY, letter(MONDAY, "First"))
    _, feed = archive(bucket, url="https://news.example.org/lai_weekly/")
    assert feed.entries[0].link == "https://news.example.org/lai_weekly/2026/02/02/newsletter.html"
    assert feed.feed.link == "https://news.example.org/lai_weekly/index.html"


def test_drafts_other_clients_and_unfinished_issues_are_not_listed(bucket: MemoryBucket) -> None:
    add(bucket, MONDAY, letter(MONDAY, "Issue"))
    add(bucket, MONDAY, letter(MONDAY, "Draft"), prefix="_drafts/lai_weekly/")
    add(bucket, MONDAY, letter(MONDAY, "Other"), prefix="lai_weekly_test/")
    bucket.objects["lai_weekly/2026/02/03/newsletter.json"] = json.dumps(letter(MONDAY, "Unfinished")).encode()
    page, feed = archive(bucket)
    assert [node.text() for node in page.css("li")] == ["Issue"]
    assert len(feed.entries) == 1


@pytest.mark.parametrize("damaged", [[], {"sections": 3}, {}, {"sections": [{"items": [{}]}]}, None])
def test_a_damaged_issue_is_listed_with_its_day(bucket: MemoryBucket, damaged: Any) -> None:
    add(bucket, MONDAY, damaged)
    add(bucket, MONDAY + timedelta(days=7), letter(MONDAY, "Newer"))
    page, feed = archive(bucket)
    assert [node.text() for node in page.css("h2")] == ["9 February 2026", "2 February 2026"]
    assert len(feed.entries) == 2


def test_the_reading_is_bounded_and_all_issues_are_listed(bucket: MemoryBucket) -> None:
    days = [MONDAY - timedelta(days=number) for number in range(MOST_DETAILED + 50)]
    for day in days:
        add(bucket, day, letter(day, "Headline"))
    page, feed = archive(bucket)
    assert (len(page.css("h2")), len(page.css("li"))) == (len(days), MOST_DETAILED)
    assert len(feed.entries) == MOST_DETAILED


def test_news_is_text_in_the_page_and_in_the_feed(bucket: MemoryBucket) -> None:
    add(bucket, MONDAY, letter(MONDAY, HOSTILE))
    page, feed = archive(bucket)
    assert page.css("script") == []
    assert "<script>alert(1)</script>" in page.css("li")[0].text()
    assert feed.bozo is False
    assert "<script" not in feed.entries[0].description


def test_the_page_is_in_the_language_of_the_client(bucket: MemoryBucket) -> None:
    add(bucket, MONDAY, letter(MONDAY, "Titre"))
    page, feed = archive(bucket, language="fr")
    assert page.root is not None
    assert page.root.attributes["lang"] == "fr"
    assert "2 février 2026" in str(page.html)
    assert "Tous les numéros" in str(page.html)
    assert feed.feed.language == "fr"


def test_the_page_loads_and_runs_nothing(bucket: MemoryBucket) -> None:
    add(bucket, MONDAY, letter(MONDAY, "First"))
    page, _ = archive(bucket)
    assert page.css("script, img, iframe, [src], form") == []
    assert [node.attributes["href"] for node in page.css("link")] == ["feed.xml"]

"""A deal that several sources tell is one item, with the others' names and links in every format."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import feedparser
import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.unit.newsletter.curated_items import curated
from tests.unit.newsletter.letters import issue, item
from vectora_core.day_event import DayEvent
from vectora_core.newsletter.formats import as_html, as_markdown, as_text
from vectora_core.newsletter.issue import OtherReport
from vectora_core.newsletter.publish import publish
from vectora_shared.config.content import FolderContent

PAPER = OtherReport("b", "Deal", "https://paper.example/deal", "The <Paper>", "press_sector__paper", date(2026, 2, 1))
BARE = OtherReport("c", "Deal", None, "Other Paper", "press_sector__other", None)
DEAL = issue(item(1, also_reported=(PAPER, BARE)))
FOLDER = "lai_weekly/2026/02/02"

URLS = ["https://a.example/1", "https://b.example/2"]
COMPANY = "Camurus enters into license agreement with AbbVie for long-acting injectables"
TRADE = "AbbVie licenses Camurus' long-acting injectables"
SECOND = "UPDATE 1-AbbVie in license deal with Camurus for long-acting injectables | Endpoints News"


def publish_items(data: Any, newsletters: Any, content: FolderContent, *items: Any, day: str = "2026/02/02") -> Any:
    from datetime import UTC, datetime

    data.write_json(f"curated/lai_weekly/{day}/items.json", [each.model_dump(mode="json") for each in items])
    event = DayEvent(client_id="lai_weekly", target_date=date(*map(int, day.split("/"))))
    publish(
        event,
        content=content,
        data=data,
        newsletters=newsletters,
        model_id="none",
        clock=lambda: datetime(2026, 2, 2, 7, tzinfo=UTC),
    )
    folder = f"lai_weekly/{day}"
    return newsletters.read_json(f"{folder}/newsletter.json"), newsletters.read_json(f"{folder}/manifest.json")


def deal_told_three_times() -> list[Any]:
    names = {"companies": ["Camurus", "AbbVie"]}
    return [
        curated(TRADE, "partnership", score=30, entities=names, published=date(2026, 1, 31), url=URLS[0]),
        curated(SECOND, "partnership", score=40, source="press_sector__endpoints_news", entities=names, url=URLS[1]),
        curated(COMPANY, "partnership", score=10, source="press_corporate__camurus", entities=names),
    ]


def test_a_deal_told_three_times_is_the_company_s_item_with_two_other_sources(
    data: Any, newsletters: Any, content: FolderContent
) -> None:
    items = deal_told_three_times()
    document, manifest = publish_items(data, newsletters, content, *items)
    [section] = document["sections"]
    [shown] = section["items"]
    assert (shown["title"], shown["source_type"]) == (COMPANY, "press_corporate")
    assert [each["source"] for each in shown["also_reported_by"]] == ["Fierce Pharma", "Endpoints News"]
    assert [each["source_url"] for each in shown["also_reported_by"]] == URLS
    assert manifest["doubles"] == {each.item_id: items[2].item_id for each in items[:2]}
    counts = manifest["metrics"]["items"]
    parts = ("selected", "duplicates", "below_score", "withdrawn", "without_room")
    assert counts["matched"] == sum(counts[part] for part in parts) == 3


def test_the_archive_and_its_feed_name_the_other_sources(data: Any, newsletters: Any, content: FolderContent) -> None:
    publish_items(data, newsletters, content, *deal_told_three_times())
    page = LexborHTMLParser(newsletters.objects["lai_weekly/index.html"].decode())
    assert "Also reported by Fierce Pharma, Endpoints News" in page.css("li")[0].text()
    assert [node.attributes["href"] for node in page.css("li a")] == URLS
    feed = feedparser.parse(newsletters.objects["lai_weekly/feed.xml"])
    assert "Also reported by" in feed.entries[0].description
    assert ">Fierce Pharma</a>" in feed.entries[0].description


def test_a_later_report_of_a_published_story_does_not_appear(
    data: Any, newsletters: Any, content: FolderContent
) -> None:
    trade, second, own = deal_told_three_times()
    publish_items(data, newsletters, content, own, day="2026/02/01")
    document, manifest = publish_items(data, newsletters, content, trade, second)
    assert document["sections"] == []
    assert set(manifest["doubles"]) == {trade.item_id, second.item_id}


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Also reported by"), ("fr", "Également rapporté par"), ("sv", "Rapporteras även av")]
)
def test_every_format_names_the_other_sources_and_links_to_them(language: str, words: str) -> None:
    from dataclasses import replace

    letter = replace(DEAL, language=language)
    page = LexborHTMLParser(as_html(letter))
    line = next(node for node in page.css("p") if words in node.text())
    assert " ".join(line.text().split()) == f"{words} The <Paper>, Other Paper"
    assert [node.attributes["href"] for node in line.css("a")] == ["https://paper.example/deal"]
    text = as_text(letter)
    assert f"{words} The <Paper>, Other Paper\nhttps://paper.example/deal" in text
    assert f"{words} [The \\<Paper>](https://paper.example/deal), Other Paper" in as_markdown(letter)


def test_an_item_of_one_source_has_no_such_line() -> None:
    letter = issue(item(1))
    assert not any("Also reported" in render(letter) for render in (as_html, as_text, as_markdown))
    assert json.loads(json.dumps(letter.document()))["sections"][0]["items"][0]["also_reported_by"] == []

"""A run of the newsletter function: files, contracts, metrics, and news that contains mark-up."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from vectora_core.day_event import DayEvent
from vectora_core.items import CuratedItem
from vectora_core.newsletter.manifest import noise_estimate
from vectora_core.newsletter.publish import delivery_of, publish
from vectora_core.text.addresses import link_address
from vectora_shared.config.content import FolderContent
from vectora_shared.config.delivery import Delivery
from vectora_shared.config.loading import load_client
from vectora_shared.errors import VectoraError

MakeCurated = Callable[..., CuratedItem]
NOW = datetime(2026, 2, 2, 7, tzinfo=UTC)
FOLDER = "lai_weekly/2026/02/02"
HOSTILE = "<script>alert(1)</script> [click](javascript:alert(1)) *bold* <img src=x onerror=y> & more"


def run(data: Any, newsletters: Any, content: FolderContent, items: Sequence[CuratedItem]) -> dict[str, Any]:
    data.write_json("curated/lai_weekly/2026/02/02/items.json", [item.model_dump(mode="json") for item in items])
    return publish(
        DayEvent(client_id="lai_weekly"),
        content=content,
        data=data,
        newsletters=newsletters,
        model_id="some.model-v1:0",
        clock=lambda: NOW,
    )


def text_of(newsletters: Any, name: str) -> str:
    text: str = newsletters.objects[f"{FOLDER}/{name}"].decode("utf-8")
    return text


def test_the_manifest_is_written_last_beside_all_formats(
    data: Any, newsletters: Any, content: FolderContent, make_curated: MakeCurated
) -> None:
    body = run(data, newsletters, content, [make_curated("Depot approved")])
    names = ["newsletter.md", "newsletter.txt", "newsletter.html", "newsletter.eml", "newsletter.json", "manifest.json"]
    archive = ["lai_weekly/index.html", "lai_weekly/feed.xml"]
    assert list(newsletters.objects) == [*(f"{FOLDER}/{name}" for name in names), *archive]
    assert set(body["files"].values()) == set(newsletters.objects) - set(archive)
    assert (body["status"], body["total_items"]) == ("success", 1)


def test_the_json_keeps_the_contract(
    data: Any, newsletters: Any, content: FolderContent, make_curated: MakeCurated
) -> None:
    run(data, newsletters, content, [make_curated("Depot approved"), make_curated("Deal done", "partnership")])
    document = json.loads(text_of(newsletters, "newsletter.json"))
    assert {"newsletter_id", "client_id", "generated_at", "period", "metrics", "sections"} <= set(document)
    assert document["period"] == {"from": "2026-01-03", "to": "2026-02-02"}
    assert document["metrics"]["total_items"] == 2
    assert document["metrics"]["items_by_section"] == {"regulatory_updates": 1, "partnerships_deals": 1}
    assert document["metrics"]["unique_sources"] == 1
    assert document["metrics"]["key_entities"]["companies"] == ["Camurus"]
    section = document["sections"][0]
    assert set(section) == {"section_id", "title", "items"}
    assert {"item_id", "title", "score", "published_at", "source_url", "entities"} <= set(section["items"][0])
    assert section["items"][0]["published_at"] == "2026-02-01"


def test_the_manifest_has_the_metrics_of_all_stages(
    data: Any, newsletters: Any, content: FolderContent, make_curated: MakeCurated
) -> None:
    data.write_json("ingested/lai_weekly/2026/02/02/report.json", {"items_total": 9, "duration_ms": 1200})
    data.write_json(
        "curated/lai_weekly/2026/02/02/report.json", {"items_ingested": 9, "cost_usd": 0.05, "duration_ms": 3400}
    )
    items = [
        make_curated("Depot approved"),
        make_curated("Doubtful news", "other", relevance=0.35, analyzer="lexicon", fallback_reason="model unavailable"),
        make_curated("Off topic", matched=False),
    ]
    run(data, newsletters, content, items)
    manifest = json.loads(text_of(newsletters, "manifest.json"))
    assert {"generation_date", "target_date", "status", "total_items", "files"} <= set(manifest)
    metrics = manifest["metrics"]
    assert metrics["items"] == {
        "ingested": 9,
        "normalized": 3,
        "matched": 2,
        "in_period": 2,
        "selected": 2,
        "below_score": 0,
        "duplicates": 0,
        "withdrawn": 0,
        "without_room": 0,
        "held_back": 0,
    }
    assert metrics["tokens"] == {"input": 300, "output": 30, "cache_read": 0, "cache_write": 0}
    assert metrics["cost_usd"] == 0.05
    assert metrics["noise_estimate"] == 0.5
    assert metrics["durations_ms"] == {"ingest": 1200, "normalize_score": 3400, "newsletter": 0}
    assert manifest["analyzers"] == {"bedrock": 2, "lexicon": 1}
    assert manifest["fallback_reasons"] == {"model unavailable": 1}
    assert [entry["analyzer"] for entry in manifest["items"]] == ["bedrock", "lexicon"]
    version = load_client(content, "lai_weekly").client_profile.version
    assert (manifest["model_id"], manifest["client_version"]) == ("some.model-v1:0", version)
    assert manifest["warnings"] == []


def test_warnings_of_the_earlier_stages_and_missing_reports_are_in_the_manifest(
    data: Any, newsletters: Any, content: FolderContent, make_curated: MakeCurated
) -> None:
    data.write_json("ingested/lai_weekly/2026/02/02/report.json", {"warnings": ["Peptron failed."]})
    run(data, newsletters, content, [make_curated("Depot approved", published=None)])
    warnings = json.loads(text_of(newsletters, "manifest.json"))["warnings"]
    assert warnings[0] == "Peptron failed."
    assert any("no report of normalize-score" in warning for warning in warnings)
    assert any("undated" in warning for warning in warnings)


def test_every_format_says_that_a_week_had_no_news(data: Any, newsletters: Any, content: FolderContent) -> None:
    body = run(data, newsletters, content, [])
    assert (body["status"], body["total_items"]) == ("empty", 0)
    for name in ("newsletter.md", "newsletter.html"):
        assert "No news of the watched field was found in this period." in text_of(newsletters, name)
    assert json.loads(text_of(newsletters, "newsletter.json"))["sections"] == []
    assert json.loads(text_of(newsletters, "manifest.json"))["metrics"]["noise_estimate"] == 0


def test_news_cannot_put_mark_up_or_scripts_into_the_html(
    data: Any, newsletters: Any, content: FolderContent, make_curated: MakeCurated
) -> None:
    run(data, newsletters, content, [make_curated(HOSTILE, summary=HOSTILE, url="javascript:alert(1)")])
    page = LexborHTMLParser(text_of(newsletters, "newsletter.html"))
    assert page.css_first("script") is None
    assert page.css_first("img") is None
    assert page.css("a") == []
    heading = page.css_first("h3")
    assert heading is not None
    assert HOSTILE in heading.text()


def test_the_html_loads_nothing_from_other_sites(
    data: Any, newsletters: Any, content: FolderContent, make_curated: MakeCurated
) -> None:
    run(data, newsletters, content, [make_curated("Depot approved")])
    page = LexborHTMLParser(text_of(newsletters, "newsletter.html"))
    assert page.css("link, script, img, iframe, [src]") == []
    assert [link.attributes["href"] for link in page.css("a")] == ["https://example.org/news"]
    assert page.css_first('meta[name="viewport"]') is not None


def test_news_cannot_put_mark_up_into_the_markdown(
    data: Any, newsletters: Any, content: FolderContent, make_curated: MakeCurated
) -> None:
    hostile = make_curated(HOSTILE, summary="# big\n- list [x](http://evil.example) <b>", url="data:text/html,x")
    run(data, newsletters, content, [hostile])
    text = text_of(newsletters, "newsletter.md")
    assert "\\<script>" in text
    assert "[click\\](javascript" in text
    assert "\n# big" not in text
    assert "(data:" not in text
    assert "](http" not in text.replace("\\](http", "")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//example.org", "https://a b", 'https://a"b', "", "ftp://a"]
)
def test_only_web_addresses_become_links(url: str) -> None:
    assert link_address(url) is None


def test_a_summary_that_repeats_the_title_is_not_shown(
    data: Any, newsletters: Any, content: FolderContent, make_curated: MakeCurated
) -> None:
    run(data, newsletters, content, [make_curated("Depot approved", summary="Depot approved.")])
    assert text_of(newsletters, "newsletter.md").count("Depot approved") == 1


def test_two_runs_with_the_same_clock_give_the_same_bytes(
    data: Any, newsletters: Any, content: FolderContent, make_curated: MakeCurated
) -> None:
    items = [make_curated(f"News about subject {word}") for word in ("alpha", "bravo", "charlie")]
    run(data, newsletters, content, items)
    first = dict(newsletters.objects)
    run(data, newsletters, content, items[::-1])
    second = dict(newsletters.objects)
    assert second == first


def test_a_run_without_curated_items_fails_with_a_message_that_says_what_to_do(
    data: Any, newsletters: Any, content: FolderContent
) -> None:
    event = DayEvent(client_id="lai_weekly", target_date=date(2026, 1, 1))
    with pytest.raises(VectoraError, match="run normalize-score"):
        publish(event, content=content, data=data, newsletters=newsletters, model_id="x", clock=lambda: NOW)
    assert newsletters.objects == {}


def test_an_item_counts_as_doubtful_below_the_client_s_level(make_curated: MakeCurated) -> None:
    items = [make_curated("Sure", relevance=0.5), make_curated("Doubtful", relevance=0.49)]
    assert noise_estimate(items, 0.5) == 0.5


def test_only_an_issue_with_news_and_readers_is_ready_for_delivery(content: FolderContent) -> None:
    client = load_client(content, "lai_weekly")
    delivery = Delivery.model_validate({"sender": "news@example.org", "recipients": ("anna@example.org",)})
    read = client.model_copy(update={"delivery": delivery})
    assert delivery_of(read, draft=False, items=1) == "ready"
    assert delivery_of(read, draft=False, items=0) == "empty"
    assert delivery_of(read, draft=True, items=1) == "draft"
    assert delivery_of(client.model_copy(update={"delivery": None}), draft=False, items=1) == "no readers"


def test_a_reason_that_the_summary_has_is_not_shown_again(
    data: Any, newsletters: Any, content: FolderContent, make_curated: MakeCurated
) -> None:
    items = []
    for title, why in (("Depot approved", "It is the first."), ("Deal of the year", "It opens Japan.")):
        item = make_curated(
            title, summary="The agency approved it. It is the first.", url=f"https://example.org/{title}"
        )
        analysis = item.normalized_content.model_copy(update={"why_it_matters": why})
        items.append(item.model_copy(update={"normalized_content": analysis}))
    run(data, newsletters, content, items)
    text = text_of(newsletters, "newsletter.txt")
    assert text.count("It is the first.") == 2
    assert text.count("Why it matters:") == 1

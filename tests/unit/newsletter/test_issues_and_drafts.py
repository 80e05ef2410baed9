"""Issues over several days: what an issue published decides what is new, and drafts change nothing."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.conftest import MemoryBucket
from vectora_core.day_event import DayEvent
from vectora_core.ingest.fetch import Page
from vectora_core.ingest.request import IngestReport, IngestRequest
from vectora_core.ingest.run import ingest_client
from vectora_core.newsletter.publish import publish
from vectora_core.normalize.request import NormalizeEvent
from vectora_core.normalize.run import normalize
from vectora_shared.config.content import Content, ContentWithFile, FolderContent
from vectora_shared.config.loading import load_client, load_sources
from vectora_shared.errors import VectoraError

CLIENT = "lai_weekly"
SOURCES = ("press_sector__fiercepharma", "press_sector__fiercebiotech")
CONFIG = Path(__file__).parents[3] / "config"
CONTENT = FolderContent(CONFIG)
MONDAY = date(2026, 3, 2)
NEXT_MONDAY = date(2026, 3, 9)
TITLES = (
    "FDA approves Camurus' Brixadi for opioid use disorder",
    "MedinCell and Teva file olanzapine LAI in Europe",
    "Nanexa signs PharmaShell licence agreement with Moderna",
    "Peptron reports phase 3 data of monthly leuprolide depot",
    "Alkermes launches Aristada Initio in Canada",
)


@dataclass
class Reader:
    """Sources that show news by their title and day; one may be down."""

    news: Mapping[str, date | None]
    down: frozenset[str] = frozenset()
    texts: dict[str, str] = field(default_factory=dict)

    def fetch(self, url: str) -> Page:
        if any(name in url for name in self.down):
            raise VectoraError("The site did not answer.")
        shown = self.news if "fiercepharma" in url else {}
        items = "".join(self._entry(title, day) for title, day in shown.items())
        return Page(url=url, body=f"<rss version='2.0'><channel>{items}</channel></rss>".encode())

    def _entry(self, title: str, day: date | None) -> str:
        link = re.sub(r"\W+", "-", title)
        published = f"<pubDate>{day:%a, %d %b %Y} 08:00:00 GMT</pubDate>" if day else ""
        text = self.texts.get(title, "A long-acting injectable.")
        return (
            f"<item><title>{title}</title><link>https://example.org/{link}</link>"
            f"<description>{text}</description>{published}</item>"
        )


@dataclass
class Engine:
    """The three steps of a run on buckets in memory."""

    content: Content = CONTENT
    data: MemoryBucket = field(default_factory=lambda: MemoryBucket("data"))
    newsletters: MemoryBucket = field(default_factory=lambda: MemoryBucket("newsletters"))

    def ingest(self, day: date, reader: Reader, *, now: date | None = None, **request: Any) -> IngestReport:
        moment = datetime.combine(now or day, datetime.min.time(), UTC) + timedelta(hours=6)
        return ingest_client(
            load_client(self.content, CLIENT),
            load_sources(self.content),
            self.data,  # type: ignore[arg-type]
            IngestRequest(client_id=CLIENT, target_date=day, sources=SOURCES, **request),
            fetcher=reader,
            now=moment,
            mentions_watched_term=lambda text: True,
        )

    def normalize(self, day: date, *, draft: bool = False) -> None:
        normalize(
            NormalizeEvent(client_id=CLIENT, target_date=day, draft=draft),
            content=self.content,
            data=self.data,  # type: ignore[arg-type]
            model=None,
            model_id="none",
            clock=lambda: _noon(day),
        )

    def publish(self, day: date, *, draft: bool = False) -> dict[str, Any]:
        return publish(
            DayEvent(client_id=CLIENT, target_date=day, draft=draft),
            content=self.content,
            data=self.data,  # type: ignore[arg-type]
            newsletters=self.newsletters,  # type: ignore[arg-type]
            model_id="none",
            clock=lambda: _noon(day),
        )

    def run(self, day: date, reader: Reader, *, now: date | None = None, **request: Any) -> dict[str, Any]:
        report = self.ingest(day, reader, now=now, **request)
        self.normalize(day, draft=report.draft)
        return self.publish(day, draft=report.draft)

    def titles(self, day: date, prefix: str = "") -> list[str]:
        letter = self.newsletters.read_json(f"{prefix}{CLIENT}/{day:%Y/%m/%d}/newsletter.json")
        assert letter is not None
        return sorted(item["title"] for section in letter["sections"] for item in section["items"])


def _noon(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12)


def news(*positions: int, day: date = MONDAY) -> dict[str, date]:
    return {TITLES[position]: day - timedelta(days=1) for position in positions}


def titles(*positions: int) -> list[str]:
    return sorted(TITLES[position] for position in positions)


@pytest.fixture
def engine() -> Engine:
    return Engine()


def test_an_issue_has_the_news_that_no_earlier_issue_published(engine: Engine) -> None:
    engine.run(MONDAY, Reader(news(0, 1)))
    engine.run(NEXT_MONDAY, Reader({**news(0, 1), **news(2, day=NEXT_MONDAY)}))
    assert engine.titles(MONDAY) == titles(0, 1)
    assert engine.titles(NEXT_MONDAY) == titles(2)


def test_a_draft_between_two_issues_takes_nothing_from_the_next_one(engine: Engine) -> None:
    engine.run(MONDAY, Reader(news(0)))
    wednesday = MONDAY + timedelta(days=2)
    engine.run(wednesday, Reader({**news(0), **news(1, day=wednesday)}), draft=True)
    engine.run(NEXT_MONDAY, Reader({**news(0), **news(1, day=wednesday)}))
    assert engine.titles(wednesday, "_drafts/") == titles(1)
    assert engine.titles(NEXT_MONDAY) == titles(1)


def test_a_draft_leaves_every_object_of_an_issue_as_it_was(engine: Engine) -> None:
    engine.run(MONDAY, Reader(news(0)))
    before = {**engine.data.objects}, {**engine.newsletters.objects}
    engine.run(MONDAY, Reader(news(0, 1)), draft=True)
    drafts = [
        key for bucket in (engine.data, engine.newsletters) for key in bucket.objects if key.startswith("_drafts/")
    ]
    for bucket, objects in zip((engine.data, engine.newsletters), before, strict=True):
        assert {key: body for key, body in bucket.objects.items() if not key.startswith("_drafts/")} == objects
    assert len(drafts) == 10
    assert engine.titles(MONDAY, "_drafts/") == titles(0, 1)


def test_a_draft_says_so_everywhere(engine: Engine) -> None:
    body = engine.run(MONDAY, Reader(news(0)), draft=True)
    manifest = engine.newsletters.read_json(f"_drafts/{CLIENT}/2026/03/02/manifest.json")
    report = engine.data.read_json(f"_drafts/ingested/{CLIENT}/2026/03/02/report.json")
    assert (body["draft"], manifest and manifest["draft"], report and report["draft"]) == (True, True, True)
    assert body["files"]["html"] == f"_drafts/{CLIENT}/2026/03/02/newsletter.html"


def test_a_run_of_a_later_day_is_always_a_draft(engine: Engine) -> None:
    tomorrow = MONDAY + timedelta(days=1)
    body = engine.run(tomorrow, Reader(news(0)), now=MONDAY)
    assert body["draft"] is True
    assert all(key.startswith("_drafts/") for key in engine.newsletters.objects)


def test_a_second_run_of_a_day_replaces_its_issue(engine: Engine) -> None:
    engine.run(MONDAY, Reader(news(0)))
    engine.run(MONDAY, Reader(news(0, 1)))
    assert engine.titles(MONDAY) == titles(0, 1)


def test_a_second_run_keeps_the_news_of_a_source_that_fails_now(engine: Engine) -> None:
    engine.run(MONDAY, Reader(news(0)))
    engine.run(MONDAY, Reader({}, down=frozenset({"fiercepharma"})))
    assert engine.titles(MONDAY) == titles(0)


def test_a_second_run_has_the_longer_text_of_a_source_under_the_same_id(engine: Engine) -> None:
    engine.run(MONDAY, Reader(news(0)))
    first = engine.newsletters.read_json(f"{CLIENT}/2026/03/02/manifest.json") or {}
    engine.run(MONDAY, Reader(news(0), texts={TITLES[0]: "A corrected text about a long-acting injectable."}))
    [item] = json.loads(engine.data.objects[f"ingested/{CLIENT}/2026/03/02/items.json"])
    second = engine.newsletters.read_json(f"{CLIENT}/2026/03/02/manifest.json") or {}
    assert item["content"].startswith("A corrected text")
    assert [entry["item_id"] for entry in first["items"]] == [entry["item_id"] for entry in second["items"]]


def test_an_earlier_day_can_be_run_again_after_a_later_issue(engine: Engine) -> None:
    engine.run(MONDAY, Reader(news(0)))
    engine.run(NEXT_MONDAY, Reader({**news(0), **news(1, day=NEXT_MONDAY)}))
    engine.run(MONDAY, Reader(news(0)), now=NEXT_MONDAY)
    assert engine.titles(MONDAY) == titles(0)
    assert engine.titles(NEXT_MONDAY) == titles(1)


def test_news_of_a_run_that_failed_before_its_newsletter_is_in_the_next_issue(engine: Engine) -> None:
    engine.ingest(MONDAY, Reader(news(0)))
    engine.ingest(MONDAY + timedelta(days=1), Reader(news(1)))
    engine.normalize(MONDAY + timedelta(days=1))
    engine.run(NEXT_MONDAY, Reader({}))
    assert engine.titles(NEXT_MONDAY) == titles(0, 1)


def test_news_without_room_is_a_candidate_while_it_is_in_the_period() -> None:
    text = (CONFIG / "clients/lai_weekly.yaml").read_text(encoding="utf-8")
    assert "max_items_total: 20" in text
    file = text.replace("max_items_total: 20", "max_items_total: 1").encode()
    engine = Engine(ContentWithFile(CONTENT, "clients/lai_weekly.yaml", file))
    for week in range(3):
        engine.run(MONDAY + timedelta(weeks=week), Reader(news(0, 1)))
    shown = [engine.titles(MONDAY + timedelta(weeks=week)) for week in range(3)]
    assert sorted(shown) == [[], titles(0), titles(1)]
    late = Engine(ContentWithFile(CONTENT, "clients/lai_weekly.yaml", file))
    late.run(MONDAY, Reader(news(0, 1)))
    late.run(MONDAY + timedelta(days=60), Reader({}))
    assert late.titles(MONDAY + timedelta(days=60)) == []


def test_undated_news_is_a_candidate_of_one_issue_only() -> None:
    text = (CONFIG / "clients/lai_weekly.yaml").read_text(encoding="utf-8")
    file = text.replace("max_items_total: 20", "max_items_total: 1").encode()
    engine = Engine(ContentWithFile(CONTENT, "clients/lai_weekly.yaml", file))
    undated = Reader(dict.fromkeys((TITLES[0], TITLES[1])))
    for week in range(2):
        engine.run(MONDAY + timedelta(weeks=week), undated)
    assert len(engine.titles(MONDAY)) == 1
    assert engine.titles(NEXT_MONDAY) == []


def test_another_papers_report_of_a_published_story_is_no_news(engine: Engine) -> None:
    engine.run(MONDAY, Reader({"FDA approves Camurus' Brixadi for opioid use disorder": MONDAY}))
    again = {"Camurus' Brixadi for opioid use disorder approved: FDA approves": NEXT_MONDAY - timedelta(days=1)}
    body = engine.run(NEXT_MONDAY, Reader(again))
    assert body["total_items"] == 0


def test_a_damaged_earlier_manifest_is_a_warning(engine: Engine) -> None:
    engine.run(MONDAY, Reader(news(0)))
    engine.newsletters.objects[f"{CLIENT}/2026/03/02/manifest.json"] = b'{"items": [1]}'
    body = engine.run(NEXT_MONDAY, Reader(news(1, day=NEXT_MONDAY)))
    assert any("items of that issue may appear again" in warning for warning in body["warnings"])


def test_an_issue_of_the_previous_system_counts_as_published(engine: Engine) -> None:
    engine.run(MONDAY, Reader(news(0)))
    key = f"{CLIENT}/2026/03/02/manifest.json"
    old = {"generation_date": "2026-03-02T12:00:00", "status": "success", "total_items": 1, "files": []}
    engine.newsletters.objects[key] = json.dumps(old).encode()
    engine.run(NEXT_MONDAY, Reader({**news(0), **news(1, day=NEXT_MONDAY)}))
    assert engine.titles(NEXT_MONDAY) == titles(1)


EXTRA_RUNS = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(["draft", "again", "tomorrow"]), st.sets(st.integers(0, 4))),
    max_size=5,
)


@given(extra=EXTRA_RUNS)
@settings(deadline=None, max_examples=25)
def test_no_other_run_changes_the_next_issue(extra: list[Any]) -> None:
    """Runs: a draft, a second run of Monday, and a run of the day after; each may see other news than the issues."""
    first, second = Reader(news(0, 1)), Reader({**news(0, 1), **news(2, 3, day=NEXT_MONDAY)})
    plain, disturbed = Engine(), Engine()
    for engine in (plain, disturbed):
        engine.run(MONDAY, first)
    for offset, kind, shown in extra:
        day = MONDAY + timedelta(days=offset)
        if kind == "again":
            disturbed.run(MONDAY, first, now=day)
        elif kind == "draft":
            disturbed.run(day, Reader(news(*shown)), draft=True)
        else:
            disturbed.run(day + timedelta(days=1), Reader(news(*shown)), now=day)
    for engine in (plain, disturbed):
        engine.run(NEXT_MONDAY, second)
    key = f"{CLIENT}/2026/03/09/newsletter.json"
    assert disturbed.newsletters.objects[key] == plain.newsletters.objects[key]


def test_no_item_is_in_two_issues(engine: Engine) -> None:
    shown: list[str] = []
    for week, positions in enumerate(itertools.accumulate([[0], [1], [2], [3], [4]], lambda one, two: [*one, *two])):
        day = MONDAY + timedelta(weeks=week)
        engine.run(day, Reader({TITLES[each]: MONDAY + timedelta(weeks=each, days=-1) for each in positions}))
        shown += engine.titles(day)
    assert sorted(shown) == sorted(TITLES)


def test_a_draft_after_an_issue_counts_what_its_period_would_have_without_earlier_issues(engine: Engine) -> None:
    engine.run(MONDAY, Reader(news(0, 1)))
    body = engine.run(MONDAY + timedelta(days=1), Reader(news(0, 1)), draft=True)
    assert (body["total_items"], body["metrics"]["items"]["in_period"]) == (0, 2)

"""A run completes the file of its day: it is idempotent, loses nothing, and treats each source independently."""

from __future__ import annotations

import json
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from vectora_core.ingest.clients import ingest
from vectora_core.ingest.fetch import Page
from vectora_core.ingest.full_text import FullTexts
from vectora_core.ingest.request import IngestRequest
from vectora_shared.config.content import FolderContent
from vectora_shared.errors import ConfigurationError, InvalidEventError, VectoraError
from vectora_shared.storage import Bucket

REPOSITORY_CONFIG = Path(__file__).resolve().parents[3] / "config"
NOW = datetime(2026, 1, 30, 6, tzinfo=UTC)
TODAY = NOW.date()
FEED, SITE = "https://paper.example/feed", "https://nordika.example/news/"
Entry = tuple[str, str]  # title and date


class Web:
    """A web with answers by address; an address without an answer fails."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes | Exception] = {}

    def fetch(self, url: str) -> Page:
        answer = self.pages.get(url, VectoraError("The site answered 500."))
        if isinstance(answer, Exception):
            raise answer
        return Page(url=url, body=answer)

    def feed(self, *entries: Entry, text: str = "Some words of text.") -> None:
        items = "".join(
            f"<item><title>{title}</title><link>{FEED}/{title.replace(' ', '-')}</link>"
            f"<description>{text}</description><pubDate>{day}</pubDate></item>"
            for title, day in entries
        )
        self.pages[FEED] = f"<rss><channel>{items}</channel></rss>".encode()

    def site(self, *entries: Entry) -> None:
        rows = "".join(
            f'<li class="news"><a href="/{title.replace(" ", "-")}">{title}</a> <i>{day}</i></li>'
            for title, day in entries
        )
        self.pages[SITE] = f"<ul>{rows}</ul>".encode()


class Workshop:
    """A configuration, a web and a data bucket for runs of the ingestion."""

    def __init__(self, root: Path, s3: Any) -> None:
        self.root = root
        self.s3 = s3
        self.web = Web()
        client = yaml.safe_load((REPOSITORY_CONFIG / "clients" / "lai_weekly.yaml").read_text(encoding="utf-8"))
        client["source_config"]["source_bouquets_enabled"] = ["press", "corporate"]
        self.write("clients/lai_weekly.yaml", client)
        self.catalog: dict[str, Any] = {
            "sources": [
                {
                    "source_key": "press_sector__paper",
                    "source_type": "press_sector",
                    "ingestion_mode": "rss",
                    "url": FEED,
                },
                {
                    "source_key": "press_corporate__nordika",
                    "source_type": "press_corporate",
                    "ingestion_mode": "html",
                    "url": SITE,
                },
            ],
            "bouquets": [
                {"bouquet_id": "press", "description": "x", "source_keys": ["press_sector__paper"]},
                {"bouquet_id": "corporate", "description": "x", "source_keys": ["press_corporate__nordika"]},
            ],
        }
        self.write_catalog()

    def write(self, key: str, document: Any) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(document), encoding="utf-8")

    def write_catalog(self) -> None:
        self.write("canonical/sources/source_catalog.yaml", self.catalog)

    def client(self) -> dict[str, Any]:
        document: dict[str, Any] = yaml.safe_load((self.root / "clients/lai_weekly.yaml").read_text(encoding="utf-8"))
        return document

    def run(self, now: datetime = NOW, full_texts: FullTexts | None = None, **event: Any) -> dict[str, Any]:
        request = IngestRequest.model_validate({"client_id": "lai_weekly", **event})
        return self.invoke(request, now, full_texts)

    def invoke(
        self, request: IngestRequest, now: datetime = NOW, full_texts: FullTexts | None = None
    ) -> dict[str, Any]:
        return ingest(
            request,
            content=FolderContent(self.root),
            data=Bucket(self.s3, "data"),
            fetcher=self.web,
            now=now,
            full_texts=full_texts,
        )

    def items(self, day: date = TODAY) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = json.loads(
            self.s3.objects["data", f"ingested/lai_weekly/{day:%Y/%m/%d}/items.json"]
        )
        return items

    def titles(self, day: date = TODAY) -> list[str]:
        return [item["title"] for item in self.items(day)]

    def curate(self, day: date) -> None:
        self.s3.put_object(Bucket="data", Key=f"curated/lai_weekly/{day:%Y/%m/%d}/items.json", Body=b"[]")


@pytest.fixture
def workshop(tmp_path: Path, s3: Any) -> Workshop:
    workshop = Workshop(tmp_path, s3)
    workshop.web.feed(("Paper reports on a deal", "2026-01-20"))
    workshop.web.site(("Nordika signs a big deal", "2026-01-21"))
    return workshop


def test_a_run_writes_the_items_of_the_day_and_a_report(workshop: Workshop) -> None:
    body = workshop.run()

    paper, nordika = workshop.items()
    assert paper["item_id"].startswith("press_sector__paper_20260120_")
    assert paper["published_at"] == "2026-01-20"
    assert paper["ingested_at"] == "2026-01-30T06:00:00Z"
    assert paper["content_hash"].startswith("sha256:")
    plain = {"author": "", "tags": [], "word_count": 9, "undated": False, "full_text": False}
    assert paper["metadata"] == {**plain, "guid": "", "shared_url": False}
    assert nordika["url"] == "https://nordika.example/Nordika-signs-a-big-deal"
    assert body["output_key"] == "ingested/lai_weekly/2026/01/30/items.json"
    assert (body["items_found"], body["items_new"], body["items_total"], body["warnings"]) == (2, 2, 2, [])
    assert json.loads(workshop.s3.objects["data", "ingested/lai_weekly/2026/01/30/report.json"]) == body


def test_running_again_on_the_same_day_changes_nothing(workshop: Workshop) -> None:
    workshop.run()
    before = workshop.s3.objects["data", "ingested/lai_weekly/2026/01/30/items.json"]

    body = workshop.run(NOW + timedelta(hours=2))

    assert workshop.s3.objects["data", "ingested/lai_weekly/2026/01/30/items.json"] == before
    assert (body["items_new"], body["items_total"]) == (0, 2)


def test_a_later_run_of_the_day_adds_and_never_loses(workshop: Workshop) -> None:
    workshop.run()
    workshop.web.feed(("Paper reports more on it", "2026-01-30"))
    workshop.web.pages[SITE] = VectoraError("The site answered 500.")

    workshop.run()

    assert workshop.titles() == ["Paper reports on a deal", "Nordika signs a big deal", "Paper reports more on it"]


def test_items_of_an_earlier_curated_day_are_not_news_again(workshop: Workshop) -> None:
    workshop.run()
    workshop.curate(NOW.date())
    workshop.web.feed(("Paper reports on a deal", "2026-01-20"), ("Paper reports more on it", "2026-02-05"))

    body = workshop.run(NOW + timedelta(days=7))

    assert workshop.titles(date(2026, 2, 6)) == ["Paper reports more on it"]
    assert (body["items_new"], body["items_carried_over"]) == (1, 0)


def test_items_of_a_run_that_failed_before_curation_are_carried_over(workshop: Workshop) -> None:
    workshop.run()
    workshop.web.feed(("Paper reports more on it", "2026-02-05"))
    workshop.web.site(("Nordika opens a plant", "2026-02-04"))

    body = workshop.run(NOW + timedelta(days=7))

    assert workshop.titles(date(2026, 2, 6)) == [
        "Paper reports on a deal",
        "Nordika signs a big deal",
        "Paper reports more on it",
        "Nordika opens a plant",
    ]
    assert (body["items_new"], body["items_carried_over"]) == (2, 2)


def test_items_are_carried_over_once(workshop: Workshop) -> None:
    workshop.run()
    workshop.run(NOW + timedelta(days=7))
    workshop.curate(date(2026, 2, 6))

    assert workshop.run(NOW + timedelta(days=14))["items_total"] == 0


def test_the_window_is_applied_on_both_ends(workshop: Workshop) -> None:
    workshop.web.feed(*((f"News of day {day} here", f"2026-01-{day}") for day in (9, 10, 15, 20, 21)))

    workshop.run(from_date="2026-01-10", to_date="2026-01-20", sources=["press_sector__paper"])

    assert [item["published_at"] for item in workshop.items()] == ["2026-01-10", "2026-01-15", "2026-01-20"]


def test_the_period_ends_with_the_runs_day(workshop: Workshop) -> None:
    workshop.web.feed(*((f"News of day {day} here", f"2026-01-{day}") for day in (9, 10, 15, 16)))

    workshop.run(target_date="2026-01-15", period_days=5, sources=["press_sector__paper"])

    assert [item["published_at"] for item in workshop.items(date(2026, 1, 15))] == ["2026-01-10", "2026-01-15"]


def test_undated_items_are_marked_or_skipped_and_counted(workshop: Workshop) -> None:
    workshop.web.feed(("Paper gives no date", ""))
    workshop.web.site(("Nordika signs a big deal", "2026-01-21"))

    strict = workshop.run(temporal_mode="strict", dry_run=True)
    flexible = workshop.run()

    [undated] = [item for item in workshop.items() if item["published_at"] is None]
    assert undated["metadata"]["undated"] is True
    assert undated["item_id"].startswith("press_sector__paper_20260130_")
    assert (strict["items_total"], strict["items_undated"], strict["sources"][0]["undated"]) == (1, 0, 1)
    assert (flexible["items_total"], flexible["items_undated"]) == (2, 1)


def test_one_failing_source_does_not_affect_the_others_and_is_reported(workshop: Workshop) -> None:
    workshop.web.pages[SITE] = RuntimeError("a bug")

    body = workshop.run()

    assert workshop.titles() == ["Paper reports on a deal"]
    paper, nordika = body["sources"]
    assert (paper["status"], paper["items_kept"]) == ("ok", 1)
    assert nordika["status"] == "failed"
    assert "RuntimeError" in nordika["message"]
    assert body["warnings"] == [f"press_corporate__nordika: {nordika['message']}"]


def test_a_source_without_entries_and_a_broken_one_are_reported_as_such(workshop: Workshop) -> None:
    workshop.web.pages[SITE] = b"<div id=root></div>"
    workshop.web.pages[FEED] = (
        b"<rss><channel><item><title>One title & more</title><pubDate>2026-01-20</pubDate></item>"
    )

    statuses = {report["source_key"]: report["status"] for report in workshop.run()["sources"]}

    assert statuses == {"press_sector__paper": "degraded", "press_corporate__nordika": "empty"}


def test_when_every_source_fails_nothing_is_written_and_each_is_named(workshop: Workshop) -> None:
    workshop.web.pages.clear()

    with pytest.raises(VectoraError, match=r"press_sector__paper: .*press_corporate__nordika: "):
        workshop.run()

    assert workshop.s3.puts == []


def test_a_dry_run_reports_and_writes_nothing(workshop: Workshop) -> None:
    body = workshop.run(dry_run=True)

    assert (body["items_new"], body["dry_run"]) == (2, True)
    assert workshop.s3.puts == []


def test_an_unreadable_file_of_the_day_stops_the_run_before_it_is_overwritten(workshop: Workshop) -> None:
    key = ("data", "ingested/lai_weekly/2026/01/30/items.json")
    workshop.s3.objects[key] = b'{"not": "a list"'

    with pytest.raises(VectoraError, match="is not a list of ingested items"):
        workshop.run()

    assert workshop.s3.objects[key] == b'{"not": "a list"'


def test_an_unreadable_file_of_an_earlier_day_is_a_warning(workshop: Workshop) -> None:
    workshop.s3.objects["data", "ingested/lai_weekly/2026/01/20/items.json"] = b"[1]"

    assert "2026/01/20/items.json is not a list" in workshop.run()["warnings"][0]


def test_titles_that_the_client_excludes_are_skipped_unless_the_mode_is_broad(workshop: Workshop) -> None:
    workshop.web.feed(("Download  attachment!", "2026-01-20"), ("Good words of news", "2026-01-20"))

    assert workshop.run(sources=["press_sector__paper"], dry_run=True)["items_total"] == 1
    assert workshop.run(sources=["press_sector__paper"], ingestion_mode="broad", dry_run=True)["items_total"] == 2


def test_a_title_of_two_words_needs_a_text(workshop: Workshop) -> None:
    workshop.web.feed(("Short title", "2026-01-20"), text="")

    assert workshop.run(sources=["press_sector__paper"], dry_run=True)["items_total"] == 0


def test_items_beyond_the_limit_of_a_source_are_skipped_and_reported(workshop: Workshop) -> None:
    workshop.catalog["sources"][0]["max_items"] = 2
    workshop.write_catalog()
    workshop.web.feed(*((f"News number {n} here", "2026-01-20") for n in range(5)))

    report = workshop.run()["sources"][0]

    assert (report["status"], report["items_found"], report["items_kept"]) == ("degraded", 5, 2)
    assert "3 more items" in report["message"]


def test_a_disabled_source_is_skipped_and_reported(workshop: Workshop) -> None:
    workshop.catalog["sources"][0]["enabled"] = False
    workshop.write_catalog()

    body = workshop.run()

    assert [report["source_key"] for report in body["sources"]] == ["press_corporate__nordika"]
    assert "press_sector__paper is disabled" in body["warnings"][0]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"sources": ["press_sector__other"]}, "name press_sector__other, which the client does not have"),
        ({"from_date": "2026-01-20", "to_date": "2026-01-10"}, "is after its to_date"),
    ],
)
def test_an_inconsistent_event_is_refused(event: dict[str, Any], message: str, workshop: Workshop) -> None:
    with pytest.raises(InvalidEventError, match=message):
        workshop.run(**event)


def test_a_bouquet_that_the_catalogue_lacks_is_named_with_its_file(workshop: Workshop) -> None:
    client = workshop.client()
    client["source_config"]["source_bouquets_enabled"] = ["gone"]
    workshop.write("clients/lai_weekly.yaml", client)

    with pytest.raises(ConfigurationError, match=r"clients/lai_weekly\.yaml.*names gone"):
        workshop.run()


def test_sources_are_read_at_the_same_time(workshop: Workshop) -> None:
    both_are_there = threading.Barrier(2, timeout=600)
    fetch = workshop.web.fetch

    def fetch_together(url: str) -> Page:
        both_are_there.wait()
        return fetch(url)

    workshop.web.fetch = fetch_together  # type: ignore[method-assign]

    assert workshop.run()["items_total"] == 2


def test_without_a_client_every_active_one_is_ingested_and_an_invalid_file_does_not_stop_the_others(
    workshop: Workshop,
) -> None:
    other = workshop.client()
    other["client_profile"]["client_id"] = "other"
    workshop.write("clients/other.yaml", other)
    inactive = workshop.client()
    inactive["client_profile"] |= {"client_id": "resting", "active": False}
    workshop.write("clients/resting.yaml", inactive)

    body = workshop.invoke(IngestRequest())
    (workshop.root / "clients/broken.yaml").write_text("client_profile: 1\n", encoding="utf-8")

    assert [report["client_id"] for report in body["clients"]] == ["lai_weekly", "other"]
    with pytest.raises(VectoraError, match=r"done: lai_weekly, other\)\. broken: clients/broken\.yaml, line 1"):
        workshop.invoke(IngestRequest())


def test_strict_ingestion_accepts_trade_press_only_if_it_names_a_watched_term(s3: Any) -> None:
    web = Web()
    for url in (
        "https://www.fiercebiotech.com/rss/xml",
        "https://www.fiercepharma.com/rss/xml",
        "https://endpts.com/feed/",
    ):
        web.feed(("Something about a diet", "2026-01-20"), ("Camurus signs a deal", "2026-01-20"))
        web.pages[url] = web.pages.pop(FEED)
    request = IngestRequest(client_id="lai_weekly", ingestion_mode="strict", sources=("press_sector__fiercebiotech",))

    ingest(request, content=FolderContent(REPOSITORY_CONFIG), data=Bucket(s3, "data"), fetcher=web, now=NOW)

    items = json.loads(s3.objects["data", "ingested/lai_weekly/2026/01/30/items.json"])
    assert [item["title"] for item in items] == ["Camurus signs a deal"]

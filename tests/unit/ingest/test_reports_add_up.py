"""Each entry of any source is an item of the run, or is counted with its reason."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from vectora_core.ingest.fetch import Page
from vectora_core.ingest.request import IngestReport, IngestRequest, SourceReport
from vectora_core.ingest.run import ingest_client
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.section import read_section
from vectora_shared.config.sources import SourceCatalog
from vectora_shared.config.yaml_file import parse_yaml

REPOSITORY_CONFIG = Path(__file__).resolve().parents[3] / "config"
NOW = datetime(2026, 1, 30, 6, tzinfo=UTC)
RSS, ATOM, SITE = "https://paper.example/feed", "https://wire.example/atom", "https://nordika.example/news/"


class Memory:
    """Bucket in memory."""

    name = "data"

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}

    def read_json(self, key: str) -> Any:
        return self.objects.get(key)

    def write_json(self, key: str, document: Any) -> None:
        self.objects[key] = document

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))


class Web:
    """Web with an answer for each address."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        self._answers = answers

    def fetch(self, url: str) -> Page:
        return Page(url=url, body=self._answers[url], charset="utf-8")


def catalog(max_items: int = 50) -> SourceCatalog:
    sources = [
        {"source_key": "press_sector__paper", "source_type": "press_sector", "ingestion_mode": "rss", "url": RSS},
        {"source_key": "press_sector__wire", "source_type": "press_sector", "ingestion_mode": "rss", "url": ATOM},
        {
            "source_key": "press_corporate__nordika",
            "source_type": "press_corporate",
            "ingestion_mode": "html",
            "url": SITE,
        },
    ]
    for source in sources:
        source["max_items"] = max_items  # type: ignore[assignment]
    keys = [source["source_key"] for source in sources]
    document = {"sources": sources, "bouquets": [{"bouquet_id": "all", "description": "x", "source_keys": keys}]}
    return read_section(SourceCatalog, parse_yaml("catalog", yaml.safe_dump(document).encode("utf-8")))


def client() -> ClientConfig:
    path = REPOSITORY_CONFIG / "clients" / "lai_weekly.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["source_config"] = {
        "source_bouquets_enabled": ["all"],
        "content_filters": {"exclude_titles": ["Cookie settings"]},
    }
    return read_section(ClientConfig, parse_yaml("client", yaml.safe_dump(document).encode("utf-8")))


Entry = tuple[str, str, str, date | None]  # title, link, text, day


def rss(entries: list[Entry]) -> bytes:
    def item(title: str, link: str, text: str, day: date | None) -> str:
        stamp = f"<pubDate>{day:%d %b %Y} 08:00:00 +0900</pubDate>" if day else ""
        written = f"<link>{escape(link)}</link>" if link else ""
        return f"<item><title>{escape(title)}</title>{written}<description>{escape(text)}</description>{stamp}</item>"

    items = "".join(item(*entry) for entry in entries)
    return f'<rss version="2.0"><channel><title>x</title>{items}</channel></rss>'.encode()


def atom(entries: list[Entry]) -> bytes:
    def item(number: int, title: str, link: str, text: str, day: date | None) -> str:
        stamp = f"<updated>{day}T08:00:00Z</updated>" if day else ""
        return (
            f"<entry><id>n{number}</id><title>{escape(title)}</title><link href='{escape(link)}'/>{stamp}"
            f"<summary>{escape(text)}</summary></entry>"
        )

    items = "".join(item(number, *entry) for number, entry in enumerate(entries))
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>{items}</feed>'.encode()


def page(entries: list[Entry]) -> bytes:
    items = "".join(
        f'<li class="news-item"><span class="date">{day or ""}</span><a href="{escape(link)}">{escape(title)}</a>'
        f"<p>{escape(text)}</p></li>"
        for title, link, text, day in entries
    )
    return f'<html><body><main><ul class="news">{items}</ul></main></body></html>'.encode()


def run(
    data: Memory, answers: dict[str, bytes], *, max_items: int = 50, now: datetime = NOW, **event: Any
) -> IngestReport:
    return ingest_client(
        client(),
        catalog(max_items),
        data,  # type: ignore[arg-type]
        IngestRequest(client_id="lai_weekly", **event),
        fetcher=Web(answers),
        now=now,
        mentions_watched_term=lambda text: "depot" in text.lower(),
    )


def require_sums(report: IngestReport) -> None:
    for source in report.sources:
        assert source.items_found - source.items_kept == sum(source.dropped.values()), source
    dropped = sum(sum(source.dropped.values()) for source in report.sources)
    assert report.items_found == report.items_new + report.items_known + dropped
    assert report.items_total == report.items_earlier + report.items_carried_over + report.items_new


def dropped(report: IngestReport) -> dict[str, dict[str, int]]:
    return {
        source.source_key: {str(reason): count for reason, count in source.dropped.items()}
        for source in report.sources
        if source.dropped
    }


DAY = date(2026, 1, 20)
EMPTY = {RSS: rss([]), ATOM: atom([]), SITE: b"<p>x</p>"}


def test_each_reason_is_counted_at_its_source() -> None:
    entries: list[Entry] = [
        ("Depot approved in Sweden", "/1", "", DAY),
        ("Depot approved in Sweden", "/1", "", DAY),
        ("Depot approved in Norway", "/2", "", date(2020, 1, 1)),
        ("Depot approved in Finland", "/3", "", date(2026, 3, 1)),
        ("Cookie settings", "/4", "", DAY),
        ("News", "/5", "", DAY),
        ("Weather of next week", "/6", "", DAY),
        ("", "/7", "", DAY),
    ]
    report = run(Memory(), {**EMPTY, RSS: rss(entries)}, ingestion_mode="strict")

    assert dropped(report) == {
        "press_sector__paper": {
            "without_title": 1,
            "duplicate_in_source": 1,
            "out_of_period": 1,
            "not_yet_published": 1,
            "excluded_title": 1,
            "too_short": 1,
            "no_watched_term": 1,
        }
    }
    require_sums(report)


def test_undated_entries_of_a_strict_run_and_those_beyond_max_items_are_counted() -> None:
    entries: list[Entry] = [(f"Depot approved in country {number}", f"/{number}", "", DAY) for number in range(4)]
    report = run(
        Memory(),
        {**EMPTY, RSS: rss([*entries, ("No day at all", "/x", "", None)])},
        max_items=3,
        temporal_mode="strict",
    )

    assert dropped(report) == {"press_sector__paper": {"undated": 1, "beyond_max_items": 1}}
    require_sums(report)


def test_entries_beyond_the_parsers_limit_are_counted() -> None:
    entries: list[Entry] = [(f"Depot approved in country {number}", f"/{number}", "", DAY) for number in range(1005)]
    report = run(Memory(), {**EMPTY, RSS: rss(entries)}, max_items=200)

    assert dropped(report) == {"press_sector__paper": {"too_many_entries": 5, "beyond_max_items": 800}}
    require_sums(report)


def test_the_poorer_of_two_sources_with_the_same_news_counts_the_duplicate() -> None:
    link = "https://wire.example/depot?utm_source=a"
    answers = {
        **EMPTY,
        RSS: rss([("Depot approved in Sweden", link, "", DAY)]),
        ATOM: atom([("Depot approved in Sweden", link, "With a text.", DAY)]),
    }
    report = run(Memory(), answers)

    assert dropped(report) == {"press_sector__paper": {"duplicate_of_another_source": 1}}
    assert [source.items_kept for source in report.sources] == [0, 1, 0]
    require_sums(report)


def test_known_items_are_counted_in_the_report_of_the_run() -> None:
    data = Memory()
    answers = {**EMPTY, RSS: rss([("Depot approved in Sweden", "/1", "", DAY)])}
    run(data, answers)
    again = run(data, {**answers, ATOM: atom([("Depot approved in Norway", "https://wire.example/2", "", DAY)])})
    next_day = run(data, answers, now=NOW + timedelta(days=1))

    assert (again.items_new, again.items_known, again.items_earlier, again.items_total) == (1, 1, 1, 2)
    assert (next_day.items_new, next_day.items_known, next_day.items_carried_over) == (0, 1, 2)
    require_sums(next_day)


def test_reports_that_do_not_add_up_cannot_be_made() -> None:
    good = SourceReport(source_key="a", status="ok", items_found=3, items_kept=1, dropped={"too_short": 2})
    report = run(Memory(), {**EMPTY, RSS: rss([("Depot approved in Sweden", "/1", "", DAY)])}).model_dump()

    wrong_numbers: list[dict[str, Any]] = [{"items_kept": 2}, {"items_found": 4}, {"items_kept": -1}]
    wrong_numbers += [{"dropped": {}}, {"dropped": {"bad luck": 2}}]
    for wrong in wrong_numbers:
        with pytest.raises(ValidationError):
            SourceReport.model_validate({**good.model_dump(), **wrong})
    for field in ("items_found", "items_new", "items_known", "items_earlier", "items_carried_over", "items_total"):
        with pytest.raises(ValidationError):
            IngestReport.model_validate({**report, field: report[field] + 1})
    with pytest.raises(ValidationError):
        good.with_dropped("duplicate_of_another_source", 2)


def test_an_old_item_without_the_new_metadata_is_still_known() -> None:
    data = Memory()
    answers = {**EMPTY, RSS: rss([("Depot approved in Sweden", "/1", "", DAY)])}
    key = run(data, answers).output_key
    for item in data.objects[key]:
        del item["metadata"]["guid"], item["metadata"]["shared_url"]

    assert run(data, answers).items_known == 1


TITLES = st.sampled_from(
    [
        "Depot approved in Sweden",
        "Depot approved",
        "Cookie settings",
        "News",
        "",
        "注射剤の製造販売承認",
        "Recall of lot 12",
    ]
)
LINKS = st.sampled_from(
    ["", "/a", "/a?id=1", "/a?id=2", "/a#u1", "/a#u2", "https://x.example/?utm_source=a", "javascript:x", "#!/1"]
)
TEXTS = st.sampled_from(["", "A depot for adults.", "Other words that are no news."])
DAYS = st.none() | st.sampled_from([DAY, DAY + timedelta(days=1), date(2019, 5, 5), date(2026, 4, 1), date(2052, 1, 1)])
LISTS = st.lists(st.tuples(TITLES, LINKS, TEXTS, DAYS), max_size=12)


@settings(deadline=None, max_examples=60)
@given(
    paper=LISTS,
    wire=LISTS,
    site=LISTS,
    cut=st.integers(0, 400),
    mode=st.sampled_from(["balanced", "strict", "broad"]),
    temporal=st.sampled_from(["strict", "flexible"]),
    max_items=st.integers(1, 8),
)
def test_every_report_adds_up(
    paper: list[Entry], wire: list[Entry], site: list[Entry], cut: int, mode: str, temporal: str, max_items: int
) -> None:
    data = Memory()
    answers = {RSS: rss(paper), ATOM: atom(wire), SITE: page(site)}
    broken = {url: body[: max(60, len(body) - cut)] for url, body in answers.items()}
    for day, pages in ((NOW, answers), (NOW, broken), (NOW + timedelta(days=2), answers)):
        report = run(data, pages, max_items=max_items, now=day, ingestion_mode=mode, temporal_mode=temporal)
        require_sums(report)
        ids = [item["item_id"] for item in data.objects[report.output_key]]
        assert len(ids) == report.items_total
        assert len(set(ids)) == len(ids)

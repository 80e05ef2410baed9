"""Ingestion of one client: news of its sources is added to the items file of the run's day."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from vectora_core.ingest.collector import Collector, PageReader
from vectora_core.ingest.full_text import FullTexts
from vectora_core.ingest.history import History, read_history
from vectora_core.ingest.request import (
    LOOKBACK_DAYS,
    FullTextReport,
    IngestReport,
    IngestRequest,
    SourceReport,
    window_of,
)
from vectora_core.items import IngestedItem
from vectora_core.known_news import KnownNews, current_version, without_repeated_news
from vectora_core.notices import is_about
from vectora_core.subscriptions import sources_to_read
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.sources import Source, SourceCatalog
from vectora_shared.errors import VectoraError
from vectora_shared.keys import ingested_prefix, items_key, report_key
from vectora_shared.storage import Bucket

logger = logging.getLogger("vectora")
_PARALLEL_SOURCES = 8


def ingest_client(
    client: ClientConfig,
    catalog: SourceCatalog,
    data: Bucket,
    request: IngestRequest,
    *,
    fetcher: PageReader,
    now: datetime,
    mentions_watched_term: Callable[[str], bool],
    full_texts: FullTexts | None = None,
) -> IngestReport:
    """Fetch the client's sources and complete the items file of the run's day, or that of a draft.

    A run of a later day than today always makes a draft. `mentions_watched_term` returns whether a text names a
    technology, company or trademark that the client watches; only the strict ingestion mode calls it. `full_texts`
    reads the article pages of new items, but not in a dry run: the next run would read them again.
    Raise VectoraError, with nothing written, when no source could be read.
    """
    started = time.monotonic()
    client_id = client.client_profile.client_id
    today = now.astimezone(UTC).date()
    day = request.target_date or today
    draft = request.draft or day > today
    prefix = ingested_prefix(client_id, draft=draft)
    window = window_of(request, day, client.pipeline.default_period_days)
    sources, warnings = sources_to_read(client, catalog, request.sources)
    history = read_history(data, client_id, day, max((day - window.first).days, LOOKBACK_DAYS))

    pages = [source.url for source in catalog.sources]
    collector = Collector(client, request, window, day, now, fetcher, mentions_watched_term)
    reports, found = _outcomes(collector, sources, pages)
    _require_a_source_that_was_read(client_id, reports)

    items, new, carried_over = _completed(history, found, pages)
    old, texts = len(items) - new, FullTextReport()
    if full_texts and not request.dry_run:
        items[old:], texts = full_texts.complete(items[old:], catalog.sources)
    report = IngestReport(
        client_id=client_id,
        target_date=day,
        from_date=window.first,
        to_date=window.last,
        draft=draft,
        output_key=items_key(prefix, day),
        items_found=sum(entry.items_found for entry in reports),
        items_new=new,
        items_known=len(found) - new,
        items_earlier=len(history.today),
        items_carried_over=carried_over,
        items_undated=sum(item.metadata.undated for item in items),
        items_total=len(items),
        dry_run=request.dry_run,
        duration_ms=round((time.monotonic() - started) * 1000),
        sources=tuple(reports),
        full_texts=texts,
        warnings=(*warnings, *history.warnings, *_source_warnings(reports), *texts.warnings),
    )
    if not request.dry_run:
        _write(data, report_key(prefix, day), report, items)
    return report


def _write(data: Bucket, key: str, report: IngestReport, items: Iterable[IngestedItem]) -> None:
    # The report first: an items file then always belongs to a finished run.
    data.write_json(key, report.model_dump(mode="json"))
    data.write_json(report.output_key, [item.model_dump(mode="json") for item in items])


def _outcomes(
    collector: Collector, sources: list[Source], pages: list[str]
) -> tuple[list[SourceReport], list[IngestedItem]]:
    """Return the sources' reports and each piece of news once; a duplicate counts at the source that has less of it."""
    with ThreadPoolExecutor(_PARALLEL_SOURCES) as pool:
        outcomes = list(pool.map(collector.collect, sources))
    kept = [item for _, items in outcomes for item in items]
    unique = without_repeated_news(kept, pages)
    remaining = set(map(id, unique))
    duplicates = Counter(item.source_key for item in kept if id(item) not in remaining)
    reports = [
        report.with_dropped("duplicate_of_another_source", duplicates[report.source_key]) for report, _ in outcomes
    ]
    return reports, unique


def _require_a_source_that_was_read(client_id: str, reports: list[SourceReport]) -> None:
    if all(report.status == "failed" for report in reports):
        reasons = " ".join(f"{report.source_key}: {report.message}" for report in reports)
        raise VectoraError(f"No source of {client_id} could be read, so nothing was written. {reasons}")


def _source_warnings(reports: Iterable[SourceReport]) -> list[str]:
    return [f"{report.source_key}: {report.message}" for report in reports if report.status != "ok"]


def _completed(history: History, fetched: list[IngestedItem], pages: list[str]) -> tuple[list[IngestedItem], int, int]:
    """Return the day's items, how many of them are new, and how many are carried over.

    Items of an earlier run of the day come first, then those of days that were never curated, then the fetched ones.
    The version of this run replaces the earlier one if the publisher has changed it. What was curated already is
    not replaced: a correction or withdrawal of it is an item of its own.
    """
    known = KnownNews(pages)
    earlier = (*history.seen, *history.today)
    for item in earlier:
        known.add(item)
    used = {item.item_id for item in earlier}
    completed = {id(item): item for item in history.today}
    added = []
    for group in (history.uncurated, fetched):
        before = len(completed)
        for item in group:
            found = known.find(item)
            if found is not None and id(found) in completed:
                completed[id(found)] = current_version(completed[id(found)], item)
            elif found is None or is_about(item, earlier):
                known.add(item)
                completed[id(item)] = _with_unused_id(item, used)
        added.append(len(completed) - before)
    return list(completed.values()), added[1], added[0]


def _with_unused_id(item: IngestedItem, used: set[str]) -> IngestedItem:
    """Return the item with an id that no other one has, and note it: several notices may have one title and day."""
    if item.item_id in used:
        text_hash = hashlib.sha256(f"{item.url}\n{item.content}".encode()).hexdigest()
        item = item.model_copy(update={"item_id": f"{item.item_id}_{text_hash[:6]}"})
    used.add(item.item_id)
    return item

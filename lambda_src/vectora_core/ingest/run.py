"""One client's ingestion: its sources, each for itself, into the file of the run's day."""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field, model_validator

from vectora_core.config.canonical import Source, SourceCatalog
from vectora_core.config.client import ClientConfig
from vectora_core.config.content import SOURCES_KEY
from vectora_core.errors import ConfigurationError, InvalidEventError, VectoraError
from vectora_core.ingest.dedup import KnownNews, normalized_title, without_doubles
from vectora_core.ingest.entries import Entry, Extraction
from vectora_core.ingest.feeds import parse_feed
from vectora_core.ingest.fetch import Page
from vectora_core.ingest.history import History, read_history
from vectora_core.ingest.pages import parse_page
from vectora_core.items import IngestedItem, ItemMetadata, Record
from vectora_core.keys import client_key, ingested_prefix, items_key, report_key
from vectora_core.runtime import Event
from vectora_core.storage import Bucket

logger = logging.getLogger("vectora")

_LOOKBACK_DAYS = 180
_PARALLEL_SOURCES = 8
_LONG_SILENCE_DAYS = 90

IngestionMode = Literal["balanced", "strict", "broad"]


class IngestRequest(Event):
    """The ingest function's event; a key that is absent or null has its default."""

    client_id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    sources: tuple[str, ...] = ()
    period_days: Annotated[int, Field(ge=1, le=365)] | None = None
    from_date: date | None = None
    to_date: date | None = None
    target_date: date | None = None
    dry_run: bool = False
    temporal_mode: Literal["strict", "flexible"] = "flexible"
    ingestion_mode: IngestionMode = "balanced"

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data


class PageReader(Protocol):
    def fetch(self, url: str) -> Page:
        """What stands at the address; raises VectoraError with one sentence saying what happened."""


class Window(Record):
    """The days of publication that a run takes, both inclusive."""

    first: date
    last: date

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last


class SourceReport(Record):
    """How one source fared; `empty` means that it answered but shows no entries at all."""

    source_key: str
    status: Literal["ok", "degraded", "failed", "empty"]
    items_found: int = 0
    items_kept: int = 0
    undated: int = 0
    duration_ms: int = 0
    message: str = ""


class IngestReport(Record):
    """The response body for one client."""

    client_id: str
    target_date: date
    output_key: str
    items_found: int
    items_new: int
    items_carried_over: int
    items_undated: int
    items_total: int
    dry_run: bool
    duration_ms: int
    sources: tuple[SourceReport, ...]
    warnings: tuple[str, ...]


def ingest_client(
    client: ClientConfig,
    catalog: SourceCatalog,
    data: Bucket,
    request: IngestRequest,
    *,
    fetcher: PageReader,
    now: datetime,
    mentions_watched_term: Callable[[str], bool],
) -> IngestReport:
    """Fetch the client's sources and complete the items file of the run's day.

    `mentions_watched_term` says whether a text names a technology, company or trademark that the client watches; only
    the strict ingestion mode asks it. Raises VectoraError, with nothing written, when no source could be read.
    """
    started = time.monotonic()
    client_id = client.client_profile.client_id
    day = request.target_date or now.astimezone(UTC).date()
    window = _window(request, day, client.pipeline.default_period_days)
    sources, warnings = _client_sources(client, catalog, request.sources)
    lookback_days = max((day - window.first).days, _LOOKBACK_DAYS)
    history = read_history(data, client_id, day, lookback_days)

    collector = _Collector(client, request, window, day, now, fetcher, mentions_watched_term)
    with ThreadPoolExecutor(_PARALLEL_SOURCES) as pool:
        outcomes = list(pool.map(collector.collect, sources))
    reports = [report for report, _ in outcomes]
    _require_one_that_worked(client_id, reports)

    pages = [source.url for source in catalog.sources]
    fetched = without_doubles((item for _, items in outcomes for item in items), pages)
    items, new, carried_over = _completed(history, fetched, pages)
    report = IngestReport(
        client_id=client_id,
        target_date=day,
        output_key=items_key(ingested_prefix(client_id), day),
        items_found=sum(entry.items_found for entry in reports),
        items_new=new,
        items_carried_over=carried_over,
        items_undated=sum(item.metadata.undated for item in items),
        items_total=len(items),
        dry_run=request.dry_run,
        duration_ms=round((time.monotonic() - started) * 1000),
        sources=tuple(reports),
        warnings=(*warnings, *history.warnings, *_source_warnings(reports)),
    )
    if not request.dry_run:
        # The report first: whoever finds the items file finds a finished run.
        data.write_json(report_key(ingested_prefix(client_id), day), report.model_dump(mode="json"))
        data.write_json(report.output_key, [item.model_dump(mode="json") for item in items])
    return report


def _window(request: IngestRequest, day: date, default_period_days: int) -> Window:
    last = request.to_date or day
    try:
        first = request.from_date or last - timedelta(days=request.period_days or default_period_days)
    except OverflowError as error:
        raise InvalidEventError(f"The event's to_date {last} lies too far back: give a later one.") from error
    if first > last:
        raise InvalidEventError(f"The event's from_date {first} lies after its to_date {last}: exchange them.")
    return Window(first=first, last=last)


def _client_sources(
    client: ClientConfig, catalog: SourceCatalog, wanted: tuple[str, ...]
) -> tuple[list[Source], list[str]]:
    """The sources to read, in the catalogue's order, and a sentence on each that is left out."""
    config = client.source_config
    bouquets = {bouquet.bouquet_id: bouquet for bouquet in catalog.bouquets}
    known = {source.source_key for source in catalog.sources}
    file = client_key(client.client_profile.client_id)
    if unknown := [name for name in config.source_bouquets_enabled if name not in bouquets]:
        raise ConfigurationError(
            f"{file}: key 'source_config.source_bouquets_enabled' names {', '.join(unknown)}, which {SOURCES_KEY} "
            f"lacks: bouquets there are {', '.join(sorted(bouquets))}."
        )
    if unknown := [name for name in config.sources_extra_enabled if name not in known]:
        raise ConfigurationError(
            f"{file}: key 'source_config.sources_extra_enabled' names {', '.join(unknown)}, which {SOURCES_KEY} lacks: "
            "add the source there or remove its name here."
        )
    subscribed = {key for name in config.source_bouquets_enabled for key in bouquets[name].source_keys}
    subscribed.update(config.sources_extra_enabled)
    if unknown := [name for name in wanted if name not in subscribed]:
        raise InvalidEventError(
            f"The event's sources name {', '.join(unknown)}, which the client does not have: "
            f"it has {', '.join(sorted(subscribed))}."
        )
    chosen = [source for source in catalog.sources if source.source_key in (wanted or subscribed)]
    enabled = [source for source in chosen if source.enabled]
    if not enabled:
        raise VectoraError(f"All sources asked for are disabled in {SOURCES_KEY}: enable one of them.")
    left_out = [
        f"{source.source_key} is disabled in {SOURCES_KEY}: left out." for source in chosen if not source.enabled
    ]
    return enabled, left_out


def _require_one_that_worked(client_id: str, reports: list[SourceReport]) -> None:
    if all(report.status == "failed" for report in reports):
        reasons = " ".join(f"{report.source_key}: {report.message}" for report in reports)
        raise VectoraError(f"No source of {client_id} could be read, so nothing was written. {reasons}")


def _source_warnings(reports: Iterable[SourceReport]) -> list[str]:
    return [f"{report.source_key}: {report.message}" for report in reports if report.status != "ok"]


def _completed(history: History, fetched: list[IngestedItem], pages: list[str]) -> tuple[list[IngestedItem], int, int]:
    """The day's items: those there, those of runs that died, and the new ones; how many are new and carried over."""
    known = KnownNews(pages)
    for item in (*history.seen, *history.today):
        known.add(item)
    completed = list(history.today)
    added = []
    for group in (history.uncurated, fetched):
        before = len(completed)
        for item in group:
            if known.find(item) is None:
                known.add(item)
                completed.append(item)
        added.append(len(completed) - before)
    return completed, added[1], added[0]


class _Collector:
    """Reads one source after another, in any thread; a source that fails is reported and harms no other."""

    def __init__(
        self,
        client: ClientConfig,
        request: IngestRequest,
        window: Window,
        day: date,
        now: datetime,
        fetcher: PageReader,
        mentions_watched_term: Callable[[str], bool],
    ) -> None:
        self._excluded_titles = frozenset(
            normalized_title(title) for title in client.source_config.content_filters.exclude_titles
        )
        self._request = request
        self._window = window
        self._day = day
        self._now = now
        self._fetcher = fetcher
        self._mentions_watched_term = mentions_watched_term

    def collect(self, source: Source) -> tuple[SourceReport, list[IngestedItem]]:
        started = time.monotonic()
        items: list[IngestedItem] = []
        try:
            extraction = self._extraction(source)
            items, dropped = self._kept(source, extraction.entries)
            report = self._report(source, extraction, items, dropped)
        except VectoraError as error:
            logger.warning("%s: %s", source.source_key, error)
            report = SourceReport(source_key=source.source_key, status="failed", message=str(error))
        except Exception as error:
            logger.exception("%s failed unexpectedly", source.source_key)
            report = SourceReport(
                source_key=source.source_key,
                status="failed",
                message=f"Reading it failed unexpectedly ({type(error).__name__}): see the function's log.",
            )
        return report.model_copy(update={"duration_ms": round((time.monotonic() - started) * 1000)}), items

    def _extraction(self, source: Source) -> Extraction:
        page = self._fetcher.fetch(source.url)
        parse = parse_feed if source.ingestion_mode == "rss" else parse_page
        return parse(page.body, source, page.url, page.charset, self._now.astimezone(UTC).date())

    def _kept(self, source: Source, entries: tuple[Entry, ...]) -> tuple[list[IngestedItem], int]:
        """The entries that the run takes, as items, and how many `max_items` cut off."""
        in_window = [entry for entry in entries if self._is_in_time(entry) and self._is_wanted(source, entry)]
        items = without_doubles((self._item(source, entry) for entry in in_window), [source.url])
        return items[: source.max_items], max(0, len(items) - source.max_items)

    def _is_in_time(self, entry: Entry) -> bool:
        if entry.published is None:
            return self._request.temporal_mode == "flexible"
        return self._window.holds(entry.published)

    def _is_wanted(self, source: Source, entry: Entry) -> bool:
        mode = self._request.ingestion_mode
        if mode == "broad":
            return True
        if normalized_title(entry.title) in self._excluded_titles:
            return False
        if not entry.content and word_count(entry.title) < 3:
            return False
        is_general_press = mode == "strict" and source.source_type == "press_sector"
        return not is_general_press or self._mentions_watched_term(f"{entry.title}\n{entry.content}")

    def _item(self, source: Source, entry: Entry) -> IngestedItem:
        day = entry.published or self._day
        title_hash = hashlib.sha256(normalized_title(entry.title).encode("utf-8")).hexdigest()
        content_hash = hashlib.sha256(entry.content.encode("utf-8")).hexdigest()
        return IngestedItem(
            item_id=f"{source.source_key}_{day:%Y%m%d}_{title_hash[:6]}",
            source_key=source.source_key,
            source_type=source.source_type,
            title=entry.title,
            content=entry.content,
            url=entry.url,
            published_at=entry.published,
            ingested_at=self._now,
            language=source.language,
            content_hash=f"sha256:{content_hash}",
            metadata=ItemMetadata(
                author=entry.author,
                tags=entry.tags,
                word_count=word_count(f"{entry.title}\n{entry.content}"),
                undated=entry.published is None,
            ),
        )

    def _report(self, source: Source, extraction: Extraction, items: list[IngestedItem], dropped: int) -> SourceReport:
        entries = extraction.entries
        remarks = [extraction.problem] if extraction.problem else []
        if not entries:
            remarks.append("It answered, but shows no entries: open its url in a browser and adapt the source.")
        if dropped:
            remarks.append(f"{dropped} more items were left out, as the source's max_items is {source.max_items}.")
        newest = max((entry.published for entry in entries if entry.published), default=None)
        if newest and (self._day - newest).days > _LONG_SILENCE_DAYS:
            remarks.append(f"Its newest entry is of {newest}.")
        status: Literal["ok", "degraded", "empty"] = "ok"
        if not entries:
            status = "empty"
        elif extraction.problem or dropped:
            status = "degraded"
        return SourceReport(
            source_key=source.source_key,
            status=status,
            items_found=len(entries),
            items_kept=len(items),
            undated=sum(entry.published is None for entry in entries),
            message=" ".join(remarks),
        )


def word_count(text: str) -> int:
    return len(re.findall(r"[^\W_]+(?:[-'\u2019.,/][^\W_]+)*", text))

"""Collection of one source: fetch, parse, date, filter."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Literal, Protocol

from vectora_core.ingest.entries import DropReason, Entry, Extraction
from vectora_core.ingest.feeds import parse_feed
from vectora_core.ingest.fetch import Page
from vectora_core.ingest.json_source import Period, read_json_source
from vectora_core.ingest.pages import parse_page
from vectora_core.ingest.request import IngestRequest, SourceReport, Window
from vectora_core.items import IngestedItem, ItemMetadata, content_hash
from vectora_core.known_news import normalized_title, without_repeated_news
from vectora_core.text.languages import unread_remark
from vectora_core.text.words import count_words
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.sources import Source
from vectora_shared.errors import VectoraError

logger = logging.getLogger("vectora")

_LONG_SILENCE_DAYS = 90
_MIN_TITLE_WORDS = 3


class PageReader(Protocol):
    def fetch(self, url: str) -> Page:
        """Return the page at the address; raise VectoraError, in words for the report, when there is none to read."""


def read_entries(source: Source, fetcher: PageReader, window: Window, today: date) -> Extraction:
    """Return the entries of a source; raise VectoraError, in words for the report, when it cannot be read."""
    if source.ingestion_mode == "json":
        return read_json_source(source, fetcher.fetch, Period(window.first, window.last), today)
    page = fetcher.fetch(source.url)
    parse = parse_feed if source.ingestion_mode == "rss" else parse_page
    return parse(page.body, source, page.url, page.charset, today)


class Collector:
    """Collector of one source's items at a time, in any thread; a source that fails does not affect the others."""

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
        """Return the source's report, also if it failed, and the items that the run accepts."""
        started = time.monotonic()
        try:
            report, items = self._collected(source)
        except VectoraError as error:
            logger.warning("%s: %s", source.source_key, error)
            report, items = _failure(source, str(error)), []
        except Exception as error:
            logger.exception("%s failed unexpectedly", source.source_key)
            message = f"The source failed unexpectedly ({type(error).__name__}): see the function's log."
            report, items = _failure(source, message), []
        return report.model_copy(update={"duration_ms": round((time.monotonic() - started) * 1000)}), items

    def _collected(self, source: Source) -> tuple[SourceReport, list[IngestedItem]]:
        extraction = read_entries(source, self._fetcher, self._window, self._now.astimezone(UTC).date())
        items, dropped = self._kept(source, extraction)
        return self._report(source, extraction, items, dropped), items

    def _kept(self, source: Source, extraction: Extraction) -> tuple[list[IngestedItem], Counter[DropReason]]:
        """Return the accepted entries as items, and the numbers of the others by reason."""
        dropped = Counter(extraction.dropped)
        accepted = []
        for entry in extraction.entries:
            if reason := self._reason_to_drop(source, entry):
                dropped[reason] += 1
            else:
                accepted.append(self._item(source, entry))
        unique = without_repeated_news(accepted, [source.url])
        items = unique[: source.max_items]
        dropped["duplicate_in_source"] += len(accepted) - len(unique)
        dropped["beyond_max_items"] += len(unique) - len(items)
        return items, +dropped

    def _reason_to_drop(self, source: Source, entry: Entry) -> DropReason | None:
        if entry.published is None:
            if self._request.temporal_mode == "strict":
                return "undated"
        elif not self._window.contains(entry.published):
            return "not_yet_published" if entry.published > self._day else "out_of_period"
        mode = self._request.ingestion_mode
        if mode == "broad":
            return None
        if normalized_title(entry.title) in self._excluded_titles:
            return "excluded_title"
        if not entry.content and count_words(entry.title) < _MIN_TITLE_WORDS:
            return "too_short"
        reports_on_a_field = mode == "strict" and not source.is_own_news
        if reports_on_a_field and not self._mentions_watched_term(f"{entry.title}\n{entry.content}"):
            return "no_watched_term"
        return None

    def _item(self, source: Source, entry: Entry) -> IngestedItem:
        day = entry.published or self._day
        title_hash = hashlib.sha256(normalized_title(entry.title).encode("utf-8")).hexdigest()
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
            content_hash=content_hash(entry.content),
            metadata=ItemMetadata(
                author=entry.author,
                tags=entry.tags,
                word_count=count_words(f"{entry.title}\n{entry.content}"),
                undated=entry.published is None,
                guid=entry.guid,
                shared_url=not entry.has_own_url,
            ),
        )

    def _report(
        self, source: Source, extraction: Extraction, items: list[IngestedItem], dropped: Counter[DropReason]
    ) -> SourceReport:
        entries = extraction.entries
        beyond = dropped["beyond_max_items"]
        remarks = [extraction.problem] if extraction.problem else []
        is_empty = not extraction.found and not extraction.may_be_empty
        if is_empty:
            remarks.append("It answered, but without entries: open its url in a browser and adapt the source.")
        if beyond:
            remarks.append(f"{beyond} more items were skipped: the source's max_items is {source.max_items}.")
        newest = max((entry.published for entry in entries if entry.published), default=None)
        if newest and (self._day - newest).days > _LONG_SILENCE_DAYS:
            remarks.append(f"Its newest entry is of {newest}.")
        if remark := unread_remark(source.language, [item.title for item in items]):
            remarks.append(remark)
        status: Literal["ok", "degraded", "empty"] = "ok"
        if is_empty:
            status = "empty"
        elif extraction.problem or beyond:
            status = "degraded"
        return SourceReport(
            source_key=source.source_key,
            status=status,
            items_found=extraction.found,
            items_kept=len(items),
            dropped=dict(dropped),
            undated=sum(entry.published is None for entry in entries),
            newest=newest,
            message=" ".join(remarks),
        )


def _failure(source: Source, message: str) -> SourceReport:
    return SourceReport(source_key=source.source_key, status="failed", message=message)

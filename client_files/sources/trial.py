"""Trial of an address: what it is, what a run would keep of it, and its entry for the catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from client_files.sources.examined import Document, examine
from client_files.sources.json_guess import guessed_mapping
from client_files.sources.page_feeds import LinkedFeed, common_addresses, linked_feeds
from client_files.sources.proposal import Proposal, proposal, proposed_key, proposed_type, recognized_company
from client_files.sources.robots import Robots, read_robots
from vectora_core.ingest.collector import Collector, PageReader, read_entries
from vectora_core.ingest.entries import Extraction
from vectora_core.ingest.fetch import Page, Redirect
from vectora_core.ingest.request import IngestRequest, SourceReport, Window
from vectora_core.text.address_identity import canonical_url
from vectora_core.text.words import one_line
from vectora_shared.config.client import ClientConfig, ContentFilters
from vectora_shared.config.configuration import Canonical
from vectora_shared.config.content import Content
from vectora_shared.config.json_mapping import JsonMapping, with_period
from vectora_shared.config.loading import client_ids, load_client
from vectora_shared.config.sources import IngestionMode, Source, SourceType
from vectora_shared.errors import ConfigurationError, VectoraError

SHOWN_HEADLINES = 5
# Feeds of a page that are read too, to say how many entries they have.
TRIED_FEEDS = 3
_REFUSED = re.compile(r"The site answered (?:401|402|403|406|418|429|451|999)\b")


@dataclass(frozen=True)
class Headline:
    title: str
    day: date | None
    url: str


@dataclass(frozen=True)
class TriedFeed:
    """A feed that the page links, or that is at a common address; `found` is None when it was not read."""

    url: str
    title: str
    found: int | None
    problem: str


@dataclass(frozen=True)
class News:
    """Entries of an address, and what a run would keep of them."""

    found: int
    undated: int
    newest: date | None
    oldest: date | None
    kept: int
    dropped: dict[str, int]
    remarks: str
    headlines: tuple[Headline, ...]


@dataclass(frozen=True)
class Trial:
    """Result of a trial; `reason` says why the address is no source, and is empty when it is one."""

    url: str
    kind: str
    reason: str
    final_url: str
    redirects: tuple[Redirect, ...]
    encoding: str
    language: str
    title: str
    is_reserved: bool
    known_as: str  # source_key of the source that the catalogue already has at this address; else empty
    robots: Robots
    first: date
    last: date
    news: News | None = None
    feeds: tuple[TriedFeed, ...] = ()
    proposal: Proposal | None = None

    @property
    def has_moved(self) -> bool:
        return bool(self.redirects) and all(redirect.is_permanent for redirect in self.redirects)

    @property
    def is_usable(self) -> bool:
        return self.news is not None and self.news.found > 0


@dataclass
class _Remembered:
    """Reader that requests each address once."""

    fetcher: PageReader
    pages: dict[str, Page] = field(default_factory=dict)

    def fetch(self, url: str) -> Page:
        if url not in self.pages:
            page = self.fetcher.fetch(url)
            self.pages[url] = self.pages[page.url] = page
        return self.pages[url]


def try_address(
    url: str,
    content: Content,
    canonical: Canonical,
    *,
    fetcher: PageReader,
    today: date,
    period_days: int,
    mode: IngestionMode | None = None,
    source_type: SourceType | None = None,
    on_step: Callable[[str], None] = lambda step: None,
) -> Trial:
    """Read an address as a source that is to be added to the catalogue in `content`, whose canonical files are loaded.

    Raise ConfigurationError when it is no web address.
    """
    return _Trial(url, content, canonical, fetcher, today, period_days, on_step).run(mode, source_type)


class _Trial:
    def __init__(
        self,
        url: str,
        content: Content,
        canonical: Canonical,
        fetcher: PageReader,
        today: date,
        period_days: int,
        on_step: Callable[[str], None],
    ) -> None:
        self._url = url
        self._content = content
        self._canonical = canonical
        self._reader = _Remembered(fetcher)
        self._today = today
        self._window = Window(first=today - timedelta(days=period_days), last=today)
        self._on_step = on_step
        self._keys = frozenset(source.source_key for source in self._canonical.sources.sources)

    def run(self, mode: IngestionMode | None, source_type: SourceType | None) -> Trial:
        _require_web_address(self._url)
        address = with_period(self._url, self._window.first, self._window.last)
        self._on_step("Reading robots.txt")
        robots = read_robots(address, self._reader)
        self._on_step(f"Reading {address}")
        empty = Trial(
            url=self._url, kind="nothing readable", reason="", final_url=address, redirects=(), encoding="",
            language="", title="", is_reserved=False, known_as=self._known_as(), robots=robots,
            first=self._window.first, last=self._window.last,
        )  # fmt: skip
        try:
            page = self._reader.fetch(address)
        except VectoraError as error:
            return _unread(empty, error)
        document = examine(page)
        read = replace(
            empty, kind=document.kind, final_url=page.url, redirects=page.redirects,
            encoding=document.encoding, language=document.language,
            title=document.title, is_reserved=page.is_reserved,
        )  # fmt: skip
        return self._judged(read, document, mode or document.mode, source_type)

    def _judged(
        self, trial: Trial, document: Document, mode: IngestionMode | None, source_type: SourceType | None
    ) -> Trial:
        if mode is None:
            return replace(trial, reason="The address answers with something that is no feed, no page and no JSON.")
        try:
            draft = self._draft(trial, document, mode, source_type)
        except ValidationError as error:
            problem = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
            return replace(trial, reason=f"The address cannot be a source's: it {problem}.")
        if draft is None:
            return replace(
                trial,
                reason="No list of entries with titles and links was recognized in the JSON: write its mapping "
                "yourself (docs/runbooks/add-a-source.md).",
            )
        try:
            trial = replace(trial, news=self._news(draft))
        except VectoraError as error:
            trial = _unread(trial, error)
        if document.mode == "html":
            trial = replace(trial, feeds=self._feeds(document, trial))
        if trial.news and not trial.news.found:
            trial = replace(trial, reason="The address can be read, but has no entries with news.")
        return replace(trial, proposal=proposal(draft, self._content, self._canonical)) if trial.is_usable else trial

    def _draft(
        self, trial: Trial, document: Document, mode: IngestionMode, source_type: SourceType | None
    ) -> Source | None:
        """Return the source that the address would be; None for JSON without a recognized list of entries."""
        # An address that redirects for now is the one that the site keeps.
        mapping, url = None, trial.final_url if trial.has_moved else self._url
        known = None
        if mode == "json":
            # With its placeholders, and without what a redirect added.
            url = self._url
            known = self._source_of_same_api()
            mapping = known.mapping if known else _mapping_of(document.json)
            if mapping is None:
                return None
        company = recognized_company(url, self._canonical)
        chosen = source_type or (known.source_type if known else proposed_type(url, company))
        return Source(
            source_key=proposed_key(url, company, chosen, self._keys),
            source_type=chosen,
            ingestion_mode=mode,
            url=url,
            name=None if company else document.title or None,
            company=company if chosen == "press_corporate" else None,
            language=document.language or (known.language if known else "en"),
            mapping=mapping,
        )

    def _known_as(self) -> str:
        identity = canonical_url(self._url)
        same = (each for each in self._canonical.sources.sources if canonical_url(each.url) == identity)
        return next((source.source_key for source in same), "")

    def _source_of_same_api(self) -> Source | None:
        """Return a source of the catalogue that reads the same API, whose mapping then fits."""
        parts = urlsplit(self._url)
        for source in self._canonical.sources.sources:
            known = urlsplit(source.url)
            if source.mapping and (known.hostname, known.path) == (parts.hostname, parts.path):
                return source
        return None

    def _news(self, source: Source) -> News:
        self._on_step("Reading the entries")
        extraction = read_entries(source, self._reader, self._window, self._today)
        report = self._report(source)
        days = sorted(entry.published for entry in extraction.entries if entry.published)
        return News(
            found=extraction.found,
            undated=sum(entry.published is None for entry in extraction.entries),
            newest=days[-1] if days else None,
            oldest=days[0] if days else None,
            kept=report.items_kept,
            dropped={str(reason): count for reason, count in report.dropped.items()},
            remarks=report.message,
            headlines=_headlines(extraction),
        )

    def _report(self, source: Source) -> SourceReport:
        client = _without_filters(load_client(self._content, client_ids(self._content)[0]))
        now = _noon(self._today)
        request = IngestRequest(from_date=self._window.first, to_date=self._window.last)
        collector = Collector(client, request, self._window, self._today, now, self._reader, lambda text: True)
        return collector.collect(source)[0]

    def _feeds(self, document: Document, trial: Trial) -> tuple[TriedFeed, ...]:
        linked = linked_feeds(document.text, trial.final_url)
        if not linked and not trial.is_usable:
            self._on_step("Looking for a feed at the usual addresses")
            tried = (self._tried(LinkedFeed(url, "")) for url in common_addresses(trial.final_url))
            return tuple(feed for feed in tried if feed.found)
        first = tuple(self._tried(feed) for feed in linked[:TRIED_FEEDS])
        return first + tuple(TriedFeed(feed.url, feed.title, None, "") for feed in linked[TRIED_FEEDS:])

    def _tried(self, feed: LinkedFeed) -> TriedFeed:
        self._on_step(f"Reading {feed.url}")
        draft = Source(source_key="tried", source_type="press_sector", ingestion_mode="rss", url=feed.url)
        try:
            page = self._reader.fetch(feed.url)
            found = examine(page)
            if found.mode == "json" and (mapping := _mapping_of(found.json)):
                draft = draft.model_copy(update={"ingestion_mode": "json", "mapping": mapping})
            extraction = read_entries(draft, self._reader, self._window, self._today)
        except VectoraError as error:
            return TriedFeed(feed.url, feed.title, None, str(error))
        return TriedFeed(feed.url, feed.title, extraction.found, extraction.problem or "")


def _unread(trial: Trial, error: VectoraError) -> Trial:
    """Return the trial with the reason why there are no entries, as a refusal if the site keeps programs out."""
    reason = str(error)
    is_refusal = _REFUSED.search(reason) or "refuses programs" in reason
    return replace(trial, kind="refused" if is_refusal else trial.kind, reason=reason)


def _require_web_address(url: str) -> None:
    try:
        Source(source_key="tried", source_type="press_sector", ingestion_mode="rss", url=url)
    except ValidationError as error:
        misfit = error.errors()[0].get("ctx", {}).get("error")
        problem = str(misfit) if misfit else "does not start with https:// or http:// and a host"
        raise ConfigurationError(f"The address '{one_line(url)[:200]}' {problem}: correct it.") from error
    if not re.match(r"https?://", url):
        raise ConfigurationError("A sample of the configuration cannot be tried: ./vectora client validate reads it.")


def _mapping_of(document: Any) -> JsonMapping | None:
    guessed = guessed_mapping(document)
    return JsonMapping.model_validate(guessed) if guessed else None


def _without_filters(client: ClientConfig) -> ClientConfig:
    config = client.source_config.model_copy(update={"content_filters": ContentFilters()})
    return client.model_copy(update={"source_config": config})


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def _headlines(extraction: Extraction) -> tuple[Headline, ...]:
    shown = extraction.entries[:SHOWN_HEADLINES]
    return tuple(Headline(entry.title, entry.published, entry.url) for entry in shown)

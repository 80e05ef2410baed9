"""Full texts of new items: the article pages of those whose source gave no text worth summarizing."""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from vectora_core.ingest.article_process import SECONDS_PER_PAGE, ArticleProcess
from vectora_core.ingest.collector import PageReader
from vectora_core.ingest.fetch import FetchLimits, Page
from vectora_core.ingest.request import FullTextReport
from vectora_core.items import IngestedItem, content_hash
from vectora_core.text.address_identity import canonical_url, names_a_place
from vectora_core.text.words import count_words
from vectora_shared.config.sources import Source
from vectora_shared.errors import VectoraError

logger = logging.getLogger("vectora")

# Two sentences. Fewer words say no more than the title does.
MIN_WORDS = 40
# Blogs announce an article with its first 55 words (WordPress's default) and a sign that more follows.
TEASER_WORDS = 150
_TEASER_END = re.compile(
    r"(?:…|\.\.\.|(?:read|learn|view|see) (?:more|on)|continue reading|full (?:story|article)|lire la suite|läs mer)"
    r"[\s\]»>→.)]{0,8}$",
    re.IGNORECASE,
)
# Not pages, by their names: the request itself is saved.
_DOCUMENT = re.compile(r"\.(?:pdf|docx?|pptx?|xlsx?|zip|mp[34]|jpe?g|png|ics|csv|xml|json)$", re.IGNORECASE)

MEDIA_TYPES = frozenset({"text/html", "application/xhtml+xml"})
ARTICLE_LIMITS = FetchLimits(
    connect_seconds=5, read_seconds=10, deadline_seconds=15, attempts=1, redirects=5, body_bytes=2_000_000
)
# An article is not begun when less time is left: it could not end within the budget.
SECONDS_PER_ARTICLE = ARTICLE_LIMITS.deadline_seconds + SECONDS_PER_PAGE
# For the start of the process that reads pages, a slow DNS server, and writing the items.
RESERVED_SECONDS = 60
MAX_ARTICLES = 200
_CONCURRENT_HOSTS = 8
PAUSE_SECONDS = 0.5  # between two pages of one host
_MANY_ARTICLES = 5


class ArticleReader(Protocol):
    """Reader of the text in pages."""

    def text(self, page: Page, title: str, seconds: float) -> str:
        """Return the page's text about the item with this title; raise VectoraError when it has none."""


@dataclass
class _Results:
    """Texts and reasons of failures, by the items' addresses, and addresses for which there was no time."""

    texts: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)


class FullTexts:
    """Reader of full texts, with one budget of time for all clients of an invocation."""

    def __init__(
        self,
        fetcher: PageReader,
        seconds: float,
        *,
        seconds_left: Callable[[], float | None] = lambda: None,
        reader: Callable[[], AbstractContextManager[ArticleReader]] = ArticleProcess,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Initialize with the budget in seconds; `seconds_left` returns the function's remaining time, if limited."""
        self._fetcher = fetcher
        self._seconds = seconds
        self._seconds_left = seconds_left
        self._reader = reader
        self._sleep = sleep
        self._clock = clock

    def complete(
        self, items: Sequence[IngestedItem], sources: Collection[Source]
    ) -> tuple[list[IngestedItem], FullTextReport]:
        """Return the items, those without a text completed by their article pages if these have one.

        Each page is requested once. The pages of `sources` are no articles, and samples have none.
        """
        samples = {source.source_key for source in sources if source.sample_key}
        pages = {canonical_url(source.url) for source in sources}
        readable: list[IngestedItem] = []
        unreadable: list[IngestedItem] = []
        for item in _newest_first(items):
            if item.source_key not in samples and _needs_text(item):
                is_article = _is_article(item) and canonical_url(item.url) not in pages
                (readable if is_article else unreadable).append(item)
        results = _Results(late={item.url for item in readable[MAX_ARTICLES:]})
        if readable:
            self._read_all(readable[:MAX_ARTICLES], results)
        return [_completed(item, results.texts) for item in items], _report(readable, unreadable, results)

    def _read_all(self, items: Sequence[IngestedItem], results: _Results) -> None:
        start = self._clock()
        left = self._seconds_left()
        end = start + (self._seconds if left is None else min(self._seconds, left - RESERVED_SECONDS))
        by_host: dict[str, list[IngestedItem]] = {}
        for item in items:
            by_host.setdefault(urlsplit(item.url).netloc.lower(), []).append(item)
        with self._reader() as reader, ThreadPoolExecutor(_CONCURRENT_HOSTS) as pool:
            list(pool.map(lambda host: self._read_host(host, reader, end, results), by_host.values()))
        self._seconds -= self._clock() - start

    def _read_host(self, items: list[IngestedItem], reader: ArticleReader, end: float, results: _Results) -> None:
        for number, item in enumerate(items):
            if number:
                self._sleep(PAUSE_SECONDS)
            left = end - self._clock()
            if left < SECONDS_PER_ARTICLE:
                results.late.update(each.url for each in items[number:])
                return
            try:
                text = self._text(item, reader, end)
            except VectoraError as error:
                logger.info("%s: %s", item.url, error)
                results.failures[item.url] = str(error).partition(":")[0].rstrip(".")[:100]
            except Exception as error:
                logger.exception("%s failed unexpectedly", item.url)
                results.failures[item.url] = f"Unexpected {type(error).__name__}"
            else:
                results.texts[item.url] = text

    def _text(self, item: IngestedItem, reader: ArticleReader, end: float) -> str:
        page = self._fetcher.fetch(item.url)
        if page.is_reserved:
            raise VectoraError("The site reserves the page from use by machines.")
        text = reader.text(page, item.title, end - self._clock() - SECONDS_PER_PAGE)
        if count_words(text) <= count_words(item.content):
            raise VectoraError("The page has no more text than the source gave.")
        return text


def _needs_text(item: IngestedItem) -> bool:
    """Return whether an item's content, without repetitions of its title, is at most a teaser."""
    text = item.content.replace(item.title, " ").strip()
    words = count_words(text)
    return words < MIN_WORDS or (words < TEASER_WORDS and bool(_TEASER_END.search(text[-60:])))


def _is_article(item: IngestedItem) -> bool:
    """Return whether the page at the item's address has this one article."""
    if item.metadata.shared_url or names_a_place(item.url):
        return False
    parts = urlsplit(item.url)
    return parts.scheme in ("http", "https") and not _DOCUMENT.search(parts.path)


def _newest_first(items: Iterable[IngestedItem]) -> list[IngestedItem]:
    return sorted(items, key=lambda item: item.published_at.toordinal() if item.published_at else 0, reverse=True)


def _completed(item: IngestedItem, texts: dict[str, str]) -> IngestedItem:
    text = texts.get(item.url)
    if text is None:
        return item
    metadata = item.metadata.model_copy(update={"full_text": True, "word_count": count_words(f"{item.title}\n{text}")})
    return item.model_copy(update={"content": text, "content_hash": content_hash(text), "metadata": metadata})


def _report(readable: list[IngestedItem], unreadable: list[IngestedItem], results: _Results) -> FullTextReport:
    failed = [*unreadable, *(item for item in readable if item.url in results.failures)]
    reasons = Counter(results.failures.get(item.url, "Its address is no article page") for item in failed)
    return FullTextReport(
        wanted=len(readable) + len(unreadable),
        read=len(results.texts),
        failed=len(failed),
        reasons=dict(reasons.most_common()),
        failed_sources=dict(Counter(item.source_key for item in failed).most_common()),
        late=len(results.late),
        warnings=tuple(_warnings(len(readable), results)),
    )


def _warnings(readable: int, results: _Results) -> Iterable[str]:
    tried = readable - len(results.late)
    if tried >= _MANY_ARTICLES and len(results.texts) < tried / 2:
        reason, count = Counter(results.failures.values()).most_common(1)[0]
        yield (
            f"Only {len(results.texts)} of {tried} article pages gave a text, most often because: {reason} ({count}). "
            "The items keep the texts of their sources."
        )
    if results.late:
        yield (
            f"{len(results.late)} article pages were not read, because the time for them was over: the items keep the "
            "texts of their sources. FULL_TEXT_SECONDS of the ingest function gives more time."
        )

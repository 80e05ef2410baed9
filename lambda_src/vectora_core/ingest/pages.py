"""Entries of HTML news pages: found by a source's own selectors, or by what all news pages have in common."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from vectora_core.ingest.boilerplate import Boilerplate
from vectora_core.ingest.decoding import decode
from vectora_core.ingest.document_root import find_root
from vectora_core.ingest.entries import MAX_ENTRIES, DropReason, Entry, Extraction
from vectora_core.ingest.feeds import parse_feed
from vectora_core.ingest.html_text import parse_html
from vectora_core.ingest.news_page import NewsPage
from vectora_core.ingest.page_areas import Area, find_areas
from vectora_core.ingest.page_entries import EntryReader
from vectora_core.ingest.page_links import PageLinks
from vectora_core.ingest.page_neighbours import Neighbours
from vectora_core.ingest.shared_addresses import without_shared_identities
from vectora_core.ingest.status_errors import CHALLENGE, shows_challenge
from vectora_core.text.dates import has_date_like
from vectora_core.text.words import count_words
from vectora_shared.config.sources import HtmlSelectors, Source
from vectora_shared.errors import VectoraError

_NEWS_NAME = re.compile(
    r"news|press|article|post|release|story|stories|blog|publication|announce|nyhet|aktuell|actualit|bbs|board",
    re.IGNORECASE,
)
_MAX_DATELESS_ENTRIES = 100
# A page may link to one article by its headline and by its teaser.
_TITLES_OF_ONE = 2
# For each of them, all matches within it are examined; some only wrap others.
_MAX_MATCHES = 4 * MAX_ENTRIES


def parse_page(body: bytes, source: Source, url: str, charset: str | None, today: date) -> Extraction:
    """Return the news entries of a page that was fetched from `url`.

    Raise VectoraError when the page cannot be read.
    """
    if not body.strip():
        raise VectoraError("The page is empty: open the source's url in a browser and correct it.")
    text = decode(body, charset)
    if find_root(text).kind == "feed":
        return parse_feed(body, source, url, charset, today)
    extraction = _read(text, source, url, today)
    if not extraction.entries and shows_challenge(text):
        raise VectoraError(CHALLENGE)
    return extraction


def _read(text: str, source: Source, url: str, today: date) -> Extraction:
    page = NewsPage(parse_html(text), url, source.date_format, source.language)
    extractor = _Extractor(page, source, today)
    if source.selectors is None:
        return extractor.detected()
    selected = extractor.selected(source.selectors)
    if selected.entries:
        return selected
    detected = extractor.detected()
    if not detected.entries:
        return selected
    problem = "The source's selectors match no entry; entries were found without them: adapt or remove the selectors."
    return detected.model_copy(update={"problem": problem})


def _extraction(
    entries: Sequence[Entry], *, limit: int = MAX_ENTRIES, untitled: int = 0, unread: int = 0
) -> Extraction:
    """Return the first entries, with the number of elements that have no title and of those that were not read."""
    dropped: dict[DropReason, int] = {
        "too_many_entries": max(0, len(entries) - limit) + unread,
        "without_title": untitled,
    }
    # Of a page without dates, entries beyond its limit are the archive: no problem of the source.
    is_cut = bool(dropped["too_many_entries"]) and limit == MAX_ENTRIES
    problem = f"The page has more than {MAX_ENTRIES} entries: the first {MAX_ENTRIES} were read."
    return Extraction(
        entries=without_shared_identities(entries[:limit], titles_of_one=_TITLES_OF_ONE),
        problem=problem if is_cut else None,
        dropped=dropped,
    )


@dataclass(frozen=True)
class _Candidate:
    """An area that may be a news entry; entries of one list have the same `kind`."""

    area: Area
    entry: Entry
    kind: tuple[str, str, str]
    looks_like_news: bool


class _Extractor:
    """Extractor of one page's entries."""

    def __init__(self, page: NewsPage, source: Source, today: date) -> None:
        self._page = page
        self._nodes = page.document.nodes
        self._links = PageLinks(page)
        self._reader = EntryReader(page, self._links, source, today)

    def detected(self) -> Extraction:
        """Return the entries that are found without selectors."""
        for by_name in (True, False):
            boilerplate = Boilerplate(self._page).find(by_name=by_name)
            areas = find_areas(self._page, self._links, boilerplate)
            extraction = self._news_among(areas)
            if extraction.entries:
                return extraction
        return Extraction(entries=())

    def _news_among(self, areas: list[Area]) -> Extraction:
        neighbours = Neighbours(self._page, areas)
        candidates = []
        for area in areas:
            entry = self._reader.read(area, neighbours)
            if entry is not None:
                candidates.append(_Candidate(area, entry, self._kind(area), self._looks_like_news(area, entry)))
        dated_kinds = {candidate.kind for candidate in candidates if candidate.entry.published}
        if dated_kinds:
            return _extraction([candidate.entry for candidate in candidates if candidate.kind in dated_kinds])
        linked = [candidate for candidate in candidates if candidate.area.link]
        kinds = Counter(candidate.kind for candidate in linked)
        news = [
            candidate.entry
            for candidate in linked
            if candidate.looks_like_news and (kinds[candidate.kind] > 1 or candidate.kind[0] == "article")
        ]
        return _extraction(news, limit=_MAX_DATELESS_ENTRIES)

    def _kind(self, area: Area) -> tuple[str, str, str]:
        """Return the element, its parent and the parent's class, which entries of one list have in common."""
        parent = self._nodes[max(0, self._nodes[area.index].parent)]
        return self._nodes[area.index].tag, parent.tag, re.sub(r"\d+", "", parent.attributes.get("class", ""))

    def _looks_like_news(self, area: Area, entry: Entry) -> bool:
        names = (self._nodes[index].names for index in (area.index, *self._page.near_ancestors(area.index, 3)))
        path = urlsplit(area.link.url).path if area.link else ""
        if has_date_like(" ".join(self._page.document.lines(area.index))[:1000]):
            return True
        return count_words(entry.title) >= 4 and (
            self._nodes[area.index].tag == "article"
            or any(map(_NEWS_NAME.search, names))
            or bool(_NEWS_NAME.search(path))
            or path.lower().endswith(".pdf")
        )

    def selected(self, selectors: HtmlSelectors) -> Extraction:
        """Return the entries that the source's selectors match."""
        matches = self._without_wrappers_and_parts(self._page.select(selectors.item)[:_MAX_MATCHES])
        read = [self._reader.read_selected(index, selectors) for index in matches[:MAX_ENTRIES]]
        entries = [entry for entry in read if entry is not None]
        return _extraction(entries, untitled=len(read) - len(entries), unread=len(matches) - len(read))

    def _without_wrappers_and_parts(self, matches: list[int]) -> list[int]:
        """Return the matches without those that wrap several others, and without parts of those that remain."""
        kept: list[int] = []
        for position, index in enumerate(matches):
            if kept and index < self._nodes[kept[-1]].end:
                continue
            inside = matches[position + 1 : bisect_left(matches, self._nodes[index].end)]
            outermost = self._outermost(inside)
            # A single inner match is not searched for links: in a deep chain of matches, each would be searched again.
            if len(outermost) < 2 or len(self._addresses_within(outermost)) < 2:
                kept.append(index)
        return kept

    def _addresses_within(self, matches: list[int]) -> set[str]:
        return {link.identity for index in matches for link in self._links.within(index)}

    def _outermost(self, matches: list[int]) -> list[int]:
        kept: list[int] = []
        for index in matches:
            if not kept or index >= self._nodes[kept[-1]].end:
                kept.append(index)
        return kept

"""HTML news pages: their entries, by a source's own selectors or by what all such pages have in common."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from vectora_core.ingest.entries import MAX_ENTRIES, Entry, Extraction
from vectora_core.ingest.feeds import looks_like_feed, parse_feed
from vectora_core.ingest.html_text import decode, parse_html
from vectora_core.ingest.page_areas import Area, NewsPage
from vectora_core.ingest.page_entries import EntryReader
from vectora_core.ingest.page_neighbours import Neighbours
from vectora_core.text.dates import has_date_like
from vectora_shared.config.sources import HtmlSelectors, Source
from vectora_shared.errors import VectoraError

_NEWS_NAME = re.compile(
    r"news|press|article|post|release|story|stories|blog|publication|announce|nyhet|aktuell|actualit|bbs|board",
    re.IGNORECASE,
)
_MAX_DATELESS_ENTRIES = 100
# Each is looked at with all that are inside it, some of which wrap others.
_MAX_MATCHES = 4 * MAX_ENTRIES


def parse_page(body: bytes, source: Source, url: str, charset: str | None, today: date) -> Extraction:
    """The news entries of a page that was fetched from `url`.

    Raises VectoraError when the page cannot be read, or holds nothing that could be news.
    """
    if not body.strip():
        raise VectoraError("The page is empty: open the source's url in a browser and correct it.")
    text = decode(body, charset)
    if looks_like_feed(text):
        return parse_feed(body, source, url, charset, today)
    page = NewsPage(parse_html(text), url, source.date_format)
    reader = EntryReader(page, source, today)
    if source.selectors is None:
        return _bounded(_generic_entries(page, reader))
    entries = _selected_entries(page, reader, source.selectors)
    if entries:
        return _bounded(entries)
    entries = _generic_entries(page, reader)
    problem = "The source's selectors match no entry; entries were found without them: adapt or remove the selectors."
    return Extraction(entries=entries[:MAX_ENTRIES], problem=problem if entries else None)


def _bounded(entries: tuple[Entry, ...]) -> Extraction:
    if len(entries) <= MAX_ENTRIES:
        return Extraction(entries=entries)
    problem = f"The page has more than {MAX_ENTRIES} entries: the first {MAX_ENTRIES} were read."
    return Extraction(entries=entries[:MAX_ENTRIES], problem=problem)


@dataclass(frozen=True)
class _Candidate:
    area: Area
    entry: Entry
    kind: tuple[str, str, str]
    looks_like_news: bool


def _generic_entries(page: NewsPage, reader: EntryReader) -> tuple[Entry, ...]:
    for by_name in (True, False):
        boilerplate = page.boilerplate(by_name=by_name)
        areas = page.areas(boilerplate)
        if entries := _news_among(page, reader, areas):
            return entries
    return ()


def _news_among(page: NewsPage, reader: EntryReader, areas: list[Area]) -> tuple[Entry, ...]:
    neighbours = Neighbours(page, areas)
    candidates = []
    for area in areas:
        entry = reader.read(area, neighbours)
        if entry is not None:
            candidates.append(_Candidate(area, entry, _kind(page, area), _looks_like_news(page, area, entry)))
    dated_kinds = {candidate.kind for candidate in candidates if candidate.entry.published}
    if dated_kinds:
        return tuple(candidate.entry for candidate in candidates if candidate.kind in dated_kinds)
    linked = [candidate for candidate in candidates if candidate.area.link]
    kinds = [candidate.kind for candidate in linked]
    return tuple(
        candidate.entry
        for candidate in linked
        if candidate.looks_like_news and (kinds.count(candidate.kind) > 1 or candidate.kind[0] == "article")
    )[:_MAX_DATELESS_ENTRIES]


def _kind(page: NewsPage, area: Area) -> tuple[str, str, str]:
    """Entries of one list are of one kind: the same element within the same sort of parent."""
    nodes = page.document.nodes
    parent = nodes[max(0, nodes[area.index].parent)]
    return nodes[area.index].tag, parent.tag, re.sub(r"\d+", "", parent.attributes.get("class", ""))


def _looks_like_news(page: NewsPage, area: Area, entry: Entry) -> bool:
    nodes = page.document.nodes
    names = (nodes[index].names for index in (area.index, *page.near_ancestors(area.index, 3)))
    path = urlsplit(area.link.url).path if area.link else ""
    if has_date_like(" ".join(page.document.lines(area.index))[:1000]):
        return True
    return len(entry.title.split()) >= 4 and (
        nodes[area.index].tag == "article"
        or any(map(_NEWS_NAME.search, names))
        or bool(_NEWS_NAME.search(path))
        or path.lower().endswith(".pdf")
    )


def _selected_entries(page: NewsPage, reader: EntryReader, selectors: HtmlSelectors) -> tuple[Entry, ...]:
    entries = []
    for index in _outermost_single(page, page.select(selectors.item)[:_MAX_MATCHES])[: MAX_ENTRIES + 1]:
        entry = reader.read_selected(index, selectors)
        if entry is not None:
            entries.append(entry)
    return tuple(entries)


def _outermost_single(page: NewsPage, matches: list[int]) -> list[int]:
    """The matches without those that wrap several others, and without the parts of those that remain."""
    nodes = page.document.nodes
    kept: list[int] = []
    for place, index in enumerate(matches):
        if kept and index < nodes[kept[-1]].end:
            continue
        inside = matches[place + 1 : bisect_left(matches, nodes[index].end)]
        topmost = _topmost(page, inside)
        # One after the other: entries within entries within entries have the same links again and again.
        addresses = {link.identity for inner in topmost for link in page.links_within(inner)} if topmost[1:] else ()
        if len(addresses) < 2:
            kept.append(index)
    return kept


def _topmost(page: NewsPage, matches: list[int]) -> list[int]:
    kept: list[int] = []
    for index in matches:
        if not kept or index >= page.document.nodes[kept[-1]].end:
            kept.append(index)
    return kept

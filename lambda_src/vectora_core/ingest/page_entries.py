"""Reader of one entry of a news page."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cached_property

from vectora_core.ingest.boilerplate import Boilerplate
from vectora_core.ingest.entries import MAX_CONTENT_CHARACTERS, Entry
from vectora_core.ingest.html_text import STYLING, TEXT
from vectora_core.ingest.news_page import HEADINGS, MAX_SMALL_NODES, NewsPage
from vectora_core.ingest.page_areas import Area
from vectora_core.ingest.page_links import Link, PageLinks
from vectora_core.ingest.page_neighbours import Neighbours
from vectora_core.ingest.page_text import is_generic, is_headline
from vectora_core.text.dates import FoundDate, day_in_year, find_dates, has_other_meaning, is_plausible, parse_date
from vectora_core.text.stamps import stamp_day
from vectora_core.text.tracked_links import untracked_text
from vectora_core.text.words import MAX_TITLE_CHARACTERS, collapse_spaces, count_words, shortened
from vectora_shared.config.sources import HtmlSelectors, Source

_DATE_NAME = re.compile(r"date|publish|posted|\btime\b|timestamp|datum|\bday\b|created|reg_?dt|pubdate")
_STAMP_ATTRIBUTES = ("datetime", "content", "data-date", "data-time", "data-timestamp", "data-datetime", "title")
_UPDATE_NAME = re.compile(r"updated|modified")
_AUTHOR_NAME = re.compile(r"^(?:.*[-_])?(?:author|byline|vcard|writer)(?:[-_].*)?$")
_TITLE_NAME = re.compile(r"^(?:.*[-_])?(?:title|headline|subject|tit)(?:[-_].*)?$")
_BADGE_NAME = re.compile(r"cnt|count|badge|comment|icon|new|label|hot|tag")
_MAX_TITLE_LEVELS = 25
_COMING = timedelta(days=730)


class EntryReader:
    """Reader of title, date, text and address of entries."""

    def __init__(self, page: NewsPage, links: PageLinks, source: Source, today: date) -> None:
        self._page = page
        self._links = links
        self._document = page.document
        self._nodes = page.document.nodes
        self._boilerplate = Boilerplate(page).find(by_name=False)
        self._source = source
        self._today = today

    def read(self, area: Area, neighbours: Neighbours) -> Entry | None:
        """Return the entry in an area that was found without selectors, or None when it has no title."""
        title_node = self._title_node(area.index, area.link)
        published = self._date_within(area.index, title_node)
        if published is None:
            lines = neighbours.date_lines(area.index)
            published = next((day for day in map(self._parsed, lines) if day), None)
        published = published or self._date_below_year(area.index, title_node) or self._coming_date(area.index)
        extra = neighbours.texts_after(area.index) if self._nodes[area.index].tag in _BARE_TAGS else []
        return self._entry(area.index, area.link, title_node, published, extra=extra)

    def read_selected(self, index: int, selectors: HtmlSelectors) -> Entry | None:
        """Return the entry in an element that the source's selectors match, or None when it has no title."""
        links = self._links.within(index)
        if selectors.link:
            chosen = set(self._page.select(selectors.link, within=index))
            links = [link for link in links if link.index in chosen] or links
        link = next((link for link in links if link.is_titled), links[0] if links else None)
        titles = self._page.select(selectors.title, within=index) if selectors.title else []
        title_node = titles[0] if titles else self._title_node(index, link)
        dates = self._page.select(selectors.date, within=index) if selectors.date else []
        published = next((day for node in dates if (day := self._date_of(node))), None)
        if published is None:
            published = self._date_within(index, title_node) or self._coming_date(index)
        summaries = self._page.select(selectors.summary, within=index) if selectors.summary else []
        return self._entry(index, link, title_node, published, summary=summaries)

    def _entry(
        self,
        index: int,
        link: Link | None,
        title_node: int | None,
        published: date | None,
        *,
        extra: list[int] | None = None,
        summary: list[int] | None = None,
    ) -> Entry | None:
        authors = frozenset(inner for inner in self._inner_elements(index) if self._is_author(inner))
        title = self._title(index, title_node, link, published, authors)
        if not title:
            return None
        controls = frozenset(inner for inner in self._inner_elements(index) if self._is_control(inner))
        excluded = (
            authors
            | controls
            | self._boilerplate
            | ({title_node} if title_node is not None and title_node != index else set())
        )
        parts = [part for part in summary or () if part not in excluded]
        lines = [line for part in parts or (index, *(extra or ())) for line in self._document.lines(part, excluded)]
        content = "\n".join(
            dict.fromkeys(line for line in map(self._without_edges, lines) if self._is_text(line, title))
        )
        author = re.sub(r"^(?i:by)[:\s]+", "", " ".join(self._document.text(author) for author in sorted(authors)[:1]))
        return Entry(
            title=shortened(title, MAX_TITLE_CHARACTERS),
            url=link.url if link else self._page.url,
            content=shortened(untracked_text(content), MAX_CONTENT_CHARACTERS),
            published=published,
            author=author[:200],
            has_own_url=link is not None,
        )

    def _inner_elements(self, index: int) -> Iterator[int]:
        return (inner for inner in self._document.subtree(index) if inner > index and self._nodes[inner].tag != TEXT)

    def _is_author(self, index: int) -> bool:
        node = self._nodes[index]
        named = node.attributes.get("rel") == "author" or any(map(_AUTHOR_NAME.match, node.names.split()))
        return named and node.end - index < 15 and len(self._document.text(index).split()) <= 6

    def _is_control(self, index: int) -> bool:
        if self._nodes[index].tag not in ("a", "button") or not self._is_small(index):
            return False
        text = self._document.text(index)
        return bool(text) and is_generic(text)

    def _title_node(self, index: int, link: Link | None) -> int | None:
        inside = list(self._inner_elements(index))
        headings = [inner for inner in inside if self._nodes[inner].tag in HEADINGS and self._is_title_text(inner)]
        if self._nodes[index].tag in HEADINGS:
            headings.insert(0, index)
        if link:
            linked = [heading for heading in headings if self._are_nested(heading, link.index)]
            if linked:
                return linked[0]
        named = [
            inner
            for inner in inside
            if any(map(_TITLE_NAME.match, self._nodes[inner].attributes.get("class", "").lower().split()))
            and self._is_title_text(inner)
        ]
        if link and link.is_titled:
            nested = [inner for inner in named if self._are_nested(inner, link.index)]
            return nested[-1] if nested else link.index
        candidates = headings or named
        return candidates[0] if candidates else None

    def _is_small(self, index: int) -> bool:
        """Return whether an element is small enough to read its text: large ones may be nested thousands deep."""
        return self._nodes[index].end - index < MAX_SMALL_NODES

    def _is_title_text(self, index: int) -> bool:
        if not self._is_small(index):
            return False
        text = self._document.text(index)
        return bool(text) and len(text) < MAX_TITLE_CHARACTERS and not is_generic(text) and not self._page.is_date(text)

    def _are_nested(self, one: int, other: int) -> bool:
        return one in self._document.subtree(other) or other in self._document.subtree(one)

    def _title(
        self, index: int, title_node: int | None, link: Link | None, published: date | None, authors: frozenset[int]
    ) -> str:
        place = self._first_headline(index if title_node is None else title_node)
        excluded = authors | frozenset(inner for inner in self._inner_elements(place) if self._is_badge(inner))
        lines = [
            line
            for line in self._document.lines(place, excluded)
            if not self._page.is_date(line) and not is_generic(line)
        ]
        if not lines:
            return ""
        is_heading = self._nodes[place].tag in HEADINGS
        line = " ".join(lines) if is_heading else next((line for line in lines if is_headline(line)), lines[0])
        title = self._without_edge_dates(self._unabridged(line, place, link), published)
        title = re.sub(r"^(?i:read|learn) more(?:(?i: about| on))?\s*:?\s+(?=\S+\s+\S+)", "", title)
        return title.strip(" \t|•·\u2013—»\u203a>→")

    def _first_headline(self, index: int) -> int:
        """Return the part with the title, if a link contains only elements, such as date, category and title."""
        for _ in range(_MAX_TITLE_LEVELS):
            children = [
                child
                for child in self._document.children(index)
                if self._nodes[child].tag != TEXT or self._nodes[child].text.strip()
            ]
            elements_only = children and all(self._nodes[child].tag not in (TEXT, *STYLING) for child in children)
            if not elements_only or self._nodes[index].tag in HEADINGS:
                return index
            headlines = [child for child in children if is_headline(self._document.text(child))]
            if not headlines:
                return index
            index = headlines[0]
        return index

    def _is_badge(self, index: int) -> bool:
        """Return whether an element is a badge, such as the number of comments, or "New"."""
        if not self._is_small(index) or not _BADGE_NAME.search(self._nodes[index].names):
            return False
        text = self._document.text(index)
        return text.isdigit() or text.lower() in ("new", "n", "hot", "pdf")

    def _unabridged(self, line: str, place: int, link: Link | None) -> str:
        """Return the full title from the link's attributes if the page shows it cut off."""
        cut = line.rstrip(" .…")
        if cut == line or not line.endswith(("...", "…")):
            return line
        for node in (place, *([link.index] if link else [])):
            for name in ("title", "aria-label"):
                full = collapse_spaces(self._nodes[node].attributes.get(name, ""))
                if full.startswith(cut) and len(full) > len(line):
                    return full
        return line

    def _without_edge_dates(self, title: str, published: date | None) -> str:
        title = re.sub(r"^\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})[\s:|,-]+(?=\S+\s)", "", title)
        while found := self._found(title):
            shorter = self._without_edge_date(title, found, published)
            if shorter is None:
                break
            title = shorter
        return title

    def _without_edge_date(self, title: str, found: list[FoundDate], published: date | None) -> str | None:
        first, last = found[0], found[-1]
        if not re.search(r"\w", title[: first.start]):
            rest = title[first.end :].lstrip(" \t|•·:,\u2013—-)]")
            return rest if count_words(rest) > 1 else None
        before, after = title[: last.start], title[last.end :]
        # "…ended September 30, 2025" is part of the title. "… | November 5, 2025" is not, nor a date without a space
        # before it.
        is_apart = (
            not before[-1:].isspace()
            or before.rstrip().endswith(("|", "•", "·", "\u2013", "—", "-", ",", "("))
            or last.day == published
        )
        if re.search(r"\w", after) and not after.lstrip().startswith("|"):
            return None
        if not is_apart or has_other_meaning(title, last):
            return None
        rest = before.rstrip(" \t|•·:,\u2013—-([")
        return rest if count_words(rest) > 1 else None

    def _without_edges(self, line: str) -> str:
        """Return a line of text without a date at its beginning and without labels such as "Read more"."""
        found = self._found(line)
        if found and not re.search(r"\w", line[: found[0].start]):
            rest = line[found[0].end :].lstrip(" \t|•·:,\u2013—-)]")
            line = rest if not rest or count_words(rest) > 3 else line
        parts = [part for part in re.split(r"\s*\|\s*", line) if not is_generic(part)] if "|" in line else [line]
        return " | ".join(parts).strip()

    def _is_text(self, line: str, title: str) -> bool:
        return count_words(line) > 2 and line != title and not is_generic(line) and not self._page.is_date(line)

    def _found(self, text: str) -> list[FoundDate]:
        return find_dates(text, date_format=self._source.date_format, day_first=self._page.day_first)

    def _parsed(self, text: str) -> date | None:
        return parse_date(text, today=self._today, date_format=self._source.date_format, day_first=self._page.day_first)

    def _date_of(self, index: int) -> date | None:
        """Return the date in an element that is marked as a date; its machine-readable attributes come first."""
        attributes = self._nodes[index].attributes
        stamps = [attributes.get(name, "") for name in _STAMP_ATTRIBUTES]
        for stamp in filter(None, stamps):
            day = stamp_day(stamp)
            if (day and is_plausible(day, self._today)) or (day := self._parsed(stamp)):
                return day
        text = self._document.text(index)
        return self._parsed(text) if text else None

    def _date_within(self, index: int, title_node: int | None) -> date | None:
        places = [index, *self._inner_elements(index)] if self._nodes[index].tag != TEXT else []
        named = [place for place in places if self._names_a_date(place)]
        for outdated in (False, True):
            for place in named:
                node = self._nodes[place]
                if bool(_UPDATE_NAME.search(node.names)) == outdated and (day := self._date_of(place)):
                    return day
        title = frozenset() if title_node in (None, index) else frozenset({title_node})
        lines = self._document.lines(index, title)
        return self._date_line(lines) or self._date_at_edge(index, title_node, lines) or self._date_in_dateline(lines)

    def _coming_date(self, index: int) -> date | None:
        """Return the day to come that is the only date of an entry: it is published, or takes place, on that day."""
        if self._nodes[index].tag == TEXT:
            return None
        named = [inner for inner in self._inner_elements(index) if self._names_a_date(inner)]
        stamps = (self._nodes[inner].attributes.get("datetime", "") for inner in named)
        texts = [*map(self._document.text, named), *self._document.lines(index)]
        dates = (found[0].day for text in texts if self._page.is_date(text) and (found := self._found(text)))
        days = [*map(stamp_day, filter(None, stamps)), *dates]
        return next((day for day in days if day and self._today < day <= self._today + _COMING), None)

    def _names_a_date(self, index: int) -> bool:
        node = self._nodes[index]
        if node.tag == "time" or "datetime" in node.attributes or "data-date" in node.attributes:
            return True
        names = f"{node.names} {node.attributes.get('itemprop', '').lower()}"
        return bool(_DATE_NAME.search(names)) and node.end - index < 30 and len(self._document.text(index)) < 80

    def _date_below_year(self, index: int, title_node: int | None) -> date | None:
        years = self._year_headings
        place = bisect_left(years, (index, 0))
        if not place:
            return None
        title = frozenset() if title_node in (None, index) else frozenset({title_node})
        for line in self._document.lines(index, title):
            day = day_in_year(line, years[place - 1][1]) if len(line) < 30 or title_node is None else None
            if day and is_plausible(day, self._today):
                return day
        return None

    @cached_property
    def _year_headings(self) -> list[tuple[int, int]]:
        """Indices of the texts that are only a year, with the year."""
        return [
            (index, int(node.text))
            for index, node in enumerate(self._nodes)
            if node.tag == TEXT and re.fullmatch(r"\s*20\d{2}\s*", node.text)
        ]

    def _date_line(self, lines: list[str]) -> date | None:
        for line in lines:
            if self._page.is_date(line) and (day := self._parsed(line)):
                return day
        # Day, month and year may be on separate lines.
        for start in range(len(lines)):
            for count in (2, 3):
                joined = " ".join(lines[start : start + count])
                if len(joined) < 30 and self._page.is_date(joined) and (day := self._parsed(joined)):
                    return day
        return None

    def _date_at_edge(self, index: int, title_node: int | None, lines: list[str]) -> date | None:
        texts = [*self._document.lines(title_node if title_node is not None else index), *lines]
        for text in texts:
            for entry in self._found(text):
                words_before = len(re.findall(r"\w+", text[: entry.start]))
                words_after = len(re.findall(r"\w+", text[entry.end :]))
                apart = (
                    text[entry.end :][:3].strip()[:1] in ("", "|", ":", "-", "\u2013", "—", "•", "·", ")")
                    or entry.start == 0
                )
                at_edge = (words_before <= 1 and apart) or (words_after <= 2 and not has_other_meaning(text, entry))
                if at_edge and is_plausible(entry.day, self._today):
                    return entry.day
        return None

    def _date_in_dateline(self, lines: list[str]) -> date | None:
        for line in lines[:3]:
            for entry in self._found(line[:140])[:1]:
                before = line[: entry.start]
                is_dateline = line[entry.end :].lstrip()[:1] in tuple("-\u2013—(/:|)") and len(before.split()) <= 8
                if is_dateline and not has_other_meaning(line, entry) and is_plausible(entry.day, self._today):
                    return entry.day
        return None


# Elements that contain only a title: the entry's text follows them.
_BARE_TAGS = frozenset({*HEADINGS, "a", "p", "b", "strong", "dt", "span"})

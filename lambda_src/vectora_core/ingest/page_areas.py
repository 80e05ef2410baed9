"""Where a news page keeps its news: one area of the page for each entry, found without knowing the page."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from urllib.parse import urlsplit

from vectora_core.ingest.dedup import canonical_url
from vectora_core.ingest.entries import MAX_ENTRIES
from vectora_core.ingest.html_text import INVISIBLE, TEXT, Document
from vectora_core.text.addresses import resolved_link
from vectora_core.text.dates import find_dates, is_only_a_date, without_dates, writes_day_first
from vectora_shared.errors import ConfigurationError

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_PAGE_PARTS = frozenset({"html", "body", "main"})
_BOILERPLATE_TAGS = frozenset({"nav", "footer", "aside", "dialog", "menu"})
_BOILERPLATE_ROLES = frozenset(
    {"navigation", "banner", "contentinfo", "search", "dialog", "alertdialog", "menu", "menubar"}
)
_BOILERPLATE_NAME = re.compile(
    r"^(?!(?:has|with|no|without|is)[-_])(?:.*[-_])?(?:cookies?|consent|gdpr|breadcrumbs?|pagination|pager|paging|navbar|navigation|nav|"
    r"menu|submenu|megamenu|footer|sidebar|social|socials|sharing|share|signup|popup|modal|offcanvas|lang|language|languages|"
    r"masthead|topbar|tagcloud)(?:[-_].*)?$"
)
_COLLECTION_PATH = re.compile(
    r"/(?:category|categories|tags?|page|authors?|people|person|staff|team|contributors?|profiles?)/[^/]+/?$",
    re.IGNORECASE,
)
_AUTHOR_NAME = re.compile(r"author|byline|vcard|writer|contributor")
_FILE_NAME = re.compile(r"^\S+\.(?:pdf|docx?|pptx?|xlsx?|zip|ics|html?)$", re.IGNORECASE)
# A label that leads from many entries to one place is a category, however long it is.
_LABEL_REPETITIONS = 3
_COLLECTION_QUERY = re.compile(
    r"(?:^|&)(?:page|paged|pg|p|offset|start|page_?no|page_?num|cur_?page|sort|order|lang|tag|category|cat|year|month|type|filter|q|search|s)=[\w-]*$",
    re.IGNORECASE,
)
_SHARING_HOST = re.compile(
    r"(?:^|\.)(?:facebook|twitter|x|linkedin|instagram|pinterest|reddit|whatsapp|youtube|threads|bsky|xing|weibo|tiktok)\.(?:com|app)$|^wa\.me$"
)
_SCRIPTED_ADDRESS = re.compile(
    r"(?:location(?:\.href)?\s*=|location\.(?:assign|replace)\(|window\.open\()\s*['\"]([^'\"]+)['\"]"
)
MAX_SMALL_NODES = 300
# Cards of page builders nest about ten elements deep.
_MAX_LEVELS = 25
_MAX_AREA_NODES = 2000
_MAX_LINKS = 10_000
_FUNCTION_WORDS = """
read learn find out see view show load discover continue open get click tap go visit watch listen download print share
save more less all full the this here now on to reading press release releases article articles story stories post
posts news detail details about report document documents pdf page website site entry it attachment attachments file
presentation english swedish korean french german finnish version in as and or us contact home back next previous prev
older newer first last login register subscribe newsletter archive info information link external webcast kb mb html
docx xls event events media investors careers search menu close latest regulatory pressrelease pressreleases company
corporate investor relations financial category läs mer lue lisää mehr erfahren weiterlesen lesen lire la suite en
savoir plus ladda ner pressmeddelande pressmeddelanden nyheter télécharger
"""
_GENERIC_WORDS = frozenset(_FUNCTION_WORDS.split())
_TITLE_NAME = re.compile(r"(?:title|headline|subject|heading|\btit\b|_tit\b)")


def is_generic(text: str) -> bool:
    """Whether a text names a function of the page ("Read more", "Download attachment (PDF, 120 KB)"), not news."""
    if _FILE_NAME.match(text.strip()):
        return True
    words = re.findall(r"[^\W\d_]+", text.lower())
    return len(words) <= 8 and all(word in _GENERIC_WORDS or len(word) == 1 for word in words)


def is_headline(text: str) -> bool:
    """Whether a text is long enough to be a title by itself."""
    if is_generic(text) or is_only_a_date(text):
        return False
    words = re.findall(r"[^\W\d_]{2,}", text)
    syllables = len(re.findall(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", text))
    return (len(words) >= 3 and sum(map(len, words)) >= 10) or syllables >= 8


@dataclass(frozen=True)
class Link:
    """A link that may lead to news; `is_titled` when its own text is the title."""

    index: int
    url: str
    identity: str
    text: str
    is_titled: bool


@dataclass(frozen=True)
class Area:
    """One entry's part of the page."""

    index: int
    link: Link | None


class NewsPage:
    """A page with what the search for entries asks of it again and again."""

    def __init__(self, document: Document, url: str, date_format: str | None) -> None:
        self.document = document
        self.url = self._base(url)
        self.own_identity = canonical_url(url)
        self.date_format = date_format
        self._matches: dict[str, list[int]] = {}
        texts = [node.text for node in document.nodes if node.tag == TEXT]
        self.day_first = writes_day_first(texts)

    def _base(self, url: str) -> str:
        base = next((node.attributes.get("href", "") for node in self.document.nodes if node.tag == "base"), "")
        return (resolved_link(url, base) if base else None) or url

    def is_date(self, line: str) -> bool:
        return is_only_a_date(line, date_format=self.date_format, day_first=self.day_first)

    @cached_property
    def _dated_texts(self) -> list[int]:
        return [
            index
            for index, node in enumerate(self.document.nodes)
            if node.tag == TEXT and len(node.text) < 200 and find_dates(node.text, day_first=self.day_first)
        ]

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """Where the tags stand that tell boilerplate from content."""
        places: dict[str, list[int]] = {"nav": [], "form": [], "main": [], "h1": [], "article": []}
        for index, node in enumerate(self.document.nodes):
            if node.tag in places:
                places[node.tag].append(index)
        return places

    def boilerplate(self, *, by_name: bool) -> frozenset[int]:
        """Navigation, footers, banners and the like; `by_name` also those that only their class or id gives away."""
        nodes = self.document.nodes
        found: set[int] = set()
        index = 0
        while index < len(nodes):
            node = nodes[index]
            if node.tag in INVISIBLE or self._is_boilerplate(index, by_name=by_name):
                found.add(index)
                index = node.end
            else:
                index += 1
        return frozenset(found)

    def _is_boilerplate(self, index: int, *, by_name: bool) -> bool:
        node = self.document.nodes[index]
        if node.tag == TEXT or node.tag in _PAGE_PARTS:
            return False
        if node.tag in _BOILERPLATE_TAGS or node.attributes.get("role", "").lower() in _BOILERPLATE_ROLES:
            return True
        if node.tag == "header":
            return bool(_within(self._places["nav"], index, node.end) or _within(self._places["form"], index, node.end))
        if not by_name or not any(map(_BOILERPLATE_NAME.match, node.names.split())):
            return False
        # A layout class such as "layout-sidebar" stands on what holds the news as well.
        holds_content = any(_within(self._places[tag], index, node.end) for tag in ("main", "h1", "article"))
        return not holds_content and len(_within(self._dated_texts, index, node.end)) < 2

    def links(self, boilerplate: frozenset[int]) -> list[Link]:
        found: list[Link] = []
        index = 0
        while index < len(self.document.nodes) and len(found) < _MAX_LINKS:
            if index in boilerplate:
                index = self.document.nodes[index].end
                continue
            link = self.link(index)
            if link and not self._is_within_a_sentence(link):
                found.append(link)
            index += 1
        labels = Counter((link.identity, link.text) for link in found if not self._is_marked_as_title(link.index))
        return [link for link in found if not link.is_titled or labels[link.identity, link.text] < _LABEL_REPETITIONS]

    def links_within(self, index: int) -> list[Link]:
        return list(_between(self._every_link, index, self.document.nodes[index].end))

    @cached_property
    def _every_link(self) -> list[Link]:
        found = (link for index in range(len(self.document.nodes)) if (link := self.link(index)))
        return list(islice(found, _MAX_LINKS))

    def select(self, selector: str, *, within: int = 0) -> list[int]:
        """The elements that a CSS selector matches; raises ConfigurationError when it is none."""
        if selector not in self._matches:
            # Asked for within each entry: searched through only once, or a page of many entries would take hours.
            self._matches[selector] = self._selected(selector)
        return _within(self._matches[selector], within, self.document.nodes[within].end)

    def _selected(self, selector: str) -> list[int]:
        from selectolax.lexbor import SelectolaxError

        try:
            matches = self.document.parser.css(selector)
        except (SelectolaxError, ValueError) as error:
            raise ConfigurationError(f"'{selector}' is not a CSS selector: correct the source's selectors.") from error
        return sorted({self.document.index_of[match.mem_id] for match in matches})

    def link(self, index: int) -> Link | None:
        """The link that a node is, when it can lead to news."""
        # Within cells of tables, links lie in each other as deep as a page likes; what holds so much is no entry.
        url = self._address(index) if self._size(index) <= _MAX_AREA_NODES else None
        if url is None or self._leads_elsewhere(index, url):
            return None
        lines = [line for line in self.document.lines(index) if not self.is_date(line)]
        text = " ".join(lines)
        is_short_title = bool(text) and not is_generic(text) and self._is_marked_as_title(index)
        return Link(index, url, canonical_url(url), text, is_titled=is_short_title or is_headline(text))

    def _size(self, index: int) -> int:
        return self.document.nodes[index].end - index

    def _address(self, index: int) -> str | None:
        node = self.document.nodes[index]
        if node.tag == TEXT:
            return None
        href = node.attributes.get("href", "") if node.tag == "a" else ""
        is_small = self._size(index) < MAX_SMALL_NODES
        if is_small and (not href.strip() or href.strip().lower().startswith(("javascript:", "#"))):
            scripted = _SCRIPTED_ADDRESS.search(href) or _SCRIPTED_ADDRESS.search(node.attributes.get("onclick", ""))
            href = scripted[1] if scripted else ""
        return resolved_link(self.url, href) if href else None

    def _leads_elsewhere(self, index: int, url: str) -> bool:
        parts = urlsplit(url)
        relation = set(self.document.nodes[index].attributes.get("rel", "").lower().split())
        same_page = canonical_url(url) == self.own_identity
        paging = (
            bool(_COLLECTION_QUERY.search(parts.query))
            and canonical_url(url.partition("?")[0]) == self.own_identity.partition("?")[0]
        )
        return (
            same_page
            or (paging and parts.query.count("=") == 1)
            or bool(relation & {"tag", "author", "next", "prev", "category", "license"})
            or self._names_an_author(index)
            or bool(_COLLECTION_PATH.search(parts.path))
            or bool(_SHARING_HOST.search((parts.hostname or "").lower()))
            or (parts.path in ("", "/") and not parts.query)
        )

    def _names_an_author(self, index: int) -> bool:
        places = (index, *self.near_ancestors(index, 2))
        return any(
            _AUTHOR_NAME.search(self.document.nodes[place].names) and self.document.nodes[place].end - place < 15
            for place in places
        )

    def _is_marked_as_title(self, index: int) -> bool:
        nodes = self.document.nodes
        if any(nodes[inner].tag in HEADINGS for inner in self.document.subtree(index)):
            return True
        for place in (index, *self.near_ancestors(index, 2)):
            if nodes[place].tag in HEADINGS or _TITLE_NAME.search(nodes[place].names):
                return True
        return False

    def near_ancestors(self, index: int, levels: int) -> Iterator[int]:
        for _, ancestor in zip(range(levels), self.document.ancestors(index), strict=False):
            yield ancestor

    def _is_within_a_sentence(self, link: Link) -> bool:
        if not link.is_titled:
            return False
        for ancestor in self.near_ancestors(link.index, 4):
            if self.document.nodes[ancestor].tag in ("p", "blockquote", "figcaption"):
                before = self._undated(ancestor, link.index)
                after = self._undated(self.document.nodes[link.index].end, self.document.nodes[ancestor].end)
                continues = (
                    bool(before)
                    and not before.endswith((":", "|", "-", "\u2013", "—", "•", "·"))
                    and not is_generic(after)
                )
                return len(before.split()) > 4 or continues
        return False

    def _undated(self, start: int, end: int) -> str:
        text = " ".join(self.document.lines_of_range(start, end))
        return without_dates(text, find_dates(text, date_format=self.date_format, day_first=self.day_first))

    def areas(self, boilerplate: frozenset[int]) -> list[Area]:
        """One area for each entry, in the order of the page; none of them holds two entries."""
        links = self.links(boilerplate)
        finder = _AreaFinder(self, links, boilerplate)
        areas = finder.find()
        return (areas or finder.find_without_links())[: MAX_ENTRIES + 1]


class _AreaFinder:
    """Grows each link to the largest element around it that holds no other entry."""

    def __init__(self, page: NewsPage, links: list[Link], boilerplate: frozenset[int]) -> None:
        self._page = page
        self._document = page.document
        self._nodes = page.document.nodes
        self._titled = [link for link in links if link.is_titled]
        self._untitled = [link for link in links if not link.is_titled]
        self._boilerplate = boilerplate
        self._headings = [
            index for index, node in enumerate(self._nodes) if node.tag in HEADINGS and self._document.lines(index)
        ]

    def find(self) -> list[Area]:
        areas: dict[int, Area] = {}
        for link in self._titled:
            index = self._grown(link.index, link)
            areas.setdefault(index, Area(index, link))
        titled = sorted(areas)
        for link in self._untitled:
            if not self._is_inside(titled, link.index):
                grown = self._grown_to_title(link)
                if grown is not None and not _within(titled, grown, self._nodes[grown].end):
                    areas.setdefault(grown, Area(grown, link))
        return [areas[index] for index in sorted(areas)]

    def find_without_links(self) -> list[Area]:
        """Entries that the page tells in full, each under a heading of its own."""
        indices = {self._grown(heading, None) for heading in self._headings if self._nodes[heading].tag != "h1"}
        boilerplate = sorted(self._boilerplate)
        return [Area(index, None) for index in sorted(indices) if not self._is_inside(boilerplate, index)]

    def _is_inside(self, outer: Sequence[int], index: int) -> bool:
        """Whether `index` lies in one of the subtrees `outer`, which are sorted and apart from each other."""
        place = bisect_right(outer, index)
        return place > 0 and index < self._nodes[outer[place - 1]].end

    def _grown(self, start: int, link: Link | None) -> int:
        current = start
        for _, parent in zip(range(_MAX_LEVELS), self._document.ancestors(start), strict=False):
            if self._is_too_large(parent) or self._holds_another_entry(parent, link):
                break
            if not self._may_take_headings_of(parent, current):
                break
            current = parent
        return current

    def _is_too_large(self, index: int) -> bool:
        node = self._nodes[index]
        return node.tag in _PAGE_PARTS or node.end - index > _MAX_AREA_NODES

    def _holds_another_entry(self, index: int, link: Link | None) -> bool:
        identity = link.identity if link else None
        end = self._nodes[index].end
        return any(other.identity != identity for other in _between(self._titled, index, end))

    def _may_take_headings_of(self, parent: int, current: int) -> bool:
        """Whether going from `current` up to `parent` adds no heading of a section or of another entry."""
        own, all_headings = self._headings_in(current), self._headings_in(parent)
        if not own:
            return not all_headings or (self._nodes[parent].tag in HEADINGS and len(all_headings) == 1)
        highest = min(self._nodes[heading].tag for heading in own)
        return sum(self._nodes[heading].tag <= highest for heading in all_headings) == sum(
            self._nodes[heading].tag <= highest for heading in own
        )

    def _headings_in(self, index: int) -> list[int]:
        return _within(self._headings, index, self._nodes[index].end)

    def _grown_to_title(self, link: Link) -> int | None:
        current = link.index
        has_title = self._has_title(current)
        for _, parent in zip(range(_MAX_LEVELS), self._document.ancestors(link.index), strict=False):
            if self._is_too_large(parent) or self._holds_another_entry(parent, None):
                break
            headings = self._headings_in(parent)
            if len(headings) > 1 and not (has_title and self._may_take_headings_of(parent, current)):
                break
            if has_title and not self._is_alone_with(link, current, parent):
                break
            current = parent
            has_title = has_title or self._has_title(current)
        return current if has_title else None

    def _is_alone_with(self, link: Link, current: int, parent: int) -> bool:
        for other in _between(self._untitled, parent, self._nodes[parent].end):
            if other.identity != link.identity and not current <= other.index < self._nodes[current].end:
                return False
        return True

    def _has_title(self, index: int) -> bool:
        if self._nodes[index].end - index > MAX_SMALL_NODES:
            return False
        return bool(self._headings_in(index)) or any(is_headline(line) for line in self._document.lines(index))


def _between(links: list[Link], start: int, end: int) -> Iterator[Link]:
    for link in links[bisect_left(links, start, key=lambda link: link.index) :]:
        if link.index >= end:
            return
        yield link


def _within(places: list[int], start: int, end: int) -> list[int]:
    """Those of the sorted `places` that lie in a subtree."""
    return places[bisect_left(places, start) : bisect_left(places, end)]

"""Links of a news page that may lead to news."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from urllib.parse import urlsplit

from vectora_core.ingest.html_text import TEXT
from vectora_core.ingest.news_page import HEADINGS, MAX_AREA_NODES, MAX_SMALL_NODES, NewsPage
from vectora_core.ingest.page_text import is_generic, is_headline
from vectora_core.text.address_identity import canonical_url, names_a_place
from vectora_core.text.addresses import resolved_link
from vectora_core.text.dates import find_dates, without_dates

_COLLECTION_PATH = re.compile(
    r"/(?:category|categories|tags?|page|authors?|people|person|staff|team|contributors?|profiles?)/[^/]+/?$",
    re.IGNORECASE,
)
_AUTHOR_NAME = re.compile(r"author|byline|vcard|writer|contributor")
# A label that leads from several entries to one address is a category, even if it is long.
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
# Fewer links with different texts may be the headline and the teaser of one entry.
_ENTRIES_OF_A_LIST = 3
# A page has thousands of links only if it is hostile.
_MAX_LINKS = 10_000
_TITLE_NAME = re.compile(r"(?:title|headline|subject|heading|\btit\b|_tit\b)")


@dataclass(frozen=True)
class Link:
    """A link that may lead to news; `is_titled` if its text is the title, `identity` is equal for equal addresses."""

    index: int
    url: str
    identity: str
    text: str
    is_titled: bool


class PageLinks:
    """Links of a page, without those to other parts of the site, such as categories and authors."""

    def __init__(self, page: NewsPage) -> None:
        self._page = page
        self._document = page.document

    def outside(self, boilerplate: frozenset[int]) -> list[Link]:
        """Return the links outside boilerplate, without those within sentences and without repeated labels."""
        found: list[Link] = []
        index = 0
        while index < len(self._document.nodes) and len(found) < _MAX_LINKS:
            if index in boilerplate:
                index = self._document.nodes[index].end
                continue
            link = self._link(index)
            if link and not self._is_within_a_sentence(link):
                found.append(link)
            index += 1
        found = self._distinguished(found)
        labels = Counter((link.identity, link.text) for link in found if not self._is_marked_as_title(link.index))
        return [link for link in found if not link.is_titled or labels[link.identity, link.text] < _LABEL_REPETITIONS]

    def within(self, index: int) -> list[Link]:
        """Return all links in a subtree."""
        return list(links_between(self._every_link, index, self._document.nodes[index].end))

    @cached_property
    def _every_link(self) -> list[Link]:
        found = (link for index in range(len(self._document.nodes)) if (link := self._link(index)))
        return self._distinguished(list(islice(found, _MAX_LINKS)))

    def _distinguished(self, links: list[Link]) -> list[Link]:
        """Return the links; those of a list whose entries all lead to one page have their titles as identities."""
        titled: defaultdict[str, list[Link]] = defaultdict(list)
        for link in links:
            if link.is_titled:
                titled[link.identity].append(link)
        overviews = {identity for identity, group in titled.items() if self._is_list(group)}
        if not overviews:
            return links
        return [
            replace(link, identity=f"{link.identity} {link.text}") if link.identity in overviews else link
            for link in links
        ]

    def _is_list(self, links: list[Link]) -> bool:
        """Return whether links with different titles are in equal elements: headline and teaser of a card are not."""
        if len(links) < _ENTRIES_OF_A_LIST or len({link.text for link in links}) < len(links):
            return False
        nodes = self._document.nodes
        first, last = links[0].index, links[-1].index
        around = next((each for each in self._document.ancestors(first) if last < nodes[each].end), None)
        if around is None:
            return False
        starts = [link.index for link in links]
        entries = [
            child
            for child in self._document.children(around)
            if bisect_left(starts, child) < bisect_left(starts, nodes[child].end)
        ]
        kinds = {(nodes[entry].tag, nodes[entry].attributes.get("class", "")) for entry in entries}
        return len(entries) == len(links) and len(kinds) == 1

    def _link(self, index: int) -> Link | None:
        """Return the link that a node is, or None when it cannot lead to news."""
        # In table cells, HTML allows links within links at any depth. A link around so many nodes is no entry.
        url = self._address(index) if self._size(index) <= MAX_AREA_NODES else None
        if url is None or self._leads_elsewhere(index, url):
            return None
        lines = [line for line in self._document.lines(index) if not self._page.is_date(line)]
        text = " ".join(lines)
        is_short_title = bool(text) and not is_generic(text) and self._is_marked_as_title(index)
        return Link(index, url, canonical_url(url), text, is_titled=is_short_title or is_headline(text))

    def _size(self, index: int) -> int:
        return self._document.nodes[index].end - index

    def _address(self, index: int) -> str | None:
        node = self._document.nodes[index]
        if node.tag == TEXT:
            return None
        href = node.attributes.get("href", "") if node.tag == "a" else ""
        is_small = self._size(index) < MAX_SMALL_NODES
        is_place = href.strip().startswith("#") and not self._leads_to_an_entry(index, href.strip())
        if is_small and (not href.strip() or is_place or href.strip().lower().startswith("javascript:")):
            scripted = _SCRIPTED_ADDRESS.search(href) or _SCRIPTED_ADDRESS.search(node.attributes.get("onclick", ""))
            href = scripted[1] if scripted else ""
        return resolved_link(self._page.url, href) if href else None

    def _leads_to_an_entry(self, index: int, fragment: str) -> bool:
        """Return whether a link to a place on its own page has an entry's title, or a script shows the entry there."""
        is_route = fragment.startswith(("#!", "#/"))
        return names_a_place(f"{self._page.url.partition('#')[0]}{fragment}") and (
            is_route or (self._size(index) < MAX_SMALL_NODES and is_headline(self._document.text(index)))
        )

    def _leads_elsewhere(self, index: int, url: str) -> bool:
        parts = urlsplit(url)
        relation = set(self._document.nodes[index].attributes.get("rel", "").lower().split())
        same_page = canonical_url(url) == self._page.own_identity
        paging = (
            bool(_COLLECTION_QUERY.search(parts.query))
            and canonical_url(url.partition("?")[0]) == self._page.own_identity.partition("?")[0]
        )
        return (
            same_page
            or (paging and parts.query.count("=") == 1 and not self._is_post(index, parts.query))
            or bool(relation & {"tag", "author", "next", "prev", "category", "license"})
            or self._names_an_author(index)
            or bool(_COLLECTION_PATH.search(parts.path))
            or bool(_SHARING_HOST.search((parts.hostname or "").lower()))
            or (parts.path in ("", "/") and not parts.query and not names_a_place(url))
        )

    def _is_post(self, index: int, query: str) -> bool:
        """Return whether a parameter that numbers pages on some sites is the number of a post, as in WordPress."""
        is_number = re.fullmatch(r"p=\d+", query, re.IGNORECASE) is not None
        return is_number and self._size(index) < MAX_SMALL_NODES and is_headline(self._document.text(index))

    def _names_an_author(self, index: int) -> bool:
        places = (index, *self._page.near_ancestors(index, 2))
        return any(
            _AUTHOR_NAME.search(self._document.nodes[place].names) and self._document.nodes[place].end - place < 15
            for place in places
        )

    def _is_marked_as_title(self, index: int) -> bool:
        nodes = self._document.nodes
        if any(nodes[inner].tag in HEADINGS for inner in self._document.subtree(index)):
            return True
        for place in (index, *self._page.near_ancestors(index, 2)):
            if nodes[place].tag in HEADINGS or _TITLE_NAME.search(nodes[place].names):
                return True
        return False

    def _is_within_a_sentence(self, link: Link) -> bool:
        if not link.is_titled:
            return False
        for ancestor in self._page.near_ancestors(link.index, 4):
            if self._document.nodes[ancestor].tag in ("p", "blockquote", "figcaption"):
                before = self._undated(ancestor, link.index)
                after = self._undated(self._document.nodes[link.index].end, self._document.nodes[ancestor].end)
                continues = (
                    bool(before)
                    and not before.endswith((":", "|", "-", "\u2013", "—", "•", "·"))
                    and not is_generic(after)
                )
                return len(before.split()) > 4 or continues
        return False

    def _undated(self, start: int, end: int) -> str:
        text = " ".join(self._document.lines_of_range(start, end))
        return without_dates(text, find_dates(text, date_format=self._page.date_format, day_first=self._page.day_first))


def links_between(links: list[Link], start: int, end: int) -> Iterator[Link]:
    # Not copied: a page has thousands of links, and this is called for each of them.
    for place in range(bisect_left(links, start, key=lambda link: link.index), len(links)):
        if links[place].index >= end:
            return
        yield links[place]

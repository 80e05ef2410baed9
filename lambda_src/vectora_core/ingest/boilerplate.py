"""Boilerplate of a news page: navigation, footers, banners and the like."""

from __future__ import annotations

import re
from functools import cached_property

from vectora_core.ingest.html_text import INVISIBLE, TEXT
from vectora_core.ingest.news_page import PAGE_PARTS, NewsPage, indices_within
from vectora_core.text.dates import find_dates

_BOILERPLATE_TAGS = frozenset({"nav", "footer", "aside", "dialog", "menu"})
_BOILERPLATE_ROLES = frozenset(
    {"navigation", "banner", "contentinfo", "search", "dialog", "alertdialog", "menu", "menubar"}
)
_BOILERPLATE_NAME = re.compile(
    r"^(?!(?:has|with|no|without|is)[-_])(?:.*[-_])?(?:cookies?|consent|gdpr|breadcrumbs?|pagination|pager|paging|navbar|navigation|nav|"
    r"menu|submenu|megamenu|footer|sidebar|social|socials|sharing|share|signup|popup|modal|offcanvas|lang|language|languages|"
    r"masthead|topbar|tagcloud)(?:[-_].*)?$"
)


class Boilerplate:
    """Finder of a page's boilerplate."""

    def __init__(self, page: NewsPage) -> None:
        self._nodes = page.document.nodes
        self._day_first = page.day_first

    @cached_property
    def _dated_texts(self) -> list[int]:
        return [
            index
            for index, node in enumerate(self._nodes)
            if node.tag == TEXT and len(node.text) < 200 and find_dates(node.text, day_first=self._day_first)
        ]

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """Indices, by tag, of the elements that distinguish boilerplate from content."""
        places: dict[str, list[int]] = {"nav": [], "form": [], "main": [], "h1": [], "article": []}
        for index, node in enumerate(self._nodes):
            if node.tag in places:
                places[node.tag].append(index)
        return places

    def find(self, *, by_name: bool) -> frozenset[int]:
        """Return the outermost elements of boilerplate; with `by_name`, also those known only by their class or id."""
        nodes = self._nodes
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
        node = self._nodes[index]
        if node.tag == TEXT or node.tag in PAGE_PARTS:
            return False
        if node.tag in _BOILERPLATE_TAGS or node.attributes.get("role", "").lower() in _BOILERPLATE_ROLES:
            return True
        if node.tag == "header":
            return bool(
                indices_within(self._places["nav"], index, node.end)
                or indices_within(self._places["form"], index, node.end)
            )
        if not by_name or not any(map(_BOILERPLATE_NAME.match, node.names.split())):
            return False
        # A layout class such as "layout-sidebar" may also be on an element that contains the news.
        holds_content = any(indices_within(self._places[tag], index, node.end) for tag in ("main", "h1", "article"))
        return not holds_content and len(indices_within(self._dated_texts, index, node.end)) < 2

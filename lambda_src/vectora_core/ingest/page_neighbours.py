"""Dates and texts beside an entry of a news page."""

from __future__ import annotations

from bisect import bisect_left

from vectora_core.ingest.html_text import TEXT
from vectora_core.ingest.news_page import HEADINGS, NewsPage
from vectora_core.ingest.page_areas import Area

_LEVELS_TO_A_DATE = 3


class Neighbours:
    """Dates and texts between the entries of a list, for pages on which no element contains a whole entry."""

    def __init__(self, page: NewsPage, areas: list[Area]) -> None:
        self._page = page
        self._document = page.document
        self._areas = {area.index for area in areas}
        self._sorted = sorted(self._areas)
        self._siblings: dict[int, list[int]] = {}
        self._dates_come_first: dict[int, bool] = {}
        self._date_lines: dict[int, list[str]] = {}

    def date_lines(self, index: int) -> list[str]:
        """Return the lines beside an entry that may be its date, nearest first."""
        for level, place in enumerate((index, *self._page.near_ancestors(index, _LEVELS_TO_A_DATE))):
            parent = self._document.nodes[place].parent
            if parent < 0 or self._document.nodes[place].tag in ("body", "main"):
                return []
            lines = self._beside(place, parent) if level == 0 else self._just_before(place, parent)
            if lines:
                return lines
        return []

    def texts_after(self, index: int) -> list[int]:
        """Return the siblings up to the next entry or date: the text of an entry that is only a heading or link."""
        siblings = self._children(self._document.nodes[index].parent)
        found: list[int] = []
        for sibling in siblings[siblings.index(index) + 1 :]:
            if self._is_entry(sibling) or self._document.nodes[sibling].tag in (*HEADINGS, "hr", "nav", "footer"):
                break
            if self._date_lines_of(sibling):
                if self._dates_come_first.get(self._document.nodes[index].parent):
                    break
                continue
            found.append(sibling)
        return found

    def _children(self, parent: int) -> list[int]:
        if parent not in self._siblings:
            nodes = self._document.nodes
            self._siblings[parent] = [
                child
                for child in self._document.children(parent)
                if child in self._areas or nodes[child].tag != TEXT or nodes[child].text.strip()
            ]
        return self._siblings[parent]

    def _is_entry(self, index: int) -> bool:
        place = bisect_left(self._sorted, index)
        return place < len(self._sorted) and self._sorted[place] < self._document.nodes[index].end

    def _date_lines_of(self, index: int) -> list[str]:
        if index not in self._date_lines:
            self._date_lines[index] = self._read_date_lines(index)
        return self._date_lines[index]

    def _read_date_lines(self, index: int) -> list[str]:
        node = self._document.nodes[index]
        if self._is_entry(index) or node.end - index > 60:
            return []
        stamps = [
            self._document.nodes[inner].attributes.get("datetime", "")
            for inner in self._document.subtree(index)
            if self._document.nodes[inner].tag == "time"
        ]
        lines = self._document.lines(index)
        dates = [line for line in (*stamps, *lines, " ".join(lines)) if line and self._page.is_date(line)]
        return dates if len(lines) <= 4 else []

    def _beside(self, index: int, parent: int) -> list[str]:
        siblings = self._children(parent)
        if parent not in self._dates_come_first:
            first = next((place for place, sibling in enumerate(siblings) if self._is_entry(sibling)), 0)
            self._dates_come_first[parent] = any(self._date_lines_of(sibling) for sibling in siblings[:first])
        first_to_look = self._dates_come_first[parent]
        place = siblings.index(index)
        ways = (reversed(siblings[:place]), iter(siblings[place + 1 :]))
        for sibling in ways[0] if first_to_look else ways[1]:
            if lines := self._date_lines_of(sibling):
                return lines
            is_heading = self._document.nodes[sibling].tag in HEADINGS
            # A date before entries may belong to several of them; a date after an entry belongs only to it.
            is_entry = self._is_entry(sibling)
            if (is_entry and not first_to_look) or (is_heading and not is_entry):
                break
        return []

    def _just_before(self, index: int, parent: int) -> list[str]:
        siblings = self._children(parent)
        place = siblings.index(index) if index in siblings else 0
        return self._date_lines_of(siblings[place - 1]) if place else []

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
        self._date_above: dict[int, list[str]] = {}

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
        for place in range(bisect_left(siblings, index) + 1, len(siblings)):
            sibling = siblings[place]
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
        place = bisect_left(siblings, index)
        if self._dates_come_first[parent]:
            return self._lines_above(siblings, place)
        for other in range(place + 1, len(siblings)):
            sibling = siblings[other]
            if lines := self._date_lines_of(sibling):
                return lines
            # A date after an entry belongs only to it.
            if self._is_entry(sibling) or self._document.nodes[sibling].tag in HEADINGS:
                break
        return []

    def _lines_above(self, siblings: list[int], place: int) -> list[str]:
        """Return the nearest date above, which may belong to several entries; a heading ends the search."""
        passed: list[int] = []
        lines: list[str] = []
        for other in range(place - 1, -1, -1):
            sibling = siblings[other]
            if sibling in self._date_above:
                lines = self._date_above[sibling]
                break
            passed.append(sibling)
            lines = self._date_lines_of(sibling)
            if lines or (self._document.nodes[sibling].tag in HEADINGS and not self._is_entry(sibling)):
                break
        self._date_above.update(dict.fromkeys(passed, lines))
        return lines

    def _just_before(self, index: int, parent: int) -> list[str]:
        siblings = self._children(parent)
        place = bisect_left(siblings, index)
        is_one = place < len(siblings) and siblings[place] == index
        return self._date_lines_of(siblings[place - 1]) if is_one and place else []

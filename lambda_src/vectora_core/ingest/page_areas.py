"""Areas of a news page: one part of the page for each entry, found without knowing the page."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from vectora_core.ingest.entries import MAX_ENTRIES
from vectora_core.ingest.news_page import (
    HEADINGS,
    MAX_AREA_NODES,
    MAX_SMALL_NODES,
    PAGE_PARTS,
    NewsPage,
    indices_within,
)
from vectora_core.ingest.page_links import Link, PageLinks, links_between
from vectora_core.ingest.page_text import is_headline

# Cards of page builders nest about ten elements deep.
_MAX_LEVELS = 25


@dataclass(frozen=True)
class Area:
    """The part of a page that belongs to one entry."""

    index: int
    link: Link | None


def find_areas(page: NewsPage, links: PageLinks, boilerplate: frozenset[int]) -> list[Area]:
    """Return one area for each entry, in the order of the page; none of them contains two entries."""
    finder = _AreaFinder(page, links.outside(boilerplate), boilerplate)
    return (finder.find() or finder.find_without_links())[: MAX_ENTRIES + 1]


class _AreaFinder:
    """Finder of areas: it extends each link to the largest element around it that contains no other entry."""

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
                if grown is not None and not indices_within(titled, grown, self._nodes[grown].end):
                    areas.setdefault(grown, Area(grown, link))
        return [areas[index] for index in sorted(areas)]

    def find_without_links(self) -> list[Area]:
        """Return the areas of entries without links, which the page shows in full, each under its own heading."""
        indices = {self._grown(heading, None) for heading in self._headings if self._nodes[heading].tag != "h1"}
        boilerplate = sorted(self._boilerplate)
        return [Area(index, None) for index in sorted(indices) if not self._is_inside(boilerplate, index)]

    def _is_inside(self, outer: Sequence[int], index: int) -> bool:
        """Return whether `index` is in one of the subtrees `outer`, which are sorted and do not overlap."""
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
        return node.tag in PAGE_PARTS or node.end - index > MAX_AREA_NODES

    def _holds_another_entry(self, index: int, link: Link | None) -> bool:
        identity = link.identity if link else None
        end = self._nodes[index].end
        return any(other.identity != identity for other in links_between(self._titled, index, end))

    def _may_take_headings_of(self, parent: int, current: int) -> bool:
        """Return whether extending `current` to `parent` adds no heading of a section or of another entry."""
        own, all_headings = self._headings_in(current), self._headings_in(parent)
        if not own:
            return not all_headings or (self._nodes[parent].tag in HEADINGS and len(all_headings) == 1)
        highest = min(self._nodes[heading].tag for heading in own)
        return sum(self._nodes[heading].tag <= highest for heading in all_headings) == sum(
            self._nodes[heading].tag <= highest for heading in own
        )

    def _headings_in(self, index: int) -> list[int]:
        return indices_within(self._headings, index, self._nodes[index].end)

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
        for other in links_between(self._untitled, parent, self._nodes[parent].end):
            if other.identity != link.identity and not current <= other.index < self._nodes[current].end:
                return False
        return True

    def _has_title(self, index: int) -> bool:
        if self._nodes[index].end - index > MAX_SMALL_NODES:
            return False
        return bool(self._headings_in(index)) or any(is_headline(line) for line in self._document.lines(index))

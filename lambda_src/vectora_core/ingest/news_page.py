"""A news page, with the date format and the CSS selectors that are read from it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from vectora_core.ingest.dedup import canonical_url
from vectora_core.ingest.html_text import TEXT, Document
from vectora_core.text.addresses import resolved_link
from vectora_core.text.dates import is_only_a_date, writes_day_first
from vectora_shared.errors import ConfigurationError

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
PAGE_PARTS = frozenset({"html", "body", "main"})
MAX_SMALL_NODES = 300
MAX_AREA_NODES = 2000


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

    def select(self, selector: str, *, within: int = 0) -> list[int]:
        """The elements that a CSS selector matches; raises ConfigurationError when it is none."""
        if selector not in self._matches:
            # Asked for within each entry: searched through only once, or a page of many entries would take hours.
            self._matches[selector] = self._selected(selector)
        return indices_within(self._matches[selector], within, self.document.nodes[within].end)

    def _selected(self, selector: str) -> list[int]:
        from selectolax.lexbor import SelectolaxError

        try:
            matches = self.document.parser.css(selector)
        except (SelectolaxError, ValueError) as error:
            raise ConfigurationError(f"'{selector}' is not a CSS selector: correct the source's selectors.") from error
        return sorted({self.document.index_of[match.mem_id] for match in matches})

    def near_ancestors(self, index: int, levels: int) -> Iterator[int]:
        for _, ancestor in zip(range(levels), self.document.ancestors(index), strict=False):
            yield ancestor


def indices_within(places: list[int], start: int, end: int) -> list[int]:
    """Those of the sorted `places` that lie in a subtree."""
    return places[bisect_left(places, start) : bisect_left(places, end)]

"""A news page, with the date format and the CSS selectors that are read from it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from vectora_core.ingest.html_text import TEXT, Document
from vectora_core.text.address_identity import canonical_url
from vectora_core.text.addresses import resolved_link
from vectora_core.text.date_order import is_day_first_in
from vectora_core.text.dates import has_ambiguous_dates, is_only_a_date, writes_day_first
from vectora_shared.errors import ConfigurationError

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
PAGE_PARTS = frozenset({"html", "body", "main"})
MAX_SMALL_NODES = 300
MAX_AREA_NODES = 2000


class NewsPage:
    """A parsed page, its address and the notation of its dates."""

    def __init__(self, document: Document, url: str, date_format: str | None, language: str | None = None) -> None:
        """Initialize with `language` as the source's own, for a page that does not name its language."""
        self.document = document
        self.url = self._base(url)
        self.own_identity = canonical_url(url)
        self.date_format = date_format
        self._matches: dict[str, list[int]] = {}
        texts = [node.text for node in document.nodes if node.tag == TEXT]
        self.day_first = writes_day_first(texts)
        if self.day_first is None and has_ambiguous_dates(texts):
            declared = next((node.attributes.get("lang") for node in document.nodes if node.tag == "html"), None)
            self.day_first = is_day_first_in(declared or language or "")

    def _base(self, url: str) -> str:
        # The first one with an address counts (HTML, 4.2.3); one with a target alone is common.
        bases = (node.attributes.get("href", "").strip() for node in self.document.nodes if node.tag == "base")
        base = next(filter(None, bases), "")
        return (resolved_link(url, base) if base else None) or url

    def is_date(self, line: str) -> bool:
        """Return whether the line is a date and little else, in the notation of this page."""
        return is_only_a_date(line, date_format=self.date_format, day_first=self.day_first)

    def select(self, selector: str, *, within: int = 0) -> list[int]:
        """Return the elements that a CSS selector matches; raise ConfigurationError when it is not a CSS selector."""
        if selector not in self._matches:
            # Each selector is used for each entry. Searching the page every time would take hours on a large page.
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
        """Yield the innermost ancestors, at most `levels` of them."""
        for _, ancestor in zip(range(levels), self.document.ancestors(index), strict=False):
            yield ancestor


def indices_within(indices: list[int], start: int, end: int) -> list[int]:
    """Return those of the sorted indices that are in a subtree."""
    return indices[bisect_left(indices, start) : bisect_left(indices, end)]

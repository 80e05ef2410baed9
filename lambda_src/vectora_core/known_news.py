"""Deduplication of ingested news, by the publisher's identifier, the address, and the title with its day."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date

from vectora_core.items import IngestedItem
from vectora_core.near_days import NearDays
from vectora_core.text.address_identity import canonical_url, page_key

# "Number of shares and voting rights" appears every month under the same title: only the dates distinguish them.
SAME_STORY_DAYS = 3


def normalized_title(title: str) -> str:
    """Return the words of a title, in lower case, without punctuation."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", title).casefold())
    return " ".join(words) or title.strip()


def are_near(one: date | None, other: date | None) -> bool:
    """Return whether news of these two days may be the same; an unknown day may be any day."""
    return one is None or other is None or abs((one - other).days) <= SAME_STORY_DAYS


class KnownNews:
    """Items that are already known.

    An item is the same news as the first known one that has, in this order:
    1. the same identifier of the same source;
    2. the same address and the same title;
    3. the same address and a near day, unless the source gives them different identifiers;
    4. the same title and a near day, in the same source or on the same page.
    An address that is not the item's own, or that is a source's page, tells nothing.
    """

    def __init__(self, pages: Iterable[str] = ()) -> None:
        """Initialize without items; `pages` are the sources' addresses, which items without a link have as theirs."""
        self._pages = frozenset(canonical_url(page) for page in pages)
        self._by_guid: dict[tuple[str, str], IngestedItem] = {}
        self._by_url_and_title: dict[tuple[str, str], IngestedItem] = {}
        self._by_url: dict[str, NearDays[IngestedItem]] = {}
        self._by_title: dict[tuple[str, str, str], NearDays[IngestedItem]] = {}
        self._count = 0

    def add(self, item: IngestedItem) -> None:
        if item.metadata.guid:
            self._by_guid.setdefault((item.source_key, item.metadata.guid), item)
        title = normalized_title(item.title)
        url = self._own_url(item)
        if url is not None:
            self._by_url_and_title.setdefault((url, title), item)
            self._by_url.setdefault(url, NearDays(SAME_STORY_DAYS)).add(self._count, item.published_at, item)
        for key in self._title_keys(item, url, title):
            self._by_title.setdefault(key, NearDays(SAME_STORY_DAYS)).add(self._count, item.published_at, item)
        self._count += 1

    def find(self, item: IngestedItem) -> IngestedItem | None:
        """Return the known item with the same news, or None."""
        if item.metadata.guid and (same := self._by_guid.get((item.source_key, item.metadata.guid))):
            return same
        title = normalized_title(item.title)
        url = self._own_url(item)
        if url is not None:
            same = self._by_url_and_title.get((url, title))
            if same and (are_near(same.published_at, item.published_at) or not _have_different_guids(same, item)):
                return same
            at_url = self._by_url.get(url)
            near = at_url.first(item.published_at) if at_url else None
            if near and not _have_different_guids(near[1], item):
                return near[1]
        namesakes = (self._by_title.get(key) for key in self._title_keys(item, url, title))
        found = [first for known in namesakes if known and (first := known.first(item.published_at))]
        return min(found, key=lambda entry: entry[0])[1] if found else None

    def _own_url(self, item: IngestedItem) -> str | None:
        if item.metadata.shared_url:
            return None
        url = canonical_url(item.url)
        return None if url in self._pages else url

    @staticmethod
    def _title_keys(item: IngestedItem, url: str | None, title: str) -> list[tuple[str, str, str]]:
        keys = [("source", item.source_key, title)]
        if url is not None:
            keys.append(("page", page_key(item.url), title))
        return keys


def _have_different_guids(one: IngestedItem, other: IngestedItem) -> bool:
    guids = (one.metadata.guid, other.metadata.guid)
    return one.source_key == other.source_key and all(guids) and guids[0] != guids[1]


def without_repeated_news(items: Iterable[IngestedItem], pages: Iterable[str] = ()) -> list[IngestedItem]:
    """Return each piece of news once, in the order of first appearance, in its richest version."""
    pages = tuple(pages)
    kept: list[IngestedItem] = []
    known = KnownNews(pages)
    # Positions in `kept` of all known items, including those that a richer version has replaced.
    positions: dict[int, int] = {}
    for item in items:
        duplicate = known.find(item)
        position = len(kept) if duplicate is None else positions[id(duplicate)]
        if duplicate is None:
            kept.append(item)
        elif max(kept[position], item, key=_richness) is item:
            kept[position] = item
        else:
            continue
        positions[id(item)] = position
        known.add(item)
    return kept


def _richness(item: IngestedItem) -> tuple[bool, int]:
    return item.published_at is not None, len(item.content)

"""Deduplication of ingested news: items with the same address, or with the same title and source, are one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from vectora_core.items import IngestedItem
from vectora_core.near_days import NearDays

_TRACKING = re.compile(
    r"^(?:utm_\w+|gclid|fbclid|msclkid|dclid|yclid|igshid|mc_[ce]id|_hs\w+|hs[ac]\w+|mkt_tok|cmpid|icid|ncid|spm|_ga|ref|"
    r"ref_src|source|rss|trk|oc)$",
    re.IGNORECASE,
)
# "Number of shares and voting rights" appears every month under the same title: only the dates distinguish them.
_SAME_STORY_DAYS = 3


def canonical_url(url: str) -> str:
    """Return a key that is equal for all spellings of an address; it is not an address to fetch."""
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").removeprefix("www.")
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    except ValueError:
        return url.strip()
    query = urlencode(
        [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.match(key)]
    )
    path = unquote(parts.path).rstrip("/")
    return f"{host}{port}{path}{'?' if query else ''}{query}"


def normalized_title(title: str) -> str:
    """Return the words of a title, in lower case, without punctuation."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", title).casefold())
    return " ".join(words) or title.strip()


class KnownNews:
    """Items that are already known, by address and by title."""

    def __init__(self, pages: Iterable[str] = ()) -> None:
        """Initialize without items; `pages` are the sources' addresses, which items without a link have as theirs."""
        self._pages = frozenset(canonical_url(page) for page in pages)
        self._by_url: dict[str, IngestedItem] = {}
        self._by_title: dict[tuple[str, str], NearDays[IngestedItem]] = {}
        self._count = 0

    def add(self, item: IngestedItem) -> None:
        url = canonical_url(item.url)
        if url not in self._pages:
            self._by_url.setdefault(url, item)
        namesakes = self._by_title.setdefault(_title_key(item), NearDays(_SAME_STORY_DAYS))
        namesakes.add(self._count, item.published_at, item)
        self._count += 1

    def find(self, item: IngestedItem) -> IngestedItem | None:
        """Return the known item with the same news, or None."""
        url = canonical_url(item.url)
        if url not in self._pages and url in self._by_url:
            return self._by_url[url]
        namesakes = self._by_title.get(_title_key(item))
        first = namesakes.first(item.published_at) if namesakes else None
        return first[1] if first else None


def _title_key(item: IngestedItem) -> tuple[str, str]:
    return item.source_key, normalized_title(item.title)


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

"""Deduplication of ingested news, by the publisher's identifier, the address, and the title with its day."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date

from vectora_core.items import IngestedItem
from vectora_core.near_days import NearDays
from vectora_core.text.address_identity import canonical_url, page_key
from vectora_core.text.rubrics import notice_of, without_rubrics

# "Number of shares and voting rights" appears every month under the same title: only the dates distinguish them.
SAME_STORY_DAYS = 3
# A publisher changes the headline of an entry within days. Feeds that number their entries again are weekly at most.
_REUSED_AFTER_DAYS = 7
_SHORT_WORD = 3
# Teasers begin like the text, so that the beginnings of two texts are enough to compare.
_COMPARED_CHARACTERS = 500
_DIFFERENT_WORDS = 2
_WHOLE = re.compile(r"[.!?\u3002]['\"\u201d\u2019»)\]]?\s*$")
_MORE_FOLLOWS = re.compile(
    r"(?:…|\.\.\.|(?:read|learn|view|see) more|continue reading|lire la suite|läs mer)[\s\]»>→.)]*$", re.IGNORECASE
)


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
    1. the same identifier of the same source, regardless of headline and address; if the headline has no word in
       common and the day is far away, the publisher has used the identifier again;
    2. the same address and the same title;
    3. the same address and a near day, unless the source gives them different identifiers;
    4. the same title and a near day, in the same source or on the same page, unless the source gives them different
       addresses and different texts: agencies publish several notices under one title.
    An address that is not the item's own, or that is a source's page, identifies no news.
    """

    def __init__(self, pages: Iterable[str] = ()) -> None:
        """Initialize without items; `pages` are the sources' addresses, which items without a link have as theirs."""
        self._pages = frozenset(canonical_url(page) for page in pages)
        self._by_guid: dict[tuple[str, str], list[IngestedItem]] = {}
        self._by_url_and_title: dict[tuple[str, str], IngestedItem] = {}
        self._by_url: dict[str, NearDays[IngestedItem]] = {}
        self._by_title: dict[tuple[str, str, str], NearDays[IngestedItem]] = {}
        self._count = 0

    def add(self, item: IngestedItem) -> None:
        if item.metadata.guid:
            self._by_guid.setdefault((item.source_key, _spelled_guid(item)), []).append(item)
        title = normalized_title(item.title)
        url = self._own_url(item)
        if url is not None:
            self._by_url_and_title.setdefault((url, title), item)
            self._by_url.setdefault(url, NearDays(SAME_STORY_DAYS)).add(self._count, item.published_at, item)
        for key in (*self._title_keys(item, url, title), ("text", item.source_key, _title_and_text(title, item))):
            self._by_title.setdefault(key, NearDays(SAME_STORY_DAYS)).add(self._count, item.published_at, item)
        self._count += 1

    def find(self, item: IngestedItem) -> IngestedItem | None:
        """Return the known item with the same news, or None."""
        versions = self._by_guid.get((item.source_key, _spelled_guid(item)), ()) if item.metadata.guid else ()
        if same := next((version for version in versions if not _is_reused(version, item)), None):
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
        if not found:
            return None
        namesake = min(found, key=lambda entry: entry[0])[1]
        if not _are_different_notices(namesake, item):
            return namesake
        known = self._by_title.get(("text", item.source_key, _title_and_text(title, item)))
        same_text = known.first(item.published_at) if known else None
        return same_text[1] if same_text else None

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


def _title_and_text(title: str, item: IngestedItem) -> str:
    return f"{title}\n{' '.join(_words(item.content))}"


def _are_different_notices(one: IngestedItem, other: IngestedItem) -> bool:
    """Return whether two items under one title are different: own addresses, and each text has words of its own."""
    if one.source_key != other.source_key or canonical_url(one.url) == canonical_url(other.url):
        return False
    if not (one.content and other.content):
        return False
    one_words, other_words = set(_words(one.content)), set(_words(other.content))
    return min(len(one_words - other_words), len(other_words - one_words)) >= _DIFFERENT_WORDS


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text[:_COMPARED_CHARACTERS].casefold())


def _spelled_guid(item: IngestedItem) -> str:
    """Return the identifier in one spelling: that of an address changes when its site moves from http to https."""
    return re.sub(r"^https?://(?:www\.)?", "", item.metadata.guid)


def _have_different_guids(one: IngestedItem, other: IngestedItem) -> bool:
    guids = (_spelled_guid(one), _spelled_guid(other))
    return one.source_key == other.source_key and all(guids) and guids[0] != guids[1]


def _is_reused(one: IngestedItem, other: IngestedItem) -> bool:
    """Return whether two items with one identifier are different news: some feeds count from 1 again."""
    if one.published_at is None or other.published_at is None:
        return False
    if abs((one.published_at - other.published_at).days) < _REUSED_AFTER_DAYS:
        return False
    words = [set(normalized_title(without_rubrics(item.title)).split()) for item in (one, other)]
    common = {word for word in words[0] & words[1] if len(word) > _SHORT_WORD}
    return not common or 3 * len(common) < min(map(len, words))


def current_version(earlier: IngestedItem, later: IngestedItem) -> IngestedItem:
    """Return the version of news that counts, of two that were read one after the other, under the first one's id.

    The publisher's latest wording counts, even if it is shorter: it may be a correction. What is only a teaser of the
    earlier text under the same headline changes nothing, and neither does a shorter report of another source.
    """
    if not _is_current(earlier, later):
        return earlier
    kept: dict[str, object] = {"item_id": earlier.item_id, "ingested_at": earlier.ingested_at}
    if later.published_at is None and earlier.published_at is not None:
        kept["published_at"] = earlier.published_at
        kept["metadata"] = later.metadata.model_copy(update={"undated": False})
    return later.model_copy(update=kept)


def _is_current(earlier: IngestedItem, later: IngestedItem) -> bool:
    if earlier.source_key != later.source_key:
        return _richness(later) >= _richness(earlier)
    if normalized_title(earlier.title) != normalized_title(later.title) or notice_of(later.title, later.content):
        return True
    if len(later.content) >= len(earlier.content):
        return later.published_at is not None or earlier.published_at is None
    return not (earlier.metadata.full_text or _is_teaser(later.content))


def _is_teaser(content: str) -> bool:
    """Return whether a text breaks off: it ends without a full stop, or with a sign that more follows."""
    return not _WHOLE.search(content) or bool(_MORE_FOLLOWS.search(content))


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
        elif max(kept[position], item, key=_version) is item:
            kept[position] = item
        else:
            continue
        positions[id(item)] = position
        known.add(item)
    return kept


def _version(item: IngestedItem) -> tuple[bool, bool, int]:
    return notice_of(item.title, item.content) is not None, *_richness(item)


def _richness(item: IngestedItem) -> tuple[bool, int]:
    return item.published_at is not None, len(item.content)

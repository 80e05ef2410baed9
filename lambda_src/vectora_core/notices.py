"""Corrections and withdrawals of news, and the news that they are about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from vectora_core.items import IngestedItem
from vectora_core.known_news import are_near, normalized_title
from vectora_core.text.address_identity import canonical_url
from vectora_core.text.rubrics import Notice, notice_of, without_rubrics

# More items than a notice and its news under one address: it may be that of a page with several articles.
_MOST_VERSIONS = 2
_SHORT_WORD = 3


@dataclass(frozen=True)
class Notices:
    """Notices among the items of an issue; all are item_ids."""

    kinds: Mapping[str, Notice]
    corrected_by: Mapping[str, str]  # of an item that was not published: that of the correction
    withdrawn: frozenset[str]  # the items that no reader may see, and the notices that say so
    after_publication: frozenset[str]  # notices about news of an earlier issue


def notices_of(items: Sequence[IngestedItem], published: Sequence[IngestedItem]) -> Notices:
    """Return the corrections and withdrawals among the items, with what they are about."""
    kinds: dict[str, Notice] = {item.item_id: kind for item in items if (kind := notice_of(item.title, item.content))}
    if not kinds:
        return Notices({}, {}, frozenset(), frozenset())
    open_items, earlier = _Versions(items), _Versions(published)
    corrected: dict[str, str] = {}
    withdrawn: set[str] = set()
    late: set[str] = set()
    for item in items:
        if item.item_id not in kinds:
            continue
        earlier_ids = {each.item_id for each in earlier.of(item)}
        versions = [each.item_id for each in open_items.of(item) if each.item_id not in kinds]
        if earlier_ids:
            late.add(item.item_id)
        if kinds[item.item_id] == "withdrawal":
            withdrawn.update(versions)
            if not earlier_ids:
                # Readers need no notice about news that they never saw.
                withdrawn.add(item.item_id)
        else:
            corrected.update(dict.fromkeys(versions, item.item_id))
    return Notices(kinds, corrected, frozenset(withdrawn), frozenset(late))


def is_about(notice: IngestedItem, items: Sequence[IngestedItem]) -> bool:
    """Return whether an item corrects or withdraws one of the items, and none of them is that notice."""
    if notice_of(notice.title, notice.content) is None or any(item.item_id == notice.item_id for item in items):
        return False
    versions = list(_Versions(items).of(notice))
    return bool(versions) and all(_wording(each) != _wording(notice) for each in versions)


class _Versions:
    """Items by what stays when their wording changes."""

    def __init__(self, items: Iterable[IngestedItem]) -> None:
        self._by_key: defaultdict[tuple[str, str, str], list[IngestedItem]] = defaultdict(list)
        for item in items:
            for key in _keys(item):
                self._by_key[key].append(item)

    def of(self, notice: IngestedItem) -> Iterator[IngestedItem]:
        """Yield the other items of the source with the notice's identifier, address or headline, each once."""
        seen = {notice.item_id}
        for key in _keys(notice):
            found = [item for item in self._by_key.get(key, ()) if item.item_id not in seen]
            is_page = key[0] == "url" and len(found) >= _MOST_VERSIONS
            for item in found:
                is_near = key[0] != "headline" or are_near(item.published_at, notice.published_at)
                if is_near and not (is_page and not _have_common_words(item, notice)):
                    seen.add(item.item_id)
                    yield item


def _have_common_words(one: IngestedItem, other: IngestedItem) -> bool:
    words = [normalized_title(without_rubrics(item.title)).split() for item in (one, other)]
    return any(len(word) > _SHORT_WORD for word in set(words[0]) & set(words[1]))


def _keys(item: IngestedItem) -> Iterator[tuple[str, str, str]]:
    if item.metadata.guid:
        yield "guid", item.source_key, item.metadata.guid
    if not item.metadata.shared_url:
        yield "url", item.source_key, canonical_url(item.url)
    yield "headline", item.source_key, normalized_title(without_rubrics(item.title))


def _wording(item: IngestedItem) -> tuple[str, Notice | None]:
    return normalized_title(item.title), notice_of(item.title, item.content)

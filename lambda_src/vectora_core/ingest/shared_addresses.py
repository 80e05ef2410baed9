"""Addresses and identifiers that several entries of one source have, and that identify none of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from vectora_core.ingest.entries import Entry
from vectora_core.known_news import are_near, normalized_title
from vectora_core.text.address_identity import canonical_url


def without_shared_identities(entries: Sequence[Entry], *, titles_of_one: int = 1) -> tuple[Entry, ...]:
    """Return the entries, without identifiers of several of them, and with addresses of several marked as such.

    An address is that of several entries if more than `titles_of_one` titles are under it, or if one title is under it
    on days that are not near, without one identifier. More titles than one are allowed where entries are only guessed
    from a page, which may also repeat one of them with another date. An identifier is that of several entries if more
    than one title has it: some feeds write the site's address or "0" into each. A title that is part of another is the
    same one, cut or completed.
    """
    is_guessed = titles_of_one > 1
    shared_urls = _shared((canonical_url(entry.url), entry) for entry in entries if entry.has_own_url)
    urls = {
        url
        for url, group in shared_urls.items()
        if _has_titles(group, titles_of_one + 1)
        or (not _has_titles(group, 2) and _is_a_series(group, needs_guids=is_guessed))
    }
    shared_guids = _shared((entry.guid, entry) for entry in entries if entry.guid)
    guids = {guid for guid, group in shared_guids.items() if _has_titles(group, 2)}
    if not urls and not guids:
        return tuple(entries)
    return tuple(_without(entry, urls, guids) for entry in entries)


def _shared(keyed: Iterable[tuple[str, Entry]]) -> dict[str, list[Entry]]:
    groups: defaultdict[str, list[Entry]] = defaultdict(list)
    for key, entry in keyed:
        groups[key].append(entry)
    return {key: group for key, group in groups.items() if len(group) > 1}


def _has_titles(group: Iterable[Entry], count: int) -> bool:
    """Return whether a group has at least so many different titles."""
    distinct: list[str] = []
    for title in sorted({normalized_title(entry.title) for entry in group}, key=len, reverse=True):
        if not any(f" {title} " in f" {known} " for known in distinct):
            distinct.append(title)
        if len(distinct) == count:
            return True
    return False


def _is_a_series(group: Sequence[Entry], *, needs_guids: bool) -> bool:
    days = [entry.published for entry in group if entry.published]
    guids = {entry.guid for entry in group}
    are_others = len(guids) == len(group) or (guids == {""} and not needs_guids)
    return are_others and bool(days) and not are_near(min(days), max(days))


def _without(entry: Entry, urls: set[str], guids: set[str]) -> Entry:
    has_own_url = entry.has_own_url and canonical_url(entry.url) not in urls
    guid = "" if entry.guid in guids else entry.guid
    if (has_own_url, guid) == (entry.has_own_url, entry.guid):
        return entry
    return entry.model_copy(update={"has_own_url": has_own_url, "guid": guid})

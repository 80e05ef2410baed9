"""News entries of feeds and pages, before the time window and deduplication apply."""

from __future__ import annotations

from datetime import date

from vectora_core.items import Record

MAX_ENTRIES = 1000
MAX_CONTENT_CHARACTERS = 8000
MAX_GUID_CHARACTERS = 500


class Entry(Record):
    """One news entry in plain text; `url` is safe to show to readers as a link."""

    title: str
    url: str
    content: str = ""
    published: date | None = None
    author: str = ""
    tags: tuple[str, ...] = ()
    guid: str = ""  # the publisher's own identifier
    has_own_url: bool = True  # False: `url` is that of the feed, its site or the page, because the entry has no link


class Extraction(Record):
    """Entries of one feed or page; `problem` says why they may be incomplete."""

    entries: tuple[Entry, ...]
    problem: str | None = None

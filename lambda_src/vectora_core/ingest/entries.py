"""News entries of feeds and pages, before the time window and deduplication apply."""

from __future__ import annotations

from datetime import date

from vectora_core.items import Record

MAX_ENTRIES = 1000
MAX_CONTENT_CHARACTERS = 8000


class Entry(Record):
    """One news entry in plain text; `url` is safe to show to readers as a link."""

    title: str
    url: str
    content: str = ""
    published: date | None = None
    author: str = ""
    tags: tuple[str, ...] = ()


class Extraction(Record):
    """Entries of one feed, page or API; `problem` says why they may be incomplete."""

    entries: tuple[Entry, ...]
    problem: str | None = None
    may_be_empty: bool = False  # the request was for the run's period, in which there may be nothing

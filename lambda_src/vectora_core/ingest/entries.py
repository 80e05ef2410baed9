"""What feeds and pages yield alike: news entries, before the time window and deduplication."""

from __future__ import annotations

from datetime import date

from vectora_core.items import Record

MAX_ENTRIES = 1000
MAX_CONTENT_CHARACTERS = 8000


class Entry(Record):
    """One news entry as its source shows it, in plain text; `url` is one that a reader may be sent to."""

    title: str
    url: str
    content: str = ""
    published: date | None = None
    author: str = ""
    tags: tuple[str, ...] = ()


class Extraction(Record):
    """The entries of one feed or page; `problem` says in a sentence why they may be incomplete."""

    entries: tuple[Entry, ...]
    problem: str | None = None

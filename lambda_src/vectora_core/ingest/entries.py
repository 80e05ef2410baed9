"""News entries of feeds and pages, before the time window and deduplication apply."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, field_validator

from vectora_core.items import Record

MAX_ENTRIES = 1000
MAX_CONTENT_CHARACTERS = 8000
MAX_GUID_CHARACTERS = 500

# Why an entry of a source becomes no item of the run. Each entry has one reason, the first that applies in this order.
DropReason = Literal[
    "too_many_entries",  # after the first entries of a feed or page that has more than the parser reads
    "without_title",  # neither a title nor a text
    "without_link",  # of an API: its mapping finds no address that is safe to show
    "undated",  # a strict run accepts dated news only
    "not_yet_published",  # its day is after that of the run; the run of that day finds it again
    "out_of_period",
    "excluded_title",  # the client's content_filters
    "too_short",  # a title of one or two words without a text
    "no_watched_term",  # strict mode: news of a source that reports on a field and names nothing the client watches
    "duplicate_in_source",
    "beyond_max_items",  # of the source
    "duplicate_of_another_source",  # of the two, the item with less text
]


class Entry(Record):
    """One news entry in plain text; `url` is safe to show to readers as a link."""

    title: str
    url: str
    content: str = ""
    published: date | None = None
    author: str = ""
    tags: tuple[str, ...] = ()
    guid: str = ""  # the publisher's own identifier
    has_own_url: bool = True  # False: `url` is that of the feed, its site or the page, or is several entries' address


class Extraction(Record):
    """Entries of one feed, page or API; `problem` says why they may be incomplete.

    `dropped` counts, by reason, the entries that are there and that the parser did not take.
    """

    entries: tuple[Entry, ...]
    problem: str | None = None
    dropped: dict[DropReason, int] = Field(default_factory=dict)
    may_be_empty: bool = False  # the request was for the run's period, in which there may be nothing

    @field_validator("dropped")
    @classmethod
    def _without_zeros(cls, dropped: dict[DropReason, int]) -> dict[DropReason, int]:
        return {reason: count for reason, count in dropped.items() if count}

    @property
    def found(self) -> int:
        """Number of entries, with those that the parser did not take."""
        return len(self.entries) + sum(self.dropped.values())

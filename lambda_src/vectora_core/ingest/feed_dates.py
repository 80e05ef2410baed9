"""Publication days of a feed's entries, as their publisher states them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from vectora_core.text.date_order import is_day_first_in
from vectora_core.text.dates import EARLIEST_YEAR, has_ambiguous_dates, parse_date, writes_day_first
from vectora_core.text.stamps import stamp_day
from vectora_shared.config.sources import Source

# The first one with a day counts: a later change of an entry is not its publication.
_ELEMENTS = ("published", "updated", "created", "prism_publicationdate")
_MAX_CHARACTERS = 200
_MAX_YEARS_AHEAD = 2


class FeedDates:
    """Reader of the days, with the order of day and month that the feed's own dates or its language show."""

    def __init__(self, feed: Any, entries: Sequence[Any], source: Source, today: date) -> None:
        self._today = today
        self._date_format = source.date_format
        texts = [text for raw in entries for element in _ELEMENTS if (text := _text(raw, element))]
        self._day_first = writes_day_first(texts)
        if self._day_first is None and has_ambiguous_dates(texts):
            self._day_first = is_day_first_in(_text(feed, "language") or source.language)

    def published(self, raw: Any) -> date | None:
        """Return the day of publication, also one to come; None when the entry has none, or one that cannot be."""
        return next((day for element in _ELEMENTS if (day := self._day(_text(raw, element)))), None)

    def _day(self, text: str) -> date | None:
        # A year or a month alone is no day.
        if not text or re.fullmatch(r"\d{4}(?:-\d{1,2})?", text):
            return None
        if self._date_format and (
            day := parse_date(text, today=self._today, date_format=self._date_format, day_first=self._day_first)
        ):
            return day
        if day := stamp_day(text):
            return day if EARLIEST_YEAR <= day.year <= self._today.year + _MAX_YEARS_AHEAD else None
        return parse_date(text, today=self._today, day_first=self._day_first)


def _text(raw: Any, key: str) -> str:
    value = dict.get(raw, key)
    return value.strip()[:_MAX_CHARACTERS] if isinstance(value, str) else ""

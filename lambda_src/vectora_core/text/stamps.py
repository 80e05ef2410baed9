"""Days of machine-readable timestamps, as the publisher's own clock shows them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate

_ISO = re.compile(r"\+?(\d{4})-?(\d{2})-?(\d{2})(?:[Tt ].*|\d{4}(?:\d{2})?Z?)?")
# ISO 8601, 4.1.3 and 4.1.4. A week without its day is no day, nor is a year with three digits that are not apart.
_ISO_WEEK = re.compile(r"(\d{4})-?[Ww](\d{2})-?([1-7])(?:[Tt ].*)?")
_ISO_ORDINAL = re.compile(r"(\d{4})-(\d{3})(?:[Tt ].*)?")
_SECONDS, _MILLISECONDS = re.compile(r"\d{9,10}(?:\.\d{1,9})?"), re.compile(r"\d{12,13}")
# RFC 822, 5.1, and the usual departures from it: no day of the week, or one in another language.
_MAIL = re.compile(r"(?:[^\W\d_]{2,12}\.?,?\s*)?\d{1,2}[\s-]+[A-Za-z]{3,9}\.?[\s-]+\d{2,4}(?:\s.*)?")
_C_TIME = re.compile(r"[A-Za-z]{3,9},?\s+[A-Za-z]{3,9}\s+\d{1,2}\s+\d{2}:\d{2}(?::\d{2})?\s+(?:[A-Z]{1,5}\s+)?\d{4}")


def iso_day(text: str) -> date | None:
    """Return the day of an ISO 8601 date or timestamp, regardless of its offset from UTC."""
    try:
        if match := _ISO.fullmatch(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if match := _ISO_WEEK.fullmatch(text):
            return date.fromisocalendar(int(match[1]), int(match[2]), int(match[3]))
        if match := _ISO_ORDINAL.fullmatch(text):
            day = date(int(match[1]), 1, 1) + timedelta(days=int(match[2]) - 1)
            return day if day.year == int(match[1]) else None
    except (ValueError, OverflowError):
        pass
    return None


def stamp_day(text: str) -> date | None:
    """Return the day of a timestamp in a feed or in an attribute of a page, or None when it is in no such notation.

    The offset from UTC is not applied: 07:30 in Seoul is news of that morning, not of the evening before in Greenwich.
    """
    text = text.strip()
    if day := iso_day(text):
        return day
    try:
        if _SECONDS.fullmatch(text):
            return datetime.fromtimestamp(float(text), UTC).date()
        if _MILLISECONDS.fullmatch(text):
            return datetime.fromtimestamp(int(text) / 1000, UTC).date()
        if _MAIL.fullmatch(text) or _C_TIME.fullmatch(text):
            # Two digits of a year below 69 are of this century, as RFC 5322 (4.3) and POSIX have it.
            parts = parsedate(text.replace(".", " ", 1) if re.match(r"[^\W\d_]+\.", text) else text)
            return date(*parts[:3]) if parts else None
    except (ValueError, OverflowError, OSError):
        pass
    return None

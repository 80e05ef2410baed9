"""Format of times in texts for people."""

from __future__ import annotations

from datetime import UTC, datetime


def minute(moment: datetime, *, zone: bool = True) -> str:
    """Return a time in UTC to the minute, such as `2026-01-06 05:30 UTC`; without `zone` for columns that name it."""
    text = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"
    return f"{text} UTC" if zone else text

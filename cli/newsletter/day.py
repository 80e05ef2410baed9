"""Day of a newsletter, as commands take it."""

from __future__ import annotations

from datetime import date

from cli.options import LATEST
from vectora_shared.errors import VectoraError


def parse_day(text: str) -> date | None:
    """Return the day of an option, None for the latest; raise VectoraError when it is no date."""
    if text == LATEST:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise VectoraError(f"--day is '{text}': write it as YYYY-MM-DD, such as 2026-01-30, or {LATEST}.") from error

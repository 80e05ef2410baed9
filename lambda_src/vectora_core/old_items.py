"""Values of curated items that the previous system wrote in another form."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Literal

from vectora_shared.config.values import EVENT_TYPES

# The previous system had no other analyzer than the model.
OLD_MODEL: Literal["bedrock"] = "bedrock"
# Its model answered in words where a number from 0 to 1 is recorded now.
_CONFIDENCE = {"high": 0.9, "medium": 0.6, "low": 0.3, "none": 0.0}


def as_confidence(value: Any) -> Any:
    """Return a confidence that is a word as a number; 0 when there is none."""
    if value is None:
        return 0.0
    return _CONFIDENCE.get(value.strip().lower(), value) if isinstance(value, str) else value


def as_day(value: Any) -> Any:
    """Return the day that a text begins with; None when it begins with none."""
    if not isinstance(value, str):
        return value
    match = re.match(r"\d{4}-\d{2}-\d{2}", value.strip())
    try:
        return date.fromisoformat(match[0]) if match else None
    except ValueError:
        return None


def as_event_type(value: Any) -> Any:
    """Return an event type of the previous system that is no longer one as "other"."""
    return "other" if value is None or (isinstance(value, str) and value not in EVENT_TYPES) else value


def as_names(value: Any) -> Any:
    """Return names without empty ones; none when there is no list."""
    if isinstance(value, list | tuple):
        return tuple(name for name in value if name)
    return () if value is None else value


def only_numbers(value: Any) -> Any:
    """Return points without the explanations that the previous system wrote between them."""
    if isinstance(value, dict):
        return {key: entry for key, entry in value.items() if not isinstance(entry, dict)}
    return value

"""Words of the source commands for counts."""

from __future__ import annotations

from collections.abc import Mapping

_REASONS = {
    "too_many_entries": "beyond the entries that are read",
    "without_title": "without a title",
    "without_link": "without a link",
    "undated": "undated",
    "out_of_period": "outside the period",
    "excluded_title": "with an excluded title",
    "too_short": "with too short a title and no text",
    "no_watched_term": "without a watched term",
    "duplicate_in_source": "duplicates",
    "beyond_max_items": "beyond max_items",
    "duplicate_of_another_source": "duplicates of another source",
}


def dropped_in_words(dropped: Mapping[str, int]) -> str:
    """Return the numbers of dropped entries with their reasons, the largest first; empty when there are none."""
    ordered = sorted(dropped.items(), key=lambda each: -each[1])
    return ", ".join(f"{count} {_REASONS.get(reason, reason.replace('_', ' '))}" for reason, count in ordered if count)

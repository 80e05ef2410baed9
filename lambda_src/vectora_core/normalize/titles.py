"""Titles of one source, and the places where a text has one of them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence


class Titles:
    """Finder of the titles of one source in its items' texts.

    At each place of a text, it looks up the title that starts there; it does not search the text for each title. The
    work grows with the text, and only with the logarithm of the number of titles.
    """

    def __init__(self, titles: Iterable[str]) -> None:
        ordered = sorted(set(titles))
        groups = _grouped(ordered)
        self._shortest = list(groups)
        # Titles that start with another title matter only when that other one is the item's own.
        self._longer = {title: list(_grouped(longer)) for title, longer in groups.items() if longer}
        self._length = max(map(len, ordered), default=0)
        first_characters = "".join(sorted({title[0] for title in ordered if title}))
        self._starts = re.compile(f"[{re.escape(first_characters)}]" if first_characters else "(?!)")

    def first_other(self, text: str, own: str, end: int) -> int:
        """Return the first place before `end` where a title other than `own` starts, or `end` if there is none."""
        if own and self._shortest == [""]:
            return 0
        for start in self._starts.finditer(text, 0, end):
            if self._has_other(text, start.start(), own):
                return start.start()
        return end

    def _has_other(self, text: str, place: int, own: str) -> bool:
        passage = text[place : place + self._length]
        found = _beginning(passage, self._shortest)
        if found == own:
            found = _beginning(passage, self._longer.get(own, ()))
        return found is not None


def _grouped(ordered: Sequence[str]) -> dict[str, list[str]]:
    """Return the titles that start with no other one, each with those that start with it; all are sorted."""
    groups: dict[str, list[str]] = {}
    longer: list[str] = []
    shortest: str | None = None
    for title in ordered:
        # Sorted, the titles that start with another one follow it directly.
        if shortest is not None and title.startswith(shortest):
            longer.append(title)
        else:
            shortest, longer = title, []
            groups[title] = longer
    return groups


def _beginning(passage: str, titles: Sequence[str]) -> str | None:
    """Return the title that the passage starts with, of sorted titles of which none starts with another one."""
    # A title between the right one and the passage would start with the right one too, so there is none.
    place = bisect_right(titles, passage)
    return titles[place - 1] if place and passage.startswith(titles[place - 1]) else None

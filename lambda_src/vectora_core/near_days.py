"""News by its day: the first known one within some days of another."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from datetime import date
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")


class NearDays(Generic[ItemT]):
    """Items with a place in an order and a day; an unknown day may be any day."""

    def __init__(self, max_days_apart: int) -> None:
        self._apart = max_days_apart
        self._first: tuple[int, ItemT] | None = None
        self._undated: tuple[int, ItemT] | None = None
        self._by_day: dict[int, tuple[int, ItemT]] = {}
        self._days: list[int] = []

    def add(self, place: int, day: date | None, item: ItemT) -> None:
        """Add an item; its place is after that of all known items."""
        entry = (place, item)
        self._first = self._first or entry
        if day is None:
            self._undated = self._undated or entry
        elif day.toordinal() not in self._by_day:
            self._by_day[day.toordinal()] = entry
            insort(self._days, day.toordinal())

    def first(self, day: date | None) -> tuple[int, ItemT] | None:
        """Return the first item that may be of a near day, with its place, or None."""
        if day is None:
            return self._first
        near = self._days[
            bisect_left(self._days, day.toordinal() - self._apart) : bisect_right(
                self._days, day.toordinal() + self._apart
            )
        ]
        entries = [self._by_day[each] for each in near]
        if self._undated:
            entries.append(self._undated)
        return min(entries, key=lambda entry: entry[0], default=None)

"""The first known item of a near day is found without comparing it with all known ones."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_core.near_days import NearDays

DAYS = st.none() | st.integers(0, 40).map(lambda days: date(2026, 2, 1) + timedelta(days=days)) | st.dates()


def first_of_all(known: list[date | None], day: date | None, apart: int) -> int | None:
    """Return the place of the first known item, by comparing all."""
    return next(
        (
            place
            for place, other in enumerate(known)
            if day is None or other is None or abs((day - other).days) <= apart
        ),
        None,
    )


@settings(deadline=None, max_examples=500)
@given(days=st.lists(DAYS, max_size=30), searched=DAYS, apart=st.integers(0, 365))
def test_the_first_item_is_that_of_a_comparison_with_all(
    days: list[date | None], searched: date | None, apart: int
) -> None:
    known: NearDays[str] = NearDays(apart)
    for place, day in enumerate(days):
        known.add(place, day, str(place))
    found = known.first(searched)
    expected = first_of_all(days, searched, apart)
    assert found == (None if expected is None else (expected, str(expected)))


def test_days_at_the_end_of_the_calendar_have_neighbours() -> None:
    known: NearDays[str] = NearDays(3)
    known.add(0, date.max, "last")
    known.add(1, date.min, "first")
    assert known.first(date.max - timedelta(days=3)) == (0, "last")
    assert known.first(date.min) == (1, "first")


class _Counted(dict[int, Any]):
    """A dictionary that counts the entries that are read."""

    read = 0

    def __getitem__(self, key: int) -> Any:
        self.read += 1
        return super().__getitem__(key)


@pytest.mark.parametrize("count", [100, 1000])
def test_only_items_of_near_days_are_read_however_many_there_are(count: int) -> None:
    known: NearDays[int] = NearDays(3)
    counted = known._by_day = _Counted()
    for number in range(count):
        known.add(number, date(2020, 1, 1) + timedelta(days=number), number)
        known.add(count + number, date(2020, 1, 1) + timedelta(days=number), number)
    assert known.first(date(2020, 2, 1)) == (28, 28)
    assert counted.read == 7

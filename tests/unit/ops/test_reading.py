"""Reads ahead of the storage: in order, within the window, and none waits for a slow one before it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_ops.snapshots import reading
from vectora_ops.snapshots.items import Item
from vectora_ops.snapshots.reading import in_window

MEBIBYTE = 1024 * 1024


class Read(Future[Any]):
    """Read that never ends; waiting for it records how many reads had begun."""

    def __init__(self, reads: Reads) -> None:
        super().__init__()
        self._reads = reads

    def exception(self, timeout: float | None = None) -> None:
        self._reads.begun_when_waiting.append(len(self._reads.begun))


class Reads:
    """Starter of reads; `begun` has them by path, in the order in which they began."""

    def __init__(self, unread: Iterable[str] = ()) -> None:
        self.begun: dict[str, Future[Any]] = {}
        self.begun_when_waiting: list[int] = []
        self._unread = set(unread)

    def __call__(self, pair: reading.ItemPair) -> reading.ItemRead:
        if pair[0].path in self._unread:
            return None
        return self.begun.setdefault(pair[0].path, Read(self))


def pairs(sizes: Iterable[int]) -> list[reading.ItemPair]:
    return [(Item(path=f"{number:04}", size=size), None) for number, size in enumerate(sizes)]


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(0, 9 * MEBIBYTE), max_size=60),
    window=st.integers(1, 20),
    unread=st.sets(st.integers(0, 59)),
)
def test_items_come_in_their_order_with_their_own_read(sizes: list[int], window: int, unread: set[int]) -> None:
    given_pairs = pairs(sizes)
    read = Reads(f"{number:04}" for number in unread)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reading, "WINDOW_ITEMS", window)
        found = list(in_window(given_pairs, read))
    # The plain way: one item after the other.
    assert found == [(pair, read(pair)) for pair in given_pairs]


@settings(deadline=None)
@given(sizes=st.lists(st.integers(0, 9 * MEBIBYTE), max_size=60), window=st.integers(1, 20))
def test_no_more_is_begun_than_the_window_holds(sizes: list[int], window: int) -> None:
    read = Reads()
    stored = 0
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reading, "WINDOW_ITEMS", window)
        for number, _ in enumerate(in_window(pairs(sizes), read)):
            waiting = sizes[number : len(read.begun)]
            assert len(waiting) <= window
            # The last one may exceed the limit.
            assert sum(waiting[:-1]) < reading.WINDOW_BYTES
            stored += 1
    assert stored == len(sizes)


@pytest.mark.parametrize(("items", "window"), [(1_000, 64), (10_000, 64), (10_000, 512)])
def test_a_window_is_full_of_reads_whenever_it_waits_for_an_eighth_of_them(
    monkeypatch: pytest.MonkeyPatch, items: int, window: int
) -> None:
    monkeypatch.setattr(reading, "WINDOW_ITEMS", window)
    read = Reads()
    for number, _ in enumerate(in_window(pairs([1] * items), read)):
        assert len(read.begun) >= min(items, number + window - window // 8)
    assert read.begun_when_waiting == [window + each * window // 8 for each in range(len(read.begun_when_waiting))]
    assert len(read.begun_when_waiting) <= items * 8 / window


@pytest.mark.parametrize("items", [1_000, 10_000])
def test_each_item_is_begun_once(items: int) -> None:
    begun: list[str] = []

    def read(pair: reading.ItemPair) -> None:
        begun.append(pair[0].path)

    assert sum(1 for _ in in_window(pairs([10] * items), read)) == items
    assert len(begun) == items


def test_unused_reads_are_cancelled_when_a_snapshot_is_interrupted() -> None:
    read = Reads()
    window = in_window(pairs([1] * 2000), read)
    next(window)
    window.close()
    first, *others = read.begun.values()
    assert not first.cancelled()
    assert all(each.cancelled() for each in others)

"""Ends of the index parts of a component, which follow from the paths of its entries."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")
# Each part but the last one of a component is longer than the first number and not longer than the second.
SHORTEST_PART = 1000
LONGEST_PART = 5000


class PartEnds(Generic[T]):
    """Items sorted by path, with knowledge of which of them end a part.

    A part ends after the item whose path has the smallest SHA-256 of those that may be its last one. An item that is
    added or deleted inside a part changes this end only if it has the smallest digest itself, or moves another such
    item over the limit of length. All other parts stay the same, and so do their vault objects. Ends at fixed numbers
    of items would move every part that follows, and ends at all digests below a limit have no longest part.
    """

    def __init__(self, items: Iterator[tuple[str, T]]) -> None:
        """Prepare the items, which come with their paths; they are read up to one part ahead."""
        self._items = items
        self._ahead: deque[tuple[str, T]] = deque()
        self._ends: set[str] = set()

    def has_end(self, path: str) -> bool:
        """Return whether a part ends after this item, which was yielded before."""
        return path in self._ends

    def __iter__(self) -> Iterator[T]:
        """Yield all items in their order."""
        while self._read_ahead(1):
            # These cannot end the part, so they are copied while the listing goes on.
            yield from self._next(SHORTEST_PART)
            choices = LONGEST_PART - SHORTEST_PART
            if not self._read_ahead(choices + 1):
                yield from self._next(choices)
                return
            paths = [path for path, _ in islice(self._ahead, choices)]
            digests = [hashlib.sha256(path.encode("utf-8")).digest() for path in paths]
            last = digests.index(min(digests))
            self._ends.add(paths[last])
            yield from self._next(last + 1)

    def _next(self, count: int) -> Iterator[T]:
        for _ in range(count):
            if not self._read_ahead(1):
                return
            yield self._ahead.popleft()[1]

    def _read_ahead(self, count: int) -> bool:
        """Read until `count` items wait; return False when there are fewer."""
        self._ahead.extend(islice(self._items, max(0, count - len(self._ahead))))
        return len(self._ahead) >= count

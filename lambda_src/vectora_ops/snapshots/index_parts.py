"""Division of a component's entries into index parts, at places that follow from their paths."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")
# No part is longer, and none but the last of a component is shorter, unless the writer ends it early.
SHORTEST_PART = 1000
LONGEST_PART = 5000


class IndexParts(Generic[T]):
    """Items sorted by path, handed out part by part.

    A part ends after the item whose path has the smallest SHA-256 of those that may be its last one. An item that is
    added or deleted inside a part changes this end only if it has the smallest digest itself, or moves another such
    item over the limit of length. All other parts stay the same, and so do their vault objects. Cuts at fixed numbers
    of items would move every part that follows, and cuts at all digests below a limit have no longest part.
    """

    def __init__(self, items: Iterator[tuple[str, T]]) -> None:
        """Prepare the division of items, which come with their paths."""
        self._items = items
        self._ahead: deque[tuple[bytes, T]] = deque()

    def __bool__(self) -> bool:
        """Return whether items are left; reads at most one ahead."""
        return self._read_ahead(1)

    def next_part(self) -> Iterator[T]:
        """Yield the items of the next part; a part that is not read to its end ends with the last item yielded."""
        # These need no look ahead, so that they are copied while the listing goes on.
        for _ in range(SHORTEST_PART):
            if not self:
                return
            yield self._ahead.popleft()[1]
        choices = LONGEST_PART - SHORTEST_PART
        if self._read_ahead(choices + 1):
            digests = [digest for digest, _ in islice(self._ahead, choices)]
            left = digests.index(min(digests)) + 1
        else:
            left = len(self._ahead)
        for _ in range(left):
            yield self._ahead.popleft()[1]

    def _read_ahead(self, count: int) -> bool:
        """Read until `count` items wait; return False when there are fewer."""
        for path, item in islice(self._items, max(0, count - len(self._ahead))):
            self._ahead.append((hashlib.sha256(path.encode("utf-8")).digest(), item))
        return len(self._ahead) >= count

"""Concurrent reading of several environments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
THREADS = 8


def read_each(items: Iterable[Item], read: Callable[[Item], Result]) -> list[Result]:
    """Return what `read` returns for each item, in their order; the items are read concurrently."""
    with ThreadPoolExecutor(THREADS) as pool:
        # Each thread needs the profiles of the command, which a context variable holds (cli/profiles.py).
        working = [pool.submit(copy_context().run, read, item) for item in items]
        return [each.result() for each in working]

"""Pauses between requests while CloudFormation works."""

from __future__ import annotations

import time
from collections.abc import Callable

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 3.0


class Polling:
    """Growing pauses of one wait. `keep_alive` is called before each pause; it may raise."""

    def __init__(self, keep_alive: Callable[[], None]) -> None:
        self._keep_alive = keep_alive
        self._seconds = FIRST_PAUSE_SECONDS

    def pause(self) -> None:
        self._keep_alive()
        time.sleep(self._seconds)
        self._seconds = min(self._seconds * 1.5, LONGEST_PAUSE_SECONDS)

"""Progress callbacks, deadlines and clock of long operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from vectora_shared.errors import VectoraError

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class OutOfTimeError(VectoraError):
    """The deadline is near; completed work stays, and another call resumes `subject`."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} is not done yet: it goes on where it stopped when it is called again.")
        self.subject = subject


@dataclass(frozen=True, slots=True)
class Advance:
    """Counts of a component so far."""

    component: str
    entries: int
    bytes: int
    copied_bytes: int


class Observer:
    """Progress callbacks of a long operation. Does nothing by default; override what you need."""

    def step(self, name: str) -> None:
        """Handle the start of the step `name`."""

    def advance(self, advance: Advance) -> None: ...


Deadline = Callable[[], bool]


def never() -> bool:
    return False

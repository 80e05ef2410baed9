"""Waits of the rehearsal, and the error of a step whose result is not as expected."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from botocore.exceptions import ClientError

from vectora_shared.aws_errors import error_code
from vectora_shared.errors import VectoraError

LOG_LINES_SHOWN = 40
# Only a guard against hanging: each wait ends as soon as its condition holds.
EXECUTION_SECONDS = 3600.0
REACTION_SECONDS = 600.0


class StepError(VectoraError):
    """A step failed; `log` are the last lines of its output."""

    def __init__(self, message: str, log: Sequence[str]) -> None:
        super().__init__(message)
        self.log = tuple(log)


def wait_until(
    event: str,
    condition: Callable[[], bool],
    seconds: float = REACTION_SECONDS,
    log: Callable[[], Sequence[str]] = tuple,
) -> None:
    """Wait until `condition` holds; raise StepError naming `event`, with the lines of `log`, when time runs out."""
    deadline = time.monotonic() + seconds
    while not _holds(condition):
        if time.monotonic() > deadline:
            raise StepError(f"Waited {seconds:.0f} seconds in vain for this: {event}.", log())
        time.sleep(0.1)


def _holds(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except ClientError as error:
        if error_code(error) in ("ResourceNotFoundException", "ParameterNotFound"):
            return False
        raise


def display_path(path: Path, root: Path) -> str:
    """Return a path relative to the checkout where it is inside."""
    return str(path.relative_to(root) if path.is_relative_to(root) else path)

"""Progress of a long operation on a terminal: its steps, and how much it has done."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

from rich.filesize import decimal as size
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.output import err
from vectora_ops.progress import Advance, Observer


class Watch(Observer):
    """Shows the step and its counts; where nobody watches, one line a step."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None) if progress else None

    def step(self, name: str) -> None:
        if self._progress and self._task is not None:
            self._progress.update(self._task, description=name)
        else:
            err.say(f"  {name} ...")

    def advance(self, advance: Advance) -> None:
        if self._progress and self._task is not None:
            copied = f", {size(advance.copied_bytes)} copied" if advance.copied_bytes else ""
            text = f"{advance.component}: {advance.entries:,} entries, {size(advance.bytes)}{copied}"
            self._progress.update(self._task, description=text)


@contextlib.contextmanager
def watching() -> Iterator[Watch]:
    """A Watch for the time of one operation."""
    if not err.is_terminal:
        yield Watch(None)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        yield Watch(progress)


def minute(moment: datetime | str | None) -> str:
    """A moment in UTC to the minute; nothing for None."""
    if moment is None:
        return ""
    parsed = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{parsed.astimezone(UTC):%Y-%m-%d %H:%M}"

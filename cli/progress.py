"""Progress of a long operation on a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.filesize import decimal as size
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.output import err
from vectora_ops.progress import Advance, Observer


class ProgressDisplay(Observer):
    """Displays the current step and its counts; without a terminal, prints one line per step."""

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
            text = f"{advance.component}: {advance.entries:,} files, {size(advance.bytes)}{copied}"
            self._progress.update(self._task, description=text)


@contextlib.contextmanager
def progress_display() -> Iterator[ProgressDisplay]:
    """Display the progress of one operation until the block ends."""
    if not err.is_terminal:
        yield ProgressDisplay(None)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        yield ProgressDisplay(progress)

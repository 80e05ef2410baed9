"""Progress of a long operation: its step in words, its counts, and a sign of life when neither changes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from threading import Event, Thread

from rich.filesize import decimal as size
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.output import err
from vectora_ops.progress import Advance, Observer

# Without a terminal, a line is printed when nothing was printed for so long.
QUIET_SECONDS = 10.0
# What the operations call their steps, for people; a component of a snapshot keeps its name.
WORDS = {
    "anchor": "anchoring the manifest",
    "begin": "recording the start of the snapshot",
    "choose": "choosing the snapshot in the copy",
    "compare": "comparing the environment with the snapshot",
    "content": "writing client files, data and newsletters",
    "copy": "copying into the new vault",
    "decide": "deciding which snapshots expire",
    "finish": "recording the end",
    "forget": "deleting the anchors of deleted snapshots",
    "hide": "removing expired snapshots from the list",
    "lease": "reserving the environment",
    "lock": "locking the data of the snapshot",
    "manifest": "writing the manifest",
    "mark": "finding the data that snapshots need",
    "prove": "comparing the result with the snapshot",
    "readme": "writing the description of the vault",
    "recheck": "checking that nothing changed meanwhile",
    "references": "recording the data that the snapshot needs",
    "remove": "deleting expired snapshots",
    "repair": "recreating what was changed by hand",
    "safety snapshot": "taking a safety snapshot",
    "smoke test": "running the smoke test",
    "sweep": "deleting data that no snapshot needs",
    "verify": "verifying every byte",
}
Seconds = Callable[[], float]


class ProgressDisplay(Observer):
    """Displays the current step and its counts; without a terminal, prints one line per step, and others rarely."""

    def __init__(self, progress: Progress | None, *, seconds: Seconds = time.monotonic) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None) if progress else None
        self._seconds = seconds
        self._begun = self._printed = seconds()
        self._steps = 0
        self._text = ""

    def step(self, name: str) -> None:
        self._steps += 1
        self._begun = self._seconds()
        self._show(WORDS.get(name, name))
        if not self._progress:
            self._print(f"  {self._text} ...")

    def advance(self, advance: Advance) -> None:
        copied = f", {size(advance.copied_bytes)} copied" if advance.copied_bytes else ""
        self._show(f"{advance.component}: {advance.entries:,} files, {size(advance.bytes)}{copied}")

    def report_if_quiet(self) -> None:
        """Print the step with its counts and time, when there is no terminal and nothing was printed for a while."""
        now = self._seconds()
        if not self._progress and self._text and now - self._printed >= QUIET_SECONDS:
            self._print(f"  {self._text}, for {now - self._begun:.0f} s ...")

    def _show(self, text: str) -> None:
        self._text = text
        if self._progress and self._task is not None:
            self._progress.update(self._task, description=f"Step {self._steps}: {text}")

    def _print(self, line: str) -> None:
        self._printed = self._seconds()
        err.say(line)


@contextlib.contextmanager
def progress_display() -> Iterator[ProgressDisplay]:
    """Display the progress of one operation until the block ends."""
    if not err.is_terminal:
        display = ProgressDisplay(None)
        with _sign_of_life(display):
            yield display
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        yield ProgressDisplay(progress)


@contextlib.contextmanager
def _sign_of_life(display: ProgressDisplay) -> Iterator[None]:
    ended = Event()

    def report() -> None:
        while not ended.wait(1):
            display.report_if_quiet()

    thread = Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()

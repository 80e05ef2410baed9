"""Lines that name what a rehearsal is doing, on outputs that show no live progress, such as files and logs of CI."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence

from rich.progress import Progress

from terminal.console import Terminal, styled

LONGEST_SILENCE_SECONDS = 10.0
BEAT_SECONDS = 0.5
# A beat before the limit, because a loaded machine delays the next one.
SILENCE_SECONDS = LONGEST_SILENCE_SECONDS - 2 * BEAT_SECONDS
NAMED_TASKS = 3


class Pulse:
    """Lines that are printed when nothing else was printed for some seconds; `progress` shows the tasks."""

    def __init__(self, progress: Progress, console: Terminal) -> None:
        self._progress = progress
        self._console = console
        self._outputs = console.outputs
        self._silent_since = progress.get_time()

    def beat(self) -> None:
        """Print what is running, when the last output is too long ago; on a terminal the live display shows it."""
        now = self._progress.get_time()
        if self._console.outputs != self._outputs:
            self._outputs, self._silent_since = self._console.outputs, now
        elif now - self._silent_since >= SILENCE_SECONDS and not self._console.is_terminal:
            self._console.print(styled(f"  ... {_running(self._progress)}", "dim"), soft_wrap=True)
            self._outputs, self._silent_since = self._console.outputs, now


def _running(progress: Progress) -> str:
    """Return the names of the running tasks, and for how long each runs; the first one is the whole."""
    named: Sequence[str] = [f"{task.description.strip()} ({task.elapsed or 0:.0f} s)" for task in progress.tasks]
    whole, parts = named[0], named[1:]
    others = len(parts) - NAMED_TASKS
    shown = ", ".join(parts[:NAMED_TASKS]) + (f" and {others} more" if others > 0 else "")
    return f"{whole}: {shown}" if shown else whole


@contextlib.contextmanager
def beating(progress: Progress, console: Terminal) -> Iterator[None]:
    """Let no more than ten seconds pass without an output while the context is entered."""
    pulse = Pulse(progress, console)
    ended = threading.Event()

    def beat_until_ended() -> None:
        while not ended.wait(BEAT_SECONDS):
            pulse.beat()

    thread = threading.Thread(target=beat_until_ended, daemon=True, name="pulse")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()

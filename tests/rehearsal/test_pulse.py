"""No silence of a rehearsal is longer than ten seconds, on a terminal or in a file."""

from __future__ import annotations

import io

from rich.progress import Progress

from rehearsal.pulse import LONGEST_SILENCE_SECONDS, Pulse
from terminal.console import Terminal


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _pulse(clock: Clock, *tasks: str, is_terminal: bool = False) -> tuple[Pulse, Terminal, io.StringIO]:
    file = io.StringIO()
    console = Terminal(file=file, width=200)
    console._force_terminal = is_terminal
    progress = Progress(console=console, get_time=clock, auto_refresh=False)
    for task in ("Rehearsal", *tasks):
        progress.add_task(task, total=None)
    return Pulse(progress, console), console, file


def _beat_for(pulse: Pulse, clock: Clock, seconds: float) -> None:
    for _ in range(round(2 * seconds)):
        clock.now += 0.5
        pulse.beat()


def test_a_long_step_is_named_at_least_every_ten_seconds() -> None:
    clock = Clock()
    pulse, _, file = _pulse(clock, "dev: newsletter made")
    _beat_for(pulse, clock, LONGEST_SILENCE_SECONDS)
    assert file.getvalue() == "  ... Rehearsal (9 s): dev: newsletter made (9 s)\n"
    _beat_for(pulse, clock, 5 * LONGEST_SILENCE_SECONDS)
    assert len(file.getvalue().splitlines()) >= 6


def test_nothing_is_added_where_other_lines_are_printed() -> None:
    clock = Clock()
    pulse, console, file = _pulse(clock)
    for _ in range(10):
        _beat_for(pulse, clock, 5)
        console.say("another line")
    assert "..." not in file.getvalue()


def test_a_silence_without_a_step_still_has_a_sign_of_life() -> None:
    clock = Clock()
    pulse, _, file = _pulse(clock)
    _beat_for(pulse, clock, LONGEST_SILENCE_SECONDS)
    assert file.getvalue() == "  ... Rehearsal (9 s)\n"


def test_of_many_concurrent_actions_the_first_are_named() -> None:
    clock = Clock()
    pulse, _, file = _pulse(clock, *(f"    dev: action {number}" for number in range(5)))
    _beat_for(pulse, clock, LONGEST_SILENCE_SECONDS)
    assert "dev: action 0 (9 s), dev: action 1 (9 s), dev: action 2 (9 s) and 2 more\n" in file.getvalue()


def test_a_terminal_shows_what_runs_by_itself() -> None:
    clock = Clock()
    pulse, _, file = _pulse(clock, is_terminal=True)
    _beat_for(pulse, clock, 60)
    assert file.getvalue() == ""

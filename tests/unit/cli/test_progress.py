"""Progress of long operations: steps in words, counts, and no silence without a terminal."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator

import pytest
from rich.progress import Progress, TextColumn

from cli import progress
from cli.progress import QUIET_SECONDS, WORDS, ProgressDisplay
from terminal.console import Terminal
from tests.repository import ROOT
from vectora_ops.progress import Advance
from vectora_ops.snapshots.manifest import COMPONENTS

FOLDERS = ("lambda_src/vectora_ops/snapshots", "lambda_src/vectora_ops/rollback", "recovery")


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    file = io.StringIO()
    monkeypatch.setattr(progress, "err", Terminal(file=file, width=200))
    return file


def test_without_a_terminal_each_step_is_one_line_in_words(printed: io.StringIO) -> None:
    display = ProgressDisplay(None)
    display.step("lease")
    display.step("data")
    for entries in range(100):
        display.advance(Advance("data", entries, 10, 0))
    assert printed.getvalue().splitlines() == ["  reserving the environment ...", "  data ..."]


def test_a_long_step_prints_its_counts_when_nothing_was_printed_for_ten_seconds(printed: io.StringIO) -> None:
    clock = _Clock()
    display = ProgressDisplay(None, seconds=clock)
    display.step("data")
    display.advance(Advance("data", 1234, 2_000_000, 0))
    clock.now = QUIET_SECONDS - 1
    display.report_if_quiet()
    clock.now = QUIET_SECONDS
    for _ in range(3):
        display.report_if_quiet()
    assert printed.getvalue().splitlines() == ["  data ...", "  data: 1,234 files, 2.0 MB, for 10 s ..."]


def test_before_the_first_step_nothing_is_printed(printed: io.StringIO) -> None:
    clock = _Clock()
    display = ProgressDisplay(None, seconds=clock)
    clock.now = 60
    display.report_if_quiet()
    assert printed.getvalue() == ""


def test_on_a_terminal_the_step_is_counted_and_named() -> None:
    shown = Progress(TextColumn("{task.description}", markup=False), console=Terminal(file=io.StringIO()))
    display = ProgressDisplay(shown)
    display.step("lease")
    display.step("newsletters")
    display.advance(Advance("newsletters", 3, 1000, 500))
    assert [task.description for task in shown.tasks] == ["Step 2: newsletters: 3 files, 1.0 kB, 500 bytes copied"]


def _steps() -> Iterator[str]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                is_step = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "step" and node.args
                if is_step and isinstance(node, ast.Call) and isinstance(node.args[0], ast.Constant):
                    yield str(node.args[0].value)


def test_every_step_of_an_operation_has_words() -> None:
    named = set(_steps())
    assert named - set(COMPONENTS) == set(WORDS)

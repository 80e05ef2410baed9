"""Terminal views of a pipeline: its actions while they run, and a timeline of an execution at the end."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock

from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from rehearsal.codepipeline import ActionReport, ExecutionReport, StateChange
from terminal.console import Terminal
from vectora_ops.plain_text import one_line

MARKS = {
    "SUCCEEDED": ("✓", "green"),
    "FAILED": ("✗", "red"),
    "ABANDONED": ("■", "yellow"),
    "SUPERSEDED": ("»", "yellow"),
    "STOPPED": ("■", "yellow"),
    "CANCELED": ("■", "yellow"),
}
BAR_WIDTH = 40
LONGEST_MESSAGE = 150


def progress_of(console: Terminal) -> Progress:
    """Return a progress display with a spinner, the description and the elapsed time."""
    columns = (SpinnerColumn(finished_text=Text("✓", "green")), TextColumn("{task.description}", markup=False))
    return Progress(*columns, TimeElapsedColumn(), console=console, transient=True)


class PipelineView:
    """Live view of a pipeline, called with each change of state from any thread.

    Running actions are shown live; each one that ended remains as a line.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = Lock()
        self._running: dict[tuple[str, str | None, str | None], TaskID] = {}

    def __call__(self, change: StateChange) -> None:
        with self._lock:
            if change.kind == "action":
                self._action(change)
            elif change.kind == "stage" and change.state == "STARTED":
                self._print(Text(f"  {change.stage}", "bold"))
            elif change.kind == "pipeline" and change.state in ("SUPERSEDED", "STOPPED", "CANCELED"):
                self._print(Text(f"  Execution {change.execution_id[:8]} {change.state.lower()}", "yellow"))

    def _action(self, change: StateChange) -> None:
        key = (change.execution_id, change.stage, change.action)
        if change.state == "STARTED":
            self._running[key] = self._progress.add_task(f"    {change.stage}: {change.action}", total=None)
            return
        task = self._running.pop(key, None)
        if task is not None:
            self._progress.remove_task(task)
        mark, color = MARKS.get(change.state, ("?", "yellow"))
        line = Text("    ").append(mark, color).append(f" {change.action}")
        if change.ended:
            line.append(f" ({(change.ended - change.started).total_seconds():.1f} s)", "dim")
        if change.message and change.state != "SUCCEEDED":
            line.append(f" {_short(one_line(change.message))}", "red")
        self._print(line)

    def _print(self, line: Text) -> None:
        self._progress.console.print(line, highlight=False, soft_wrap=True)


def timeline(report: ExecutionReport) -> Iterator[Text]:
    """Yield one line per action: when it ran within the execution, and for how long."""
    begin, scale = report.started, max(report.seconds, 0.1)
    stage = ""
    for action in report.actions:
        if action.stage != stage:
            stage = action.stage
            yield Text(f"  {stage}", "bold")
        yield _bar(action, (action.started - begin).total_seconds() / scale, action.seconds / scale)


def _bar(action: ActionReport, offset: float, share: float) -> Text:
    before = min(BAR_WIDTH - 1, int(offset * BAR_WIDTH))
    length = max(1, min(BAR_WIDTH - before, round(share * BAR_WIDTH)))
    color = {"Succeeded": "green", "Failed": "red"}.get(action.status, "yellow")
    line = Text("    ").append("·" * before, "dim").append("█" * length, color)
    line.append("·" * (BAR_WIDTH - before - length), "dim")
    return line.append(f" {action.seconds:6.1f} s  {action.action}").append(
        "" if color == "green" else "  failed", color
    )


def _short(message: str) -> str:
    return message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]}..."

"""Operations that run in an environment's own functions."""

from __future__ import annotations

from typing import Any

from cli.progress import progress_display
from cli.target import Target
from vectora_ops.names import OperationsTask
from vectora_ops.remote import run_remotely


def run_in_function(target: Target, task: OperationsTask, event: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of the environment's function `task`, and report each invocation that continues its work."""
    function = target.names.function(task)
    with progress_display() as display:
        display.step(f"running {function}")
        return run_remotely(
            target.account,
            target.names,
            task,
            event,
            lambda count: display.step(f"running {function}, invocation {count + 1}"),
        )

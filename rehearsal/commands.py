"""Commands of the administrators and operators of a rehearsal, each with a log of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from rehearsal.supervisor import end_supervised, start_supervised
from rehearsal.waiting import LOG_LINES_SHOWN, StepError, display_path


class Commands:
    """Commands that write their logs into the folder `logs`; those that still run can be ended together."""

    def __init__(self, root: Path, logs: Path) -> None:
        self._root = root
        self._logs = logs
        self._processes: list[subprocess.Popen[bytes]] = []

    def run(self, step: str, command: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> None:
        """Run a command in `folder`; raise StepError with the end of its log when it fails."""
        log = self._logs / f"{step}.log"
        with log.open("wb") as output:
            process = start_supervised(list(command), environment=environment, folder=folder, output=output)
        self._processes.append(process)
        code = process.wait()
        if code:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            raise StepError(
                f"Step {step} failed (exit code {code}); the whole log is {display_path(log, self._root)}.",
                lines[-LOG_LINES_SHOWN:],
            )

    def end(self) -> None:
        """End all commands."""
        for process in self._processes:
            end_supervised(process)

"""Supervised processes end with the process that started them, also on a slow machine."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rehearsal.supervisor import HANGS_AFTER_SECONDS, end_supervised, start_supervised


def _started(folder: Path, code: str, remove: Path | None = None) -> subprocess.Popen[bytes]:
    """Start a supervised Python program and wait until it runs."""
    ready = folder / "ready"
    os.mkfifo(ready)
    with Path(os.devnull).open("wb") as nowhere:
        program = f"{code}\nopen({str(ready)!r}, 'w').close()\nimport time\ntime.sleep(3600)"
        process = start_supervised(
            [sys.executable, "-c", program], environment={}, folder=folder, output=nowhere, remove=remove
        )
    ready.read_bytes()
    return process


def test_a_program_ends_and_its_folder_is_removed(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = _started(tmp_path, "pass", scratch)
    end_supervised(process)
    assert process.poll() is not None
    assert not scratch.exists()


def test_a_program_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    process = _started(tmp_path, "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)")
    end_supervised(process)
    assert process.poll() is not None


class _Slow:
    """A process that does not end within its time."""

    def __init__(self) -> None:
        self.stdin = io.BytesIO()
        self.calls: list[str] = []

    def wait(self, timeout: float | None = None) -> int:
        self.calls.append("waited" if timeout is None else f"waited {timeout:g}")
        if timeout is not None:
            raise subprocess.TimeoutExpired("supervisor", timeout)
        return -9

    def kill(self) -> None:
        self.calls.append("killed")


def test_a_process_that_hangs_is_killed_and_the_teardown_continues() -> None:
    process: Any = _Slow()
    end_supervised(process)
    assert process.stdin.closed
    assert process.calls == [f"waited {HANGS_AFTER_SECONDS:g}", "killed", "waited"]

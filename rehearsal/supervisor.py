"""A supervisor process that ends its command as soon as the process that started it has ended.

It watches its standard input: the kernel closes that pipe also when the starting process is killed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import IO

REPOSITORY = Path(__file__).resolve().parent.parent
SECONDS_TO_END = 1.5
SECONDS_TO_REMOVE = 60.0
# Only a guard against hanging: on a loaded machine, a second's work may take a minute.
HANGS_AFTER_SECONDS = 600.0


def start_supervised(
    command: list[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    output: IO[bytes],
    remove: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in `folder` under a supervisor, and return the supervisor's process.

    Closing its `stdin` ends the command with its children, and removes the folder `remove`.
    """
    supervisor = [sys.executable, "-I", str(Path(__file__).resolve()), "--folder", str(folder)]
    supervisor += ["--remove", str(remove)] if remove else []
    return subprocess.Popen(
        [*supervisor, "--", *command],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=REPOSITORY,
        env=dict(environment),
        start_new_session=True,
    )


def end_supervised(process: subprocess.Popen[bytes]) -> None:
    """End a command that `start_supervised` started, and wait until its processes and files are removed."""
    if process.stdin:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(timeout=HANGS_AFTER_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _signal_group(group: int, number: int) -> None:
    # macOS answers EPERM for a group that has only zombies left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _end(process: subprocess.Popen[bytes]) -> None:
    _signal_group(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        _signal_group(process.pid, signal.SIGKILL)


def _end_when_input_closes(process: subprocess.Popen[bytes]) -> None:
    while os.read(0, 4096):
        pass
    _end(process)


def _remove(folder: Path) -> None:
    # Another supervised process may still be writing its last files there.
    deadline = time.monotonic() + SECONDS_TO_REMOVE
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.05)


def main() -> int:
    """Run the command of the arguments until it ends, or until standard input closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="working directory of the command")
    parser.add_argument("--remove", type=Path, help="folder to remove after the command has ended")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()

    process = subprocess.Popen(options.command, stdin=subprocess.DEVNULL, cwd=options.folder, start_new_session=True)

    def end_now(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=_end, args=(process,), daemon=True).start()

    signal.signal(signal.SIGTERM, end_now)
    threading.Thread(target=_end_when_input_closes, args=(process,), daemon=True).start()
    code = process.wait()
    _signal_group(process.pid, signal.SIGKILL)
    if options.remove:
        _remove(options.remove)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())

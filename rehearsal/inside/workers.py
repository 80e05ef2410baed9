"""Cold starts of Python functions: a fork of a server that has imported the shared modules, one server for each layers.

What a function notices of its environment is the same as after a start of Python: variables, folder, module path and
standard streams. A function whose variables configure Python itself is started as before.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from ministack.core import lambda_runtime  # type: ignore[import-not-found]

FORKS = "REHEARSAL_FORKS"
SERVER = Path(__file__).resolve().parent / "fork_server.py"
LAYERS = "_LAMBDA_LAYERS_DIRS"
Folders = tuple[str, ...]


class ForkedWorker:
    """A worker with the part of the interface of `subprocess.Popen` that ministack uses."""

    def __init__(self, connection: socket.socket, command: Sequence[str], streams: Sequence[int]) -> None:
        self.args = list(command)
        self.returncode: int | None = None
        self.stdin: IO[str] = os.fdopen(streams[0], "w", buffering=1, encoding="utf-8")
        self.stdout: IO[str] = os.fdopen(streams[1], "r", encoding="utf-8")
        self.stderr: IO[str] = os.fdopen(streams[2], "r", encoding="utf-8")
        self._connection = connection
        self._answers = b""
        self._lock = threading.Lock()
        self.pid = int(self._answer(None) or 0)

    def poll(self) -> int | None:
        """Return the exit code, or None while the worker runs."""
        return self._exit_code(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code; raise TimeoutExpired when it takes longer than `timeout` seconds."""
        code = self._exit_code(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def terminate(self) -> None:
        """Ask the worker to end."""
        self.send_signal(15)

    def kill(self) -> None:
        """End the worker."""
        self.send_signal(9)

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the worker has ended."""
        if self.poll() is None:
            self._connection.sendall(bytes([number]))

    def _exit_code(self, timeout: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and (answer := self._answer(timeout)) is not None:
                self.returncode = int(answer)
                self._connection.close()
            return self.returncode

    def _answer(self, timeout: float | None) -> str | None:
        """Return the server's next line; None when it does not come in time. A lost server has killed its workers."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while b"\n" not in self._answers:
            self._connection.settimeout(None if deadline is None else max(deadline - time.monotonic(), 0))
            try:
                received = self._connection.recv(64)
            except (BlockingIOError, TimeoutError):
                return None
            if not received:
                return "-9"
            self._answers += received
        line, _, self._answers = self._answers.partition(b"\n")
        return line.decode("ascii")


class _Servers:
    """The fork servers by the folders of their layers, each started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._controls: dict[Folders, socket.socket] = {}

    def fork(self, command: Sequence[str], folder: str, environment: Mapping[str, str]) -> ForkedWorker:
        """Return a new worker that runs the script of `command` in `folder`."""
        mine, its = socket.socketpair()
        (in_read, in_write), (out_read, out_write), (error_read, error_write) = os.pipe(), os.pipe(), os.pipe()
        request = {"script": command[1], "folder": folder, "environment": dict(environment)}
        with its:
            with self._lock:
                socket.send_fds(self._control(environment), [b"+"], [its.fileno(), in_read, out_write, error_write])
            for each in (in_read, out_write, error_write):
                os.close(each)
            mine.sendall(json.dumps(request).encode("utf-8") + b"\n")
        return ForkedWorker(mine, command, (in_write, out_read, error_read))

    def _control(self, environment: Mapping[str, str]) -> socket.socket:
        layers = [each for each in environment.get(LAYERS, "").split(os.pathsep) if each]
        # A layer's folder has links to its extracted files, whose folder is named by their content (extraction.py).
        folders = tuple(str((Path(each) / "python").resolve()) for each in reversed(layers))
        if folders not in self._controls:
            mine, its = socket.socketpair()
            with its:
                subprocess.Popen(
                    [sys.executable, "-P", str(SERVER), str(its.fileno()), *folders],
                    pass_fds=[its.fileno()],
                    stdin=subprocess.DEVNULL,
                )
            self._controls[folders] = mine
        return self._controls[folders]


def _is_forked(command: Any, options: Mapping[str, Any]) -> bool:
    """Return whether a command is that of a Python worker, and no variable of its function configures Python."""
    environment = options.get("env") or {}
    script = Path(str(command[-1]))
    return (
        len(command) == 2
        and command[0] == sys.executable
        and script.suffix == ".py"
        and not any(name.startswith("PYTHON") for name in environment)
    )


def register() -> None:
    """Let the emulator fork its Python workers, where its variables say so."""
    if not os.environ.get(FORKS):
        return
    servers = _Servers()

    def start(command: Any, **options: Any) -> Any:
        if not _is_forked(command, options):
            return subprocess.Popen(command, **options)
        return servers.fork(command, options["cwd"], options["env"])

    lambda_runtime.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": start})

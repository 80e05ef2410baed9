"""Process that has imported what the functions of a runtime share, and forks a worker for each cold start.

A function's cold start imports the AWS SDK, which takes most of its second of CPU. Code of this project is never
imported here: a worker imports its own, with its own environment variables.

This file is run by its path. It gets the descriptor of a socket, over which each request has four descriptors: the
worker's connection, standard input, output and error. The connection carries a JSON document, then the signals for the
worker, and back its process id and its exit code.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from typing import Any

# Of the AWS SDK, which Lambda's runtime has, and of the layer of dependencies.
SHARED_MODULES = (
    "boto3.session",
    "boto3.s3.transfer",
    "botocore.httpsession",
    "botocore.handlers",
    "pydantic.main",
    "pydantic.root_model",
    "pydantic.type_adapter",
    "pydantic._internal._generate_schema",
    "yaml",
    "jinja2",
    "email.message",
    "zipfile",
)


def import_shared(folders: list[str]) -> None:
    """Import the shared modules, those of the layers in `folders` first, and leave the module path as it was."""
    path = list(sys.path)
    sys.path[:0] = folders
    for name in SHARED_MODULES:
        # A function whose layers lack it does without it.
        with suppress(ImportError):
            importlib.import_module(name)
    sys.path[:] = path
    # What is imported lives for ever; collections in workers need not look at it, nor copy its pages.
    gc.collect()
    gc.freeze()


class Server:
    """The server's loop, and the workers that run, by process id and by connection."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._selector = selectors.DefaultSelector()
        self._connections: dict[int, socket.socket] = {}
        self._ended, self._wakeup = socket.socketpair()

    def serve(self) -> None:
        """Serve requests until the emulator closes its end; its supervisor ends the workers."""
        for each in (self._ended, self._wakeup):
            each.setblocking(False)
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._ended, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._ended:
                    self._report_ended()
                elif key.fileobj is not self._control:
                    self._pass_signals(key.data)
                elif not self._accept():
                    return

    def _accept(self) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._control, 1, 4)
        if not message:
            return False
        connection = socket.socket(fileno=descriptors[0])
        with connection.makefile("r", encoding="utf-8") as lines:
            request = json.loads(lines.readline())
        pid = os.fork()
        if pid == 0:
            connection.close()
            self._become(request, descriptors[1:])
        for each in descriptors[1:]:
            os.close(each)
        self._connections[pid] = connection
        self._selector.register(connection, selectors.EVENT_READ, pid)
        connection.sendall(f"{pid}\n".encode("ascii"))
        return True

    def _pass_signals(self, pid: int) -> None:
        connection = self._connections.get(pid)
        if connection is None:
            return
        numbers = connection.recv(64)
        for number in numbers:
            os.kill(pid, number)
        if not numbers:
            # The emulator does not wait for the exit code any more.
            self._selector.unregister(connection)

    def _report_ended(self) -> None:
        with suppress(BlockingIOError):
            self._ended.recv(4096)
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                connection = self._connections.pop(found[0])
                with suppress(KeyError, ValueError):
                    self._selector.unregister(connection)
                with suppress(OSError):
                    connection.sendall(f"{os.waitstatus_to_exitcode(found[1])}\n".encode("ascii"))
                connection.close()

    def _become(self, request: dict[str, Any], streams: list[int]) -> None:
        """Turn this new process into a worker, as if Python had been started for its script; never return."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for each in (self._control, self._ended, self._wakeup, *self._connections.values()):
            each.close()
        for target, source in enumerate(streams):
            os.dup2(source, target)
            os.close(source)
        _run(request)


def _run(request: dict[str, Any]) -> None:
    code = 0
    try:
        os.environ.clear()
        os.environ.update(request["environment"])
        time.tzset()
        os.chdir(request["folder"])
        script = str(request["script"])
        sys.argv[:] = [script]
        sys.path.insert(0, os.path.dirname(script))  # noqa: PTH120
        with open(script, encoding="utf-8") as source:  # noqa: PTH123
            program = compile(source.read(), script, "exec")
        exec(program, {"__name__": "__main__", "__file__": script, "__builtins__": __builtins__})  # noqa: S102
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        code = 1
    finally:
        _leave(code)


def _leave(code: int) -> None:
    """End this process as the interpreter would, but without the server's own stack."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def main() -> None:
    """Serve the socket whose descriptor is the first argument; the others are the folders of the layers."""
    control = socket.socket(fileno=int(sys.argv[1]))
    import_shared(sys.argv[2:])
    Server(control).serve()


if __name__ == "__main__":
    main()

"""Deadline of a source: a moment after which its connections are cut."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress


class Deadline:
    """The end of a source's time; it then shuts down the sockets that it watches.

    Timeouts alone do not end a response of which a byte arrives now and then.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._passed = False
        self._timer = threading.Timer(seconds, self._shut_down)
        self._timer.daemon = True

    def __enter__(self) -> Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self._end - time.monotonic()

    @property
    def passed(self) -> bool:
        return self._passed or self.remaining <= 0

    def watch(self, connection: socket.socket | None) -> None:
        """Shut the socket down at the deadline, or now if it has passed."""
        with self._lock:
            if connection is not None:
                self._sockets.append(connection)
        if self.passed:
            self._shut_down()

    def _shut_down(self) -> None:
        with self._lock:
            self._passed = True
            for connection in self._sockets:
                with suppress(OSError):
                    # A TLS socket's own shutdown would change it while another thread reads from it.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

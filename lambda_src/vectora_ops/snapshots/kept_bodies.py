"""Bodies of vault objects that one operation reads several times, such as the parts of an index."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

# Larger objects are whole chunks of files or full packs, which are rarely read again.
LARGEST_BODY_BYTES = 1024 * 1024
ALL_BODIES_BYTES = 16 * 1024 * 1024


class KeptBodies:
    """The last bodies that were read, by SHA-256, within a limit of bytes; safe for many threads.

    A name is the digest of the bytes, so a kept body cannot be out of date: it can only be missing in the vault
    meanwhile. Verification therefore never takes a body from here.
    """

    def __init__(self) -> None:
        self._bodies: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def keep(self, sha256: str, body: bytes) -> None:
        """Keep a body whose digest was checked, and forget those that were not used for the longest time."""
        if len(body) > LARGEST_BODY_BYTES:
            return
        with self._lock:
            if sha256 not in self._bodies:
                self._bodies[sha256] = body
                self._bytes += len(body)
            while self._bytes > ALL_BODIES_BYTES:
                _, forgotten = self._bodies.popitem(last=False)
                self._bytes -= len(forgotten)

    def forget(self, sha256: str) -> None:
        """Forget a body, because its object turned out to be damaged or missing."""
        with self._lock:
            self._bytes -= len(self._bodies.pop(sha256, b""))

    def get(self, sha256: str) -> bytes | None:
        """Return a kept body."""
        with self._lock:
            body = self._bodies.get(sha256)
            if body is not None:
                self._bodies.move_to_end(sha256)
            return body

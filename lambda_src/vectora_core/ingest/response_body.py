"""Body of a response, decompressed up to a limit of bytes."""

from __future__ import annotations

import zlib

import urllib3

from vectora_core.ingest.deadline import Deadline
from vectora_core.text.words import visible_text
from vectora_shared.errors import VectoraError

_CHUNK_BYTES = 65_536
# zlib detects which of the two formats it reads.
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


def read_body(response: urllib3.BaseHTTPResponse, limit: int, deadline: Deadline) -> bytes | None:
    """Return the whole body, or None when the deadline passes first.

    Raise VectoraError when the body has more than `limit` bytes, ValueError when it cannot be decompressed.
    """
    decompressor = _Decompressor(response.headers.get("Content-Encoding", ""))
    body = bytearray()
    received = 0
    while not deadline.passed:
        # Decompressed here: urllib3 buffers all that it receives until some of it decompresses to a byte.
        chunk = response.read1(_CHUNK_BYTES, decode_content=False)
        received += len(chunk)
        body += decompressor.decompressed(chunk, limit + 1 - len(body))
        if max(received, len(body)) > limit:
            raise VectoraError(f"The answer is larger than {limit} bytes: it was cut off and not used.")
        if not chunk:
            # A connection that is cut at the deadline looks like the end of a body without a stated length.
            return None if deadline.passed else bytes(body)
    return None


class _Decompressor:
    """Decompressor of gzip and deflate with a limited output."""

    def __init__(self, coding: str) -> None:
        """Raise VectoraError when `coding` names several compressions: one bomb could hide another."""
        name = coding.strip().lower()
        if "," in name:
            raise VectoraError(
                f"The answer is compressed more than once ({visible_text(name)[:60]}), which was not requested and is "
                "never read: ask the site's owner."
            )
        self._is_compressed = name in ("gzip", "x-gzip", "deflate")
        self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._is_at_start = True
        self._streams_ended = 0

    def decompressed(self, chunk: bytes, limit: int) -> bytes:
        """Return the content of `chunk`, at most `limit` bytes; raise ValueError when it cannot be decompressed."""
        if not self._is_compressed:
            return chunk[:limit]
        body = bytearray()
        while chunk and len(body) < limit:
            body += self._next_part(chunk, limit - len(body))
            chunk = self._stream.unused_data
            if self._stream.eof:
                # gzip allows several streams, one after the other.
                self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
                self._streams_ended += 1
        return bytes(body)

    def _next_part(self, chunk: bytes, limit: int) -> bytes:
        try:
            return self._stream.decompress(chunk, limit)
        except zlib.error as error:
            if self._streams_ended:
                # Padding after the last stream, which all readers of gzip ignore.
                self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
                return b""
            if not self._is_at_start:
                raise ValueError("it cannot be unpacked") from error
        finally:
            self._is_at_start = False
        # Some servers send deflate without the header of zlib.
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        return self._next_part(chunk, limit)

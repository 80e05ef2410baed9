"""Body of a response: complete, and without its content codings, up to a limit of bytes."""

from __future__ import annotations

import importlib
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import urllib3

from vectora_core.ingest.deadline import Deadline
from vectora_core.ingest.fetch_errors import TemporaryError
from vectora_core.text.words import visible_text
from vectora_shared.errors import VectoraError


def zstd_module(*names: str) -> Any:
    """Return the first of these modules that can be imported, None when none can."""
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


# That of Python 3.14, as in Lambda's runtime, or its backport, which tests and commands have.
_ZSTD = zstd_module("compression.zstd", "backports.zstd")
# What `_STREAMS` reads, by the names of RFC 9110 (section 8.4.1), RFC 7932 and RFC 8878.
ACCEPT_ENCODING = "gzip, deflate, br, zstd" if _ZSTD else "gzip, deflate, br"
# Each coding is removed from the whole body within the limit, so that a bomb in a bomb stays within it, too.
_MAX_CODINGS = 2
_CHUNK_BYTES = 65_536
# A body of empty streams would take minutes.
_MAX_STREAMS = 1000
# zlib detects which of the two formats it reads.
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
# First bytes of compressed files, which some servers send as they are.
_FILES = {b"\x1f\x8b\x08": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_BINARIES = {
    b"%PDF-": "a PDF document",
    b"PK\x03\x04": "a ZIP archive",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\0": "compressed with xz",
    b"\x89PNG\r\n": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
}
_MARK_UP = re.compile(rb"(?:\xef\xbb\xbf)?\s*[<{\[]")
# RFC 9659: the window that a server may use for the coding zstd has at most 8 MB.
_ZSTD_WINDOW_LOG = 23


class _Stream(Protocol):
    """Decompressor of one stream; what it returns is shorter than the limit when it has used all data."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, limit: int, /) -> bytes: ...


class _UnpackError(ValueError):
    """Bytes that are not in the format that they should be in."""


def read_body(response: urllib3.BaseHTTPResponse, limit: int, deadline: Deadline) -> bytes | None:
    """Return the whole body, or None when the deadline passes first.

    Raise VectoraError when the body has more than `limit` bytes or an unknown coding, ValueError when it cannot be
    decompressed, TemporaryError when it ends early.
    """
    _require_readable_transfer(response.headers.get("Transfer-Encoding", ""))
    codings = _codings(response.headers.get("Content-Encoding", ""))
    body = _received(response, limit, deadline)
    if body is None:
        return None
    for coding in reversed(codings):
        body = _without_coding(body, coding, limit)
    for magic, coding in _FILES.items():
        if body.startswith(magic):
            body = _without_coding(body, coding, limit)
            break
    if kind := next((name for magic, name in _BINARIES.items() if body.startswith(magic)), None):
        raise VectoraError(f"The answer is {kind}, neither a feed nor a page: correct the source's url.")
    return body


def _require_readable_transfer(coding: str) -> None:
    """Raise VectoraError for a transfer coding that http.client takes for the content."""
    if coding.strip().lower() not in ("", "chunked", "identity"):
        raise VectoraError(
            f"The answer has the transfer coding {visible_text(coding)[:60]}, which was not requested and cannot be "
            "read: ask the site's owner."
        )


def _codings(header: str) -> list[str]:
    names = [name.strip().lower() for name in header.split(",")]
    codings = [name for name in names if name not in ("", "identity")]
    if len(codings) > _MAX_CODINGS:
        raise VectoraError(
            f"The answer is compressed more than twice ({visible_text(header)[:60]}), which was not requested and is "
            "never read: ask the site's owner."
        )
    return codings


def _received(response: urllib3.BaseHTTPResponse, limit: int, deadline: Deadline) -> bytes | None:
    """Return the body as it was sent. urllib3 raises IncompleteRead when it is shorter than stated."""
    body = bytearray()
    while not deadline.passed:
        # Decompressed elsewhere: urllib3 buffers all that it receives until some of it decompresses to a byte.
        chunk = response.read1(_CHUNK_BYTES, decode_content=False)
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
        if not chunk:
            # A connection that is cut at the deadline looks like the end of a body without a stated length.
            return None if deadline.passed else bytes(body)
    return None


def _without_coding(body: bytes, coding: str, limit: int) -> bytes:
    new_streams = _STREAMS.get(coding)
    # Some servers name a coding, but send text: a charset as a coding, or gzip that a proxy has already removed.
    is_text = bool(_MARK_UP.match(body)) and coding not in ("br", "deflate")
    if not body or is_text:
        return body
    if new_streams is None:
        raise VectoraError(
            f"The answer is compressed as {visible_text(coding)[:40]}, which was not requested and cannot be read: "
            "ask the site's owner."
        )
    for new_stream in new_streams:
        try:
            return _unpacked(body, coding, limit, new_stream)
        except _UnpackError:
            continue
    raise ValueError(f"its Content-Encoding is {coding}, but it cannot be unpacked as such")


def _unpacked(body: bytes, coding: str, limit: int, new_stream: Callable[[], _Stream]) -> bytes:
    unpacked = bytearray()
    stream: _Stream | None = None
    streams = start_of_stream = 0
    for data in _chunks(body):
        while data:
            if stream is None:
                # gzip and zstd allow several streams, one after the other.
                stream, start_of_stream = new_stream(), len(unpacked)
                streams += 1
            try:
                unpacked += stream.decompress(data, limit + 1 - len(unpacked))
            except _errors() as error:
                if streams > 1:
                    # Padding after the last stream, which all readers ignore.
                    return bytes(unpacked)
                raise _UnpackError(str(error)) from error
            if len(unpacked) > limit or streams > _MAX_STREAMS:
                raise _too_large(limit)
            data, stream = (stream.unused_data, None) if stream.eof else (b"", stream)
    if stream is not None and (streams == 1 or len(unpacked) > start_of_stream):
        raise TemporaryError(f"The answer ended early, within its {coding} data")
    return bytes(unpacked)


def _chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), _CHUNK_BYTES):
        yield body[start : start + _CHUNK_BYTES]


def _too_large(limit: int) -> VectoraError:
    return VectoraError(f"The answer is larger than {limit} bytes: it was cut off and not used.")


class _Brotli:
    """A stream of the coding br."""

    def __init__(self) -> None:
        import brotli

        self._decompressor = brotli.Decompressor()
        self.unused_data = b""

    @property
    def eof(self) -> bool:
        return bool(self._decompressor.is_finished())

    def decompress(self, data: bytes, limit: int, /) -> bytes:
        """Return the content of `data`, at most a little more than `limit` bytes."""
        output = bytearray(self._decompressor.process(data, output_buffer_limit=limit))
        while len(output) < limit and not self.eof and not self._decompressor.can_accept_more_data():
            output += self._decompressor.process(b"", output_buffer_limit=limit - len(output))
        return bytes(output)


def _zstd() -> _Stream:
    options = {_ZSTD.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    stream: _Stream = _ZSTD.ZstdDecompressor(options=options)
    return stream


def _errors() -> tuple[type[Exception], ...]:
    """Return the errors of all decompressors."""
    import brotli

    return (zlib.error, brotli.error, *((_ZSTD.ZstdError,) if _ZSTD else ()))


def _gzip_or_zlib() -> _Stream:
    return zlib.decompressobj(_GZIP_OR_ZLIB)


def _raw_deflate() -> _Stream:
    return zlib.decompressobj(-zlib.MAX_WBITS)


_STREAMS: dict[str, tuple[Callable[[], _Stream], ...]] = {
    "gzip": (_gzip_or_zlib,),
    "x-gzip": (_gzip_or_zlib,),
    # Some servers send deflate without the header of zlib.
    "deflate": (_gzip_or_zlib, _raw_deflate),
    "br": (_Brotli,),
    **({"zstd": (_zstd,)} if _ZSTD else {}),
}

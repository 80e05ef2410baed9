"""Server of the stand-in: HTTP/1.1 on loopback in one event loop, because ten thousand requests must take a second."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from http import HTTPStatus

from benchmarks.fast_s3.messages import Refusal, Request, Response, Usage
from benchmarks.fast_s3.service import Service
from benchmarks.fast_s3.signatures import verify

REASONS = {status.value: status.phrase for status in HTTPStatus}
# Requests to this path control the stand-in; they are neither signed nor counted.
CONTROL = "/-/"


@dataclass
class Standing:
    """State that all connections share; `latency` is in seconds."""

    service: Service
    secrets: dict[str, str]
    latency: float = 0.0

    def respond(self, request: Request) -> Response:
        """Check the signature, then carry out the request."""
        try:
            verify(request, self.secrets, datetime.now(UTC))
        except Refusal as refusal:
            return refusal.response()
        return self.service.respond(request)

    def control(self, target: str) -> Response:
        """Set the latency in milliseconds, reset the counts, or return them."""
        _, _, command = target.partition(CONTROL)
        name, _, value = command.partition("/")
        if name == "latency":
            self.latency = int(value) / 1000
        elif name == "reset":
            self.service.usage = Usage()
        usage = self.service.usage
        counts = {"operations": usage.operations, "dollars": usage.dollars}
        return Response(200, json.dumps(counts).encode("utf-8"))


class Connection(asyncio.Protocol):
    """One connection, which answers one request after the other."""

    def __init__(self, standing: Standing, loop: asyncio.AbstractEventLoop) -> None:
        self._standing = standing
        self._loop = loop
        self._received = bytearray()
        self._answering = False
        self._continued = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._answering:
            self._next()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None

    def _next(self) -> None:
        """Answer the next request once all of it has arrived."""
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        request, length = _parsed(bytes(self._received[:end]))
        if "chunked" in request.headers.get("transfer-encoding", ""):
            taken = _joined(self._received, end + 4)
        else:
            ready = len(self._received) >= end + 4 + length
            taken = (bytes(self._received[end + 4 : end + 4 + length]), end + 4 + length) if ready else None
        if taken is None:
            self._say_continue(request)
            return
        request.body, position = taken
        del self._received[:position]
        self._continued = False
        self._answering = True
        if request.target.startswith(CONTROL):
            self._send(request, self._standing.control(request.target))
        elif self._standing.latency:
            self._loop.call_later(self._standing.latency, self._answer, request)
        else:
            self._answer(request)

    def _say_continue(self, request: Request) -> None:
        if not self._continued and request.headers.get("expect", "").lower() == "100-continue" and self._transport:
            self._continued = True
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _answer(self, request: Request) -> None:
        try:
            response = self._standing.respond(request)
        except (KeyError, ValueError) as error:
            response = Refusal(400, "InvalidRequest", f"{type(error).__name__}: {error}").response()
        self._send(request, response)

    def _send(self, request: Request, response: Response) -> None:
        if self._transport is None:
            return
        body = b"" if request.method == "HEAD" or response.status in (204, 304) else response.body
        length = len(response.body) if response.length is None else response.length
        lines = [f"HTTP/1.1 {response.status} {REASONS[response.status]}", f"Date: {_date(int(self._loop.time()))}"]
        lines += [f"{name}: {value}" for name, value in response.headers]
        if response.status != 204:
            lines.append(f"Content-Length: {length}")
        head = "\r\n".join(lines).encode("utf-8")
        self._transport.write(b"%b\r\nServer: fast-s3\r\n\r\n%b" % (head, body))
        self._answering = False
        if request.headers.get("connection", "").lower() == "close":
            self._transport.close()
        elif self._received:
            self._next()


def _parsed(head: bytes) -> tuple[Request, int]:
    lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Request(method, target, headers), int(headers.get("content-length", 0))


def _joined(received: bytearray, position: int) -> tuple[bytes, int] | None:
    """Return a body in HTTP chunks and where it ends; None when it has not arrived."""
    chunks: list[bytes] = []
    while (end := received.find(b"\r\n", position)) >= 0:
        size = int(received[position:end].partition(b";")[0], 16)
        if not size:
            last = received.find(b"\r\n", end + 2)
            while last > end + 2:
                end, last = last, received.find(b"\r\n", last + 2)
            return (b"".join(chunks), last + 2) if last >= 0 else None
        if len(received) < end + 2 + size + 2:
            return None
        chunks.append(bytes(received[end + 2 : end + 2 + size]))
        position = end + 2 + size + 2
    return None


_dates: dict[int, str] = {}


def _date(second: int) -> str:
    if second not in _dates:
        _dates.clear()
        _dates[second] = formatdate(usegmt=True)
    return _dates[second]


async def serve(standing: Standing) -> None:
    """Serve on a free port of loopback, print the port, and end when the standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(standing, loop), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    region, key, secret = sys.argv[1:4]
    # Its objects are in no reference cycles, and looking for cycles among 100,000 of them takes longer than a request.
    gc.disable()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(Standing(Service(region), {key: secret})))

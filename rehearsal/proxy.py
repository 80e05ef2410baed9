"""The local network: a CONNECT proxy on loopback that routes each host name to its local server."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from rehearsal import aws_names

CHUNK_BYTES = 65536
HTTPS_PORT = 443
CONNECT_SECONDS = 30
PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
DIRECT_VARIABLES = ("NO_PROXY", "no_proxy")
LOOPBACK = "127.0.0.1,localhost"

# Serves a client's connection to a host, and returns when the connection has ended.
Destination = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Refusal:
    """A refused connection: the host, and the reason that the client got."""

    host: str
    reason: str


class Proxy:
    """A proxy that routes host names to local servers and refuses all other names, as a context manager."""

    def __init__(self) -> None:
        self._destinations: dict[str, Destination] = {}
        self._aws: Destination | None = None
        self._refusals: list[Refusal] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), functools.partial(_Client, self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="proxy")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        """Address of the proxy for HTTPS_PROXY."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """All refused requests so far."""
        return tuple(self._refusals)

    def route(self, hosts: Iterable[str], destination: Destination) -> None:
        """Route connections to these hosts to `destination`."""
        with self._lock:
            self._destinations |= dict.fromkeys(hosts, destination)

    def route_aws(self, destination: Destination) -> None:
        """Route connections to all other names that AWS serves to `destination`."""
        self._aws = destination

    def refuse(self, host: str, reason: str) -> None:
        """Record a refused request."""
        self._refusals.append(Refusal(host, reason))

    def destination(self, host: str, port: int) -> Destination | str:
        """Return the destination of a connection, or the reason why it is refused."""
        if port != HTTPS_PORT:
            return f"the rehearsal reaches no real web site ({host}:{port})"
        if found := self._destinations.get(host):
            return found
        if aws_names.is_aws(host):
            if reason := aws_names.refusal(host):
                return reason
            return self._aws or f"no local AWS is running that could answer for {host}"
        return f"the rehearsal reaches no real web site ({host})"

    def environment(self) -> dict[str, str]:
        """Return the variables that send a tool's traffic through the proxy, except to this machine."""
        return dict.fromkeys(PROXY_VARIABLES, self.address) | dict.fromkeys(DIRECT_VARIABLES, LOOPBACK)


class OpenNetwork(Proxy):
    """The network of builds and operators: AWS's names are those of `local`, all others are on the internet."""

    def __init__(self, local: Proxy) -> None:
        """Prepare the network; this machine's own proxy is read now.

        Later this process may have the variables of a tool, and the network would connect to itself without end.
        """
        super().__init__()
        self._local = local
        self._upstream = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy") or ""

    def destination(self, host: str, port: int) -> Destination | str:
        """Return the local destination of a name of AWS, otherwise a connection to the internet."""
        if aws_names.is_aws(host):
            return self._local.destination(host, port)
        return _to_internet(host, port, self._upstream)

    def refuse(self, host: str, reason: str) -> None:
        """Record a refused request at the local proxy."""
        self._local.refuse(host, reason)


def to_port(port: int) -> Destination:
    """Return a destination that copies bytes to a port of this machine and back."""
    return lambda client: _join(client, socket.create_connection(("127.0.0.1", port), CONNECT_SECONDS))


def _to_internet(host: str, port: int, upstream: str) -> Destination:
    def relay(client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            _join(client, _connection_to(host, port, urlsplit(upstream)))

    return relay


def _connection_to(host: str, port: int, upstream: SplitResult) -> socket.socket:
    """Connect to the internet, through this machine's own proxy when it has one; raise OSError."""
    if not upstream.hostname:
        return socket.create_connection((host, port), CONNECT_SECONDS)
    connection = socket.create_connection((upstream.hostname, upstream.port or 3128), CONNECT_SECONDS)
    connection.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode("ascii"))
    answer = b""
    while b"\r\n\r\n" not in answer and (more := connection.recv(1)):
        answer += more
    if b" 200 " not in answer.partition(b"\r\n")[0]:
        raise ConnectionError(f"The proxy of this machine did not connect to {host}.")
    return connection


def _join(client: socket.socket, server: socket.socket) -> None:
    """Copy bytes both ways until both sides have ended."""
    with server:
        for each in (client, server):
            each.settimeout(None)
            # Small messages must not be delayed: each waits for an answer.
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=_copy, args=(server, client), daemon=True, name="tunnel")
        back.start()
        _copy(client, server)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK_BYTES):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Client(http.server.BaseHTTPRequestHandler):
    """Handler of a client's connection; it supports CONNECT only."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    def __init__(self, proxy: Proxy, *args: Any) -> None:
        self._proxy = proxy
        super().__init__(*args)

    def log_message(self, format: str, *args: Any) -> None:
        """Write no access log, which would hide the rehearsal's own output."""

    def do_CONNECT(self) -> None:
        host, _, port = self.path.rpartition(":")
        found = self._proxy.destination(host.lower(), int(port) if port.isdecimal() else 0)
        if isinstance(found, str):
            self._refuse(host, found)
            return
        self.send_response(200, "Connection established")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            found(self.connection)

    def do_GET(self) -> None:
        host = urlsplit(self.path).hostname or self.path
        self._refuse(host, f"the rehearsal reaches no real web site ({host})")

    do_POST = do_HEAD = do_PUT = do_DELETE = do_PATCH = do_GET  # noqa: N815

    def _refuse(self, host: str, reason: str) -> None:
        self._proxy.refuse(host, reason)
        self.send_error(502, f"Refused: {reason}")
        self.close_connection = True

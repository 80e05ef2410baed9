"""TLS server at AWS's own host names that sends scripted answers, complete or cut, and closes the connection."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from rehearsal.certificates import Authority
from tests.second_opinion.own_host_names import CERTIFICATE_NAMES, POLL_SECONDS, REGION, OwnHostNames
from vectora_ops.account import Account


@dataclass(frozen=True)
class Request:
    method: str
    host: str
    path: str


def whole(body: bytes, status: int = 200, **headers: str) -> bytes:
    """Return the bytes of an answer; `Content_Length` states another length than the body has."""
    named = {"Content-Length": str(len(body))} | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in named.items()), "", ""]
    return "\r\n".join(lines).encode("ascii") + body


def cut(body: bytes, length: int, status: int = 200) -> bytes:
    """Return the same answer with only `length` bytes of its body."""
    return whole(body[:length], status, Content_Length=str(len(body)))


def cut_in_chunks(body: bytes, status: int = 200) -> bytes:
    """Return an answer of unknown length without its last chunk."""
    head = f"HTTP/1.1 {status} Said\r\nTransfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n"
    return head.encode("ascii") + body + b"\r\n"


def refusal(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>Because.</Message></Error>".encode("ascii")


class ScriptedAws:
    """Server state: `answers` are sent in order, the last one for all further requests; `requests` have arrived."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.answers: list[bytes] = []
        self.requests: list[Request] = []

    def next(self, request: Request) -> bytes:
        self.requests.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def scripted_aws(folder: Path) -> Iterator[ScriptedAws]:
    authority, bundle = Authority(), folder / "ca.pem"
    authority.write_bundle(bundle)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.socket = _tls(authority).wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with server, OwnHostNames(server.server_port, bundle) as own:
        _Handler.script = ScriptedAws(Account("0" * 12, REGION, own.session("AKIATEST", "secret")))
        threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True).start()
        try:
            yield _Handler.script
        finally:
            server.shutdown()


def _tls(authority: Authority) -> ssl.SSLContext:
    return authority.server_context(*CERTIFICATE_NAMES)


class _Handler(BaseHTTPRequestHandler):
    script: ScriptedAws

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.wfile.write(self.script.next(Request(self.command, self.headers["Host"], self.path)))
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_HEAD = answer  # noqa: N815

    def log_message(self, format: str, *arguments: object) -> None:
        """Stay silent."""

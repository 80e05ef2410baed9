"""CodePipeline's JSON 1.1 protocol over HTTPS, at CodePipeline's host names."""

from __future__ import annotations

import functools
import http.server
import json
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rehearsal import aws_names
from rehearsal.certificates import Authority
from rehearsal.codepipeline import shapes
from rehearsal.codepipeline.callers import Request, verify
from rehearsal.codepipeline.engine import Engine
from rehearsal.codepipeline.errors import ApiError
from rehearsal.codepipeline.operations import OPERATIONS, Call, resource_of
from rehearsal.proxy import Proxy, to_port
from rehearsal.secure_server import SecureServer

TARGET = "CodePipeline_20150709"
CONTENT_TYPE = "application/x-amz-json-1.1"


def answer(engine: Engine, request: Request) -> Mapping[str, Any]:
    """Return an operation's answer; raise ApiError."""
    name = request.headers.get("x-amz-target", "").removeprefix(f"{TARGET}.")
    operation = OPERATIONS.get(name)
    if operation is None:
        if shapes.is_operation(name):
            message = f"The stand-in for CodePipeline does not execute the operation {name}."
        else:
            message = f"CodePipeline has no operation {name}."
        raise ApiError("UnknownOperationException", message)
    if engine.shared.connection is None:
        message = "The stand-in for CodePipeline is not connected to an emulator yet."
        raise ApiError("ServiceUnavailableException", message, 503)
    given = _document(request.body)
    shapes.check(name, given)
    aws = engine.shared.aws
    caller = verify(aws, request, name, resource_of(operation, given, aws.region, aws.account))
    call = Call(engine, given, caller)
    if name.startswith(("Get", "List")):
        with engine.shared.changed:
            return operation.answer(call)
    return operation.answer(call)


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except ValueError as error:
        raise ApiError("SerializationException", f"The request is not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise ApiError("SerializationException", "The request is not a JSON object.")
    return document


class Server:
    """The HTTPS server, which runs from its creation until `close`."""

    def __init__(self, proxy: Proxy, authority: Authority, engine: Engine) -> None:
        handler = functools.partial(_Handler, engine)
        names = aws_names.service_names("codepipeline")
        self._server = SecureServer(authority.server_context(*names), handler)
        proxy.route(names, to_port(self._server.server_port))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True, name="codepipeline"
        )
        self._thread.start()

    def close(self) -> None:
        """Stop the server and return when it has ended."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    disable_nagle_algorithm = True

    def __init__(self, engine: Engine, *args: Any) -> None:
        self._engine = engine
        super().__init__(*args)

    def log_message(self, format: str, *args: Any) -> None:
        """Write no access log; the observer gets the changes of state."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(*self._answer(Request(self.path, headers, body)))

    def _answer(self, request: Request) -> tuple[int, Mapping[str, Any]]:
        try:
            return 200, answer(self._engine, request)
        except ApiError as error:
            return error.status, {"__type": error.code, "message": str(error)}
        except Exception as error:  # noqa: BLE001
            # A connection that just ends would hide the cause from the caller.
            traceback.print_exc(file=sys.stderr)
            return 500, {"__type": "InternalFailure", "message": f"The stand-in has an error of its own: {error!r}"}

    def _send(self, status: int, document: Mapping[str, Any]) -> None:
        body = json.dumps(document, default=_as_number).encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _as_number(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{value!r} has no form in CodePipeline's protocol")

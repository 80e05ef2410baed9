"""Disturbances that occur on AWS: throttling, server errors, truncated answers, and eventually consistent reads."""

from __future__ import annotations

import json
import os
import random
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from ministack import app  # type: ignore[import-not-found]
from ministack.core.responses import error_response_json, new_uuid  # type: ignore[import-not-found]
from ministack.core.router import detect_service  # type: ignore[import-not-found]
from ministack.services import stepfunctions  # type: ignore[import-not-found]

from rehearsal.inside.wrapping import wrap

# Set by rehearsal/disturbances.py, as JSON with the members of Rates.
VARIABLE = "REHEARSAL_DISTURBANCES"
CONTROL = "/_rehearsal/disturbances"
OWN_PATHS = ("/_ministack", "/_rehearsal")
SMALLEST_CUT = 2

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass
class Rates:
    """Shares of all requests between 0 and 1, and the number of reads that do not find a new execution."""

    seed: int = 0
    throttle: float = 0.0
    server_error: float = 0.0
    cut: float = 0.0
    stale_reads: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    _random: random.Random = field(init=False, repr=False)
    _lock: threading.Lock = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random, self._lock = random.Random(self.seed), threading.Lock()  # noqa: S311

    def next(self) -> str | None:
        """Return the disturbance of the next request: "throttle", "server_error", "cut" or None."""
        with self._lock:
            drawn = self._random.random()
            for kind in ("throttle", "server_error", "cut"):
                rate = float(getattr(self, kind))
                if drawn < rate:
                    self.counts[kind] = self.counts.get(kind, 0) + 1
                    return kind
                drawn -= rate
        return None

    def as_document(self) -> dict[str, Any]:
        """Return the settings and the counts so far."""
        names = ("seed", "throttle", "server_error", "cut", "stale_reads")
        return {**{name: getattr(self, name) for name in names}, "counts": dict(self.counts)}


class Disturber:
    """The ASGI application in front of ministack's; it disturbs nothing while all rates are 0."""

    def __init__(self, application: Callable[..., Awaitable[None]], rates: Rates) -> None:
        self.application = application
        self.rates = rates

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
        elif scope["path"] == CONTROL:
            await self._control(scope, receive, send)
        elif scope["path"].startswith(OWN_PATHS):
            await self.application(scope, receive, send)
        else:
            await self._disturb(scope, receive, send)

    async def _disturb(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        kind = self.rates.next()
        if kind is None:
            await self.application(scope, receive, send)
        elif kind == "cut":
            await self.application(scope, receive, _Cut(send))
        else:
            await _read(receive)
            await _answer(send, *refusal(scope, kind))

    async def _control(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer with the rates; PUT replaces them."""
        body = await _read(receive)
        if scope["method"] == "PUT":
            self.rates = Rates(**json.loads(body))
            _stale.rates = self.rates
        await _answer(send, 200, "application/json", json.dumps(self.rates.as_document()).encode("utf-8"))


class _Cut:
    """A sender that announces the whole answer and ends in its middle; a very short answer is sent unchanged."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        start, self._start = self._start, None
        body = bytes(message.get("body", b""))
        if start is None or len(body) < SMALLEST_CUT:
            if start is not None:
                await self._send(start)
            await self._send(message)
            return
        lower = [(name.lower(), value) for name, value in start.get("headers", [])]
        if b"content-length" not in dict(lower):
            lower.append((b"content-length", str(len(body)).encode("ascii")))
        await self._send({**start, "headers": lower})
        await self._send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        raise ConnectionAbortedError("A disturbance truncated the answer.")


def refusal(scope: MutableMapping[str, Any], kind: str) -> tuple[int, str, bytes]:
    """Return status, content type and body of an error in the protocol of the service that was called."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    service = detect_service(scope["method"], scope["path"], headers, {})
    throttled = kind == "throttle"
    if service == "s3":
        code, message = (
            ("SlowDown", "Please reduce your request rate.")
            if throttled
            else (
                "InternalError",
                "We encountered an internal error. Please try again.",
            )
        )
        body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{new_uuid()}</RequestId></Error>"
        return (503 if throttled else 500), "application/xml", body.encode("utf-8")
    if "x-amz-target" in headers or headers.get("content-type", "").startswith("application/json") or service in REST:
        code = "ThrottlingException" if throttled else "InternalServerException"
        text = {"__type": code, "message": "Rate exceeded" if throttled else "An internal error occurred."}
        return (400 if throttled else 500), "application/x-amz-json-1.1", json.dumps(text).encode("utf-8")
    code, message = ("Throttling", "Rate exceeded") if throttled else ("InternalFailure", "An internal error occurred.")
    sender = "Sender" if throttled else "Receiver"
    error = f"<Error><Type>{sender}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    body = f"<ErrorResponse>{error}<RequestId>{new_uuid()}</RequestId></ErrorResponse>"
    return (400 if throttled else 500), "text/xml", body.encode("utf-8")


# Services with a REST protocol in JSON; their requests may have no body or content type that shows it.
REST = ("lambda", "scheduler", "bedrock-runtime")


async def _read(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(bytes(message.get("body", b"")))
        more = bool(message.get("more_body")) and message["type"] == "http.request"
    return b"".join(parts)


async def _answer(send: Send, status: int, content_type: str, body: bytes) -> None:
    headers = [
        (b"content-type", content_type.encode("ascii")),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"date", formatdate(usegmt=True).encode("ascii")),
        (b"x-amzn-requestid", new_uuid().encode("ascii")),
        *([(b"x-amzn-errortype", json.loads(body)["__type"].encode("ascii"))] if b"__type" in body else []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@dataclass
class _Stale:
    """New executions that the first reads do not find (Step Functions API reference: eventually consistent)."""

    rates: Rates = field(default_factory=Rates)
    left: dict[str, int] = field(default_factory=dict)

    def started(self, original: Any, given: dict[str, Any]) -> Any:
        """Start an execution, and hide it from its first reads."""
        answer = original(given)
        if self.rates.stale_reads and answer[0] == 200:
            self.left[json.loads(answer[2])["executionArn"]] = self.rates.stale_reads
        return answer

    def read(self, original: Any, given: dict[str, Any]) -> Any:
        """Read an execution, or answer that it does not exist."""
        arn = str(given.get("executionArn", ""))
        if self.left.get(arn, 0) > 0:
            self.left[arn] -= 1
            self.rates.counts["stale"] = self.rates.counts.get("stale", 0) + 1
            return error_response_json("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'", 400)
        return original(given)


_stale = _Stale()


def register() -> None:
    """Put the disturber in front of ministack, with the rates of the environment."""
    rates = Rates(**json.loads(os.environ.get(VARIABLE) or "{}"))
    _stale.rates = rates
    app.app = Disturber(app.app, rates)
    wrap(stepfunctions, "_start_execution", _stale.started)
    for name in ("_describe_execution", "_get_execution_history"):
        wrap(stepfunctions, name, _stale.read)

"""The emulator's entrance: AWS's host names, the region of each signature, and a record of every signed request.

It runs in the emulator's own interpreter and imports nothing but ministack and the standard library.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from ministack import app  # type: ignore[import-not-found]
from ministack.core import iam_evaluator, tls  # type: ignore[import-not-found]
from ministack.core.responses import get_region  # type: ignore[import-not-found]
from ministack.services import lambda_svc, sts  # type: ignore[import-not-found]
from ministack.services.cloudformation import custom_resource  # type: ignore[import-not-found]

RECORD = "REHEARSAL_RECORD"
CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
REGIONAL = re.compile(r"^(?:[a-z0-9-]+\.s3|[a-z0-9-]+)\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com$")
# Buckets of AWS's own, from which code is downloaded and to which custom resources answer, by addresses signed before.
AWS_OWN_BUCKET = re.compile(r"^(?:awslambda-[a-z0-9-]+|cloudformation-custom-resource-response-[a-z0-9]+)\.s3\.")
LOOPBACK = re.compile(r"^https?://[^/]+")
RECORDED_HEADERS = re.compile(r"^(?:host|content-type|range|if-(?:none-)?match|x-amz-(?!date|security|content-sha).*)$")
RECORDED_BODY_BYTES = 65536

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def register() -> None:
    """Put the entrance before the emulator, and let the addresses that it hands out be those of AWS."""
    tls.trust_gateway_cert = _find_aws_by_its_names
    _address(lambda_svc, "_presigned_code_url", lambda region: f"awslambda-{region}-tasks")
    _address(lambda_svc, "_layer_content_url", lambda region: f"awslambda-{region}-layers")
    _address(custom_resource, "_response_url", _response_bucket)
    if app.AUTH:
        app.app = Entrance(app.app, Path(os.environ[RECORD]))


def _find_aws_by_its_names(environment: dict[str, str]) -> None:
    """Take the emulator's own address out of the environment of a function's process."""
    for name in [name for name in environment if name.startswith("AWS_ENDPOINT")]:
        del environment[name]


def _address(module: Any, function: str, bucket: Callable[[str], str]) -> None:
    original = getattr(module, function)

    def addressed(*arguments: Any) -> str:
        region = get_region()
        return LOOPBACK.sub(f"https://{bucket(region)}.s3.{region}.amazonaws.com", original(*arguments))

    setattr(module, function, addressed)


def _response_bucket(region: str) -> str:
    return f"cloudformation-custom-resource-response-{region.replace('-', '')}"


class Entrance:
    """The ASGI application in front of the emulator's."""

    def __init__(self, inside: Any, record: Path) -> None:
        self._inside = inside
        self._record: TextIO = record.open("a", encoding="utf-8", buffering=1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inside(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "").partition(":")[0]
        if AWS_OWN_BUCKET.match(host):
            own = [(name, b"127.0.0.1" if name.lower() == b"host" else value) for name, value in scope["headers"]]
            await self._inside({**scope, "headers": own}, receive, send)
            return
        credential = _credential(scope, headers)
        if credential is None:
            await self._inside(scope, receive, send)
        elif wrong := _misdirected(host, credential["region"]):
            await _refuse(send, credential["service"], *wrong)
        else:
            await self._recorded(scope, receive, send, headers, credential)

    async def _recorded(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str], credential: re.Match[str]
    ) -> None:
        body = bytearray()
        query = scope["query_string"].decode("latin-1")
        # Of S3, the bodies that name keys or a lock; the others are contents.
        keeps_body = credential["service"] != "s3" or query.split("&")[0] in ("delete", "retention")
        # Before the call, as a call may remove who makes it.
        caller = _caller(credential["key"])

        async def noting_receive() -> MutableMapping[str, Any]:
            message = await receive()
            if keeps_body and len(body) < RECORDED_BODY_BYTES:
                body.extend(message.get("body", b""))
            return message

        async def noting_send(message: MutableMapping[str, Any]) -> None:
            if caller is not None and message["type"] == "http.response.start":
                self._note(scope, headers, credential, caller, bytes(body), message["status"])
            await send(message)

        await self._inside(scope, noting_receive, noting_send)

    def _note(
        self,
        scope: Scope,
        headers: dict[str, str],
        credential: re.Match[str],
        caller: str,
        body: bytes,
        status: int,
    ) -> None:
        path = (scope.get("raw_path") or scope["path"].encode("utf-8")).decode("latin-1")
        document = {
            "caller": caller,
            "method": scope["method"],
            "host": headers.get("host", ""),
            "path": path.partition("?")[0],
            "query": scope["query_string"].decode("latin-1"),
            "headers": {name: value for name, value in headers.items() if RECORDED_HEADERS.match(name)},
            "body": body[:RECORDED_BODY_BYTES].decode("utf-8", "replace"),
            "service": credential["service"],
            "region": credential["region"],
            "status": status,
        }
        self._record.write(json.dumps(document) + "\n")


def _credential(scope: Scope, headers: dict[str, str]) -> re.Match[str] | None:
    if found := CREDENTIAL.search(headers.get("authorization", "")):
        return found
    hoisted = parse_qs(scope["query_string"].decode("latin-1")).get("X-Amz-Credential", [""])[0]
    return CREDENTIAL.search(f"Credential={hoisted}")


def _caller(key: str) -> str | None:
    """Return the ARN of the user or session that a key belongs to; None for the root user and for nobody."""
    if iam_evaluator.is_root_access_key(key):
        return None
    if session := sts._sessions.get(key):
        return str(session["Arn"])
    try:
        found = iam_evaluator.resolve_credential(key, app._request_account_scope(key))
    except iam_evaluator.AmbiguousAccessKeyError:
        return None
    arn = getattr(found, "principal_arn", None)
    return str(arn) if arn else None


def _misdirected(host: str, region: str) -> tuple[str, str] | None:
    """Return error code and message for a request that no AWS endpoint at this name would take.

    A request is signed for the region of its endpoint (Signature Version 4, "Elements of an AWS API request
    signature", credential scope).
    """
    if not host.endswith(".amazonaws.com"):
        return "SignatureDoesNotMatch", f"Signed requests reach AWS at its own host names, not at {host}."
    regional = REGIONAL.match(host)
    expected = regional["region"] if regional else "us-east-1"
    if region != expected:
        return "SignatureDoesNotMatch", f"Credential should be scoped to a valid region, not '{region}'."
    return None


async def _refuse(send: Send, service: str, code: str, message: str) -> None:
    """Answer with an error that clients of XML and of JSON protocols understand."""
    if service in ("s3", "iam", "sts", "sns", "cloudformation"):
        detail = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
        text = (
            f"<Error>{detail}</Error>" if service == "s3" else f"<ErrorResponse><Error>{detail}</Error></ErrorResponse>"
        )
        kind, body = b"text/xml", text.encode("utf-8")
    else:
        kind, body = b"application/json", json.dumps({"__type": code, "message": message}).encode("utf-8")
    length = str(len(body)).encode("ascii")
    start = {
        "type": "http.response.start",
        "status": 403,
        "headers": [(b"content-type", kind), (b"content-length", length)],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})

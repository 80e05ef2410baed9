"""The emulator's entrance: checks of host name and signed region, and the record of all signed requests.

It runs in the emulator's own interpreter, and imports only ministack and the standard library.
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
LOST = "REHEARSAL_LOST"
CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
REGIONAL = re.compile(r"^(?:[a-z0-9-]+\.s3|[a-z0-9-]+)\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com$")
# AWS's own buckets, for downloads of code and answers of custom resources, at presigned addresses.
AWS_OWN_BUCKET = re.compile(r"^(?:awslambda-[a-z0-9-]+|cloudformation-custom-resource-response-[a-z0-9]+)\.s3\.")
LOOPBACK = re.compile(r"^https?://[^/]+")
RECORDED_HEADERS = re.compile(r"^(?:host|content-type|range|if-(?:none-)?match|x-amz-(?!date|security|content-sha).*)$")
RECORDED_BODY_BYTES = 65536

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def register() -> None:
    """Put the entrance before the emulator, and replace the emulator's addresses in its answers by AWS's."""
    tls.trust_gateway_cert = _remove_endpoints
    _address(lambda_svc, "_presigned_code_url", lambda region: f"awslambda-{region}-tasks")
    _address(lambda_svc, "_layer_content_url", lambda region: f"awslambda-{region}-layers")
    _address(custom_resource, "_response_url", _response_bucket)
    if app.AUTH:
        app.app = Entrance(app.app, Path(os.environ[RECORD]), Path(os.environ[LOST]))


def _remove_endpoints(environment: dict[str, str]) -> None:
    """Remove the emulator's endpoints from a function's environment, so that it uses AWS's host names."""
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

    def __init__(self, inside: Any, record: Path, lost: Path) -> None:
        self._inside = inside
        self._lost = lost
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
        elif refusal := _misdirected(host, credential["region"]):
            await _refuse(send, credential["service"], *refusal)
        elif self._is_lost(credential["key"]):
            message = "The security token included in the request is invalid."
            await _refuse(send, credential["service"], "InvalidClientTokenId", message)
        else:
            await self._recorded(scope, receive, send, headers, credential)

    def _is_lost(self, key: str) -> bool:
        """Return whether the key belongs to an account that is lost; the key of a root user is its account's id."""
        if not self._lost.exists():
            return False
        caller = _caller(key)
        account = caller.split(":")[4] if caller else key
        return account in self._lost.read_text(encoding="ascii").split()

    async def _recorded(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str], credential: re.Match[str]
    ) -> None:
        body = bytearray()
        query = scope["query_string"].decode("latin-1")
        # For S3, only bodies with keys or a lock are recorded; the others are contents of objects.
        keeps_body = credential["service"] != "s3" or query.split("&")[0] in ("delete", "retention")
        # Read before the call, because the call may delete its own caller.
        caller = _caller(credential["key"])

        async def recording_receive() -> MutableMapping[str, Any]:
            message = await receive()
            if keeps_body and len(body) < RECORDED_BODY_BYTES:
                body.extend(message.get("body", b""))
            return message

        async def recording_send(message: MutableMapping[str, Any]) -> None:
            if caller is not None and message["type"] == "http.response.start":
                self._write(scope, headers, credential, caller, bytes(body), message["status"])
            await send(message)

        await self._inside(scope, recording_receive, recording_send)

    def _write(
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
    presigned = parse_qs(scope["query_string"].decode("latin-1")).get("X-Amz-Credential", [""])[0]
    return CREDENTIAL.search(f"Credential={presigned}")


def _caller(key: str) -> str | None:
    """Return the ARN of a key's user or session; None for the root user and for an unknown key."""
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
    """Return error code and message for a request that AWS's endpoint of this name would refuse.

    A request must be signed for the region of its endpoint (Signature Version 4, "Elements of an AWS API request
    signature", credential scope).
    """
    if not host.endswith(".amazonaws.com"):
        return "SignatureDoesNotMatch", f"Signed requests must be sent to AWS's own host names, not to {host}."
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

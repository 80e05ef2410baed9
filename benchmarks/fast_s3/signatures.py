"""Verification of AWS Signature Version 4, written from its specification and not from botocore.

Source: Amazon S3 API reference, "Authenticating Requests (AWS Signature Version 4)", with its pages on the
authorization header and on uploads in chunks.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from benchmarks.fast_s3.messages import Refusal, Request

# S3 refuses requests whose time differs by more (S3 API reference, error RequestTimeTooSkewed).
LARGEST_SKEW = timedelta(minutes=15)
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>(?P<day>\d{8})/(?P<region>[^/]+)/s3/aws4_request), ?"
    r"SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
# Characters that need no encoding in a canonical path or query.
PLAIN = re.compile(r"[A-Za-z0-9/~._-]*")


def verify(request: Request, secrets: dict[str, str], now: datetime) -> None:
    """Raise Refusal unless the request is signed by one of the keys; replaces a chunked body by its content."""
    found = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        raise Refusal(403, "AccessDenied", "The request is not signed.")
    secret = secrets.get(found["key"])
    if secret is None:
        raise Refusal(403, "InvalidAccessKeyId", "There is no such key.")
    time = request.headers.get("x-amz-date", "")
    _check_time(time, found["day"], now)
    names = found["headers"].split(";")
    _check_names(request, names)
    payload = request.headers.get("x-amz-content-sha256", "")
    key = signing_key(secret, found["day"], found["region"])
    if not hmac.compare_digest(_signature(request, names, payload, time, found["scope"], key), found["signature"]):
        raise Refusal(403, "SignatureDoesNotMatch", f"The signature of {request.method} {request.target} is wrong.")
    if payload.startswith("STREAMING-"):
        signer = _ChunkSigner(key, time, found["scope"], found["signature"]) if "HMAC" in payload else None
        request.body = _unchunked(request.body, signer)
    elif payload != "UNSIGNED-PAYLOAD" and payload != _sha256(request.body):
        raise Refusal(400, "XAmzContentSHA256Mismatch", "The body is not the one that was signed.")


@functools.lru_cache(maxsize=64)
def signing_key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for step in (day, region, "s3", "aws4_request"):
        key = _hmac(key, step)
    return key


def _signature(request: Request, names: list[str], payload: str, time: str, scope: str, key: bytes) -> str:
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in names)
    canonical = "\n".join(
        (request.method, _encoded(request.path), canonical_query(request.query), headers, ";".join(names), payload)
    )
    to_sign = "\n".join(("AWS4-HMAC-SHA256", time, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    return _hmac(key, to_sign).hex()


def canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = (part.partition("=") for part in query.split("&"))
    return "&".join(sorted(f"{_encoded(name, safe='-_.~')}={_encoded(value, safe='-_.~')}" for name, _, value in pairs))


def _encoded(text: str, safe: str = "/-_.~") -> str:
    """Encode a part of a request line as S3 does, which decodes it first."""
    if PLAIN.fullmatch(text) and (safe[0] == "/" or "/" not in text):
        return text
    return quote(unquote(text, errors="surrogateescape").encode("utf-8", "surrogateescape"), safe=safe)


def _check_time(time: str, day: str, now: datetime) -> None:
    try:
        signed = datetime.strptime(time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Refusal(403, "AccessDenied", "The request has no time.") from None
    if abs(now - signed) > LARGEST_SKEW or not time.startswith(day):
        raise Refusal(403, "RequestTimeTooSkewed", "The request was signed at another time.")


def _check_names(request: Request, names: list[str]) -> None:
    # The host and every x-amz-* header that is sent must be signed (same reference, "Canonical request").
    sent = {name for name in request.headers if name.startswith("x-amz-")}
    if missing := ({"host"} | sent) - set(names):
        raise Refusal(403, "AccessDenied", f"There were headers present which were not signed: {sorted(missing)}.")


class _ChunkSigner:
    """Verifier of the chain of signatures of one upload in chunks."""

    def __init__(self, key: bytes, time: str, scope: str, seed: str) -> None:
        self._key = key
        self._time = time
        self._scope = scope
        self._previous = seed

    def check(self, chunk: bytes, extension: str) -> None:
        """Raise Refusal when a chunk is not what was signed after the previous one."""
        text = "\n".join(
            ("AWS4-HMAC-SHA256-PAYLOAD", self._time, self._scope, self._previous, EMPTY_SHA256, _sha256(chunk))
        )
        self._previous = _hmac(self._key, text).hex()
        if extension != f"chunk-signature={self._previous}":
            raise Refusal(403, "SignatureDoesNotMatch", "The signature of a chunk is wrong.")


def _unchunked(body: bytes, signer: _ChunkSigner | None) -> bytes:
    """Return the content of a body in encoding aws-chunked, without its trailing headers."""
    chunks: list[bytes] = []
    position = 0
    while True:
        end = body.find(b"\r\n", position)
        if end < 0:
            raise Refusal(400, "IncompleteBody", "The last chunk is missing.")
        size, _, extension = body[position:end].decode("ascii").partition(";")
        length = int(size, 16)
        chunk = body[end + 2 : end + 2 + length]
        if signer:
            signer.check(chunk, extension)
        if not length:
            return b"".join(chunks)
        chunks.append(chunk)
        position = end + 2 + length + 2


@functools.lru_cache(maxsize=8)
def _sha256_of_short(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _sha256(body: bytes) -> str:
    return _sha256_of_short(body) if not body else hashlib.sha256(body).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode("utf-8"), "sha256")

"""Reads of objects, their headers and their tags by requests that equal boto3's, for a third of its CPU time.

boto3 spends most of a GetObject on finding out what no key changes: host, headers, user agent and signing key. Here it
signs two requests for each bucket, which are not sent. All other requests differ from them in the key, the version,
the conditions, the time and the signature only. The HTTP session of boto3's client sends them.

The code below makes the same two requests. Unless they are equal, boto3 makes every request. It also repeats each one
that is answered by neither the object nor its absence.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from threading import Lock
from types import SimpleNamespace
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from botocore.awsrequest import AWSPreparedRequest, create_request_object
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpchecksum import handle_checksum_body

from vectora_shared.aws import INCOMPLETE_BODY_ERRORS, StoredObject

OBJECT_FOUND = (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT)
# The object does not exist, or no longer has the requested ETag.
NOT_FOUND = (HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED)
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<signed>[^,]+), Signature=[0-9a-f]{64}"
)
# Headers of one request only. Those of the SDK's retries are not signed, and nothing here is retried.
OF_ONE_REQUEST = {"authorization", "x-amz-date", "x-amz-security-token", "if-match", "range"}
PROBES: tuple[Mapping[str, str], ...] = (
    {"Key": "a/~ b+%é"},
    {"Key": "/c//../d", "VersionId": "v/1+2", "IfMatch": '"e"', "Range": "bytes=5-14"},
)
Operation = Literal["GetObject", "HeadObject", "GetObjectTagging"]
# Header of GetObject alone.
CHECKSUM_MODE = "x-amz-checksum-mode"
DEFAULT_PORTS = {"http": ":80", "https": ":443"}
# The bytes of a response were read whole.
_WHOLE: Any = SimpleNamespace(has_streaming_output=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """Result of a request: the object, its absence, or neither; then boto3's client has to read the object.

    `tried` is the number of attempts that failed for a reason that may pass.
    """

    found: StoredObject | None = None
    is_absent: bool = False
    tried: int = 0


@dataclass(frozen=True, slots=True)
class Form:
    """Common parts of all requests for objects of one bucket.

    `address` is the URL up to the key, `signed` the names of all headers that boto3 signs, sorted; `values` are those
    of the signed headers that are always the same.
    """

    address: str
    path: str
    headers: Mapping[str, bytes]
    values: Mapping[str, str]
    signed: tuple[str, ...]
    region: str
    service: str
    checksums: Mapping[str, Any]

    def request(
        self, read: Mapping[str, str], credentials: Any, time: str, operation: Operation = "GetObject"
    ) -> AWSPreparedRequest:
        """Return a signed request; `read` has the arguments of the operation except the bucket."""
        key = quote(read["Key"], safe="/~")
        query = f"versionId={quote(read['VersionId'], safe='-._~')}" if "VersionId" in read else ""
        signed_query = query
        if operation == "GetObjectTagging":
            query = f"tagging&{query}" if query else "tagging"
            # A parameter without a value is signed with an empty one (same reference).
            signed_query = query.replace("tagging", "tagging=", 1)
        own = {"X-Amz-Date": time}
        if credentials.token:
            own["X-Amz-Security-Token"] = credentials.token
        if "IfMatch" in read:
            own["If-Match"] = read["IfMatch"]
        if "Range" in read:
            own["Range"] = read["Range"]
        method = "HEAD" if operation == "HeadObject" else "GET"
        left_out = () if operation == "GetObject" else (CHECKSUM_MODE,)
        target = f"{method}\n{self.path}{key}\n{signed_query}\n"
        own["Authorization"] = self._authorization(target, own, credentials, time, left_out)
        same = {name: value for name, value in self.headers.items() if name.lower() not in left_out}
        headers = {**same, **{name: value.encode("utf-8") for name, value in own.items()}}
        url = f"{self.address}{key}?{query}" if query else self.address + key
        return AWSPreparedRequest(method, url, headers, None, operation != "HeadObject")  # type: ignore[arg-type]

    def _authorization(
        self, target: str, own: Mapping[str, str], credentials: Any, time: str, left_out: tuple[str, ...]
    ) -> str:
        # Amazon S3 API reference, "Signature Calculations for the Authorization Header".
        same = {name: value for name, value in self.values.items() if name not in left_out}
        values = {**same, **{name.lower(): " ".join(value.split()) for name, value in own.items()}}
        names = [name for name in self.signed if name in values]
        lines = "".join(f"{name}:{values[name]}\n" for name in names)
        payload = values["x-amz-content-sha256"]
        canonical = f"{target}{lines}\n{';'.join(names)}\n{payload}"
        scope = f"{time[:8]}/{self.region}/{self.service}/aws4_request"
        digest = hashlib.sha256(canonical.encode("utf-8")).hexdigest()
        key = _signing_key(credentials.secret_key, time[:8], self.region, self.service)
        signature = _hmac(key, f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}").hex()
        return (
            f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={';'.join(names)}, Signature={signature}"
        )


class SignedReads:
    """Reader of one bucket, safe for many threads."""

    def __init__(self, s3: Any, credentials: Any, bucket: str) -> None:
        """Prepare reads; `credentials` are those of the client `s3`."""
        self._s3 = s3
        self._credentials = credentials
        self._bucket = bucket
        self._lock = Lock()
        self._form: Form | None = None
        self._is_learned = False
        # One handler serves all readers of the client; it runs after all others that may change the request.
        s3.meta.events.register_last("before-call", _capture, unique_id="vectora-signed-reads")

    def read(self, operation: Operation = "GetObject", /, **read: str) -> Answer:
        """Send one request; `read` has the arguments of the operation except the bucket."""
        try:
            form = self._form if self._is_learned else self._learn()
            if form is None or not read["Key"]:
                return Answer()
            request = form.request(read, self._credentials.get_frozen_credentials(), timestamp(), operation)
            response = self._send(request, operation)
            body = response.content
            # The response to HEAD announces the length of a body that it does not have.
            if operation != "HeadObject" and _is_cut(response, body):
                return Answer(tried=1)
            if response.status_code in OBJECT_FOUND:
                if operation != "GetObject":
                    return Answer(_stored(response, body))
                checked = {"headers": response.headers, "context": {}}
                handle_checksum_body(response, checked, form.checksums, _WHOLE)
                return Answer(_stored(response, body))
        except (BotoCoreError, ClientError, *INCOMPLETE_BODY_ERRORS):
            return Answer(tried=1)
        if response.status_code in NOT_FOUND:
            return Answer(is_absent=True)
        # The bucket may be in another region, which boto3 finds out and remembers.
        self._is_learned = False
        return Answer(tried=int(response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR))

    def _send(self, request: AWSPreparedRequest, operation: Operation) -> Any:
        # botocore calls the same handlers before it sends a request (botocore/endpoint.py).
        for _, response in self._s3.meta.events.emit(f"before-send.s3.{operation}", request=request):
            if response is not None:
                return response
        # Its session has the client's proxies, certificates, timeouts and connections.
        return self._s3._endpoint.http_session.send(request)

    def _learn(self) -> Form | None:
        with self._lock:
            if not self._is_learned:
                self._form = learned_form(self._s3, self._credentials, self._bucket)
                self._is_learned = True
            return self._form


def learned_form(s3: Any, credentials: Any, bucket: str) -> Form | None:
    """Return what boto3's requests for a bucket have in common; None when the requests here would differ from them."""
    if credentials is None:
        return None
    (plain, _), (full, context) = (boto3_request(s3, bucket, probe) for probe in PROBES)
    if plain is None or full is None:
        return None
    authorization = AUTHORIZATION.fullmatch(_text(full.headers.get("Authorization", "")))
    key = quote(PROBES[0]["Key"], safe="/~")
    if authorization is None or not plain.url.endswith(key):
        return None
    address = plain.url.removesuffix(key)
    parts = urlsplit(address)
    headers = {name: _text(value) for name, value in plain.headers.items() if name.lower() not in OF_ONE_REQUEST}
    values = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    form = Form(
        address=address,
        path=parts.path,
        headers={name: value.encode("utf-8") for name, value in headers.items()},
        values={**values, "host": parts.netloc.lower().removesuffix(DEFAULT_PORTS.get(parts.scheme, ""))},
        # Rotated credentials may have a session token, even if those of the first request had none.
        signed=tuple(sorted({*authorization["signed"].split(";"), "x-amz-security-token"})),
        region=authorization["region"],
        service=authorization["service"],
        checksums=context,
    )
    made = zip(PROBES, (plain, full), strict=True)
    frozen = credentials.get_frozen_credentials()
    return form if all(_equal(expected, form, probe, frozen) for probe, expected in made) else None


def boto3_request(s3: Any, bucket: str, read: Mapping[str, str]) -> tuple[AWSPreparedRequest | None, Mapping[str, Any]]:
    """Return the signed request of boto3 for a read, with its context, without sending it; None when it makes none."""
    token = _probing.set(True)
    try:
        s3.get_object(Bucket=bucket, **read)
    except _Captured as captured:
        request: Any = create_request_object(captured.parameters)
        # The handlers of this event sign the request (botocore/endpoint.py).
        s3.meta.events.emit("request-created.s3.GetObject", request=request, operation_name="GetObject")
        return request.prepare(), captured.parameters["context"]
    finally:
        _probing.reset(token)
    return None, {}


def timestamp() -> str:
    """Return the time of a request, as it is signed."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


_probing: ContextVar[bool] = ContextVar("_probing", default=False)


class _Captured(Exception):  # noqa: N818
    """Raised in place of sending the request."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__("The request was captured.")
        self.parameters = parameters


def _capture(params: dict[str, Any], **_: Any) -> None:
    if _probing.get():
        raise _Captured(params)


def _equal(expected: AWSPreparedRequest, form: Form, read: Mapping[str, str], credentials: Any) -> bool:
    request = form.request(read, credentials, _text(expected.headers["X-Amz-Date"]))
    headers = {name.lower(): _text(value) for name, value in expected.headers.items()}
    return request.url == expected.url and headers == {
        name.lower(): _text(value) for name, value in request.headers.items()
    }


def _stored(response: Any, body: bytes) -> StoredObject:
    headers = response.headers
    return StoredObject(
        body=body,
        etag=headers.get("ETag", ""),
        version_id=headers.get("x-amz-version-id"),
        content_type=headers.get("Content-Type"),
        is_part="Content-Range" in headers,
        answer={"ResponseMetadata": {"HTTPHeaders": {name.lower(): value for name, value in headers.items()}}},
    )


def _is_cut(response: Any, body: bytes) -> bool:
    length = response.headers.get("content-length")
    return length is not None and len(body) != int(length)


@functools.lru_cache(maxsize=8)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for step in (day, region, service, "aws4_request"):
        key = _hmac(key, step)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    # `hmac.digest` releases Python's global lock (Modules/_hashopenssl.c). Regaining it takes longer than the digest.
    return hmac.new(key, text.encode("utf-8"), "sha256").digest()


def _text(value: str | bytes) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else value

"""Writes of objects by requests that boto3 signs, for half of the CPU time of its `put_object`.

boto3 spends most of a PutObject on finding out what no key changes: host, endpoint, user agent. Here it does so once
for each bucket, for a request that is not sent. All others are copies of it with their own key, body, checksum and
headers; boto3's client signs them, and its HTTP session sends them. What S3 does not accept is written by
`put_object`, with all its retries.

Headers are sent as they are: boto3's parameters take no `Expires` that is no time, and no text beyond ASCII.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import quote

from botocore.exceptions import BotoCoreError
from urllib3.exceptions import HTTPError

PROBE = "probe"


class ObjectWriter:
    """Writer of one bucket, safe for many threads."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._lock = Lock()
        self._is_learned = False
        self._form: dict[str, Any] | None = None
        # One handler serves all writers of the client; it runs after all others that may change the request.
        events = s3.meta.events
        events.register_last("before-call.s3.PutObject", _capture, unique_id="vectora-object-writer")
        for operation in ("PutObject", "CreateMultipartUpload"):
            events.register(f"before-call.s3.{operation}", _add_headers, unique_id=f"vectora-headers-{operation}")
            events.register(f"before-send.s3.{operation}", _encode_headers, unique_id=f"vectora-text-{operation}")

    def begin_upload(self, key: str, *, headers: Mapping[str, str]) -> str:
        """Begin an upload in parts of an object with these headers, and return its id."""
        with _sent(headers):
            return str(self._s3.create_multipart_upload(Bucket=self._bucket, Key=key)["UploadId"])

    def put(self, key: str, body: bytes, *, sha256: str, headers: Mapping[str, str]) -> None:
        """Write an object with its headers; S3 refuses bytes without the SHA-256 (API reference, PutObject).

        Raises ClientError or BotoCoreError as `put_object` does.
        """
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode("ascii")
        form = self._form if self._is_learned else self._learn()
        if form is None or not self._is_written(form, key, body, checksum, headers):
            with _sent(headers):
                self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ChecksumSHA256=checksum)

    def _is_written(
        self, form: dict[str, Any], key: str, body: bytes, checksum: str, headers: Mapping[str, str]
    ) -> bool:
        endpoint = self._s3._endpoint
        request = {
            **form,
            "url": form["url"] + quote(key, safe="/~"),
            "auth_path": form["auth_path"] + quote(key, safe="/~"),
            "headers": {**form["headers"], **headers, "x-amz-checksum-sha256": checksum},
            "body": body,
            # Signing writes into it.
            "context": {**form["context"]},
        }
        try:
            prepared = endpoint.create_request(request, form["model"])
            # botocore calls the same handlers before it sends a request (botocore/endpoint.py).
            for _, answer in self._s3.meta.events.emit("before-send.s3.PutObject", request=prepared):
                if answer is not None:
                    return bool(answer.status_code == HTTPStatus.OK)
            answer = endpoint.http_session.send(prepared)
        except (BotoCoreError, HTTPError):
            return False
        return bool(answer.status_code == HTTPStatus.OK)

    def _learn(self) -> dict[str, Any] | None:
        with self._lock:
            if not self._is_learned:
                self._form = self._learned()
                self._is_learned = True
            return self._form

    def _learned(self) -> dict[str, Any] | None:
        """Return what boto3's requests for the bucket have in common; None if they are not as expected."""
        token = _probing.set(True)
        try:
            self._s3.put_object(Bucket=self._bucket, Key=PROBE, Body=b"", ContentType="-", ChecksumSHA256="-")
        except _CapturedError as captured:
            form = captured.form
        else:
            return None
        finally:
            _probing.reset(token)
        if not form["url"].endswith(f"/{PROBE}") or not form["auth_path"].endswith(f"/{PROBE}") or form["query_string"]:
            return None
        return {**form, **{name: form[name].removesuffix(PROBE) for name in ("url", "auth_path")}}


_headers: ContextVar[Mapping[str, str] | None] = ContextVar("_headers", default=None)
_probing: ContextVar[bool] = ContextVar("_probing", default=False)


@contextmanager
def _sent(headers: Mapping[str, str]) -> Iterator[None]:
    token = _headers.set(headers)
    try:
        yield
    finally:
        _headers.reset(token)


def _add_headers(params: dict[str, Any], **_: Any) -> None:
    params["headers"].update(_headers.get() or {})


def _encode_headers(request: Any, **_: Any) -> None:
    """Send text as the UTF-8 that was signed: Python's HTTP client encodes it as Latin-1."""
    for name, value in list(request.headers.items()):
        if isinstance(value, str) and not value.isascii():
            request.headers[name] = value.encode("utf-8")


class _CapturedError(Exception):
    """Raised in place of sending the request."""

    def __init__(self, form: dict[str, Any]) -> None:
        super().__init__("The request was captured.")
        self.form = form


def _capture(params: dict[str, Any], model: Any, **_: Any) -> None:
    if _probing.get():
        raise _CapturedError({**params, "model": model})

"""Writes of objects by requests that boto3 signs, for half of the CPU time of its `put_object`.

boto3 spends most of a PutObject on finding out what no key changes: host, endpoint, user agent. Here it does so once
for each bucket, for a request that is not sent. All others are copies of it with their own key, body, checksum and
content type; boto3's client signs them, and its HTTP session sends them. What S3 does not accept is written by
`put_object`, with all its retries.
"""

from __future__ import annotations

import base64
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
        s3.meta.events.register_last("before-call.s3.PutObject", _capture, unique_id="vectora-object-writer")

    def put(self, key: str, body: bytes, *, sha256: str, content_type: str) -> None:
        """Write an object; S3 refuses other bytes than those of the SHA-256 (API reference, PutObject).

        Raises ClientError or BotoCoreError as `put_object` does.
        """
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode("ascii")
        form = self._form if self._is_learned else self._learn()
        if form is None or not self._is_written(form, key, body, checksum, content_type):
            self._s3.put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType=content_type, ChecksumSHA256=checksum
            )

    def _is_written(self, form: dict[str, Any], key: str, body: bytes, checksum: str, content_type: str) -> bool:
        endpoint = self._s3._endpoint
        request = {
            **form,
            "url": form["url"] + quote(key, safe="/~"),
            "auth_path": form["auth_path"] + quote(key, safe="/~"),
            "headers": {**form["headers"], "Content-Type": content_type, "x-amz-checksum-sha256": checksum},
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


_probing: ContextVar[bool] = ContextVar("_probing", default=False)


class _CapturedError(Exception):
    """Raised in place of sending the request."""

    def __init__(self, form: dict[str, Any]) -> None:
        super().__init__("The request was captured.")
        self.form = form


def _capture(params: dict[str, Any], model: Any, **_: Any) -> None:
    if _probing.get():
        raise _CapturedError({**params, "model": model})

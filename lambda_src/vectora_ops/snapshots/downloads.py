"""Downloads from presigned addresses, such as that of a function's code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.response import StreamingBody

from vectora_ops.account import Account
from vectora_ops.snapshots.object_store import CHUNK_BYTES
from vectora_shared.aws import INCOMPLETE_BODY_ERRORS, READ_ATTEMPTS, pause
from vectora_shared.errors import VectoraError


class _RefusedError(Exception):
    """The answer had a status other than 200."""


def download(account: Account, locate: Callable[[], str]) -> Iterator[bytes]:
    """Yield the bytes behind a presigned address in chunks of CHUNK_BYTES, the last one shorter.

    `locate` returns a fresh address; it is called before each attempt, because addresses expire. The caller compares
    the digest: a change of the content between two attempts is not noticed here. Raises VectoraError when all attempts
    fail.
    """
    yielded = 0
    for attempt in range(READ_ATTEMPTS):
        pause(attempt)
        url = locate()
        try:
            for number, chunk in enumerate(_chunks(account, url)):
                if number == yielded:
                    yielded += 1
                    yield chunk
            return
        except (*INCOMPLETE_BODY_ERRORS, BotoCoreError, _RefusedError) as error:
            cause = error
    reason = str(cause) if isinstance(cause, _RefusedError) else type(cause).__name__
    raise VectoraError(f"Lambda's code could not be downloaded in {READ_ATTEMPTS} attempts ({reason}): try again.")


def _chunks(account: Account, url: str) -> Iterator[bytes]:
    with closing(account.http_session(url)) as http:
        # AWS signed the address, so the request is sent without a signature of its own.
        answer = http.send(AWSRequest("GET", url, stream_output=True).prepare())
        length: Any = answer.headers.get("Content-Length")
        with closing(StreamingBody(answer.raw, length)) as body:
            if answer.status_code != 200:
                raise _RefusedError(f"status {answer.status_code}")
            before = b""
            while chunk := body.read(CHUNK_BYTES):
                if before:
                    yield before
                before = chunk
            # The last chunk is known to be whole only at the end of the body.
            if before:
                yield before

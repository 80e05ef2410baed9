"""Downloads from addresses that AWS signs for a short time, such as that of a function's code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.response import StreamingBody

from vectora_ops.account import Account
from vectora_ops.snapshots.vault import CHUNK_BYTES
from vectora_shared.aws import INCOMPLETE_BODY_ERRORS, READ_ATTEMPTS, pause
from vectora_shared.errors import VectoraError


class _RefusedError(Exception):
    """The address was answered with another status than 200."""


def download(account: Account, locate: Callable[[], str]) -> Iterator[bytes]:
    """Yield the bytes behind a signed address in chunks of CHUNK_BYTES, the last one shorter.

    `locate` asks AWS for an address; it is asked again after a failure, as addresses expire. The caller compares the
    digest: content that changes between two attempts is not noticed here. Raises VectoraError when all attempts fail.
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
        # Signed by AWS already: this request is sent as it is.
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
            # Only the end of the body tells whether the last chunk is whole.
            if before:
                yield before

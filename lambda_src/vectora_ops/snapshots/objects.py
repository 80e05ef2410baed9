"""Reading very many S3 objects: signed requests without the client's cost, a third of a client's get_object."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from vectora_core.errors import VectoraError
from vectora_ops.account import CONNECTIONS, Account

ATTEMPTS = 8
FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 5.0
PASSING = (429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Response:
    """`status` is 200 or 206 with the body, 404 or 412 without."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def found(self) -> bool:
        return self.status in (200, 206)


class ObjectReader:
    """GET requests on one bucket, safe for many threads."""

    def __init__(self, account: Account, bucket: str) -> None:
        self.bucket = bucket
        self._account = account
        # botocore knows how this bucket is addressed here: by host name, or by path for an endpoint of one's own.
        url = account.client("s3").generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
        self._base = url.partition("/k?")[0]
        self._http = URLLib3Session(
            verify=account.ca_bundle or True,  # type: ignore[arg-type]  # a file of authorities does as well
            proxies=get_environ_proxies(self._base),
            max_pool_connections=CONNECTIONS,
        )

    def get(
        self,
        key: str,
        *,
        if_match: str | None = None,
        version_id: str | None = None,
        byte_range: tuple[int, int] | None = None,
    ) -> Response:
        """`if_match` is an ETag without quotes, `byte_range` start and length in bytes.

        Raises VectoraError when S3 refuses, or still fails after all attempts.
        """
        headers = {"If-Match": f'"{if_match}"'} if if_match else {}
        if byte_range:
            start, length = byte_range
            headers["Range"] = f"bytes={start}-{start + length - 1}"
        url = f"{self._base}/{quote(key, safe='/~')}" + (f"?versionId={quote(version_id)}" if version_id else "")
        response = self._try(url, headers)
        if response.status == 200 and byte_range:
            # A server may ignore a range and answer with everything (RFC 9110, section 14.2).
            start, length = byte_range
            return replace(response, body=response.body[start : start + length])
        if response.status in (200, 206, 404, 412):
            return response
        raise VectoraError(f"S3 refused s3://{self.bucket}/{key} with status {response.status}: {_reason(response)}.")

    def _try(self, url: str, headers: Mapping[str, str]) -> Response:
        for attempt in range(ATTEMPTS):
            last = attempt + 1 == ATTEMPTS
            try:
                response = self._send(url, headers)
                if response.status not in PASSING or last:
                    return response
            except HTTPClientError as error:
                if last:
                    raise VectoraError(f"S3 did not answer for bucket {self.bucket}: {error}.") from error
            wait = min(FIRST_WAIT_SECONDS * 2**attempt, LONGEST_WAIT_SECONDS)
            time.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311
        raise AssertionError("the last attempt returns or raises")

    def _send(self, url: str, headers: Mapping[str, str]) -> Response:
        request = AWSRequest("GET", url, headers=dict(headers))
        credentials = self._account.session.get_credentials()
        if credentials is None:
            raise VectoraError("There are no AWS credentials: set AWS_PROFILE or log in, then try again.")
        S3SigV4Auth(credentials.get_frozen_credentials(), "s3", self._account.region).add_auth(request)
        answer = self._http.send(request.prepare())
        return Response(answer.status_code, answer.headers, answer.content)


def _reason(response: Response) -> str:
    text = response.body.decode("utf-8", "replace")
    code = text.partition("<Code>")[2].partition("</Code>")[0]
    return code or "no reason given"

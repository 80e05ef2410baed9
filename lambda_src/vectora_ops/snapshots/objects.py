"""Reading and listing very many S3 objects: signed requests without botocore's client, which is most of their cost."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote_plus
from xml.etree import ElementTree

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
S3_XML = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@dataclass(frozen=True, slots=True)
class Response:
    """`status` is 200 or 206 with the body, 404 or 412 without."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def found(self) -> bool:
        return self.status in (200, 206)


@dataclass(frozen=True, slots=True)
class ListedObject:
    """`modified` is an ISO timestamp as S3 writes it."""

    key: str
    size: int
    etag: str
    modified: str


class NoSuchBucketError(VectoraError):
    """The bucket does not exist."""


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

    def listed(self, prefix: str, *, after: str = "") -> Iterator[ListedObject]:
        """The objects below a prefix in the order of their keys, those after the key `after` only.

        Raises NoSuchBucketError, and VectoraError when S3 refuses or still fails after all attempts.
        """
        query = f"list-type=2&encoding-type=url&prefix={quote(prefix, safe='')}"
        further = f"&start-after={quote(after, safe='')}" if after else ""
        while True:
            response = self._try(f"{self._base}?{query}{further}", {})
            if response.status != 200:
                reason = _reason(response)
                if reason == "NoSuchBucket":
                    raise NoSuchBucketError(f"There is no bucket {self.bucket}.")
                raise VectoraError(f"S3 refused to list s3://{self.bucket} with status {response.status}: {reason}.")
            page = ElementTree.fromstring(response.body)  # noqa: S314  (S3 wrote it)
            yield from map(_listed_object, page.iterfind(f"{S3_XML}Contents"))
            token = page.findtext(f"{S3_XML}NextContinuationToken")
            if not token:
                return
            further = f"&continuation-token={quote(token, safe='')}"

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


def _listed_object(content: ElementTree.Element) -> ListedObject:
    found = {child.tag: child.text or "" for child in content}
    return ListedObject(
        key=unquote_plus(found[f"{S3_XML}Key"]),
        size=int(found[f"{S3_XML}Size"]),
        etag=found[f"{S3_XML}ETag"].strip('"'),
        modified=found[f"{S3_XML}LastModified"],
    )


def _reason(response: Response) -> str:
    text = response.body.decode("utf-8", "replace")
    code = text.partition("<Code>")[2].partition("</Code>")[0]
    return code or "no reason given"

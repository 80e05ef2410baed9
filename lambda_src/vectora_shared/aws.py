"""AWS clients that retry, and that never take an incomplete response for a complete one."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.config import Config
from botocore.exceptions import FlexibleChecksumError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError
from urllib3.exceptions import HTTPError

from vectora_shared.errors import VectoraError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


ClientT = TypeVar("ClientT")
# For the readers and the storers of a snapshot or a restore, its listing and its lease.
CONNECTIONS = 80
# botocore retries throttling and transient failures with growing waits, for about half a minute.
RETRYING = Config(
    retries={"mode": "standard", "total_max_attempts": 8},
    max_pool_connections=CONNECTIONS,
    connect_timeout=10,
    # Without these, presigned URLs and us-east-1 use S3's global endpoint, which redirects requests for new buckets
    # and refuses those for regions that were launched after 2019 (S3 user guide, "Virtual hosting of buckets").
    s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
)
READ_ATTEMPTS = 5
FIRST_WAIT_SECONDS = 0.2
# Raised by StreamingBody.read when the connection ends, stalls or delivers corrupt data. botocore retries none of them,
# and passes some errors of urllib3 through as they are (botocore/response.py).
INCOMPLETE_BODY_ERRORS = (
    IncompleteReadError,
    ResponseStreamingError,
    ReadTimeoutError,
    FlexibleChecksumError,
    HTTPError,
)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An S3 object with its body; `is_part` when the body is only the requested range.

    `answer` is the whole response of S3, such as its `LastModified`.
    """

    body: bytes
    etag: str
    version_id: str | None = None
    content_type: str | None = None
    is_part: bool = False
    answer: Mapping[str, Any] = field(default_factory=dict)


def s3_client() -> S3Client:
    """Return the S3 client of a function, in the function's region."""
    import boto3

    client: S3Client = boto3.client("s3", config=RETRYING)
    return with_complete_responses(client)


def sns_client() -> Any:
    """Return an SNS client that retries."""
    import boto3

    make: Any = boto3.client
    return with_complete_responses(make("sns", config=RETRYING))


def with_complete_responses(client: ClientT) -> ClientT:
    """Make a client treat a response that ends early as a 502 Bad Gateway, which it retries.

    botocore compares the length of streamed bodies only. Of other responses, a truncated listing could pass for an
    empty one.
    """
    meta: Any = client.meta  # type: ignore[attr-defined]
    meta.events.register("before-parse", _fail_incomplete_response)
    # Handlers of a more specific event name run first: this one before botocore's, which decides on retries.
    meta.events.register(f"needs-retry.{meta.service_model.service_id.hyphenize()}.*", _use_parsed_status)
    return client


def read_object(s3: S3Client, *, tried: int = 0, **request: Any) -> StoredObject:
    """Read one object with GetObject; retry when the body ends early. `tried` attempts have failed before.

    Raise VectoraError when every attempt ends early, ClientError when S3 refuses the request.
    """
    for attempt in range(tried, READ_ATTEMPTS):
        pause(attempt)
        try:
            answer = s3.get_object(**request)
        except HTTPError as error:
            # The body of an error response ended early. botocore reads it without catching this (botocore/endpoint.py).
            cause: Exception = error
            continue
        try:
            return StoredObject(
                body=answer["Body"].read(),
                etag=answer.get("ETag", ""),
                version_id=answer.get("VersionId"),
                content_type=answer.get("ContentType"),
                is_part="ContentRange" in answer,
                answer={**answer},
            )
        except INCOMPLETE_BODY_ERRORS as error:
            cause = error
    raise VectoraError(
        f"S3 sent s3://{request['Bucket']}/{request['Key']} incompletely {READ_ATTEMPTS} times "
        f"({type(cause).__name__}): try again later."
    ) from cause


def pause(attempt: int) -> None:
    """Wait before a repeated attempt, longer before each further one."""
    if attempt:
        time.sleep(FIRST_WAIT_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1.0))  # noqa: S311


def _fail_incomplete_response(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    # botocore handles S3 errors that come with status 200 by the same two events (botocore/handlers.py).
    body, length = response_dict["body"], response_dict["headers"].get("content-length")
    # Responses to HEAD and with status 304 announce the length of a body that they do not have (RFC 9110, 8.6).
    bodiless = operation_model.http.get("method") == "HEAD" or response_dict["status_code"] == HTTPStatus.NOT_MODIFIED
    if isinstance(body, bytes) and length is not None and not bodiless and len(body) != int(length):
        response_dict.update(status_code=HTTPStatus.BAD_GATEWAY.value, body=b"")


def _use_parsed_status(response: Any, **_: Any) -> None:
    if response is not None:
        http_response, parsed = response
        http_response.status_code = parsed["ResponseMetadata"]["HTTPStatusCode"]

"""Rules of S3: missing objects without s3:ListBucket, and buckets that are not empty."""

from __future__ import annotations

import http
from typing import Any

from ministack.core.responses import get_account_id  # type: ignore[import-not-found]
from ministack.services import s3  # type: ignore[import-not-found]
from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]

from rehearsal.inside import permissions
from rehearsal.inside.wrapping import Answer, wrap

TYPE = "AWS::S3::Bucket"
LIST = "s3:ListBucket"


async def _conceal_missing_objects(
    original: Any, method: str, path: str, headers: dict[str, str], *rest: Any, **named: Any
) -> Answer:
    """Answer AccessDenied for a missing object to callers who may not list its bucket (S3 API reference, GetObject).

    Requests to virtual-hosted addresses arrive here too, with the bucket in their path.
    """
    answer: Answer = await original(method, path, headers, *rest, **named)
    bucket, key = s3._parse_bucket_key(path, headers)
    if answer[0] != http.HTTPStatus.NOT_FOUND or method not in ("GET", "HEAD") or not key:
        return answer
    if not s3._buckets.contains_scoped(get_account_id(), None, bucket):
        return answer
    arn = f"arn:aws:s3:::{bucket}"
    if denial := permissions.caller_denial(LIST, arn):
        return permissions.denied_answer("s3", LIST, arn, denial, headers)
    return answer


def _keep_full_buckets() -> None:
    """Let CloudFormation fail to delete a bucket that has objects or versions."""
    original = provisioners._RESOURCE_HANDLERS[TYPE]["delete"]

    def delete(name: str, properties: Any) -> None:
        if name in s3._buckets and s3._delete_bucket(name)[0] == http.HTTPStatus.CONFLICT:
            raise ValueError(
                "The bucket you tried to delete is not empty. You must delete all versions in the bucket. "
                "(Service: S3, Status Code: 409)"
            )
        original(name, properties)

    provisioners._RESOURCE_HANDLERS[TYPE]["delete"] = delete


def register() -> None:
    """Change what S3 answers and what CloudFormation deletes."""
    wrap(s3, "handle_request", _conceal_missing_objects)
    _keep_full_buckets()

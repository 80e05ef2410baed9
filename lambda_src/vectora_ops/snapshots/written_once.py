"""Writes of objects that the vault's bucket policy lets be created and never replaced."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from vectora_shared.aws_errors import error_code

# Attempts of a write that S3 answers with 409, which calls for a retry (PutObject, API reference, If-None-Match).
CONFLICTS = 5


def create_object(s3: Any, bucket: str, key: str, **request: Any) -> str | None:
    """Write an object whose name is free, and return its ETag; None when the bucket has one of that name.

    Behind a delete marker a name is free again (S3 user guide, "How to prevent object overwrites with conditional
    writes").
    """
    for tries_left in reversed(range(CONFLICTS)):
        try:
            answer = s3.put_object(Bucket=bucket, Key=key, IfNoneMatch="*", **request)
        except ClientError as error:
            if error_code(error) == "PreconditionFailed":
                return None
            if error_code(error) != "ConditionalRequestConflict" or not tries_left:
                raise
        else:
            return str(answer["ETag"]).strip('"')
    return None

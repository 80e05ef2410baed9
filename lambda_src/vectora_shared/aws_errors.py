"""Codes, messages and HTTP status of AWS errors, and the codes that say that something does not exist."""

from __future__ import annotations

from typing import Literal

from botocore.exceptions import ClientError

Thing = Literal["object", "bucket", "stack", "change set", "function", "layer version", "parameter"]
# The answer to a HEAD request has no body, so botocore knows only the status, which is 404 for a missing object and for
# a missing bucket (S3 API reference, HeadObject and HeadBucket; the error names in botocore's model never arrive).
HEAD_NOT_FOUND = "404"
CODES: dict[Thing, tuple[str, ...]] = {
    "object": ("NoSuchKey", HEAD_NOT_FOUND),
    "bucket": ("NoSuchBucket", HEAD_NOT_FOUND),
    "change set": ("ChangeSetNotFound",),
    "function": ("ResourceNotFoundException",),
    "layer version": ("ResourceNotFoundException",),
    "parameter": ("ParameterNotFound",),
}


def error_code(error: ClientError) -> str:
    """Return the code of AWS's answer, empty when it has none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def error_message(error: ClientError) -> str:
    """Return the message of AWS's answer, or its code when it has none."""
    return str(error.response.get("Error", {}).get("Message", "")) or error_code(error)


def http_status(error: ClientError) -> int:
    """Return the HTTP status of AWS's answer, 0 when it has none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def is_absent(error: ClientError, thing: Thing) -> bool:
    """Return whether AWS says that the requested `thing` does not exist.

    After a HEAD request on an object, "object" is also true when the bucket is missing: HEAD does not distinguish them.
    """
    if thing == "stack":
        return _no_such_stack(error)
    return error_code(error) in CODES[thing] or (thing == "change set" and _no_such_stack(error))


def _no_such_stack(error: ClientError) -> bool:
    # CloudFormation has no code for a missing stack: every invalid request is a ValidationError, so the message decides
    # (DescribeStacks, API reference; the CDK CLI compares the same words).
    return error_code(error) == "ValidationError" and "does not exist" in error_message(error)

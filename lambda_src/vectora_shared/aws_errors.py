"""Codes of AWS errors, and the conditions that they stand for: absent, transient."""

from __future__ import annotations

from typing import Literal

from botocore.exceptions import ClientError

Resource = Literal["object", "bucket", "stack", "change set", "function", "layer version", "parameter"]
# The response to a HEAD request has no body, so botocore knows only its status: 404 for a missing object and for a
# missing bucket alike (S3 API reference, HeadObject and HeadBucket; the codes in botocore's model never arrive).
HEAD_NOT_FOUND = "404"
ABSENT_CODES: dict[Resource, tuple[str, ...]] = {
    "object": ("NoSuchKey", HEAD_NOT_FOUND),
    "bucket": ("NoSuchBucket", HEAD_NOT_FOUND),
    "change set": ("ChangeSetNotFound",),
    "function": ("ResourceNotFoundException",),
    "layer version": ("ResourceNotFoundException",),
    "parameter": ("ParameterNotFound",),
}
# A missing permission, or one that an organization denies; 403 is all that the answer to a HEAD request says.
DENIED_CODES = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "UnauthorizedOperation",
    "403",
}
# Failures of Bedrock that pass, or that concern one call only. Every other one would meet every call.
TRANSIENT_MODEL_STATUS = {408, 424, 429}
TRANSIENT_MODEL_CODES = {
    "ThrottlingException",
    "ServiceQuotaExceededException",
    "ServiceUnavailableException",
    "InternalServerException",
    "ModelErrorException",
    "ModelNotReadyException",
    "ModelTimeoutException",
}


def error_code(error: ClientError) -> str:
    """Return the code of an AWS error, empty when it has none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def error_message(error: ClientError) -> str:
    """Return the message of an AWS error, or its code when it has none."""
    return str(error.response.get("Error", {}).get("Message", "")) or error_code(error)


def http_status(error: ClientError) -> int:
    """Return the HTTP status of an AWS error, 0 when it has none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def is_absent(error: ClientError, resource: Resource) -> bool:
    """Return whether the error says that the requested resource does not exist.

    After a HEAD request on an object, "object" is also true when the bucket is missing: HEAD does not distinguish them.
    """
    if resource == "stack":
        return _no_such_stack(error)
    return error_code(error) in ABSENT_CODES[resource] or (resource == "change set" and _no_such_stack(error))


def is_denied(error: ClientError) -> bool:
    """Return whether the error says that the caller lacks a permission."""
    return error_code(error) in DENIED_CODES


def is_transient_model_error(error: ClientError) -> bool:
    """Return whether another call of the model may succeed."""
    status = http_status(error)
    return error_code(error) in TRANSIENT_MODEL_CODES or status in TRANSIENT_MODEL_STATUS or status >= 500


def _no_such_stack(error: ClientError) -> bool:
    # CloudFormation has no code for a missing stack: every invalid request is a ValidationError, and only the message
    # says why (API reference, DescribeStacks; the CDK CLI compares the same words).
    return error_code(error) == "ValidationError" and "does not exist" in error_message(error)

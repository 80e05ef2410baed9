"""Which answers of AWS say that a thing is absent, and which only look like it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from vectora_shared.aws_errors import Resource, error_code, error_message, is_absent


def answer(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


NO_STACK = "Stack with id vectora-inbox-s0-core-dev does not exist"


@pytest.mark.parametrize(
    ("thing", "code", "message"),
    [
        ("object", "NoSuchKey", ""),
        ("object", "404", "Not Found"),  # HEAD: the answer has no body
        ("bucket", "NoSuchBucket", ""),
        ("bucket", "404", "Not Found"),
        ("stack", "ValidationError", NO_STACK),
        ("change set", "ChangeSetNotFound", ""),
        ("change set", "ValidationError", "Stack [vectora-inbox-s0-core-dev] does not exist"),
        ("function", "ResourceNotFoundException", ""),
        ("layer version", "ResourceNotFoundException", ""),
        ("parameter", "ParameterNotFound", ""),
    ],
)
def test_an_absent_thing_is_known_by_what_aws_answers(thing: Resource, code: str, message: str) -> None:
    assert is_absent(answer(code, message), thing)


@pytest.mark.parametrize(
    ("thing", "code", "message"),
    [
        ("object", "NoSuchBucket", ""),
        ("object", "403", "Forbidden"),
        ("object", "AccessDenied", ""),
        ("bucket", "NoSuchKey", ""),
        ("bucket", "403", "Forbidden"),
        ("bucket", "400", "Bad Request"),
        ("bucket", "301", "Moved Permanently"),
        ("stack", "ValidationError", "1 validation error detected: Value at 'stackName' failed to satisfy constraint"),
        ("stack", "AccessDenied", NO_STACK),
        ("change set", "ValidationError", "Stack is in ROLLBACK_COMPLETE state and can not be updated."),
        ("function", "AccessDeniedException", ""),
        ("parameter", "ParameterVersionNotFound", ""),
    ],
)
def test_what_is_denied_or_invalid_is_not_absent(thing: Resource, code: str, message: str) -> None:
    assert not is_absent(answer(code, message), thing)


def test_an_answer_without_an_error_has_no_code() -> None:
    empty = ClientError({}, "HeadObject")
    assert (error_code(empty), error_message(empty)) == ("", "")

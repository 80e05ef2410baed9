"""Answers of AWS that a test sets in place of the emulator's."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from rehearsal.promotion_in_process import with_promotion
from tests.faults.small_environment import NAMES
from vectora_ops.account import Account


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Any:
        yield self._content


def own_clients(account: Account) -> Account:
    """Return the same account with clients of its own, so that hooks on them affect no other test."""
    return with_promotion(replace(account, _clients={}), NAMES)


def change_answers(account: Account, service: str, operation: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Let `change` edit every parsed answer to an operation."""

    def edit(parsed: dict[str, Any], **_: Any) -> None:
        change(parsed)

    account.client(service).meta.events.register(f"after-call.{service}.{operation}", edit)


def refuse(account: Account, service: str, operation: str, code: str, message: str = "", *, status: int = 403) -> None:
    """Refuse every request of an operation as AWS does; an answer to HEAD has no body."""

    def before_send(request: Any, **_: Any) -> AWSResponse:
        body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        if service != "s3":
            body = f"<ErrorResponse>{body}</ErrorResponse>"
        content = b"" if request.method == "HEAD" else body.encode()
        return AWSResponse(request.url, status, HTTPHeaders.from_dict({"Content-Type": "text/xml"}), _Body(content))

    account.client(service).meta.events.register(f"before-send.{service}.{operation}", before_send)


def ascii_only(account: Account) -> Account:
    """Return the account with CloudFormation's answers: a question mark for every non-ASCII character."""
    changed = own_clients(account)
    # Function promotion, which has clients of its own, reads the same CloudFormation.
    for reader in (changed, changed.invoker()._account):
        for operation in ("GetTemplate", "DescribeStacks"):
            change_answers(reader, "cloudformation", operation, _replace_characters)
    return changed


def _replace_characters(parsed: dict[str, Any]) -> None:
    parsed.update({key: _replaced(value) for key, value in parsed.items() if key != "ResponseMetadata"})


def _replaced(value: Any) -> Any:
    match value:
        case str():
            return re.sub(r"[^\x00-\x7f]", "?", value)
        case dict():
            return {_replaced(key): _replaced(each) for key, each in value.items()}
        case list():
            return [_replaced(each) for each in value]
    return value

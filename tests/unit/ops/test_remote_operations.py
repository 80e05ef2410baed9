"""Operations run by functions: invoked once, on connections that live long, with a sentence when one breaks."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    ReadTimeoutError,
)

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.remote import run_remotely
from vectora_shared.errors import VectoraError

NAMES = Names(project="vectora-inbox", env="stage")
URL = "https://lambda.eu-west-3.amazonaws.com"


class Functions:
    """Lambda: answers one after the other, or raises them."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.invoked: list[dict[str, Any]] = []

    def invoke(self, **asked: Any) -> Any:
        self.invoked.append(json.loads(asked["Payload"]))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class BrokenBody:
    def read(self) -> bytes:
        raise IncompleteReadError(actual_bytes=3, expected_bytes=9)


def said(document: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Payload": io.BytesIO(json.dumps(document).encode()), **more}


def run(functions: Functions) -> dict[str, Any]:
    account = Account("0" * 12, "eu-west-3", session=None, _clients={"invoker": functions})  # type: ignore[arg-type]
    return run_remotely(account, NAMES, "rollback", {"operation": "rollback"}, lambda count: None)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Invoke")


def test_work_that_goes_on_is_invoked_again_by_the_caller() -> None:
    further = {"operation": "rollback", "continuation": 1}
    functions = Functions(said({"state": "running", "event": further}), said({"state": "done", "result": 1}))
    assert run(functions) == {"state": "done", "result": 1}
    assert functions.invoked[1] == further


@pytest.mark.parametrize(
    "broken",
    [ReadTimeoutError(endpoint_url=URL), ConnectionClosedError(endpoint_url=URL), {"Payload": BrokenBody()}],
    ids=["silence", "closed", "cut"],
)
def test_a_connection_that_breaks_is_not_taken_for_a_failure_and_nothing_is_invoked_twice(broken: Any) -> None:
    functions = Functions(broken)
    with pytest.raises(VectoraError, match=r"may still be running.*\./vectora status --env stage"):
        run(functions)
    assert len(functions.invoked) == 1


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url=URL),
        ConnectTimeoutError(endpoint_url=URL),
        refusal("TooManyRequestsException"),
        refusal("ResourceConflictException"),
    ],
)
def test_what_was_never_started_is_said_so(error: Exception) -> None:
    with pytest.raises(VectoraError, match=r"nothing was started|was not started"):
        run(Functions(error))


def test_a_function_that_is_not_there_is_said_with_what_to_do() -> None:
    with pytest.raises(VectoraError, match="deploy it first"):
        run(Functions(refusal("ResourceNotFoundException")))


def test_other_refusals_stay_what_they_are() -> None:
    with pytest.raises(ClientError):
        run(Functions(refusal("AccessDeniedException")))


def test_a_crash_of_the_function_names_its_log() -> None:
    with pytest.raises(VectoraError, match=r"failed \(no reason given\): its log is /aws/lambda/vectora"):
        run(Functions(said({}, FunctionError="Unhandled")))


def test_the_invoker_keeps_silent_connections_alive_and_never_retries() -> None:
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="eu-west-3")
    account = Account("0" * 12, "eu-west-3", session)
    config = account.invoker().meta.config
    assert config.tcp_keepalive is True
    assert config.retries["total_max_attempts"] == 1
    assert config.read_timeout > 900
    assert account.invoker() is account.invoker()

"""Remote operations: invoked once, on long-lived connections, with a clear error when a connection breaks."""

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
    """Lambda client that returns or raises its answers in order."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.invoked: list[dict[str, Any]] = []

    def invoke(self, **request: Any) -> Any:
        self.invoked.append(json.loads(request["Payload"]))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class BrokenBody:
    def read(self) -> bytes:
        raise IncompleteReadError(actual_bytes=3, expected_bytes=9)


def answer(document: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Payload": io.BytesIO(json.dumps(document).encode()), **more}


def run(functions: Functions) -> dict[str, Any]:
    account = Account("0" * 12, "eu-west-3", session=None, _clients={"invoker": functions})  # type: ignore[arg-type]
    return run_remotely(account, NAMES, "rollback", {"operation": "rollback"}, lambda count: None)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Invoke")


def test_the_caller_invokes_the_function_again_for_unfinished_work() -> None:
    further = {"operation": "rollback", "continuation": 1}
    functions = Functions(answer({"state": "running", "event": further}), answer({"state": "done", "result": 1}))
    assert run(functions) == {"state": "done", "result": 1}
    assert functions.invoked[1] == further


@pytest.mark.parametrize(
    "broken",
    [ReadTimeoutError(endpoint_url=URL), ConnectionClosedError(endpoint_url=URL), {"Payload": BrokenBody()}],
    ids=["silence", "closed", "cut"],
)
def test_a_broken_connection_is_no_failure_and_repeats_no_invocation(broken: Any) -> None:
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
def test_an_operation_that_never_started_is_reported_as_such(error: Exception) -> None:
    with pytest.raises(VectoraError, match=r"nothing was started|was not started"):
        run(Functions(error))


def test_a_missing_function_is_reported_with_what_to_do() -> None:
    with pytest.raises(VectoraError, match="deploy it first"):
        run(Functions(refusal("ResourceNotFoundException")))


def test_other_aws_errors_are_raised_unchanged() -> None:
    with pytest.raises(ClientError):
        run(Functions(refusal("AccessDeniedException")))


def test_a_crash_of_the_function_names_its_log() -> None:
    with pytest.raises(VectoraError, match=r"failed \(no reason given\): its log is /aws/lambda/vectora"):
        run(Functions(answer({}, FunctionError="Unhandled")))


def test_the_invoker_keeps_silent_connections_alive_and_never_retries() -> None:
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="eu-west-3")
    account = Account("0" * 12, "eu-west-3", session)
    config = account.invoker().meta.config
    assert config.tcp_keepalive is True
    assert config.retries["total_max_attempts"] == 1
    assert config.read_timeout > 900
    assert account.invoker() is account.invoker()

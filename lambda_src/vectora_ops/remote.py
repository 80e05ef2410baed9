"""Operations that the environment's functions run with their own permissions, instead of this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ProxyConnectionError,
    SSLError,
)

from vectora_ops.account import LONGEST_INVOCATION_SECONDS, Account
from vectora_ops.names import OPERATIONS_LAYER, Names, OperationsTask
from vectora_shared.aws_errors import error_code
from vectora_shared.aws_texts import plain
from vectora_shared.errors import VectoraError

# Without a connection no request was sent.
NOT_REACHED = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError, SSLError)
# The request was sent; its answer is missing or incomplete.
BROKEN = (HTTPClientError, IncompleteReadError, json.JSONDecodeError)


def run_remotely(
    account: Account, names: Names, task: OperationsTask, event: dict[str, Any], on_continuation: Callable[[int], None]
) -> dict[str, Any]:
    """Invoke function `task`, again for as long as its work continues, and return its answer.

    Raises VectoraError with the function's own sentence when it fails, and when there is no such function.
    """
    function = names.function(task)
    event = {**event, "caller_continues": True}
    while True:
        answer = invoke(account, names, task, event)
        if answer.get("state") == "done":
            return answer
        if answer.get("state") != "running":
            raise VectoraError(str(answer.get("error", f"{function} did not say how it ended.")))
        event = answer["event"]
        on_continuation(int(event["continuation"]))


def invoke(
    account: Account,
    names: Names,
    task: OperationsTask,
    event: dict[str, Any],
    *,
    wait_seconds: int = LONGEST_INVOCATION_SECONDS,
) -> dict[str, Any]:
    """Invoke function `task` and return its answer; raises VectoraError when it cannot be invoked, or fails."""
    function = names.function(task)
    try:
        answer = account.invoker(wait_seconds).invoke(FunctionName=function, Payload=json.dumps(event).encode("utf-8"))
        result: dict[str, Any] = json.loads(answer["Payload"].read())
    except ClientError as error:
        raise _refusal(error, names, function) from error
    except NOT_REACHED as error:
        raise VectoraError(
            f"{function} could not be reached, and nothing was started ({plain(error)}): check the network, then try "
            "again."
        ) from error
    except BROKEN as error:
        raise VectoraError(
            f"The connection to {function} broke while it was running ({plain(error)}): it may still be running. Check "
            f"how it ended (./vectora status --env {names.env}, log /aws/lambda/{function}) before you try again."
        ) from error
    if "FunctionError" in answer:
        reason = plain(result.get("errorMessage") or "")
        raise VectoraError(f"{function} failed ({reason}): its log is /aws/lambda/{function}.")
    return result


def _refusal(error: ClientError, names: Names, function: str) -> Exception:
    """Return an error with a sentence where an operator can act, otherwise the error itself."""
    match error_code(error):
        case "ResourceNotFoundException":
            return VectoraError(
                f"There is no function {function}: deploy it first "
                f"(cdk deploy {names.stack(OPERATIONS_LAYER)} --context env={names.env})."
            )
        case "TooManyRequestsException":
            return VectoraError(
                f"{function} was not started: the account runs as many functions concurrently as it may. Try again."
            )
        case "ResourceConflictException" | "ResourceNotReadyException":
            return VectoraError(f"{function} was not started: it is being deployed. Try again in a minute.")
        case _:
            return error

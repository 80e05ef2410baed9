"""Operations run by the environment's own functions instead of in this process: the same code, their permissions."""

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

from vectora_ops.account import Account
from vectora_ops.names import OPERATIONS_LAYER, Names, OperationsTask
from vectora_shared.aws_errors import error_code
from vectora_shared.aws_texts import plain
from vectora_shared.errors import VectoraError

# Without a connection nothing was sent.
NOT_REACHED = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError, SSLError)
# The request was sent; its answer did not come, or not whole.
BROKEN = (HTTPClientError, IncompleteReadError, json.JSONDecodeError)


def run_remotely(
    account: Account, names: Names, task: OperationsTask, event: dict[str, Any], on_continuation: Callable[[int], None]
) -> dict[str, Any]:
    """The answer of function `task` (snapshot or rollback), invoked again for as long as its work goes on.

    Raises VectoraError with the function's own sentence when it fails, and when there is no such function.
    """
    function = names.function(task)
    event = {**event, "caller_continues": True}
    while True:
        said = _invoke(account, names, function, event)
        if said.get("state") == "done":
            return said
        if said.get("state") != "running":
            raise VectoraError(str(said.get("error", f"{function} did not say how it ended.")))
        event = said["event"]
        on_continuation(int(event["continuation"]))


def _invoke(account: Account, names: Names, function: str, event: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = account.invoker().invoke(FunctionName=function, Payload=json.dumps(event).encode("utf-8"))
        said: dict[str, Any] = json.loads(answer["Payload"].read())
    except ClientError as error:
        raise _refusal(error, names, function) from error
    except NOT_REACHED as error:
        raise VectoraError(
            f"{function} could not be reached, and nothing was started ({plain(error)}): check the network, then try "
            "again."
        ) from error
    except BROKEN as error:
        raise VectoraError(
            f"The connection to {function} broke while it was at work ({plain(error)}): it may still be running. Look "
            f"how it ended (./vectora status --env {names.env}, log /aws/lambda/{function}) before you try again."
        ) from error
    if "FunctionError" in answer:
        reason = plain(said.get("errorMessage") or "")
        raise VectoraError(f"{function} failed ({reason}): its log is /aws/lambda/{function}.")
    return said


def _refusal(error: ClientError, names: Names, function: str) -> Exception:
    """A sentence for what an operator can change; the error itself for the rest."""
    match error_code(error):
        case "ResourceNotFoundException":
            return VectoraError(
                f"There is no function {function}: deploy it first "
                f"(cdk deploy {names.stack(OPERATIONS_LAYER)} --context env={names.env})."
            )
        case "TooManyRequestsException":
            return VectoraError(
                f"{function} was not started: as many functions are running as this account may run at once. Try again."
            )
        case "ResourceConflictException" | "ResourceNotReadyException":
            return VectoraError(f"{function} was not started: it is being deployed. Try again in a minute.")
        case _:
            return error

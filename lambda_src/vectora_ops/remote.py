"""Operations run by the environment's own functions instead of in this process: the same code, their permissions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from vectora_core.errors import VectoraError
from vectora_ops.account import Account
from vectora_ops.names import OPERATIONS_LAYER, Names


def run_remotely(
    account: Account, names: Names, task: str, event: dict[str, Any], on_continuation: Callable[[int], None]
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
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise VectoraError(
            f"There is no function {function}: deploy it first "
            f"(cdk deploy {names.stack(OPERATIONS_LAYER)} --context env={names.env})."
        ) from error
    said: dict[str, Any] = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise VectoraError(
            f"{function} failed ({said.get('errorMessage', 'no reason given')}): its log is /aws/lambda/{function}."
        )
    return said

"""Relay of the pipeline's steps to functions of environments in other accounts or regions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.names import OPERATIONS_TASKS, EnvName, Names, OperationsTask
from vectora_ops.promotion.job import RELAYED_KEY, Done, NotYet, answer_job
from vectora_ops.remote import invoke
from vectora_shared.aws_texts import plain
from vectora_shared.errors import VectoraError

# Not those of the settings, whose module requires a layer.
ENVIRONMENTS: tuple[EnvName, ...] = get_args(EnvName)
# Parameters of an action by which the relay finds the function; the function receives the others.
ENVIRONMENT_KEY, TASK_KEY = "environment", "task"
# Operations of the pipeline's steps (vectora_ops.functions).
OPERATIONS = ("gate", "record", "smoke-test", "snapshot")
# Of the relay's own time: to give up waiting, and to answer the job before Lambda ends the relay.
RESERVED_SECONDS = 20


def relay_job(account: Account, project: str, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Run the step of the action in its environment, and send its result to CodePipeline.

    The relay answers the job, because the job belongs to the pipeline's account: CodePipeline invokes no function of
    another account.
    """

    def step(given: Mapping[str, Any], token: str | None) -> Done | NotYet:
        return _relay(account, project, given, token, context)

    return answer_job(account, event, dict.fromkeys(OPERATIONS, step))


def _relay(account: Account, project: str, given: Mapping[str, Any], token: str | None, context: Any) -> Done | NotYet:
    names, task = _target(account, project, given)
    function = names.function(task)
    seconds = int(context.get_remaining_time_in_millis() / 1000) - RESERVED_SECONDS
    parameters = {key: value for key, value in given.items() if key not in (ENVIRONMENT_KEY, TASK_KEY)}
    request = {RELAYED_KEY: {"parameters": parameters, "token": token, "seconds": seconds}}
    try:
        answer = invoke(account.of(names.env), names, task, request, wait_seconds=seconds)
    except ClientError as error:
        raise VectoraError(f"{function} could not be invoked ({plain(error)}).") from error
    return _result(answer, function)


def _target(account: Account, project: str, given: Mapping[str, Any]) -> tuple[Names, OperationsTask]:
    env = next(
        (each for each in ENVIRONMENTS if each == given.get(ENVIRONMENT_KEY) and each in account.elsewhere), None
    )
    if env is None:
        known = ", ".join(sorted(account.elsewhere))
        raise VectoraError(f"The action's user parameters do not fit: '{ENVIRONMENT_KEY}' is none of {known}.")
    wanted = given.get(TASK_KEY)
    task = next((each for each in OPERATIONS_TASKS if each == wanted), None)
    if task is None:
        raise VectoraError(
            f"The action's user parameters do not fit: '{TASK_KEY}' is '{wanted}', which is no function."
        )
    return Names(project=project, env=env), task


def _result(answer: object, function: str) -> Done | NotYet:
    """Return the result of the step; raises VectoraError with the step's own sentence, or when it is no result."""
    match answer:
        case {"state": "done", "summary": str(summary), "variables": dict(variables)}:
            return Done(summary=summary, variables={str(key): str(value) for key, value in variables.items()})
        case {"state": "running", "token": str(token)}:
            return NotYet(token=token)
        case {"state": "failed", "error": str(error)}:
            raise VectoraError(error)
    raise VectoraError(f"{function} did not answer with a result of a step ({plain(answer)[:200]}): see its log.")

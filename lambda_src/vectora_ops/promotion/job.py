"""Jobs of CodePipeline's Lambda actions: their parameters, and the answer that each job receives."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.progress import Clock, utc_now
from vectora_shared.aws_errors import error_code
from vectora_shared.aws_texts import job_failure, job_summary
from vectora_shared.errors import VectoraError

logger = logging.getLogger("vectora")
JOB_KEY = "CodePipeline.job"
# Key of a step that the relay requests: its parameters, the token of the invocation before, and the seconds that the
# relay waits. The relay answers the job, so the function returns the result instead.
RELAYED_KEY = "relayed"
# Those of every step; the others are the step's own (promotion/steps/parameters.py).
REQUIRED_PARAMETERS = ("operation", "execution", "timeout_minutes")
# The job has ended: its execution was stopped or cancelled by an update of the pipeline, or it has an answer already
# (PutJobSuccessResult and PutJobFailureResult, API reference).
OVER = ("InvalidJobStateException", "JobNotFoundException")


@dataclass(frozen=True, kw_only=True)
class Done:
    """The result of a step that succeeded; the console shows `summary`, later actions receive `variables`."""

    summary: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class NotYet:
    """The result of a step that continues in another invocation, which receives `token`."""

    token: str


# Called with the parameters and with the token of the invocation before.
Step = Callable[[Mapping[str, Any], str | None], Done | NotYet]


def is_job(event: Mapping[str, Any]) -> bool:
    return JOB_KEY in event


def answer_job(
    account: Account, event: Mapping[str, Any], steps: Mapping[str, Step], clock: Clock = utc_now
) -> dict[str, Any]:
    """Run the step of the action and send its result to CodePipeline; the returned result is for the log.

    The event contains credentials, so it is never logged. Raises the error when CodePipeline cannot be reached: Lambda
    then invokes the function again.
    """
    job = event[JOB_KEY]
    pipeline = account.client("codepipeline")
    try:
        answer, began = _run(job, steps, clock)
    except VectoraError as error:
        return _fail(pipeline, job["id"], str(error))
    except Exception as error:
        logger.exception("The step failed unexpectedly")
        return _fail(pipeline, job["id"], f"{type(error).__name__}: {error}")
    try:
        return _succeed(pipeline, job["id"], answer, began)
    except ClientError as error:
        if error_code(error) in OVER:
            return _too_late(job["id"])
        # For example too many or too long variables. An action without an answer would wait for its time-out.
        logger.exception("CodePipeline refused the step's answer")
        return _fail(pipeline, job["id"], f"CodePipeline refused the step's answer: {error}")


def is_step(event: Mapping[str, Any]) -> bool:
    """Return whether the pipeline or its relay invoked the function."""
    return is_job(event) or RELAYED_KEY in event


def answer_step(account: Account, event: Mapping[str, Any], steps: Mapping[str, Step]) -> dict[str, Any]:
    """Run the step of the action; answer the job of the pipeline, or the relay that answers it."""
    return answer_job(account, event, steps) if is_job(event) else _answer_relay(event[RELAYED_KEY], steps)


def _answer_relay(request: Mapping[str, Any], steps: Mapping[str, Step]) -> dict[str, Any]:
    try:
        answer = _step(request["parameters"], steps)(request["parameters"], request.get("token"))
    except VectoraError as error:
        logger.error("%s", job_failure(str(error)))
        return {"state": "failed", "error": job_failure(str(error))}
    except Exception as error:
        logger.exception("The step failed unexpectedly")
        return {"state": "failed", "error": job_failure(f"{type(error).__name__}: {error}")}
    if isinstance(answer, NotYet):
        return {"state": "running", "token": answer.token}
    logger.info("%s", job_summary(answer.summary))
    return {"state": "done", "summary": answer.summary, "variables": dict(answer.variables)}


def _succeed(pipeline: Any, job_id: str, answer: Done | NotYet, began: datetime) -> dict[str, Any]:
    if isinstance(answer, NotYet):
        token = json.dumps({"began": began.isoformat(), "token": answer.token})
        pipeline.put_job_success_result(jobId=job_id, continuationToken=token)
        return {"state": "running"}
    summary = job_summary(answer.summary)
    pipeline.put_job_success_result(
        jobId=job_id,
        executionDetails={"summary": summary, "percentComplete": 100},
        **({"outputVariables": dict(answer.variables)} if answer.variables else {}),
    )
    logger.info("%s", summary)
    return {"state": "done", "summary": summary}


def _run(job: Mapping[str, Any], steps: Mapping[str, Step], clock: Clock) -> tuple[Done | NotYet, datetime]:
    given = json.loads(job["data"]["actionConfiguration"]["configuration"].get("UserParameters") or "{}")
    step, minutes = _step(given, steps), _minutes(given)
    left = json.loads(job["data"].get("continuationToken") or "{}")
    began = datetime.fromisoformat(left["began"]) if left else clock()
    if clock() - began > timedelta(minutes=minutes):
        raise VectoraError(f"{given['operation']} was not done within {minutes} minutes.")
    return step(given, left.get("token")), began


def _step(given: object, steps: Mapping[str, Step]) -> Step:
    if not isinstance(given, Mapping):
        raise VectoraError("The action's user parameters do not fit: they are no JSON object.")
    missing = [key for key in REQUIRED_PARAMETERS if not given.get(key)]
    if missing:
        raise VectoraError(f"The action's user parameters do not fit: '{missing[0]}' is missing.")
    if given["operation"] not in steps:
        raise VectoraError(f"Operation '{given['operation']}' is none of {', '.join(sorted(steps))}.")
    return steps[given["operation"]]


def _minutes(given: Mapping[str, Any]) -> int:
    try:
        return int(given["timeout_minutes"])
    except ValueError as error:
        raise VectoraError("The action's user parameters do not fit: 'timeout_minutes' is no whole number.") from error


def _fail(pipeline: Any, job_id: str, message: str) -> dict[str, Any]:
    failure = job_failure(message)
    logger.error("%s", failure)
    try:
        pipeline.put_job_failure_result(jobId=job_id, failureDetails={"type": "JobFailed", "message": failure})
    except ClientError as error:
        if error_code(error) not in OVER:
            raise
        return _too_late(job_id)
    return {"state": "failed", "error": failure}


def _too_late(job_id: str) -> dict[str, Any]:
    logger.warning("CodePipeline no longer waits for job %s", job_id)
    return {"state": "too late"}

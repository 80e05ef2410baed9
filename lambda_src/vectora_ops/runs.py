"""Runs of the engine: their start, their steps, and their outcome."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError

from vectora_ops.progress import Deadline, OutOfTimeError, never
from vectora_shared.aws_errors import error_code
from vectora_shared.errors import VectoraError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

# A run takes seconds with the lexicon, minutes with a model.
FIRST_POLL_SECONDS = 0.1
LONGEST_POLL_SECONDS = 2.0
# DescribeExecution is eventually consistent (Step Functions, API reference): a new execution may be unknown.
UNKNOWN_FOR_SECONDS = 30.0
# Results in the output of an execution; only environments that send newsletters have a delivery.
STEPS = ("ingest", "normalize_score", "newsletter", "delivery")


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """The input of one run; None leaves the choice to the client's configuration.

    A draft is written beside the issues, changes none, and counts for no gate and no alarm.
    """

    client_id: str
    period_days: int | None = None
    dry_run: bool = False
    target_date: str | None = None
    draft: bool = False

    def as_input(self) -> dict[str, Any]:
        optional = {"period_days": self.period_days, "target_date": self.target_date, "draft": self.draft or None}
        chosen = {key: value for key, value in optional.items() if value is not None}
        return {"client_id": self.client_id, "dry_run": self.dry_run, **chosen}


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """The end of a run; `steps` has each function's response body as ingest, normalize_score, newsletter, delivery."""

    execution_arn: str
    status: str
    started: datetime
    seconds: float
    steps: dict[str, dict[str, Any]]
    reason: str | None

    @property
    def succeeded(self) -> bool:
        return self.status == "SUCCEEDED"


def start_run(states: SFNClient, state_machine_arn: str, request: RunRequest) -> str:
    """Start a run and return its execution's ARN; raises VectoraError when the environment has no workflow."""
    # The name keeps a repeated request, whose first answer was lost, from starting a second run (StartExecution).
    name = uuid4().hex
    try:
        return states.start_execution(
            stateMachineArn=state_machine_arn, name=name, input=json.dumps(request.as_input())
        )["executionArn"]
    except ClientError as error:
        code = error_code(error)
        if code == "ExecutionAlreadyExists":
            # The run ended before the request was repeated.
            return f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
        if code != "StateMachineDoesNotExist":
            raise
        machine = state_machine_arn.rsplit(":", 1)[-1]
        raise VectoraError(f"There is no workflow {machine}: deploy the environment first (cdk deploy).") from error


def follow_run(
    states: SFNClient,
    execution_arn: str,
    on_step: Callable[[str], None],
    *,
    deadline: Deadline = never,
    sleep: Callable[[float], None] = time.sleep,
) -> RunOutcome:
    """Wait for the end of a run; `on_step` is called with the name of each step as it begins.

    Raises OutOfTimeError, whose subject is the execution, when `deadline` is reached; the run continues.
    """
    announced, wait, unknown_for = 0, FIRST_POLL_SECONDS, 0.0
    while True:
        execution = _described(states, execution_arn, patient=unknown_for < UNKNOWN_FOR_SECONDS)
        if execution is None:
            unknown_for += wait
        else:
            begun = _steps_begun(states, execution_arn)
            for step in begun[announced:]:
                on_step(step)
            announced = max(announced, len(begun))
            if execution["status"] != "RUNNING":
                break
        if deadline():
            raise OutOfTimeError(execution_arn)
        sleep(wait)
        wait = min(wait * 1.25, LONGEST_POLL_SECONDS)
    output = json.loads(execution.get("output") or "{}")
    steps = {name: output[name]["body"] for name in STEPS if name in output}
    reason = None
    if execution["status"] != "SUCCEEDED":
        reason = execution.get("cause") or execution.get("error") or "no reason given"
    return RunOutcome(
        execution_arn=execution_arn,
        status=execution["status"],
        started=execution["startDate"],
        seconds=(execution["stopDate"] - execution["startDate"]).total_seconds(),
        steps=steps,
        reason=reason,
    )


def _described(states: SFNClient, execution_arn: str, *, patient: bool) -> Any:
    """Describe the execution; return None while it may still be unknown, which is as long as `patient` is true."""
    try:
        return states.describe_execution(executionArn=execution_arn)
    except ClientError as error:
        if error_code(error) != "ExecutionDoesNotExist" or not patient:
            raise
        return None


def _steps_begun(states: SFNClient, execution_arn: str) -> list[str]:
    try:
        return _steps_in_history(states, execution_arn)
    except ClientError as error:
        if error_code(error) != "ExecutionDoesNotExist":
            raise
        # DescribeExecution knows it already; its history follows a moment later.
        return []


def _steps_in_history(states: SFNClient, execution_arn: str) -> list[str]:
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return [
        event["stateEnteredEventDetails"]["name"]
        for page in pages
        for event in page["events"]
        if event["type"] == "TaskStateEntered"
    ]

"""Runs of the engine: started, followed step by step, and told apart as succeeded or failed with the reason."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from vectora_core.errors import VectoraError
from vectora_ops.snapshots.observer import Deadline, OutOfTimeError, never

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

# A run takes seconds with the lexicon, minutes with a model.
FIRST_POLL_SECONDS = 0.1
LONGEST_POLL_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What one run is asked to do; None leaves it to the client's configuration."""

    client_id: str
    period_days: int | None = None
    dry_run: bool = False
    target_date: str | None = None

    def as_input(self) -> dict[str, Any]:
        optional = {"period_days": self.period_days, "target_date": self.target_date}
        chosen = {key: value for key, value in optional.items() if value is not None}
        return {"client_id": self.client_id, "dry_run": self.dry_run, **chosen}


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """`steps` holds each function's response body under ingest, normalize_score and newsletter."""

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
    """The ARN of the execution; raises VectoraError when the environment has no workflow."""
    try:
        return states.start_execution(stateMachineArn=state_machine_arn, input=json.dumps(request.as_input()))[
            "executionArn"
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] != "StateMachineDoesNotExist":
            raise
        name = state_machine_arn.rsplit(":", 1)[-1]
        raise VectoraError(f"There is no workflow {name}: deploy the environment first (cdk deploy).") from error


def follow_run(
    states: SFNClient, execution_arn: str, on_step: Callable[[str], None], *, deadline: Deadline = never
) -> RunOutcome:
    """Wait for the end of a run; `on_step` hears the name of each step as it begins.

    Raises OutOfTimeError, whose subject is the execution, when `deadline` says so; the run goes on.
    """
    announced, wait = 0, FIRST_POLL_SECONDS
    while True:
        execution = states.describe_execution(executionArn=execution_arn)
        begun = _steps_begun(states, execution_arn)
        for step in begun[announced:]:
            on_step(step)
        announced = len(begun)
        if execution["status"] != "RUNNING":
            break
        if deadline():
            raise OutOfTimeError(execution_arn)
        time.sleep(wait)
        wait = min(wait * 1.25, LONGEST_POLL_SECONDS)
    output = json.loads(execution.get("output") or "{}")
    steps = {name: output[name]["body"] for name in ("ingest", "normalize_score", "newsletter") if name in output}
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


def _steps_begun(states: SFNClient, execution_arn: str) -> list[str]:
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return [
        event["stateEnteredEventDetails"]["name"]
        for page in pages
        for event in page["events"]
        if event["type"] == "TaskStateEntered"
    ]

"""Runs of the workflow: started once, and followed even before Step Functions lists them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from vectora_ops.runs import RunRequest, follow_run, start_run

MACHINE = f"arn:aws:states:eu-west-3:{'0' * 12}:stateMachine:vectora-inbox-newsletter-dev"
EXECUTION = f"arn:aws:states:eu-west-3:{'0' * 12}:execution:vectora-inbox-newsletter-dev:run"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeExecution")


class States:
    """Step Functions; the first `unknown` reads do not find an execution, the first `late` reads not its history."""

    def __init__(self, *, unknown: int = 0, late: int = 0, start: str | None = None) -> None:
        self._unknown = unknown
        self._late = late
        self._start = start
        self.started: list[dict[str, Any]] = []

    def start_execution(self, **request: Any) -> dict[str, Any]:
        self.started.append(request)
        if self._start:
            raise refusal(self._start)
        return {"executionArn": EXECUTION}

    def describe_execution(self, **_request: Any) -> dict[str, Any]:
        if self._unknown:
            self._unknown -= 1
            raise refusal("ExecutionDoesNotExist")
        ended = NOON + timedelta(seconds=3)
        return {"status": "SUCCEEDED", "startDate": NOON, "stopDate": ended, "output": "{}"}

    def get_paginator(self, _operation: str) -> States:
        return self

    def paginate(self, **_request: Any) -> list[dict[str, Any]]:
        if self._late:
            self._late -= 1
            raise refusal("ExecutionDoesNotExist")
        return [{"events": [{"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "ingest"}}]}]


def follow(states: Any) -> tuple[str, float, list[str]]:
    waited: list[float] = []
    steps: list[str] = []
    outcome = follow_run(states, EXECUTION, steps.append, sleep=waited.append)
    return outcome.status, sum(waited), steps


def test_an_execution_that_is_not_known_yet_is_described_again() -> None:
    status, waited, steps = follow(States(unknown=5))
    assert (status, steps) == ("SUCCEEDED", ["ingest"])
    assert waited > 0


def test_a_missing_history_of_a_new_execution_is_no_failure() -> None:
    assert follow(States(late=1))[0] == "SUCCEEDED"


def test_an_execution_that_stays_unknown_is_a_failure_after_half_a_minute() -> None:
    waited: list[float] = []
    with pytest.raises(ClientError, match="ExecutionDoesNotExist"):
        follow_run(States(unknown=10_000), EXECUTION, lambda step: None, sleep=waited.append)  # type: ignore[arg-type]
    assert 25 <= sum(waited) <= 40


def test_a_repeated_request_starts_no_second_run_because_runs_have_names() -> None:
    states = States()
    for _ in range(2):
        start_run(states, MACHINE, RunRequest(client_id="lai_weekly"))  # type: ignore[arg-type]
    first, second = states.started
    assert first["name"] != second["name"]
    assert json.loads(first["input"])["client_id"] == "lai_weekly"


def test_a_repeated_request_for_an_ended_run_finds_that_run() -> None:
    states = States(start="ExecutionAlreadyExists")
    arn = start_run(states, MACHINE, RunRequest(client_id="lai_weekly"))  # type: ignore[arg-type]
    assert arn == f"{EXECUTION.rpartition(':')[0]}:{states.started[0]['name']}"

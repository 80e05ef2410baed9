"""Failed runs are listed by their end, with any input."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.promotion.environment_runs import ClientFile, FailedRun, why_not_counted
from vectora_ops.promotion.facts import failed_runs

NAMES = Names(project="vectora-inbox", env="stage")
CLIENTS = {
    "lai_weekly": ClientFile(version="7.0.0", sha256="0", active=True),
    "paused": ClientFile(version="1.0.0", sha256="1", active=False),
    "damaged": ClientFile(version="invalid", sha256="2", active=False, is_valid=False),
}
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class States:
    """Step Functions: executions that have ended come newest end first, page by page."""

    def __init__(self, **executions: tuple[str, timedelta, timedelta, str | None]) -> None:
        """By name the status, how long ago it started and ended, and the input."""
        self._executions = executions

    def get_paginator(self, _operation: str) -> States:
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        chosen = [(name, *each) for name, each in self._executions.items() if each[0] == asked["statusFilter"]]
        listed = [
            {"executionArn": name, "status": status, "startDate": NOON - started, "stopDate": NOON - ended}
            for name, status, started, ended, _ in sorted(chosen, key=lambda each: each[3])
        ]
        return [{"executions": [each]} for each in listed]

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        given = self._executions[executionArn][3]
        return {} if given is None else {"input": given}


def account_of(states: States) -> Account:
    return Account("0" * 12, "eu-west-3", session=None, _clients={"stepfunctions": states})  # type: ignore[arg-type]


def listed(states: States, since: timedelta) -> set[str]:
    return {each.execution for each in failed_runs(account_of(states), NAMES, NOON - since)}


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def test_a_long_run_that_ended_lately_hides_none_that_ended_before_it() -> None:
    a_client = json.dumps({"client_id": "lai_weekly"})
    states = States(
        long=("TIMED_OUT", hours(30), hours(1), a_client),
        short=("TIMED_OUT", hours(3), hours(2), a_client),
        old=("TIMED_OUT", hours(60), hours(50), a_client),
        aborted=("ABORTED", hours(3), hours(2), a_client),
        failed=("FAILED", hours(3), hours(2), a_client),
    )
    assert listed(states, hours(24)) == {"long", "short", "aborted", "failed"}


def test_the_canarys_runs_are_left_to_the_smoke_test() -> None:
    states = States(canary=("FAILED", hours(2), hours(1), json.dumps({"client_id": "canary"})))
    assert listed(states, hours(24)) == set()


@pytest.mark.parametrize("given", [None, "", "not json", "[]", "3", '"canary"', "{}", '{"client_id": null}'])
def test_a_run_started_by_hand_with_any_input_is_listed_and_counts_for_nothing(given: str | None) -> None:
    states = States(odd=("FAILED", hours(2), hours(1), given))
    assert listed(states, hours(24)) == {"odd"}
    [run] = failed_runs(account_of(states), NAMES, NOON - hours(24))
    assert why_not_counted(run, CLIENTS) == f"there is no client '{run.client_id}'"


@pytest.mark.parametrize(
    ("run", "why"),
    [
        ({}, None),
        ({"draft": True}, "it makes a draft"),
        ({"error": "DeliveryFailed"}, "its newsletter was written, and only the delivery failed"),
        ({"client_id": "lai_weekl"}, "there is no client 'lai_weekl'"),
        ({"client_id": "paused"}, "client paused is not active"),
        ({"client_id": "damaged"}, None),
        ({"client_id": "unknown", "input_unknown": True}, None),
    ],
)
def test_only_issues_of_active_clients_count(run: dict[str, Any], why: str | None) -> None:
    failed = FailedRun(**{"client_id": "lai_weekly", "at": NOON, "status": "FAILED", **run})
    assert why_not_counted(failed, CLIENTS) == why


def test_a_run_counts_when_the_client_files_cannot_be_read() -> None:
    failed = FailedRun(client_id="lai_weekl", at=NOON, status="FAILED")
    assert why_not_counted(failed, None) is None

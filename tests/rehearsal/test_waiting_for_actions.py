"""A rehearsal waits for an action only while its execution can still reach it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from rehearsal.codepipeline import ActionReport, ExecutionReport
from rehearsal.delivery import Delivery
from rehearsal.waiting import StepError

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def _report(status: str, **actions: str) -> ExecutionReport:
    reports = tuple(
        ActionReport("dev", name, "Build", "CodeBuild", 1, state, f"{name} says why", NOON, NOON, None)
        for name, state in actions.items()
    )
    return ExecutionReport("p", "e", 1, status, None, NOON, NOON, 0.0, reports)


def _reach(*reports: ExecutionReport) -> None:
    waiting = iter(reports)
    delivery = SimpleNamespace(report=lambda execution: next(waiting))
    Delivery.reach(delivery, "e", "record", "Succeeded")  # type: ignore[arg-type]


def test_it_waits_until_the_action_has_the_status() -> None:
    running = _report("InProgress", Synth="Succeeded", record="InProgress")
    _reach(_report("InProgress"), running, _report("InProgress", Synth="Succeeded", record="Succeeded"))


def test_an_execution_that_ended_before_is_reported_with_the_reason() -> None:
    with pytest.raises(StepError, match="ended before record: Synth: Synth says why"):
        _reach(_report("InProgress"), _report("Failed", Synth="Failed"))


def test_an_execution_that_was_superseded_is_reported() -> None:
    with pytest.raises(StepError, match="ended before record: Superseded"):
        _reach(_report("Superseded", Synth="Succeeded"))

"""Metrics that AWS's services publish about runs and invocations, which the emulator's services do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rehearsal.monitoring.data import Datum, Series, series

# Step Functions developer guide, "Monitoring Step Functions metrics using Amazon CloudWatch".
ENDS: Mapping[str, str] = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution of a state machine; a running one has no `stopped`."""

    machine: str
    status: str
    started: datetime
    stopped: datetime | None


def metrics_of_run(run: Run) -> Iterator[Datum]:
    """Yield what Step Functions publishes about an execution."""

    def of(name: str) -> Series:
        return series("AWS/States", name, {"StateMachineArn": run.machine})

    yield Datum(series=of("ExecutionsStarted"), at=run.started, value=1, unit="Count")
    if run.stopped is not None:
        milliseconds = (run.stopped - run.started).total_seconds() * 1000
        yield Datum(series=of("ExecutionTime"), at=run.stopped, value=milliseconds, unit="Milliseconds")
        yield Datum(series=of(ENDS[run.status]), at=run.stopped, value=1, unit="Count")


def metrics_of_invocation(function: str, at: datetime, *, failed: bool = False) -> Iterator[Datum]:
    """Yield what Lambda publishes about an invocation (developer guide, "Types of metrics for Lambda functions")."""

    def of(name: str) -> Series:
        return series("AWS/Lambda", name, {"FunctionName": function})

    yield Datum(series=of("Invocations"), at=at, value=1, unit="Count")
    # Published for a success too, as 0.
    yield Datum(series=of("Errors"), at=at, value=float(failed), unit="Count")


def metrics_of_dropped_event(function: str, at: datetime) -> Iterator[Datum]:
    """Yield what Lambda publishes about an asynchronous event that it gave up."""
    of = series("AWS/Lambda", "AsyncEventsDropped", {"FunctionName": function})
    yield Datum(series=of, at=at, value=1, unit="Count")


def runs_of(states: Any, machine: str) -> Iterator[Run]:
    """Yield the executions of a state machine."""
    for page in states.get_paginator("list_executions").paginate(stateMachineArn=machine):
        for each in page["executions"]:
            yield Run(machine=machine, status=each["status"], started=each["startDate"], stopped=each.get("stopDate"))

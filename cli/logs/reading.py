"""Log lines of a function, or of the functions of one run of the engine, from CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from cli.logs.lines import LogLine, by_invocation
from vectora_ops.account import Account
from vectora_ops.names import FUNCTION_TASKS, OPERATIONS_TASKS, FunctionTask, Names, OperationsTask
from vectora_shared.aws_errors import error_code
from vectora_shared.config.wording import did_you_mean
from vectora_shared.errors import VectoraError

Task = FunctionTask | OperationsTask
TASKS: tuple[Task, ...] = (*FUNCTION_TASKS, *OPERATIONS_TASKS)
LATEST = "latest"
# More lines than a person reads; the rest is found with a shorter time.
MOST_LINES = 10_000
# Functions of the workflow's task states (vectora_constructs.newsletter_workflow).
FUNCTIONS_OF_STATES: Mapping[str, FunctionTask] = {
    "Ingest": "ingest-v2",
    "NormalizeScore": "normalize-score-v2",
    "WriteNewsletter": "newsletter-v2",
    "Deliver": "deliver-v2",
}
# The clocks of Step Functions and of the function's host differ a little, and the report follows the answer.
TOLERANCE = timedelta(seconds=1)
REPORT_FOLLOWS_WITHIN = timedelta(seconds=10)


@dataclass(frozen=True)
class Run:
    """One execution of the workflow: its ARN, its times, and when each of its functions worked."""

    arn: str
    status: str
    started: datetime
    ended: datetime | None
    steps: tuple[tuple[Task, datetime, datetime], ...]


@dataclass(frozen=True)
class FoundLines:
    """Lines in the order of their times; `is_cut` when there are more."""

    lines: tuple[LogLine, ...]
    is_cut: bool = False


def lines_of_function(account: Account, names: Names, task: Task, since: datetime, until: datetime) -> FoundLines:
    """Return the lines of a function in a time."""
    found = list(islice(_events(account, names, task, since, until), MOST_LINES + 1))
    return _sorted(by_invocation(found[:MOST_LINES]), is_cut=len(found) > MOST_LINES)


def lines_of_run(account: Account, names: Names, run: Run) -> FoundLines:
    """Return the lines of all functions of a run: of the invocations that began while the run was in their step.

    Those of another run that was in the same step at that time are among them: Step Functions records no invocation.
    """
    found: list[LogLine] = []
    for task, entered, left in run.steps:
        read = _events(account, names, task, entered - TOLERANCE, left + REPORT_FOLLOWS_WITHIN)
        lines = list(by_invocation(islice(read, MOST_LINES + 1 - len(found))))
        begun = {line.started for line in lines if line.started and line.at <= left + TOLERANCE}
        found += [line for line in lines if line.request in begun or line.request is None]
    return _sorted(found[:MOST_LINES], is_cut=len(found) > MOST_LINES)


def find_run(account: Account, names: Names, run: str, now: datetime) -> Run:
    """Return a run by its ARN, by the name of its execution, or the latest; raise VectoraError when there is none."""
    states, machine = account.client("stepfunctions"), account.state_machine_arn(names.state_machine)
    arn = _latest(states, machine, names) if run == LATEST else run
    if not arn.startswith("arn:"):
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{run}"
    elif f":{names.state_machine}:" not in arn:
        raise VectoraError(f"{arn} is no run of {names.env}: its workflow is {names.state_machine}.")
    try:
        execution = states.describe_execution(executionArn=arn)
        pages = states.get_paginator("get_execution_history").paginate(executionArn=arn)
        events = [event for page in pages for event in page["events"]]
    except ClientError as error:
        # InvalidArn: a name that no execution can have (API reference, DescribeExecution).
        if error_code(error) not in ("ExecutionDoesNotExist", "InvalidArn"):
            raise
        raise VectoraError(
            f"{names.env} has no run '{run}', or it ended more than 90 days ago: give the ARN or name of an execution "
            f"of {names.state_machine}, or {LATEST}."
        ) from error
    ended = execution.get("stopDate")
    return Run(arn, execution["status"], execution["startDate"], ended, tuple(_steps(events, ended or now)))


def task_of(name: str, names: Names) -> Task:
    """Return the task of a function's short or full name; raise VectoraError with the closest name."""
    for task in TASKS:
        if name in (task, names.function(task)):
            return task
    raise VectoraError(f"There is no function '{name}': {did_you_mean(name, TASKS)}choose one of {', '.join(TASKS)}.")


def _latest(states: Any, machine: str, names: Names) -> str:
    try:
        # Newest first (API reference, ListExecutions).
        found = states.list_executions(stateMachineArn=machine, maxResults=1)["executions"]
    except ClientError as error:
        if error_code(error) != "StateMachineDoesNotExist":
            raise
        raise VectoraError(
            f"There is no workflow {names.state_machine}: deploy the environment first (cdk deploy --context "
            f"env={names.env})."
        ) from error
    if not found:
        raise VectoraError(f"{names.env} has no run yet: start one (./vectora run --help).")
    return str(found[0]["executionArn"])


def _steps(events: list[dict[str, Any]], end: datetime) -> Iterator[tuple[Task, datetime, datetime]]:
    """Yield the functions of a run with the times of their states; a state that was not left lasts until `end`."""
    left = {
        event["stateExitedEventDetails"]["name"]: event["timestamp"]
        for event in events
        if event["type"] == "TaskStateExited"
    }
    for event in events:
        if event["type"] == "TaskStateEntered":
            state = event["stateEnteredEventDetails"]["name"]
            if state in FUNCTIONS_OF_STATES:
                yield FUNCTIONS_OF_STATES[state], event["timestamp"], left.get(state, end)


def _events(account: Account, names: Names, task: Task, since: datetime, until: datetime) -> Iterator[LogLine]:
    """Yield the lines of a function's log group; none when it was never deployed."""
    pages = (
        account.client("logs")
        .get_paginator("filter_log_events")
        .paginate(logGroupName=names.log_group(task), startTime=_milliseconds(since), endTime=_milliseconds(until))
    )
    try:
        # A page may be empty although others follow (API reference, FilterLogEvents).
        for page in pages:
            for event in page["events"]:
                yield LogLine.of_event(task, event)
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _sorted(lines: Iterable[LogLine], *, is_cut: bool) -> FoundLines:
    return FoundLines(tuple(sorted(lines, key=lambda line: line.at)), is_cut)

"""End of a pipeline execution in an environment's stage, as CodePipeline reports it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from vectora_ops.account import PIPELINE, Account
from vectora_ops.names import Names
from vectora_shared.aws_texts import plain

logger = logging.getLogger("vectora")
GATE_PREFIX = "gate-"
REPORT_PREFIX = "report-"
APPROVAL_PREFIX = "approval-"
SNAPSHOT_PREFIX = "snapshot-"
# CodePipeline's list of actions may lag behind its event, so it is read again before anything is concluded from it.
LIST_READS, LIST_PAUSE_SECONDS = 6, 2.0
# EventBridge's times are whole seconds, and the event comes after the action's last update.
EVENT_LAGS_BY = timedelta(seconds=60)
# How the last action ended, by the state of the stage (CodePipeline user guide, Monitoring CodePipeline events).
HOW_IT_ENDED = {
    "FAILED": "was the last action of a stage that failed without a failed action.",
    "STOPPED": "was running when the execution was stopped.",
    "CANCELED": "was running when the pipeline was updated, which cancelled the execution.",
}
Action = Mapping[str, Any]


def is_step(action: str, *prefixes: str) -> bool:
    """Return whether an action is one of these steps; CDK Pipelines names a step before a stack `{stack}.{step}`."""
    return action.rpartition(".")[2].startswith(prefixes)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The end of an execution in an environment's stage."""

    action: str
    message: str
    failed: bool
    # The action that started last: no deployment begins before gate, report, approval and snapshot have passed.
    last_started: str = ""

    @property
    def before_deployment(self) -> bool:
        """True when the execution ended at gate, report, approval or snapshot, before the environment changed."""
        return is_step(self.last_started, GATE_PREFIX, REPORT_PREFIX, APPROVAL_PREFIX, SNAPSHOT_PREFIX)

    @property
    def reason(self) -> str:
        return f"{self.action} {'failed: ' if self.failed else ''}{self.message}"


@dataclass(frozen=True, kw_only=True)
class _Reading:
    actions: list[Action]
    problem: str = ""


class Endings:
    """Reads the actions of one environment's stage."""

    def __init__(self, account: Account, names: Names, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._account = account
        self._names = names
        self._sleep = sleep

    def of(
        self,
        execution: str,
        state: str,
        at: datetime | None,
        *,
        on_problem: Callable[[str], None] = lambda problem: None,
    ) -> Ending:
        """Return how the execution ended in `state`, from a list of actions that agrees with the event of time `at`.

        Without such a list the last one read decides. Never raises: `on_problem` receives the reason when no list can
        be read.
        """
        actions: list[Action] = []
        reading = _Reading(actions=[])
        for left in reversed(range(LIST_READS)):
            reading = self._read(execution)
            actions = reading.actions or actions
            if _agrees(actions, state, at) or not left:
                break
            self._sleep(LIST_PAUSE_SECONDS)
        if reading.problem:
            on_problem(reading.problem)
        if not actions:
            message = f"ended in stage {self._names.env} without a failed action."
            return Ending(action="the execution", message=message, failed=False)
        return _judged(actions, state)

    def _read(self, execution: str) -> _Reading:
        try:
            pages = (
                self._account.of(PIPELINE)
                .client("codepipeline")
                .get_paginator("list_action_executions")
                .paginate(pipelineName=self._names.pipeline, filter={"pipelineExecutionId": execution})
            )
            listed = [each for page in pages for each in page["actionExecutionDetails"]]
        except Exception as error:
            # The rollback does not depend on it.
            logger.exception("CodePipeline's actions cannot be listed")
            return _Reading(actions=[], problem=f"CodePipeline's actions cannot be listed ({plain(error)})")
        return _Reading(actions=[each for each in listed if each["stageName"] == self._names.env])


def _judged(actions: list[Action], state: str) -> Ending:
    last = max(actions, key=lambda each: each.get("startTime") or each["lastUpdateTime"])["actionName"]
    failures = [each for each in actions if each["status"] == "Failed"]
    if state != "FAILED" or not failures:
        how = HOW_IT_ENDED.get(state, HOW_IT_ENDED["FAILED"])
        return Ending(action=last, message=how, failed=False, last_started=last)
    # A retried stage has failed actions of earlier attempts.
    failure = max(failures, key=lambda each: each["lastUpdateTime"])
    result = failure.get("output", {}).get("executionResult", {})
    details = result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary") or ""
    return Ending(action=failure["actionName"], message=plain(details), failed=True, last_started=last)


def _agrees(actions: list[Action], state: str, at: datetime | None) -> bool:
    """Return whether the list includes the event's failure; an older failure is one of an earlier attempt."""
    if state != "FAILED":
        return bool(actions)
    return any(
        each["status"] == "Failed" and (at is None or each["lastUpdateTime"] >= at - EVENT_LAGS_BY) for each in actions
    )

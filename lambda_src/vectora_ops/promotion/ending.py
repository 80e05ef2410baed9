"""How an execution of the pipeline ended in an environment's stage, as far as CodePipeline tells."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_shared.aws_texts import plain

logger = logging.getLogger("vectora")
GATE_PREFIX = "gate-"
APPROVAL_PREFIX = "approval-"
# What CodePipeline lists may lag behind its event: read again for so long before anything is concluded from it.
LIST_READS, LIST_PAUSE_SECONDS = 6, 2.0
# EventBridge's times are whole seconds, and the event comes after the action's last update.
EVENT_LAGS_BY = timedelta(seconds=60)
# Of the action that was under way, by the state of the stage (CodePipeline user guide, Monitoring CodePipeline events).
HOW_IT_ENDED = {
    "FAILED": "was the last action of a stage that failed without a failed action.",
    "STOPPED": "was under way when somebody stopped the execution.",
    "CANCELED": "was under way when the pipeline was updated, which cancelled the execution.",
}
Action = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How an execution ended in an environment's stage, as far as CodePipeline tells."""

    action: str
    message: str
    failed: bool
    # The action that started last: no deployment begins before its gate and its approval have passed.
    last_started: str = ""

    @property
    def before_deployment(self) -> bool:
        """A gate refused, nobody approved, or it ended while it waited for that: nothing was touched."""
        return self.last_started.startswith((GATE_PREFIX, APPROVAL_PREFIX))

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
        """Say how it ended in `state`, by a list that agrees with the event of `at`, or else by what there is.

        Never raises: `on_problem` hears why nothing could be read.
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
                self._account.client("codepipeline")
                .get_paginator("list_action_executions")
                .paginate(pipelineName=self._names.pipeline, filter={"pipelineExecutionId": execution})
            )
            listed = [each for page in pages for each in page["actionExecutionDetails"]]
        except Exception as error:
            # What to go back to is known without it.
            logger.exception("CodePipeline's actions cannot be listed")
            return _Reading(actions=[], problem=f"CodePipeline's actions cannot be listed ({plain(error)})")
        return _Reading(actions=[each for each in listed if each["stageName"] == self._names.env])


def _judged(actions: list[Action], state: str) -> Ending:
    last = max(actions, key=lambda each: each.get("startTime") or each["lastUpdateTime"])["actionName"]
    failures = [each for each in actions if each["status"] == "Failed"]
    if state != "FAILED" or not failures:
        how = HOW_IT_ENDED.get(state, HOW_IT_ENDED["FAILED"])
        return Ending(action=last, message=how, failed=False, last_started=last)
    # A stage that was retried has failed before, too.
    failure = max(failures, key=lambda each: each["lastUpdateTime"])
    result = failure.get("output", {}).get("executionResult", {})
    details = result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary") or ""
    return Ending(action=failure["actionName"], message=plain(details), failed=True, last_started=last)


def _agrees(actions: list[Action], state: str, at: datetime | None) -> bool:
    """Whether the list shows what the event says; an older failure is one of an attempt before."""
    if state != "FAILED":
        return bool(actions)
    return any(
        each["status"] == "Failed" and (at is None or each["lastUpdateTime"] >= at - EVENT_LAGS_BY) for each in actions
    )

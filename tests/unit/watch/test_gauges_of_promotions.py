"""Gauges of promotions: a release that waits for its gates, and a stage that waits for an approval."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.records import LedgerEntry
from vectora_ops.watch.promotions import approval_waiting, pending_approval, promotion_waiting
from vectora_ops.watch.reading import Reading
from vectora_shared.errors import VectoraError

PROD = Names(project="vectora-inbox", env="prod")
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DIGEST, OTHER, CONTENT = "d" * 64, "e" * 64, "c" * 64
SENTENCE = "Release ddd may not go from stage to prod yet: noise fail: noise 12.0 % in the worst of 2 newsletters."


class Environments:
    """CodePipeline, Systems Manager with prod's ledger, and stage's function promotion."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {}
        self.invoked: list[dict[str, Any]] = []
        self.ledger: list[LedgerEntry] = []
        self.actions: list[dict[str, Any]] = []
        self.has_pipeline = True
        clients = dict.fromkeys(("invoker", "codepipeline"), self) | {"ssm": Ledger(self)}
        self.account = Account("0" * 12, "eu-west-3", session=None, _clients=clients)  # type: ignore[arg-type]

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        self.invoked.append({"function": FunctionName, **json.loads(Payload)})
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode())}

    def get_pipeline_state(self, *, name: str) -> dict[str, Any]:
        if not self.has_pipeline:
            raise ClientError({"Error": {"Code": "PipelineNotFoundException", "Message": name}}, "GetPipelineState")
        stage = {"latestExecution": {"pipelineExecutionId": "e-1"}, "actionStates": self.actions}
        return {"stageStates": [{"stageName": "stage", "actionStates": []}, {"stageName": "prod", **stage}]}


class Ledger:
    """Systems Manager with a ledger as SSM keeps it."""

    def __init__(self, world: Environments) -> None:
        self._world = world

    def get_paginator(self, _: str) -> Ledger:
        return self

    def paginate(self, *, Name: str) -> list[dict[str, Any]]:  # noqa: N803
        assert Name == PROD.parameter("promotion/ledger")
        values = enumerate((each.model_dump_json() for each in self._world.ledger), 1)
        return [{"Parameters": [{"Value": value, "Version": version} for version, value in values]}]


@pytest.fixture
def world() -> Environments:
    return Environments()


def waiting(world: Environments) -> Reading:
    return promotion_waiting(world.account, PROD, "stage", NOON)


def judged(*, refused: bool) -> dict[str, Any]:
    since = (NOON - timedelta(days=22)).isoformat()
    release = {"digest": DIGEST, "content_digest": CONTENT, "version": "1.4.2"}
    return {
        "state": "done",
        "waiting": {**release, "since": since, "refused": refused, "sentence": SENTENCE},
    }


def test_a_refused_release_waits_since_the_preceding_environment_has_it(world: Environments) -> None:
    world.answer = judged(refused=True)
    reading = waiting(world)
    assert reading.value == 22
    assert SENTENCE in reading.found[0].happened
    [asked] = world.invoked
    assert (asked["function"], asked["operation"]) == ("vectora-inbox-promotion-stage", "waiting")
    # A failure of the question must not notify the operators of the preceding environment four times a day.
    assert asked["caller_continues"] is True


def test_a_release_that_is_not_refused_does_not_wait(world: Environments) -> None:
    world.answer = judged(refused=False)
    assert waiting(world) == Reading(value=0)


def test_a_release_that_is_there_already_does_not_wait(world: Environments) -> None:
    world.answer = judged(refused=True)
    world.ledger = [LedgerEntry(kind="release", digest=OTHER, content_digest=CONTENT, version="1.4.2", at=NOON)]
    assert waiting(world) == Reading(value=0)


def test_nothing_waits_in_an_environment_without_a_release(world: Environments) -> None:
    world.answer = {"state": "done", "waiting": None}
    assert waiting(world) == Reading(value=0)


def test_a_judge_that_fails_is_an_error(world: Environments) -> None:
    world.answer = {"state": "failed", "error": "The ledger was changed by hand."}
    with pytest.raises(VectoraError, match="changed by hand"):
        waiting(world)


def approval(status: str) -> dict[str, Any]:
    changed = NOON - timedelta(days=5, hours=12)
    token = {"token": "t"} if status == "InProgress" else {}
    return {"actionName": "approval-prod", "latestExecution": {"status": status, "lastStatusChange": changed, **token}}


def days_waiting(world: Environments) -> float | None:
    return approval_waiting(pending_approval(world.account, PROD, 7), NOON).value


def test_an_approval_waits_until_it_is_given(world: Environments) -> None:
    world.actions = [{"actionName": "gate-prod", "latestExecution": {"status": "Succeeded"}}, approval("InProgress")]
    pending = pending_approval(world.account, PROD, 7)
    assert pending is not None
    assert pending.expires == NOON + timedelta(days=1, hours=12)
    assert days_waiting(world) == 5.5
    world.actions = [approval("Succeeded")]
    assert days_waiting(world) == 0


def test_no_approval_waits_without_a_pipeline_or_before_the_first_execution(world: Environments) -> None:
    world.actions = [{"actionName": "approval-prod"}]
    assert days_waiting(world) == 0
    world.has_pipeline = False
    assert days_waiting(world) == 0

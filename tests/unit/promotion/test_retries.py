"""The daily retry: an execution that CodePipeline never retries is reported once, and is no failure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.promotion import retry
from vectora_ops.promotion.gates import Decision
from vectora_ops.promotion.retry import retry_refused
from vectora_ops.records import ReleaseId
from vectora_ops.settings import Promotion

DEV, STAGE = (Names(project="vectora-inbox", env=env) for env in ("dev", "stage"))
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DIGEST = "d" * 64


class Pipeline:
    """CodePipeline with one stage in which an action refused an execution."""

    def __init__(self) -> None:
        self.error: str | None = None
        self.execution = "e-1"
        self.action = "gate-stage"
        self.retried: list[str] = []

    def get_pipeline_state(self, **_asked: Any) -> dict[str, Any]:
        stage = {
            "stageName": "stage",
            "latestExecution": {"status": "Failed", "pipelineExecutionId": self.execution},
            "actionStates": [{"actionName": self.action, "latestExecution": {"status": "Failed"}}],
        }
        return {"stageStates": [stage]}

    def retry_stage_execution(self, **asked: Any) -> None:
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": "no"}}, "RetryStageExecution")
        self.retried.append(asked["pipelineExecutionId"])


class Parameters:
    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def put_parameter(self, **asked: Any) -> None:
        self.values[asked["Name"]] = asked["Value"]

    def get_parameter(self, Name: str) -> dict[str, Any]:  # noqa: N803
        if Name not in self.values:
            raise ClientError({"Error": {"Code": "ParameterNotFound", "Message": "no"}}, "GetParameter")
        return {"Parameter": {"Value": self.values[Name]}}


class World:
    def __init__(self) -> None:
        self.pipeline = Pipeline()
        self.notified: list[str] = []
        clients = {"codepipeline": self.pipeline, "ssm": Parameters()}
        self.account = Account("0" * 12, "eu-west-3", session=None, _clients=clients)  # type: ignore[arg-type]

    def next_day(self) -> str:
        return retry_refused(
            self.account,
            DEV,
            STAGE,
            Promotion(requires_smoke_test=True),
            notify=lambda each: self.notified.append(f"{each.what}: {each.message}"),
            clock=lambda: NOON,
        )


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    passed = Decision(source="dev", target="stage", digest=DIGEST, verdicts=(), bypass_reason=None)
    monkeypatch.setattr(retry, "deployed_release", lambda account, names: ReleaseId(DIGEST, DIGEST))
    monkeypatch.setattr(retry, "judge", lambda *asked, schedule, clock: (passed, None))
    return World()


REFUSING = ["gate-stage", "report-stage", "gate-after-approval-stage", "vectora-inbox-s0-core-stage.snapshot-stage"]


@pytest.mark.parametrize("action", REFUSING)
def test_a_stage_that_can_be_retried_is_retried(world: World, action: str) -> None:
    world.pipeline.action = action
    assert "is tried again" in world.next_day()
    assert world.pipeline.retried == ["e-1"]
    assert world.notified == []


@pytest.mark.parametrize("action", ["smoke-test-stage", "vectora-inbox-s0-core-stage.Deploy"])
def test_a_deployment_that_failed_is_not_retried(world: World, action: str) -> None:
    world.pipeline.action = action
    assert world.next_day() == "No promotion into stage is refused."
    assert world.pipeline.retried == []


@pytest.mark.parametrize("code", ["StageNotRetryableException", "NotLatestPipelineExecutionException"])
def test_what_cannot_be_retried_any_more_is_reported_once_and_fails_never(world: World, code: str) -> None:
    world.pipeline.error = code
    for _ in range(3):
        assert "Push the commit again" in world.next_day()
    [notified] = world.notified
    assert notified.startswith("push again for stage: Execution e-1")


def test_another_execution_is_reported_again(world: World) -> None:
    world.pipeline.error = "StageNotRetryableException"
    world.next_day()
    world.pipeline.execution = "e-2"
    world.next_day()
    assert len(world.notified) == 2


@pytest.mark.parametrize("code", ["ConflictException", "ConcurrentPipelineExecutionsLimitExceededException"])
def test_a_busy_pipeline_is_tried_again_by_schedule(world: World, code: str) -> None:
    world.pipeline.error = code
    assert "the schedule tries again" in world.next_day()
    assert world.notified == []
    world.pipeline.error = None
    world.next_day()
    assert world.pipeline.retried == ["e-1"]


def test_any_other_refusal_is_a_failure(world: World) -> None:
    world.pipeline.error = "AccessDeniedException"
    with pytest.raises(ClientError):
        world.next_day()

"""EventBridge rules receive CodePipeline's events in AWS's form."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from rehearsal.emulator import ACCOUNT, Identity, root_user
from tests.rehearsal.codepipeline.conftest import PATIENCE


@pytest.fixture(scope="module")
def events(world: Any, parts: Any) -> list[dict[str, Any]]:
    """Events that a rule delivers for a pipeline whose last action fails."""
    sqs = world.aws("sqs")
    queue = sqs.create_queue(QueueName="events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.codepipeline"], "detail": {"pipeline": ["watched"]}}
    world.aws("events").put_rule(Name="watch", EventPattern=json.dumps(pattern))
    world.aws("events").put_targets(Rule="watch", Targets=[{"Id": "queue", "Arn": arn}])
    execution = world.create("watched", parts.stage("Check", parts.invoke("Gate", "fail")))
    assert world.wait("watched", execution) == "Failed"
    return _received(sqs, queue)


def _received(sqs: Any, queue: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not any(_is_the_end(event) for event in found):
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found


def _is_the_end(event: dict[str, Any]) -> bool:
    return bool(event["detail-type"] == "CodePipeline Pipeline Execution State Change") and (
        event["detail"]["state"] == "FAILED"
    )


def _one(events: list[dict[str, Any]], kind: str, **detail: str) -> dict[str, Any]:
    title = f"CodePipeline {kind} Execution State Change"
    of_kind = (event for event in events if event["detail-type"] == title)
    return next(event for event in of_kind if detail.items() <= event["detail"].items())


def test_the_event_of_an_execution_has_its_trigger(events: list[dict[str, Any]]) -> None:
    event = _one(events, "Pipeline", state="STARTED")
    assert event["source"] == "aws.codepipeline"
    assert event["resources"][0].endswith(":watched")
    assert event["detail"]["execution-trigger"]["trigger-type"] == "CreatePipeline"
    assert event["detail"]["version"] == 1


def test_the_event_of_a_failed_stage_names_its_failed_actions(events: list[dict[str, Any]]) -> None:
    detail = _one(events, "Stage", state="FAILED", stage="Check")["detail"]
    assert detail["failedActions"] == [{"action": "Gate", "additionalInformation": "the gate is closed"}]
    assert _one(events, "Stage", state="SUCCEEDED", stage="Source")


def test_the_event_of_a_failed_action_has_its_reason(events: list[dict[str, Any]]) -> None:
    detail = _one(events, "Action", state="FAILED", action="Gate")["detail"]
    assert detail["type"] == {"owner": "AWS", "category": "Invoke", "provider": "Lambda", "version": "1"}
    assert detail["execution-result"]["external-execution-summary"] == "the gate is closed"
    assert detail["execution-result"]["error-code"] == "JobFailed"
    succeeded = _one(events, "Action", state="SUCCEEDED", action="Checkout")["detail"]
    assert succeeded["output-artifacts"][0]["name"] == "Code"


def test_only_the_stand_in_can_put_events_with_an_aws_source(world: Any, events_of_a_role: Any) -> None:
    entry = {"Source": "aws.codepipeline", "DetailType": "forged", "Detail": "{}"}
    answer = events_of_a_role.put_events(Entries=[entry])
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"
    forged = {"Source": "aws.states", "DetailType": "forged", "Detail": "{}"}
    assert world.aws("events").put_events(Entries=[forged])["FailedEntryCount"] == 1


@pytest.fixture
def events_of_a_role(world: Any) -> Any:
    """A client of EventBridge with a role that has all permissions."""
    role = "arn:aws:iam::000000000000:role/build"
    sts = world.emulator.session_of(root_user(ACCOUNT)).client("sts")
    assumed = sts.assume_role(RoleArn=role, RoleSessionName="person")["Credentials"]
    identity = Identity(assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"])
    return world.emulator.session_of(identity).client("events")

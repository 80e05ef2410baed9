"""Executions of pipelines: order of stages, approvals, stops, retries and transitions, as on AWS."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.codepipeline import CodePipelineError
from tests.rehearsal.codepipeline.conftest import PATIENCE
from vectora_shared.aws_errors import error_code

REPOSITORY, BRANCH = "owner/name", "main"


def _with_approval(world: Any, parts: Any, name: str, *, mode: str = "SUPERSEDED", **approval: Any) -> str:
    """Create a pipeline that waits for an approval; return its first execution."""
    after = parts.stage("After", parts.invoke("Echo", "answer", say="#{codepipeline.PipelineExecutionId}"))
    execution: str = world.create(name, parts.approval(**approval), after, executionMode=mode)
    return execution


def _retry(world: Any, name: str, execution: str, stage: str, mode: str = "FAILED_ACTIONS") -> None:
    world.client.retry_stage_execution(
        pipelineName=name, stageName=stage, pipelineExecutionId=execution, retryMode=mode
    )


def _set_transition(world: Any, name: str, stage: str, *, enabled: bool, kind: str = "Inbound") -> None:
    transition = {"pipelineName": name, "stageName": stage, "transitionType": kind}
    if enabled:
        world.client.enable_stage_transition(**transition)
    else:
        world.client.disable_stage_transition(**transition, reason="closed for the night")


def _wait_before(world: Any, name: str, execution: str, stage: str) -> None:
    """Wait until the execution is the one that waits before the stage."""

    deadline = time.monotonic() + PATIENCE
    while world.stage(name, stage).get("inboundExecution", {}).get("pipelineExecutionId") != execution:
        if time.monotonic() > deadline:
            pytest.fail(f"the execution does not wait before the stage: {world.stage(name, stage)}")
        time.sleep(0.02)


def test_an_approval_can_be_decided_once_with_its_own_token(world: Any, parts: Any) -> None:
    request = {
        "CustomData": "commit #{Source.CommitId}",
        "ExternalEntityLink": "https://example.com/#{Source.BranchName}",
    }
    commit = world.commit({})
    execution = _with_approval(world, parts, "approved", configuration=request)
    token = world.wait_for_approval("approved", execution)
    waiting = world.action("approved", "Release", "Approve")
    assert waiting["latestExecution"]["summary"] == f"commit {commit}"
    assert waiting["entityUrl"] == "https://example.com/main"
    client = world.client
    wrong = {"pipelineName": "approved", "stageName": "Release", "actionName": "Approve"}
    result = {"status": "Approved", "summary": "go"}
    with pytest.raises(client.exceptions.InvalidApprovalTokenException):
        client.put_approval_result(**wrong, token=token.replace(token[:8], "00000000"), result=result)
    with pytest.raises(client.exceptions.ActionNotFoundException):
        client.put_approval_result(**{**wrong, "actionName": "Other"}, token=token, result=result)
    assert world.action("approved", "Release", "Approve")["latestExecution"]["status"] == "InProgress"
    client.put_approval_result(**wrong, token=token, result=result)
    assert world.wait("approved", execution) == "Succeeded"
    assert "token" not in world.action("approved", "Release", "Approve")["latestExecution"]
    with pytest.raises(client.exceptions.ApprovalAlreadyCompletedException):
        client.put_approval_result(**wrong, token=token, result=result)


def test_a_rejected_approval_fails_the_execution_with_its_reason(world: Any, parts: Any) -> None:
    execution = _with_approval(world, parts, "rejected")
    world.decide("rejected", world.wait_for_approval("rejected", execution), "Rejected", "too risky")
    assert world.wait("rejected", execution) == "Failed"
    assert world.error("rejected", execution, "Approve") == "too risky"
    assert "Echo" not in world.runs("rejected", execution)


def test_an_undecided_approval_expires(world: Any, parts: Any) -> None:
    with world.impatient(approval_minute=0.05):
        execution = _with_approval(world, parts, "expired", timeoutInMinutes=5)
        assert world.wait("expired", execution) == "Failed"
    assert "expired after 5 minutes" in world.error("expired", execution, "Approve")


def test_an_approval_request_is_published_to_its_topic(world: Any, parts: Any) -> None:
    topic = world.aws("sns").create_topic(Name="approvals")["TopicArn"]
    queue = world.aws("sqs").create_queue(QueueName="approvals")["QueueUrl"]
    arn = world.aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sender = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**sender, "Resource": arn}]})
    world.aws("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    world.aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    execution = _with_approval(world, parts, "notified", configuration={"NotificationArn": topic})
    token = world.wait_for_approval("notified", execution)
    deadline = time.monotonic() + PATIENCE
    found: list[Any] = []
    while not found and time.monotonic() < deadline:
        found = world.aws("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages", [])
    assert token in found[0]["Body"]


def test_a_newer_push_supersedes_an_older_one_behind_an_approval_and_needs_its_own(world: Any, parts: Any) -> None:
    first = _with_approval(world, parts, "superseding")
    token = world.wait_for_approval("superseding", first)
    world.commit({"a.txt": "1"})
    second = _pushed(world, "superseding")
    _wait_before(world, "superseding", second, "Release")
    world.commit({"a.txt": "2"})
    third = _pushed(world, "superseding")
    assert world.wait("superseding", second) == "Superseded"
    _wait_before(world, "superseding", third, "Release")
    world.decide("superseding", token, "Approved")
    assert world.wait("superseding", first) == "Succeeded"
    later = world.wait_for_approval("superseding", third)
    assert later != token
    with pytest.raises(ClientError, match="InvalidApprovalTokenException"):
        world.decide("superseding", token, "Approved")
    assert world.service.report("superseding", third).status == "InProgress"
    assert world.service.report("superseding", third).waited > 0


def _pushed(world: Any, name: str) -> str:
    """Push and return the execution of this pipeline; pipelines of other tests watch the branch too."""
    started = world.service.pushed(REPOSITORY, BRANCH)
    return str(next(each for each in world.executions(name) if each in started))


def test_in_queued_mode_every_execution_runs(world: Any, parts: Any) -> None:
    first = _with_approval(world, parts, "queued", mode="QUEUED")
    token = world.wait_for_approval("queued", first)
    others = [world.start("queued"), world.start("queued")]
    for each in others:
        world.service.wait_for_action("queued", each, "Source", "Checkout", PATIENCE, until=("Succeeded",))
    world.decide("queued", token, "Approved")
    for each in others:
        world.decide("queued", world.wait_for_approval("queued", each), "Approved")
    assert [world.wait("queued", each) for each in (first, *others)] == ["Succeeded"] * 3


def test_a_push_to_another_branch_starts_nothing(world: Any, parts: Any) -> None:
    declaration = parts.declaration("unwatching", parts.stage("Check", parts.invoke("Echo", "answer")))
    declaration["stages"][0]["actions"][0]["configuration"]["DetectChanges"] = "false"
    world.client.create_pipeline(pipeline=declaration)
    assert world.service.pushed(REPOSITORY, "other") == []
    world.service.pushed(REPOSITORY, BRANCH)
    assert len(world.executions("unwatching")) == 1


@pytest.mark.parametrize(("stage", "kind"), [("After", "Inbound"), ("Release", "Outbound")])
def test_a_closed_transition_holds_executions_until_it_opens(stage: str, kind: str, world: Any, parts: Any) -> None:
    name = f"closed-{kind}"
    execution = _with_approval(world, parts, name)
    token = world.wait_for_approval(name, execution)
    _set_transition(world, name, stage, enabled=False, kind=kind)
    world.decide(name, token, "Approved")
    _wait_before(world, name, execution, "After")
    if kind == "Inbound":
        assert world.stage(name, stage)["inboundTransitionState"]["disabledReason"] == "closed for the night"
    assert world.service.report(name, execution).status == "InProgress"
    _set_transition(world, name, stage, enabled=True, kind=kind)
    assert world.wait(name, execution) == "Succeeded"


@pytest.mark.parametrize(("mode", "runs"), [("FAILED_ACTIONS", 1), ("ALL_ACTIONS", 2)])
def test_a_failed_stage_is_retried(mode: str, runs: int, world: Any, parts: Any) -> None:
    name = f"retried-{mode}"
    world.faults[f"{name}/Bad"] = "Not yet."
    stage = parts.stage("Work", parts.invoke("Good", "answer"), parts.invoke("Bad", "answer", say="late"))
    execution = world.create(name, stage, parts.stage("After", parts.invoke("Echo", "answer")))
    assert world.wait(name, execution) == "Failed"
    assert world.runs(name, execution)["Good"]["status"] == "Succeeded"
    del world.faults[f"{name}/Bad"]
    _retry(world, name, execution, "Work", mode)
    assert world.wait(name, execution) == "Succeeded"
    actions = [action.action for action in world.service.report(name, execution).actions]
    assert actions.count("Good") == runs
    assert actions.count("Bad") == 2
    assert actions.count("Checkout") == 1
    client = world.client
    with pytest.raises(client.exceptions.StageNotRetryableException):
        client.retry_stage_execution(
            pipelineName=name, stageName="Work", pipelineExecutionId=execution, retryMode="FAILED_ACTIONS"
        )


def test_only_the_latest_execution_of_a_stage_is_retried(world: Any, parts: Any) -> None:
    world.faults["overtaken/Bad"] = "Broken."
    first = world.create("overtaken", parts.stage("Work", parts.invoke("Bad", "answer")))
    assert world.wait("overtaken", first) == "Failed"
    second = world.start("overtaken")
    assert world.wait("overtaken", second) == "Failed"
    client = world.client
    with pytest.raises(client.exceptions.NotLatestPipelineExecutionException):
        client.retry_stage_execution(
            pipelineName="overtaken", stageName="Work", pipelineExecutionId=first, retryMode="FAILED_ACTIONS"
        )


def test_stop_and_wait_ends_after_the_action_in_progress(world: Any, parts: Any) -> None:
    execution = _with_approval(world, parts, "stopped")
    token = world.wait_for_approval("stopped", execution)
    client = world.client
    client.stop_pipeline_execution(pipelineName="stopped", pipelineExecutionId=execution, reason="lunch")
    assert world.service.report("stopped", execution).status == "Stopping"
    with pytest.raises(client.exceptions.DuplicatedStopRequestException):
        client.stop_pipeline_execution(pipelineName="stopped", pipelineExecutionId=execution)
    world.decide("stopped", token, "Approved")
    assert world.wait("stopped", execution) == "Stopped"
    assert "Echo" not in world.runs("stopped", execution)
    with pytest.raises(client.exceptions.PipelineExecutionNotStoppableException):
        client.stop_pipeline_execution(pipelineName="stopped", pipelineExecutionId=execution)


def test_an_abandoned_execution_ends_immediately_with_its_build_and_frees_the_stage(world: Any, parts: Any) -> None:
    world.project("endless", {"phases": {"build": {"commands": ["sleep 600"]}}})
    first = world.create("abandoned", parts.stage("Build", parts.build("Make", "endless")))
    world.service.wait_for_action("abandoned", first, "Build", "Make", PATIENCE)
    world.client.stop_pipeline_execution(pipelineName="abandoned", pipelineExecutionId=first, abandon=True)
    assert world.service.report("abandoned", first).status == "Stopped"
    assert world.runs("abandoned", first)["Make"]["status"] == "Abandoned"
    second = world.start("abandoned")
    world.service.wait_for_action("abandoned", second, "Build", "Make", PATIENCE)
    world.client.stop_pipeline_execution(pipelineName="abandoned", pipelineExecutionId=second, abandon=True)


def test_an_update_cancels_the_execution_that_waits_for_an_approval(world: Any, parts: Any) -> None:
    execution = _with_approval(world, parts, "updated")
    token = world.wait_for_approval("updated", execution)
    declaration = parts.declaration("updated", parts.stage("Check", parts.invoke("Echo", "answer")))
    answer = world.client.update_pipeline(pipeline=declaration)
    assert answer["pipeline"]["version"] == 2
    assert world.wait("updated", execution) == "Cancelled"
    client = world.client
    with pytest.raises(client.exceptions.StageNotFoundException):
        client.put_approval_result(
            pipelineName="updated",
            stageName="Release",
            actionName="Approve",
            token=token,
            result={"status": "Approved", "summary": ""},
        )
    assert world.wait("updated", world.start("updated")) == "Succeeded"


def test_an_update_cancels_the_running_stage_immediately_and_its_action_runs_to_its_end(world: Any, parts: Any) -> None:
    flag = world.repository.parent / "go-on"
    wait = f"while [ ! -e {flag} ]; do sleep 0.05; done"
    world.project("waits", {"phases": {"build": {"commands": [wait]}}})
    execution = world.create("cancelled", parts.stage("Deploy", parts.build("Make", "waits")))
    world.service.wait_for_action("cancelled", execution, "Deploy", "Make", 10)
    later = parts.stage("Later", parts.invoke("Echo", "answer"))
    declaration = parts.declaration("cancelled", parts.stage("Deploy", parts.build("Make", "waits")), later)
    world.client.update_pipeline(pipeline=declaration)
    latest = world.stage("cancelled", "Deploy")["latestExecution"]
    assert (latest["pipelineExecutionId"], latest["status"]) == (execution, "Cancelled")
    assert world.runs("cancelled", execution)["Make"]["status"] == "InProgress"
    flag.touch()
    assert world.wait("cancelled", execution) == "Cancelled"
    assert world.runs("cancelled", execution)["Make"]["status"] == "Succeeded"
    stages = [each for each in world.changes if (each.execution_id, each.kind) == (execution, "stage")]
    assert [(each.stage, each.state) for each in stages if each.stage == "Deploy"] == [
        ("Deploy", "STARTED"),
        ("Deploy", "CANCELED"),
    ]
    with pytest.raises(ClientError) as refused:
        world.client.retry_stage_execution(
            pipelineName="cancelled", stageName="Deploy", pipelineExecutionId=execution, retryMode="FAILED_ACTIONS"
        )
    assert error_code(refused.value) == "StageNotRetryableException"


def test_an_execution_uses_the_commit_and_the_variables_of_its_start_request(world: Any, parts: Any) -> None:
    old = world.commit({"b.txt": "1"})
    world.commit({"b.txt": "2"})
    echo = parts.invoke("Echo", "answer", say="#{Source.CommitId} #{variables.Colour}", namespace="Echo")
    declaration = parts.declaration("given", parts.stage("Check", echo))
    declaration["variables"] = [{"name": "Colour", "defaultValue": "red"}]
    world.client.create_pipeline(pipeline=declaration)
    chosen = {"actionName": "Checkout", "revisionType": "COMMIT_ID", "revisionValue": old}
    execution = world.start("given", sourceRevisions=[chosen], variables=[{"name": "Colour", "value": "blue"}])
    assert world.wait("given", execution) == "Succeeded"
    assert world.runs("given", execution)["Echo"]["output"]["outputVariables"]["echo"] == f"{old} blue"


def test_a_wait_that_times_out_reports_the_executions_state(world: Any, parts: Any) -> None:
    execution = _with_approval(world, parts, "slow")
    world.wait_for_approval("slow", execution)
    with pytest.raises(CodePipelineError, match=r"is InProgress .*Release/Approve InProgress"):
        world.service.wait("slow", execution, 0.01)


def test_a_deleted_pipeline_is_not_found(world: Any, parts: Any) -> None:
    _with_approval(world, parts, "deleted")
    world.client.delete_pipeline(name="deleted")
    client = world.client
    with pytest.raises(client.exceptions.PipelineNotFoundException):
        client.get_pipeline(name="deleted")

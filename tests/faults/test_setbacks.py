"""Automatic reaction to a failure: once, in the right order, and always with a notification of the operators."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.operations import take
from tests.faults.reacting_environment import DIGEST, NOW, Broken, World, WriteRefusingSsm
from tests.faults.small_environment import NAMES, SmallEnvironment
from vectora_ops.account import Account
from vectora_ops.progress import OutOfTimeError
from vectora_ops.promotion.hold import TRANSITION_REASON, release_hold
from vectora_ops.records import Deployment, Hold, LedgerEntry
from vectora_ops.snapshots.manifest import Manifest, Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_shared.errors import VectoraError
from vectora_shared.runtime import set_log_level


@pytest.fixture
def world(small: SmallEnvironment) -> World:
    # The function sets the log level first, too.
    set_log_level()
    return World(small.account)


def test_a_failed_deployment_is_rolled_back_to_its_snapshot_and_held(world: World) -> None:
    manifest = take(world.account)
    world.deployed(manifest)
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.stage_ends()
    assert [each.snapshot for each in world.requests] == [manifest.name]
    assert world.requests[0].replaced_since == NOW - timedelta(minutes=5)
    assert world.meanwhile is not None
    assert world.meanwhile.state == "rolling back", "held before anything else happens"
    assert world.pipeline.transitions == ["disabled dev"]
    assert (world.hold.state, world.hold.reason) == ("held", "smoke-test-dev failed: No items came out.")
    assert "compared and proven" in world.hold.outcome
    deployment = world.records.deployment()
    assert deployment is not None
    assert deployment.state == "rolled back"
    [notification] = world.notifications
    assert "No items came out." in notification
    assert "./vectora promote release-hold --env dev" in notification


def test_the_same_event_delivered_twice_rolls_back_once(world: World) -> None:
    world.deployed(take(world.account))
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.stage_ends()
    world.stage_ends()
    assert len(world.requests) == 1
    assert "Nothing was rolled back again" in world.notifications[-1]


def test_the_next_invocation_finishes_an_unfinished_rollback(world: World) -> None:
    world.deployed(take(world.account))
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.outcome = OutOfTimeError("The rollback")
    with pytest.raises(OutOfTimeError):
        world.stage_ends()
    world.outcome = None
    world.stage_ends()
    assert world.hold.state == "held"
    assert len(world.requests) == 2


def test_a_failed_rollback_is_reported_and_not_repeated(world: World) -> None:
    world.deployed(take(world.account))
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.outcome = VectoraError("CloudFormation refuses.")
    world.stage_ends()
    assert "must be finished by hand: CloudFormation refuses." in world.notifications[-1]
    assert world.hold.holds
    world.stage_ends()
    assert len(world.requests) == 1
    release_hold(world.account, NAMES, "user/somebody", clock=lambda: NOW)
    world.pipeline.fail("gate-dev", "Not soaked.", NOW + timedelta(minutes=2))
    world.stage_ends()
    assert len(world.requests) == 1, "a later attempt that its gate refuses begins nothing again"


@pytest.mark.parametrize("action", ["gate-dev", "report-dev", "approval-dev"])
def test_a_refused_promotion_does_not_hold_because_nothing_changed(world: World, action: str) -> None:
    world.deployed(take(world.account), execution="an earlier one", state="released")
    world.pipeline.fail(action, "Not soaked.")
    world.stage_ends()
    assert world.records.hold() is None
    assert world.requests == []
    assert world.pipeline.transitions == []
    assert "Not soaked." in world.notifications[-1]


def test_a_failure_before_the_snapshot_holds_without_a_rollback(world: World) -> None:
    world.deployed(take(world.account), execution="an earlier one", state="released")
    world.pipeline.fail("vectora-inbox-s0-operations-dev.Deploy", "No snapshot, no deployment.")
    world.stage_ends()
    assert world.requests == []
    assert "nothing had been deployed yet" in world.hold.outcome


def test_the_last_failure_of_a_retried_stage_is_reported(world: World) -> None:
    world.deployed(take(world.account))
    world.pipeline.fail("core.Prepare", "The first time.", NOW - timedelta(minutes=9))
    world.pipeline.fail("smoke-test-dev", "The second time.")
    world.stage_ends()
    assert world.hold.reason == "smoke-test-dev failed: The second time."


def test_an_execution_without_details_from_codepipeline_is_rolled_back(world: World) -> None:
    manifest = take(world.account)
    world.deployed(manifest)
    world.stage_ends("STOPPED")
    assert [each.snapshot for each in world.requests] == [manifest.name]
    assert "without a failed action" in world.hold.reason


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("CANCELED", "when the pipeline was updated, which cancelled the execution"),
        ("STOPPED", "when the execution was stopped"),
    ],
)
def test_a_deployment_that_was_cancelled_or_stopped_is_rolled_back(world: World, state: str, sentence: str) -> None:
    manifest = take(world.account)
    world.deployed(manifest)
    world.pipeline.add("gate-dev", "Succeeded", NOW - timedelta(minutes=9))
    world.pipeline.add("core.Deploy", "Abandoned")
    world.stage_ends(state)
    assert [each.snapshot for each in world.requests] == [manifest.name]
    assert world.hold.reason == f"core.Deploy was running {sentence}."
    assert world.hold.state == "held"
    assert "core.Deploy was running" in world.notifications[-1]


@pytest.mark.parametrize("state", ["CANCELED", "STOPPED"])
@pytest.mark.parametrize("waiting", ["gate-dev", "report-dev", "approval-dev"])
def test_a_promotion_cancelled_before_any_change_does_not_hold(world: World, state: str, waiting: str) -> None:
    world.deployed(take(world.account), execution="an earlier one", state="released")
    world.pipeline.add("gate-dev", "Succeeded", NOW - timedelta(days=2))
    world.pipeline.add(waiting, "Abandoned")
    world.stage_ends(state)
    assert world.records.hold() is None
    assert world.requests == []
    assert world.pipeline.transitions == []
    assert "Nothing was changed in dev" in world.notifications[-1]


def test_a_release_recorded_as_deploying_is_rolled_back_even_if_a_gate_failed_last(world: World) -> None:
    manifest = take(world.account)
    world.deployed(manifest)
    world.pipeline.fail("gate-dev", "Held.")
    world.stage_ends()
    assert [each.snapshot for each in world.requests] == [manifest.name]


def test_a_list_that_lags_behind_its_event_is_read_again(world: World) -> None:
    world.deployed(take(world.account), execution="an earlier one", state="released")
    world.pipeline.fail("gate-dev", "Not soaked.")
    world.pipeline.late = 3
    world.stage_ends()
    assert world.records.hold() is None
    assert "Not soaked." in world.notifications[-1]
    assert world.slept > 0


def test_a_failure_of_an_earlier_attempt_does_not_count_for_this_one(world: World) -> None:
    """The list has only the gate's refusal of the day before, which is not the failure of this event."""
    world.pipeline.fail("gate-dev", "Not soaked.", NOW - timedelta(days=1))
    reads: list[float] = []

    def sleep(seconds: float) -> None:
        reads.append(seconds)
        world.pipeline.add("gate-dev", "Succeeded", NOW - timedelta(minutes=3))
        world.pipeline.fail("operations.Deploy", "No snapshot, no deployment.")

    world._sleep = sleep  # type: ignore[method-assign]
    world.stage_ends()
    assert len(reads) == 1
    assert world.hold.reason == "operations.Deploy failed: No snapshot, no deployment."


def test_an_execution_that_codepipeline_never_lists_is_waited_for_only_so_long(world: World) -> None:
    world.deployed(take(world.account))
    world.pipeline.late = 1000
    world.stage_ends()
    assert len(world.requests) == 1
    assert world.slept <= 60


# --- damaged records, failed notifications and hostile texts

HOSTILE = (
    "",
    "\x00",
    "\x1b[31mred\x1b[0m and \u202egnirts",
    "{{ssm:/aws/reference}} {{{{}}}}",
    "\U0001f4a5" * 3000,
    "one\nline\r\nafter another",
    "x" * 10_000_000,
    "\ud800 alone",
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_failure_message_prevents_a_rollback(world: World, text: str) -> None:
    world.account._clients["ssm"] = StrictSsm(world.account.client("ssm"))
    manifest = take(world.account)
    world.deployed(manifest)
    world.pipeline.fail("smoke-test-dev", text)
    world.outcome = VectoraError(text)
    world.stage_ends()
    assert [each.snapshot for each in world.requests] == [manifest.name]
    assert world.hold.state == "held"
    assert world.hold.reason.startswith("smoke-test-dev failed: ")
    assert f"the rollback to {manifest.name} failed" in world.hold.outcome
    assert world.notifications


class StrictSsm(WriteRefusingSsm):
    """Systems Manager that refuses the values that AWS refuses (PutParameter)."""

    def put_parameter(self, **request: Any) -> Any:
        assert "{{" not in request["Value"]
        assert len(request["Value"].encode("utf-8")) <= 4096
        assert request["Value"].isprintable()
        return super().put_parameter(**request)


def test_a_hold_that_cannot_be_recorded_is_reported_and_prevents_no_rollback(world: World) -> None:
    manifest = take(world.account)
    world.deployed(manifest)
    world.refuse_to_write("promotion/hold")
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.stage_ends()
    assert [each.snapshot for each in world.requests] == [manifest.name]
    assert world.pipeline.transitions == ["disabled dev"]
    assert "the hold could not be recorded" in world.notifications[-1]
    deployment = world.records.deployment()
    assert deployment is not None
    assert deployment.state == "rolled back"


def test_a_hold_without_a_record_is_released_by_its_transition(world: World) -> None:
    world.pipeline.disabled_reason = TRANSITION_REASON
    release_hold(world.account, NAMES, "user/somebody")
    assert world.pipeline.transitions == ["enabled dev"]
    assert world.hold.released_by == "user/somebody"


def test_a_transition_disabled_for_another_reason_stays_disabled(world: World) -> None:
    world.pipeline.disabled_reason = "Holidays"
    with pytest.raises(VectoraError, match="not held"):
        release_hold(world.account, NAMES, "user/somebody")
    assert world.pipeline.transitions == []


def test_a_damaged_hold_is_replaced_and_can_be_released(world: World) -> None:
    world.deployed(take(world.account))
    world.damage("promotion/hold")
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.stage_ends()
    assert len(world.requests) == 1
    assert world.hold.state == "held"
    assert "the hold cannot be read" in world.hold.outcome
    world.damage("promotion/hold")
    release_hold(world.account, NAMES, "user/somebody")
    assert not world.hold.holds


def test_a_failed_notification_prevents_no_rollback(world: World) -> None:
    world.deployed(take(world.account))
    world.notifications_fail = True
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.stage_ends()
    assert len(world.requests) == 1
    assert world.hold.state == "held"


def test_a_damaged_deployment_record_is_found_in_its_history(world: World) -> None:
    manifest = take(world.account)
    world.deployed(manifest)
    world.damage("promotion/deployment")
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.stage_ends()
    assert [each.snapshot for each in world.requests] == [manifest.name]
    assert "the deployment record cannot be read" in world.hold.outcome


def test_without_any_record_the_snapshot_of_this_deployment_is_restored(world: World) -> None:
    manifest = taken_before_a_deployment(world.account)
    world.damage("promotion/deployment")
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.stage_ends(started=manifest.started_at - timedelta(minutes=5))
    assert [each.snapshot for each in world.requests] == [manifest.name]


def test_without_any_record_the_snapshot_of_an_older_deployment_is_not_restored(world: World) -> None:
    manifest = taken_before_a_deployment(world.account)
    world.damage("promotion/deployment")
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.stage_ends(started=manifest.started_at + timedelta(minutes=5))
    assert world.requests == []
    assert world.hold.state == "held"
    assert "the deployment record cannot be read" in world.notifications[-1]


def taken_before_a_deployment(account: Account) -> Manifest:
    request = SnapshotRequest(label="before", occasion=Occasion(kind="deployment", detail=DIGEST))
    return take_snapshot(account, NAMES, request)


@pytest.mark.parametrize(
    "outcome", [VectoraError("refused"), KeyError("bug"), ClientError({"Error": {}}, "HeadBucket")]
)
def test_any_error_of_a_rollback_ends_its_hold(world: World, outcome: Exception) -> None:
    world.deployed(take(world.account))
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.outcome = outcome
    world.stage_ends()
    assert world.hold.state == "held"
    assert "must be finished by hand" in world.hold.outcome


def test_a_deleted_snapshot_ends_the_hold(world: World) -> None:
    manifest = take(world.account)
    world.deployed(manifest.model_copy(update={"name": "gone_20260101_000000"}))
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.stage_ends()
    assert world.hold.state == "held"
    assert "There is no snapshot 'gone_20260101_000000'" in world.hold.outcome


def test_a_rollback_that_no_invocation_continues_stays_held(world: World) -> None:
    world.deployed(take(world.account))
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.outcome = OutOfTimeError("The rollback")
    with pytest.raises(OutOfTimeError):
        world.stage_ends()
    world.automatic_rollback().give_up({"detail": {"execution-id": "e-1"}}, "it was continued too often.")
    assert (world.hold.state, world.hold.reason) == ("held", "smoke-test-dev failed: No items came out.")
    assert "must be finished by hand: it was continued too often" in world.notifications[-1]


def test_denials_by_codepipeline_prevent_no_rollback(world: World) -> None:
    manifest = take(world.account)
    world.deployed(manifest)
    world.account._clients["codepipeline"] = Broken()
    world.stage_ends()
    assert [each.snapshot for each in world.requests] == [manifest.name]
    assert world.hold.state == "held"
    assert "could not be disabled" in world.hold.outcome


def test_a_transition_that_cannot_be_disabled_prevents_no_rollback(world: World) -> None:
    world.deployed(take(world.account))
    world.pipeline.broken = True
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.stage_ends()
    assert len(world.requests) == 1
    assert world.hold.state == "held"


def test_a_failed_first_deployment_keeps_only_stacks_that_can_be_updated(
    unlocked: SmallEnvironment,
) -> None:
    account = unlocked.account
    nothing = _snapshot_of_nothing(account)
    world = World(account)
    world.deployed(nothing)
    world.pipeline.fail("core.Deploy", "The name is taken.")
    stuck = NAMES.stack("s0-core")
    _fail_to_create(account, stuck)
    world.stage_ends()
    assert world.requests == []
    assert "first deployment" in world.hold.outcome
    statuses = [
        each["StackStatus"]
        for each in account.client("cloudformation").describe_stacks()["Stacks"]
        if each["StackName"] == stuck
    ]
    assert "ROLLBACK_COMPLETE" not in statuses


def _snapshot_of_nothing(account: Account) -> Manifest:
    """Delete everything except the vault, and take the snapshot that the guard takes before a first deployment."""
    cloudformation, s3 = account.client("cloudformation"), account.client("s3")
    for layer in ("s1-ingest-v2", "s1-runtime", "s0-iam", "s0-core"):
        cloudformation.delete_stack(StackName=NAMES.stack(layer))
    for content in ("config", "data", "newsletters"):
        try:
            s3.head_bucket(Bucket=NAMES.bucket(content))
        except ClientError:
            continue
        for entry in s3.list_objects_v2(Bucket=NAMES.bucket(content)).get("Contents", []):
            s3.delete_object(Bucket=NAMES.bucket(content), Key=entry["Key"])
    request = SnapshotRequest(label="before", occasion=Occasion(kind="deployment", detail=DIGEST))
    manifest = take_snapshot(account, NAMES, request)
    assert manifest.is_empty
    return manifest


def _fail_to_create(account: Account, name: str) -> None:
    template = {
        "Resources": {
            "Parameter": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/p", "Type": "String", "Value": "x"}},
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": NAMES.bucket("snapshots")}},
        }
    }
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    while (status := cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]).endswith("PROGRESS"):
        pass
    assert status == "ROLLBACK_COMPLETE"


# --- failed runs


def released(at: datetime, **changes: Any) -> LedgerEntry:
    return LedgerEntry.model_validate({"kind": "release", "digest": DIGEST, "version": "1.0.0", "at": at, **changes})


@pytest.fixture
def watched(world: World) -> World:
    """An environment whose release was deployed six hours ago, with the record of that deployment."""
    manifest = take(world.account)
    world.deployed(manifest, state="released")
    deployment = world.records.deployment()
    assert deployment is not None
    world.records.write_deployment(deployment.model_copy(update={"at": NOW - timedelta(hours=6, minutes=20)}))
    world.records.add_to_ledger(released(NOW - timedelta(hours=6), snapshot=manifest.name))
    return world


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT"])
def test_a_run_that_fails_soon_after_a_deployment_rolls_it_back(watched: World, status: str) -> None:
    watched.run_fails(status=status)
    assert len(watched.requests) == 1
    assert watched.hold.state == "held"
    assert f"the run of lai_weekly {status.lower().replace('_', ' ')}" in watched.hold.reason
    [alarm] = watched.records.alarms()
    assert (alarm.name, alarm.at) == ("failed-runs", NOW)


def test_a_run_that_was_ended_on_purpose_is_reported_and_rolls_nothing_back(watched: World) -> None:
    watched.run_fails(status="ABORTED")
    assert watched.requests == []
    assert watched.records.alarms() == ()
    assert "Nothing was rolled back: it was ended on purpose" in watched.notifications[-1]


@pytest.mark.parametrize(
    ("issue", "alarm", "fault"),
    [
        ({"noise": 0.125}, "noise", "has 12.5 % noise, 10 % or more"),
        ({"noise": 0.1}, "noise", "has 10 % noise, 10 % or more"),
        ({"items": 0, "in_period": 0}, "empty-newsletter", "has no news, and would have none even if"),
    ],
)
@pytest.mark.parametrize("included", [True, False])
def test_an_issue_with_a_fault_soon_after_a_deployment_rolls_it_back(
    watched: World, issue: dict[str, Any], alarm: str, fault: str, included: bool
) -> None:
    # An output that is too long for an event is missing from it.
    changes: dict[str, Any] = {} if included else {"output": None}
    watched.issue_appears(**issue, **changes)
    assert len(watched.requests) == 1
    assert watched.hold.state == "held"
    assert f"alarm {alarm} was raised: the issue of lai_weekly of 2026-03-02 {fault}" in watched.hold.reason
    [noted] = watched.records.alarms()
    assert (noted.name, noted.at) == (alarm, NOW)


@pytest.mark.parametrize(
    "issue",
    [
        {"noise": 0.0999},
        {"items": 0, "in_period": 3, "noise": 0.9},
        {"noise": 0.9, "draft": True},
        {"noise": 0.9, "client_id": "canary"},
        {"noise": 0.9, "client_id": "lai_weekl"},
    ],
    ids=["quiet", "nothing new", "draft", "canary", "unknown client"],
)
def test_other_issues_raise_nothing(watched: World, issue: dict[str, Any]) -> None:
    watched.issue_appears(**issue)
    assert watched.requests == []
    assert watched.records.alarms() == ()
    assert watched.notifications == []


@pytest.mark.parametrize("output", ["{}", "", "not json", "[]", '{"newsletter": {"body": {}}}', '{"newsletter": null}'])
def test_a_run_without_an_issue_raises_nothing(watched: World, output: str) -> None:
    assert "raises no alarm" in watched.issue_appears(noise=0.9, output=output)
    assert watched.requests == []


def test_an_issue_of_the_previous_release_does_not_roll_this_one_back(watched: World) -> None:
    watched.issue_appears(noise=0.9, at=NOW - timedelta(hours=8))
    assert watched.requests == []
    assert len(watched.records.alarms()) == 1
    assert "Nothing was rolled back" in watched.notifications[-1]


def test_an_issue_with_a_fault_is_reported_when_no_release_is_watched(watched: World) -> None:
    watched.watch_hours = 0
    watched.issue_appears(noise=0.9)
    assert watched.requests == []
    assert [each.name for each in watched.records.alarms()] == ["noise"]
    assert watched.notifications[-1].startswith("alarm: noise: In dev alarm noise was raised")


def test_a_rollback_after_a_noisy_issue_is_finished_by_the_next_invocation(watched: World) -> None:
    watched.outcome = OutOfTimeError("The rollback")
    with pytest.raises(OutOfTimeError):
        watched.issue_appears(noise=0.9)
    watched.outcome = None
    watched.issue_appears(noise=0.9)
    assert watched.hold.outcome.startswith("rolled back to")
    assert len(watched.records.alarms()) == 1


def test_the_next_failure_counts_again_once_the_hold_is_released(watched: World) -> None:
    """A CloudWatch alarm over a day would stay in its state, and would not report the second failure."""
    watched.run_fails("first")
    release_hold(watched.account, NAMES, "user/somebody")
    watched.deployed(take(watched.account, "second"), execution="e-2", state="released")
    watched.now = NOW + timedelta(hours=1)
    watched.records.add_to_ledger(released(NOW + timedelta(minutes=1), snapshot="second"))
    watched.run_fails("second", at=NOW + timedelta(hours=1))
    assert len(watched.requests) == 2


@pytest.mark.parametrize("given", [None, "", "not json", "[]", '"text"', "{}", '{"client_id": "lai_weekl"}'])
def test_a_failed_run_of_no_known_client_is_reported_and_counts_for_nothing(watched: World, given: str | None) -> None:
    detail = watched.workflow.run("odd")
    watched.workflow.failed[0]["input"] = given
    watched.automatic_rollback().run_failed(
        {"id": "1", "detail": {**detail, "input": given, "inputDetails": {"included": False}}}
    )
    assert watched.requests == []
    assert watched.records.alarms() == ()
    assert "Nothing was rolled back: there is no client" in watched.notifications[-1]


def test_a_failed_draft_counts_for_nothing(watched: World) -> None:
    watched.failed_runs_a_day = 2
    draft = json.dumps({"client_id": "lai_weekly", "draft": True})
    detail = {**watched.workflow.run("draft"), "input": draft}
    watched.workflow.failed[0]["input"] = draft
    assert "it makes a draft" in watched.automatic_rollback().run_failed({"id": "1", "detail": detail})
    assert watched.notifications == []
    assert "1 of 2" in watched.run_fails("issue")


def test_a_failed_delivery_is_reported_and_rolls_nothing_back(watched: World) -> None:
    watched.run_fails("delivery", error="DeliveryFailed")
    assert watched.requests == []
    assert watched.records.alarms() == ()
    assert "only the delivery failed" in watched.notifications[-1]


def test_a_run_whose_input_cannot_be_read_counts(watched: World) -> None:
    detail = {**watched.workflow.run("unread"), "input": None, "inputDetails": {"included": False}}
    watched.account._clients["stepfunctions"] = Broken()
    watched.automatic_rollback().run_failed({"id": "1", "detail": detail})
    assert len(watched.requests) == 1


@pytest.mark.parametrize("included", [True, False])
def test_the_canarys_run_is_judged_by_the_smoke_test(watched: World, included: bool) -> None:
    detail = watched.workflow.run("canarys", "canary")
    if not included:
        # An input that is too long for an event is missing from it.
        detail = {**detail, "input": None, "inputDetails": {"included": False}}
    watched.automatic_rollback().run_failed({"id": "1", "detail": detail})
    assert watched.requests == []
    assert watched.records.alarms() == ()


def test_a_rollback_requires_the_configured_number_of_failed_runs_in_a_day(watched: World) -> None:
    watched.failed_runs_a_day = 2
    watched.workflow.run("long ago", at=NOW - timedelta(hours=25))
    watched.workflow.run("canarys", "canary", at=NOW - timedelta(hours=1))
    assert "1 of 2" in watched.run_fails("first")
    assert watched.requests == []
    assert watched.records.alarms() == ()
    watched.run_fails("second")
    assert len(watched.requests) == 1


def test_failed_runs_of_the_previous_release_do_not_roll_this_one_back(watched: World) -> None:
    watched.failed_runs_a_day = 2
    watched.workflow.run("before", at=NOW - timedelta(hours=8))
    watched.run_fails("after")
    assert watched.requests == []
    assert len(watched.records.alarms()) == 1


def test_a_run_that_is_not_listed_yet_counts(watched: World) -> None:
    detail = watched.workflow.run("quick")
    watched.workflow.failed.clear()
    watched.automatic_rollback().run_failed({"id": "1", "detail": detail})
    assert len(watched.requests) == 1


def test_a_failed_listing_of_runs_prevents_no_rollback(watched: World) -> None:
    detail = watched.workflow.run("denied")
    watched.account._clients["stepfunctions"] = Broken()
    watched.automatic_rollback().run_failed({"id": "1", "detail": detail})
    assert len(watched.requests) == 1


@pytest.mark.parametrize(
    ("last", "watch_hours"),
    [
        (released(NOW - timedelta(hours=48)), 48),
        (released(NOW - timedelta(hours=1)), 0),
        (released(NOW - timedelta(hours=1), kind="rollback"), 48),
        (None, 48),
    ],
    ids=["too late", "not watched", "after a rollback", "nothing recorded"],
)
def test_other_failed_runs_are_recorded_and_reported(world: World, last: LedgerEntry | None, watch_hours: int) -> None:
    world.watch_hours = watch_hours
    world.deployed(take(world.account), state="released")
    if last:
        world.records.add_to_ledger(last)
    world.run_fails()
    assert world.requests == []
    assert world.records.hold() is None
    assert len(world.records.alarms()) == 1
    assert "Nothing was rolled back" in world.notifications[-1]


def test_a_failed_run_while_held_rolls_nothing_back(watched: World) -> None:
    watched.run_fails("first")
    watched.run_fails("second")
    assert len(watched.requests) == 1


def test_a_rollback_after_a_failed_run_is_finished_by_the_next_invocation(watched: World) -> None:
    detail = watched.workflow.run("slow")
    watched.outcome = OutOfTimeError("The rollback")
    with pytest.raises(OutOfTimeError):
        watched.automatic_rollback().run_failed({"id": "1", "detail": detail})
    assert [watched.hold.state, watched.meanwhile] == ["rolling back", watched.hold]
    watched.outcome = None
    watched.automatic_rollback().run_failed({"id": "1", "detail": detail})
    assert watched.hold.outcome.startswith("rolled back to")
    assert len(watched.records.alarms()) == 1


def test_with_a_damaged_ledger_the_deployment_record_decides(watched: World) -> None:
    watched.damage("promotion/ledger")
    watched.run_fails()
    assert len(watched.requests) == 1
    assert "the ledger cannot be read" in watched.hold.outcome


def test_with_a_damaged_deployment_record_the_ledger_decides(watched: World) -> None:
    watched.records.write_deployment(deployment_of(watched).model_copy(update={"state": "left as it is"}))
    watched.damage("promotion/deployment")
    watched.run_fails()
    [request] = watched.requests
    assert request.snapshot == watched.records.ledger()[-1].snapshot


def test_with_all_records_damaged_promotion_is_held_and_reported(watched: World) -> None:
    for path in ("promotion/ledger", "promotion/deployment"):
        watched.account.client("ssm").delete_parameter(Name=NAMES.parameter(path))
        watched.damage(path)
    watched.run_fails()
    assert watched.requests == []
    assert watched.hold.state == "held"
    assert "the ledger cannot be read" in watched.notifications[-1]


def deployment_of(world: World) -> Deployment:
    found = world.records.deployment()
    assert found is not None
    return found


# --- the end of a hold


def test_an_operator_releases_a_hold_and_is_recorded(world: World) -> None:
    world.deployed(take(world.account))
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.stage_ends()
    release_hold(world.account, NAMES, "user/somebody", clock=lambda: NOW)
    assert not world.hold.holds
    assert world.hold.released_by == "user/somebody"
    assert world.pipeline.transitions == ["disabled dev", "enabled dev"]


def test_a_release_without_a_hold_is_refused(world: World) -> None:
    with pytest.raises(VectoraError, match="not held"):
        release_hold(world.account, NAMES, "user/somebody")


def test_a_hold_is_not_released_during_a_rollback(world: World) -> None:
    world.records.write_hold(Hold(state="rolling back", reason="x", at=NOW))
    with pytest.raises(VectoraError, match="is being rolled back"):
        release_hold(world.account, NAMES, "user/somebody", clock=lambda: NOW + timedelta(minutes=59))
    release_hold(world.account, NAMES, "user/somebody", clock=lambda: NOW + timedelta(hours=2))


def test_a_record_that_was_edited_by_hand_is_reported_in_one_sentence(world: World) -> None:
    name = NAMES.parameter("promotion/hold")
    world.account.client("ssm").put_parameter(Name=name, Type="String", Value="held!", Overwrite=True)
    with pytest.raises(VectoraError, match=rf"SSM parameter {name} holds no hold"):
        world.records.hold()

"""What happens by itself after a failure: once, in the right order, and always with a word to the operators."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.operations import take
from tests.faults.small_environment import NAMES, SmallEnvironment
from vectora_core.errors import VectoraError
from vectora_ops.account import Account
from vectora_ops.promotion.records import Deployment, Hold, LedgerEntry, Records
from vectora_ops.promotion.setback import Setback, release_hold
from vectora_ops.rollback import RollbackRequest, RollbackResult
from vectora_ops.snapshots.manifest import COMPONENTS, Manifest, Occasion
from vectora_ops.snapshots.observer import OutOfTimeError
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DIGEST = "a" * 64


@dataclass
class Pipeline:
    """CodePipeline as the rollback function sees it."""

    failed: list[dict[str, Any]] = field(default_factory=list)
    transitions: list[str] = field(default_factory=list)
    broken: bool = False

    def fail(self, action: str, message: str, at: datetime = NOW) -> None:
        self.failed.append(
            {
                "stageName": NAMES.env,
                "actionName": action,
                "status": "Failed",
                "lastUpdateTime": at,
                "output": {"executionResult": {"errorDetails": {"message": message}}},
            }
        )

    def get_paginator(self, _operation: str) -> Pipeline:
        return self

    def paginate(self, **_asked: Any) -> list[dict[str, Any]]:
        return [{"actionExecutionDetails": list(reversed(self.failed))}]

    def disable_stage_transition(self, **asked: Any) -> None:
        if self.broken:
            raise ClientError({"Error": {"Code": "PipelineNotFoundException", "Message": "gone"}}, "Disable")
        self.transitions.append(f"disabled {asked['stageName']}")

    def enable_stage_transition(self, **asked: Any) -> None:
        self.transitions.append(f"enabled {asked['stageName']}")


class World:
    """One environment whose rollback function is called."""

    def __init__(self, account: Account, *, watch_hours: int = 48) -> None:
        self.pipeline = Pipeline()
        account._clients["codepipeline"] = self.pipeline
        self.account = account
        self.records = Records(account, NAMES)
        self.told: list[str] = []
        self.requests: list[RollbackRequest] = []
        self.outcome: Exception | None = None
        self.watch_hours = watch_hours
        self.now = NOW

    def setback(self) -> Setback:
        return Setback(
            self.account,
            NAMES,
            roll_back=self._roll_back,
            notify=lambda what, message: self.told.append(f"{what}: {message}"),
            watch_hours=self.watch_hours,
            clock=lambda: self.now,
        )

    def _roll_back(self, request: RollbackRequest) -> RollbackResult:
        self.requests.append(request)
        hold = self.records.hold()
        assert hold is not None
        assert hold.state == "rolling back", "held before anything else happens"
        if self.outcome:
            raise self.outcome
        return RollbackResult(
            snapshot=request.snapshot,
            env=NAMES.env,
            components=COMPONENTS,
            nothing_to_do=False,
            safety_snapshot="safety",
            seconds=4.2,
        )

    def deployed(self, snapshot: Manifest, *, execution: str = "e-1", state: str = "deploying") -> None:
        self.records.write_deployment(
            Deployment.model_validate(
                {
                    "state": state,
                    "execution": execution,
                    "digest": DIGEST,
                    "version": "1.0.0",
                    "commit": "c" * 40,
                    "snapshot": snapshot.name,
                    "at": NOW - timedelta(minutes=5),
                }
            )
        )

    def stage_fails(self, execution: str = "e-1") -> str:
        return self.setback().stage_failed({"detail": {"execution-id": execution}})

    def alarm(self, event_id: str = "alarm-1") -> str:
        detail = {"alarmName": "vectora-inbox-failed-runs-dev", "state": {"value": "ALARM", "reason": "1 >= 1"}}
        return self.setback().alarm_raised({"id": event_id, "detail": detail})

    @property
    def hold(self) -> Hold:
        found = self.records.hold()
        assert found is not None
        return found


@pytest.fixture
def world(small: SmallEnvironment) -> World:
    return World(small.account)


def test_a_failed_deployment_goes_back_to_its_snapshot_and_holds(world: World) -> None:
    manifest = take(world.account)
    world.deployed(manifest)
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.stage_fails()
    assert [each.snapshot for each in world.requests] == [manifest.name]
    assert world.requests[0].replaced_since == NOW - timedelta(minutes=5)
    assert world.pipeline.transitions == ["disabled dev"]
    assert (world.hold.state, world.hold.reason) == ("held", "smoke-test-dev failed: No items came out.")
    assert "compared and proven" in world.hold.outcome
    deployment = world.records.deployment()
    assert deployment is not None
    assert deployment.state == "rolled back"
    [told] = world.told
    assert "No items came out." in told
    assert "./vectora promote release-hold --env dev" in told


def test_the_same_event_delivered_twice_rolls_back_once(world: World) -> None:
    world.deployed(take(world.account))
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.stage_fails()
    world.stage_fails()
    assert len(world.requests) == 1
    assert "Nothing was rolled back again" in world.told[-1]


def test_a_rollback_that_an_invocation_could_not_finish_is_finished_by_the_next(world: World) -> None:
    world.deployed(take(world.account))
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.outcome = OutOfTimeError("The rollback")
    with pytest.raises(OutOfTimeError):
        world.stage_fails()
    world.outcome = None
    world.stage_fails()
    assert world.hold.state == "held"
    assert len(world.requests) == 2


def test_a_rollback_that_fails_is_told_and_not_tried_again(world: World) -> None:
    world.deployed(take(world.account))
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.outcome = VectoraError("CloudFormation refuses.")
    world.stage_fails()
    assert "must be finished by hand: CloudFormation refuses." in world.told[-1]
    assert world.hold.holds
    world.stage_fails()
    assert len(world.requests) == 1


@pytest.mark.parametrize("action", ["gate-dev", "approval-dev"])
def test_a_refusal_holds_nothing_because_nothing_was_touched(world: World, action: str) -> None:
    world.deployed(take(world.account), execution="an earlier one", state="released")
    world.pipeline.fail(action, "Not soaked.")
    world.stage_fails()
    assert world.records.hold() is None
    assert world.requests == []
    assert world.pipeline.transitions == []
    assert "Not soaked." in world.told[-1]


def test_what_failed_before_its_snapshot_is_held_and_not_rolled_back(world: World) -> None:
    world.deployed(take(world.account), execution="an earlier one", state="released")
    world.pipeline.fail("vectora-inbox-s0-operations-dev.Deploy", "No snapshot, no deployment.")
    world.stage_fails()
    assert world.requests == []
    assert "nothing had been deployed yet" in world.hold.outcome


def test_of_a_retried_stage_the_last_failure_is_told(world: World) -> None:
    world.deployed(take(world.account))
    world.pipeline.fail("core.Prepare", "The first time.", NOW - timedelta(minutes=9))
    world.pipeline.fail("smoke-test-dev", "The second time.")
    world.stage_fails()
    assert world.hold.reason == "smoke-test-dev failed: The second time."


def test_an_execution_that_was_stopped_without_a_failed_action_is_undone_too(world: World) -> None:
    manifest = take(world.account)
    world.deployed(manifest)
    world.stage_fails()
    assert [each.snapshot for each in world.requests] == [manifest.name]
    assert "without a failed action" in world.hold.reason


def test_a_transition_that_cannot_be_disabled_keeps_nobody_from_going_back(world: World) -> None:
    world.deployed(take(world.account))
    world.pipeline.broken = True
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.stage_fails()
    assert len(world.requests) == 1
    assert world.hold.state == "held"


def test_a_first_deployment_is_left_for_its_fix_without_stacks_that_cannot_be_updated(
    unlocked: SmallEnvironment,
) -> None:
    account = unlocked.account
    nothing = _snapshot_of_nothing(account)
    world = World(account)
    world.deployed(nothing)
    world.pipeline.fail("core.Deploy", "The name is taken.")
    stuck = NAMES.stack("s0-core")
    _fail_to_create(account, stuck)
    world.stage_fails()
    assert world.requests == []
    assert "first deployment" in world.hold.outcome
    statuses = [
        each["StackStatus"]
        for each in account.client("cloudformation").describe_stacks()["Stacks"]
        if each["StackName"] == stuck
    ]
    assert "ROLLBACK_COMPLETE" not in statuses


def _snapshot_of_nothing(account: Account) -> Manifest:
    """As the guard takes it before the first deployment: all but the vault is removed first."""
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


# --- alarms


def released(at: datetime, **changes: Any) -> LedgerEntry:
    return LedgerEntry.model_validate({"kind": "release", "digest": DIGEST, "version": "1.0.0", "at": at, **changes})


def test_an_alarm_soon_after_a_deployment_rolls_it_back(world: World) -> None:
    manifest = take(world.account)
    world.deployed(manifest, state="released")
    world.records.add_to_ledger(released(NOW - timedelta(hours=47)))
    world.alarm()
    assert [each.snapshot for each in world.requests] == [manifest.name]
    assert "alarm vectora-inbox-failed-runs-dev was raised" in world.hold.reason
    assert [alarm.at for alarm in world.records.alarms()] == [NOW]


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
def test_other_alarms_are_noted_and_told(world: World, last: LedgerEntry | None, watch_hours: int) -> None:
    world.watch_hours = watch_hours
    world.deployed(take(world.account), state="released")
    if last:
        world.records.add_to_ledger(last)
    world.alarm()
    assert world.requests == []
    assert world.records.hold() is None
    assert len(world.records.alarms()) == 1
    assert "Nothing was rolled back" in world.told[-1]


def test_an_alarm_while_held_rolls_nothing_back(world: World) -> None:
    world.deployed(take(world.account), state="released")
    world.records.add_to_ledger(released(NOW - timedelta(hours=1)))
    world.alarm("first")
    world.alarm("second")
    assert len(world.requests) == 1


# --- the end of a hold


def test_a_hold_ends_when_an_operator_says_so_and_keeps_who_it_was(world: World) -> None:
    world.deployed(take(world.account))
    world.pipeline.fail("smoke-test-dev", "No items came out.")
    world.stage_fails()
    release_hold(world.account, NAMES, "user/somebody", clock=lambda: NOW)
    assert not world.hold.holds
    assert world.hold.released_by == "user/somebody"
    assert world.pipeline.transitions == ["disabled dev", "enabled dev"]


def test_there_must_be_something_to_release(world: World) -> None:
    with pytest.raises(VectoraError, match="not held"):
        release_hold(world.account, NAMES, "user/somebody")


def test_a_rollback_that_is_under_way_is_not_released(world: World) -> None:
    world.records.write_hold(Hold(state="rolling back", reason="x", at=NOW))
    with pytest.raises(VectoraError, match="is being rolled back"):
        release_hold(world.account, NAMES, "user/somebody", clock=lambda: NOW + timedelta(minutes=59))
    release_hold(world.account, NAMES, "user/somebody", clock=lambda: NOW + timedelta(hours=2))


def test_a_record_that_somebody_edited_is_told_in_a_sentence(world: World) -> None:
    name = NAMES.parameter("promotion/hold")
    world.account.client("ssm").put_parameter(Name=name, Type="String", Value="held!", Overwrite=True)
    with pytest.raises(VectoraError, match=rf"SSM parameter {name} holds no hold"):
        world.records.hold()

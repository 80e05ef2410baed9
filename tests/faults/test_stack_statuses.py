"""Rollbacks, promotions and adoptions of an environment of which a stack is in another status than at rest."""

from __future__ import annotations

from typing import Any

import pytest

from adoption.adopt import plan_adoption
from cli.environment_status import environment_status
from tests.faults.operations import back_to, differences, take
from tests.faults.small_environment import ASSETS, NAMES, SmallEnvironment
from vectora_ops.cloudformation import polling
from vectora_ops.cloudformation.stacks import Stacks
from vectora_ops.progress import Observer
from vectora_ops.promotion.steps.snapshot import snapshot_step
from vectora_ops.rollback.plan import plan_rollback
from vectora_ops.rollback.request import RollbackRequest
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError

RUNTIME, INGEST = NAMES.stack("s1-runtime"), NAMES.stack("s1-ingest-v2")
GIVEN = {"execution": "e-1", "digest": "d" * 64, "content_digest": "a" * 64, "version": "1.2.0", "commit": "c" * 40}


class WithStatus:
    """CloudFormation that shows a status for one stack, until an operation leads out of it or so many reads passed."""

    def __init__(self, small: SmallEnvironment, stack: str, *, reads: int = 1_000, **shown: Any) -> None:
        self._client = small.account.client("cloudformation")
        self._stack, self._reads = stack, reads
        self._shown = shown
        self.operations: list[str] = []
        # Function promotion, which has clients of its own, reads the same CloudFormation.
        for account in (small.account, small.account.invoker()._account):
            account._clients["cloudformation"] = self

    def describe_stacks(self, **request: Any) -> Any:
        answer = self._client.describe_stacks(**request)
        if request.get("StackName") == self._stack and self._reads:
            self._reads -= 1
            answer["Stacks"][0].update(self._shown)
        return answer

    def rollback_stack(self, **_request: Any) -> None:
        self._end("rollback_stack")

    def continue_update_rollback(self, **_request: Any) -> None:
        self._end("continue_update_rollback")

    def delete_stack(self, **request: Any) -> Any:
        self._end("delete_stack")
        return self._client.delete_stack(**request)

    def _end(self, operation: str) -> None:
        self.operations.append(operation)
        self._reads = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "LONGEST_PAUSE_SECONDS", polling.FIRST_PAUSE_SECONDS)


def _plan(small: SmallEnvironment, snapshot: str) -> Any:
    return plan_rollback(small.account, NAMES, RollbackRequest(snapshot=snapshot))


@pytest.mark.parametrize(
    ("status", "operation"),
    [("UPDATE_FAILED", "rollback_stack"), ("UPDATE_ROLLBACK_FAILED", "continue_update_rollback")],
)
def test_a_stack_that_equals_the_snapshot_is_recovered_from_a_failed_status(
    small: SmallEnvironment, status: str, operation: str
) -> None:
    manifest = take(small.account)
    aws = WithStatus(small, RUNTIME, StackStatus=status)
    plan = _plan(small, manifest.name)
    assert not plan.nothing_to_do
    [recovered] = [each for each in plan.stacks if each.action == "recover"]
    assert recovered.name == RUNTIME
    assert f"is in {status}" in recovered.problem
    assert aws.operations == [], "a plan changes nothing"
    assert not back_to(small.account, manifest).nothing_to_do
    assert aws.operations == [operation]


def test_a_rollback_waits_for_a_deployment_that_was_not_stopped_with_its_pipeline(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    small.deploy("2")
    WithStatus(small, RUNTIME, StackStatus="UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", reads=4)
    back_to(small.account, manifest)
    assert differences(small.account, manifest) == []
    assert small.say("ingest-v2") == "ingest-v2 1"


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED", "DELETE_FAILED"])
def test_a_new_stack_that_never_came_to_be_is_deleted_as_it_stops_the_next_deployment(
    small: SmallEnvironment, status: str
) -> None:
    Stacks(small.account).remove(INGEST)
    manifest = take(small.account)
    small.deploy("1")
    aws = WithStatus(small, INGEST, StackStatus=status)
    assert [each.action for each in _plan(small, manifest.name).stacks if each.name == INGEST] == ["remove"]
    assert back_to(small.account, manifest).stacks_changed == (INGEST,)
    assert aws.operations == ["delete_stack"]
    assert Stacks(small.account).describe(INGEST) is None


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (
            {"StackStatus": "CREATE_COMPLETE", "EnableTerminationProtection": True},
            "--no-enable-termination-protection --stack-name ",
        ),
        ({"StackStatus": "IMPORT_ROLLBACK_FAILED"}, "aws cloudformation describe-stack-events --stack-name "),
    ],
)
def test_a_stack_that_needs_a_person_is_reported_before_anything_changes(
    small: SmallEnvironment, shown: dict[str, Any], said: str
) -> None:
    Stacks(small.account).remove(INGEST)
    manifest = take(small.account)
    small.deploy("1")
    small.account.client("s3").delete_object(Bucket=NAMES.bucket("config"), Key="clients/lai_weekly.yaml")
    before = small.state()
    aws = WithStatus(small, INGEST, **shown)
    with pytest.raises(VectoraError, match=f"{said}{INGEST}"):
        back_to(small.account, manifest)
    small.account._clients["cloudformation"] = aws._client
    assert small.state() == before
    assert [each.name for each in Vault(small.account, NAMES).manifests()] == [manifest.name], "no safety snapshot"


@pytest.mark.parametrize(
    ("status", "command"),
    [
        ("UPDATE_FAILED", "rollback-stack"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        ("ROLLBACK_COMPLETE", "delete-stack"),
        ("UPDATE_IN_PROGRESS", "describe-stack-events"),
    ],
)
def test_nothing_is_deployed_or_adopted_before_the_stack_is_recovered(
    small: SmallEnvironment, status: str, command: str
) -> None:
    WithStatus(small, RUNTIME, StackStatus=status)
    said = rf"Stack {RUNTIME} is in {status}: .*aws cloudformation {command} --stack-name {RUNTIME}"
    with pytest.raises(VectoraError, match=f"Nothing was deployed. {said}"):
        snapshot_step(small.account, NAMES, GIVEN, None, observer=Observer())
    assert Vault(small.account, NAMES).manifests() == ()
    with pytest.raises(VectoraError, match=f"Nothing was adopted. {said}"):
        plan_adoption(small.account, NAMES, {RUNTIME: {"Resources": {}}}, ASSETS)


def test_status_shows_the_way_out_of_a_failed_status(small: SmallEnvironment) -> None:
    WithStatus(small, RUNTIME, StackStatus="UPDATE_ROLLBACK_FAILED")
    problems = {stack.name: stack.problem for stack in environment_status(small.account, NAMES).stacks}
    assert {name for name, problem in problems.items() if problem} == {RUNTIME}
    assert f"aws cloudformation continue-update-rollback --stack-name {RUNTIME}" in str(problems[RUNTIME])

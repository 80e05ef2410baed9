"""Behaviour in every status of a stack: what CloudFormation is asked, and what a person is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest

from tests.unit.ops.one_stack import NAME, OneStack, account_with, definition, refusal
from vectora_ops.cloudformation import polling
from vectora_ops.cloudformation.stacks import Stacks
from vectora_ops.cloudformation.statuses import BEHAVIOURS, behaviour_of, problem_of, require_at_rest
from vectora_shared.errors import VectoraError

# Operations that bring a stack in this status to one that can be updated, or away.
WAYS_OUT: dict[str, list[str]] = {
    "UPDATE_FAILED": ["rollback_stack"],
    "UPDATE_ROLLBACK_FAILED": ["continue_update_rollback"],
    "CREATE_FAILED": ["delete_stack"],
    "ROLLBACK_COMPLETE": ["delete_stack"],
    "ROLLBACK_FAILED": ["delete_stack"],
    "ROLLBACK_IN_PROGRESS": ["delete_stack"],
    "DELETE_FAILED": ["delete_stack"],
    "DELETE_IN_PROGRESS": ["delete_stack"],
    "REVIEW_IN_PROGRESS": ["delete_stack"],
}
NEEDS_A_PERSON = "IMPORT_ROLLBACK_FAILED"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "time", SimpleNamespace(sleep=lambda seconds: None))


def _all_statuses() -> list[str]:
    shape: Any = botocore.session.get_session().get_service_model("cloudformation").shape_for("StackStatus")
    return list(shape.enum)


def _stack(status: str | None, **changes: Any) -> tuple[OneStack, Stacks]:
    stack = OneStack(None if status == "DELETE_COMPLETE" else status, **changes)
    return stack, Stacks(account_with(stack), assets_bucket="assets")


def test_every_status_of_the_api_has_a_behaviour() -> None:
    assert sorted(BEHAVIOURS) == sorted(_all_statuses())


@pytest.mark.parametrize("status", [each for each in _all_statuses() if each != NEEDS_A_PERSON])
def test_a_stack_in_any_status_is_settled_and_restored(status: str) -> None:
    stack, stacks = _stack(status)
    settled = stacks.settle(NAME)
    assert stack.operations == WAYS_OUT.get(status, [])
    assert settled is None or behaviour_of(NAME, settled).rollback == "use"
    assert stacks.restore(definition())
    assert stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")


@pytest.mark.parametrize("status", [each for each in _all_statuses() if each != NEEDS_A_PERSON])
def test_a_stack_in_any_status_is_restored_without_being_settled_first(status: str) -> None:
    stack, stacks = _stack(status)
    assert stacks.restore(definition())
    assert stack.operations == [*WAYS_OUT.get(status, []), "create_change_set", "execute_change_set"]


def test_a_stuck_import_is_left_to_a_person() -> None:
    stack, stacks = _stack(NEEDS_A_PERSON)
    with pytest.raises(VectoraError, match=f"aws cloudformation describe-stack-events --stack-name {NAME}"):
        stacks.restore(definition())
    assert stack.calls == []


@pytest.mark.parametrize("status", _all_statuses())
def test_only_a_stack_whose_definition_counts_is_in_a_snapshot(status: str) -> None:
    found = _stack(status)[1].definition(NAME, {"StackStatus": status})
    assert (found is None) == (behaviour_of(NAME, status).snapshot == "absent")


@pytest.mark.parametrize("status", _all_statuses())
def test_each_refused_status_has_a_sentence_with_the_command(status: str) -> None:
    behaviour, problem = behaviour_of(NAME, status), problem_of(NAME, status)
    if behaviour.adopt == "refused":
        assert problem is not None
        assert f"Stack {NAME} is in {status}: " in problem
        assert f"aws cloudformation {behaviour.command} --stack-name {NAME}" in problem
        with pytest.raises(VectoraError, match=r"^Nothing was adopted\. Stack "):
            require_at_rest(NAME, status)
    else:
        assert problem is None
        require_at_rest(NAME, status)


def test_a_status_of_the_future_is_named_and_nothing_is_done() -> None:
    stack, stacks = _stack("PAUSED_BY_HAND")
    with pytest.raises(VectoraError, match="PAUSED_BY_HAND, a status that this version does not know"):
        stacks.restore(definition())
    assert stack.calls == []


def test_the_answer_to_a_recovery_may_be_lost() -> None:
    stack, stacks = _stack("UPDATE_ROLLBACK_FAILED")

    def lose(operation: str, _request: dict[str, Any]) -> None:
        if operation == "continue_update_rollback":
            # The first attempt began, and CloudFormation refuses the one that botocore sends again.
            stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
            raise refusal(f"Stack:{NAME} is in UPDATE_ROLLBACK_IN_PROGRESS state and can not continue update rollback.")

    stack.before = lose
    assert stacks.settle(NAME) == "UPDATE_ROLLBACK_COMPLETE"


def test_a_status_that_is_shown_for_some_time_is_not_believed() -> None:
    stack, stacks = _stack("UPDATE_FAILED")

    def show_the_status_before(operation: str, _request: dict[str, Any]) -> None:
        if operation == "rollback_stack":
            stack.shown_before = ["UPDATE_FAILED"] * 3

    stack.before = show_the_status_before
    assert stacks.settle(NAME) == "UPDATE_ROLLBACK_COMPLETE"


def test_a_rollback_that_fails_again_names_what_to_skip() -> None:
    stuck = {"Function": ("AWS::Lambda::Function", "UPDATE_FAILED"), "Role": ("AWS::IAM::Role", "UPDATE_COMPLETE")}
    stack, stacks = _stack("UPDATE_FAILED", resources=stuck, fails=("rollback_stack", "continue_update_rollback"))
    with pytest.raises(VectoraError, match=rf"--stack-name {NAME} --resources-to-skip Function, then"):
        stacks.restore(definition())
    assert stack.operations == ["rollback_stack", "continue_update_rollback"]


def test_what_a_new_stack_imports_may_outlive_a_half_deleted_one() -> None:
    left = {"Bucket": ("AWS::S3::Bucket", "DELETE_FAILED"), "Gone": ("AWS::IAM::Role", "DELETE_COMPLETE")}
    stack, stacks = _stack("DELETE_FAILED", resources=left)
    assert stacks.settle(NAME) is None
    assert [request.get("RetainResources") for _, request in stack.calls] == [None, ["Bucket"]]


def test_what_no_new_stack_imports_is_named_and_stays_in_the_half_deleted_one() -> None:
    left = {"Bucket": ("AWS::S3::Bucket", "DELETE_FAILED"), "Role": ("AWS::IAM::Role", "DELETE_FAILED")}
    stack, stacks = _stack("DELETE_FAILED", resources=left)
    with pytest.raises(VectoraError, match=f"delete-stack --stack-name {NAME} --retain-resources Bucket Role, then"):
        stacks.settle(NAME)
    assert stack.status == "DELETE_FAILED"
    assert not any("RetainResources" in request for _, request in stack.calls)


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "CREATE_COMPLETE"])
def test_termination_protection_is_never_turned_off(status: str) -> None:
    stack, stacks = _stack(status, protected=True)
    with pytest.raises(VectoraError, match="--no-enable-termination-protection --stack-name " + NAME):
        stacks.remove(NAME)
    with pytest.raises(VectoraError, match="has termination protection"):
        stacks.require_deletable(NAME)
    assert (stack.status, stack.protected, stack.calls) == (status, True, [])


@pytest.mark.parametrize("status", ["UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED", "UPDATE_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_a_protected_stack_is_restored_where_that_needs_no_deletion(status: str) -> None:
    stack, stacks = _stack(status, protected=True)
    assert stacks.restore(definition())
    assert stack.protected
    assert "delete_stack" not in stack.operations


# --- express mode


def test_a_stack_in_express_mode_is_restored_in_this_mode() -> None:
    stack, stacks = _stack("UPDATE_FAILED", express=True)
    assert stacks.restore(definition())
    assert stack.operations == ["create_change_set", "execute_change_set"]
    assert stack.status == "UPDATE_COMPLETE"


def test_a_failed_stack_in_express_mode_that_no_change_set_changes_names_the_deployment() -> None:
    _, stacks = _stack("UPDATE_FAILED", express=True, reason="The submitted information didn't contain changes.")
    with pytest.raises(VectoraError, match=f"cdk deploy {NAME} --express --method=direct"):
        stacks.restore(definition())

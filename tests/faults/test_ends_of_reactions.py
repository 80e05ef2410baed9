"""End of automatic rollbacks of which a request to AWS fails: a recorded hold and a notification, whatever fails."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    WaiterError,
)

from rehearsal.emulator import Emulator
from rehearsal.promotion_in_process import PromotionInProcess
from tests.faults.operations import take
from tests.faults.reacting_environment import Pipeline
from tests.faults.small_environment import NAMES, REGION, SmallEnvironment
from vectora_ops.account import Account
from vectora_ops.promotion.automatic_rollback import AutomaticRollback
from vectora_ops.records import Deployment, Freeze, Hold, Records
from vectora_ops.rollback.request import RollbackRequest, RollbackResult
from vectora_ops.rollback.run import roll_back

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EXECUTION = "e-1"
# Once only: without any record of its end, a reaction can only notify.
RECORDING = ("ssm", "PutParameter")
ERRORS: tuple[Exception, ...] = (
    ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Any"),
    EndpointConnectionError(endpoint_url="https://any.eu-west-3.amazonaws.com"),
    ReadTimeoutError(endpoint_url="https://any.eu-west-3.amazonaws.com"),
    NoCredentialsError(),
    WaiterError(name="StackImportComplete", reason="Max attempts exceeded", last_response={}),
    RuntimeError("a bug"),
)
Operation = tuple[str, str]


class Faults:
    """Numbers of an account's requests, by service and operation; from one on, those of `failing` raise an error."""

    def __init__(
        self, account: Account, failing: Operation | None = None, first: int = 1, error: Exception = ERRORS[0]
    ) -> None:
        self.account = account
        self.seen: Counter[Operation] = Counter()
        self.failing, self.first, self.error = failing, first, error
        self.raised = 0
        account.session.events.register("before-call", self._before_call)

    def stop(self) -> None:
        """Let all requests succeed again, also those of other accounts that share the session."""
        self.account.session.events.unregister("before-call", self._before_call)

    def _before_call(self, model: Any, **_: Any) -> None:
        operation = model.service_model.service_name, model.name
        self.seen[operation] += 1
        is_next = operation == self.failing and self.seen[operation] >= self.first
        if is_next and not (operation == RECORDING and self.raised):
            self.raised += 1
            raise self.error


def _account(emulator: Emulator) -> Account:
    account = Account("0" * 12, REGION, emulator.session())
    pipeline = Pipeline()
    pipeline.fail("smoke-test-dev", "No items came out.", NOW)
    account._clients["codepipeline"] = pipeline
    # Requests of function promotion, which has a session of its own, do not fail with this function's.
    account._clients["invoker"] = PromotionInProcess(Account("0" * 12, REGION, emulator.session()), NAMES)
    return account


def _deploy_and_break(small: SmallEnvironment, snapshot: str) -> None:
    small.deploy("2")
    records = Records(small.account, NAMES)
    records.write_hold(Hold(state="released", reason="before", at=NOW))
    content = {"state": "deploying", "execution": EXECUTION, "digest": "2" * 64, "version": "2.0.0"}
    records.write_deployment(
        Deployment.model_validate({**content, "commit": "c" * 40, "snapshot": snapshot, "at": NOW})
    )


def _react(account: Account) -> list[str]:
    """React to a failed deployment as the function does; return the notifications."""
    notifications: list[str] = []

    def undo(request: RollbackRequest) -> RollbackResult:
        return roll_back(account, NAMES, replace(request, owner="event-1"), smoke_test=lambda: None)

    AutomaticRollback(
        account,
        NAMES,
        roll_back=undo,
        notify=lambda notification: notifications.append(notification.message),
        watch_hours=48,
        clock=lambda: NOW,
        sleep=lambda seconds: None,
    ).stage_ended({"detail": {"execution-id": EXECUTION, "state": "FAILED"}, "time": NOW.isoformat()})
    return notifications


def _faults(emulator: Emulator) -> Iterator[Faults]:
    """Yield accounts whose requests fail: from the first and from the middle one of each operation of a rollback."""
    complete = Faults(_account(emulator))
    assert "compared and proven" in _react(complete.account)[-1]
    services = {service for service, _ in complete.seen}
    assert services == {"ssm", "s3", "lambda", "cloudformation", "stepfunctions"}
    complete.stop()
    errors = itertools.cycle(ERRORS)
    for operation, times in complete.seen.items():
        for first in range(1, times + 1) if operation == RECORDING else sorted({1, max(1, times // 2)}):
            yield Faults(_account(emulator), operation, first, next(errors))


def test_whichever_request_fails_the_environment_is_held_and_the_operators_know(
    small: SmallEnvironment, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vectora_ops.records.UPDATE_PAUSE_SECONDS", 0)
    good = take(small.account).name
    _deploy_and_break(small, good)
    for faults in _faults(emulator):
        _deploy_and_break(small, good)
        notifications = _react(faults.account)
        faults.stop()
        what = f"request {faults.first} of {faults.failing}: {faults.error!r}"
        # Later rollbacks upload less to the vault, so they may end before the middle of the first.
        assert faults.raised or faults.first > 1, f"{what}: {notifications}"
        hold = Records(small.account, NAMES).hold()
        assert hold is not None, what
        assert (hold.state, hold.execution) == ("held", EXECUTION), what
        assert "Promotion into dev is held" in notifications[-1], what
        assert hold.outcome in notifications[-1], what


def test_a_freeze_of_promotions_never_refuses_a_rollback(small: SmallEnvironment, emulator: Emulator) -> None:
    good = take(small.account).name
    _deploy_and_break(small, good)
    records = Records(small.account, NAMES)
    records.write_freeze(Freeze(at=NOW, until=NOW + timedelta(days=9), reason="an audit", by="ann"))
    [notification] = _react(_account(emulator))
    deployment = records.deployment()
    assert deployment is not None
    assert deployment.state == "rolled back", notification


def test_a_rollback_that_was_interrupted_for_good_is_ended_by_the_next_event(
    small: SmallEnvironment, emulator: Emulator
) -> None:
    account = _account(emulator)
    records = Records(account, NAMES)
    records.write_hold(
        Hold(state="rolling back", reason="an earlier one failed", at=NOW.replace(hour=10), execution="e-0")
    )
    [notification] = _react(account)
    hold = records.hold()
    assert hold is not None
    assert (hold.state, hold.execution) == ("held", "e-0")
    assert "must be finished by hand: it was interrupted" in notification


def test_a_rollback_that_may_still_run_is_not_ended_by_another_event(
    small: SmallEnvironment, emulator: Emulator
) -> None:
    account = _account(emulator)
    records = Records(account, NAMES)
    begun = Hold(state="rolling back", reason="an earlier one failed", at=NOW, execution="e-0")
    records.write_hold(begun)
    _react(account)
    hold = records.hold()
    assert hold is not None
    assert (hold.state, hold.execution) == (begun.state, begun.execution)

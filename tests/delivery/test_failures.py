"""An action that fails, in any environment: the environment equals its snapshot again, is held, and operators know."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from rehearsal.codepipeline import FailAfter
from rehearsal.inbox import Inbox
from rehearsal.newsletters import function_logs
from rehearsal.reviews import approve_change
from rehearsal.waiting import wait_until
from tests.delivery.conftest import Played
from vectora_ops.alarm_names import FAILED_RUNS
from vectora_ops.live_environment import Environment
from vectora_ops.names import RUN_CHANGED, STACK_LAYERS
from vectora_ops.promotion.facts import live_digest
from vectora_ops.promotion.hold import release_hold
from vectora_ops.records import Records
from vectora_ops.settings import ENVIRONMENT_NAMES
from vectora_ops.snapshots.compare import Change, with_live
from vectora_ops.snapshots.lease import Lease
from vectora_ops.snapshots.manifest import Manifest, Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault

SENTENCE = "Injected by a test."


def change_every_stack(folder: Path) -> None:
    """Roles, functions, layers, buckets and logs of all environments, and the operations functions themselves."""
    path = folder / "config" / "environments.yaml"
    text = path.read_text(encoding="utf-8")
    for before, after in (
        ("routes_to: [eu-north-1, eu-west-3,", "routes_to: [eu-west-3, eu-north-1,"),
        ("level: INFO", "level: WARNING"),
        ("level: DEBUG", "level: INFO"),
        ("old_versions_days: 90", "old_versions_days: 91"),
        ("old_versions_days: 30\n", "old_versions_days: 31\n"),
        ("old_versions_days: 365", "old_versions_days: 366"),
    ):
        assert before in text
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")
    # The very function that takes the snapshot, the engine's layer, and a function of the engine.
    for name in ("snapshot/handler.py", "vectora_core/items.py", "ingest_v2/handler.py"):
        path = folder / "lambda_src" / name
        path.write_text(path.read_text(encoding="utf-8") + "\n\n# Of the next release.\n", encoding="utf-8")


def deployment_actions(played: Played, env: str) -> list[str]:
    """All actions of an environment from the operations stack on, in their order."""
    names = played.delivery.names(env)
    operations, *others = (names.stack(layer) for layer in STACK_LAYERS)
    return [
        f"{operations}.Prepare",
        f"{operations}.Deploy",
        f"{others[0]}.snapshot-{env}",
        *(f"{name}.{what}" for name in others for what in ("Prepare", "Deploy")),
        f"smoke-test-{env}",
        f"record-{env}",
    ]


def fault_of(action: str) -> str | FailAfter:
    """The harsher one: what changes something has done so when it fails."""
    return FailAfter(SENTENCE) if action.endswith(".Deploy") or action.startswith("record") else SENTENCE


class Sweep:
    """One environment in which one action after the other fails, in one execution that is retried from its start."""

    def __init__(self, played: Played, env: str) -> None:
        self.played = played
        self.env = env
        self.account = played.delivery.account()
        self.names = played.delivery.names(env)
        self.records = Records(self.account, self.names)
        self.inbox = Inbox(played.delivery, env)
        self.before = self._reference()
        self.digest = live_digest(self.account, self.names)

    def _reference(self) -> Manifest:
        request = SnapshotRequest(label="reference", occasion=Occasion(kind="operator"))
        return take_snapshot(self.account, self.names, request)

    def fail_at(self, action: str, again: Callable[[], str]) -> None:
        """Fail `action` of an execution that `again` brings into the environment once more and returns."""
        self.inbox.read()
        self.played.faults[action] = fault_of(action)
        try:
            execution = again()
            self.played.delivery.follow(execution)
        finally:
            del self.played.faults[action]
        assert self.played.delivery.stopped_at(execution, action) == SENTENCE
        if "snapshot" in action:
            self._assert_it_was_refused(action)
            return
        wait_until(
            f"{self.env} is held after {action}",
            lambda: (hold := self.records.hold()) is not None and hold.state == "held",
            log=lambda: function_logs(self.account, self.names),
        )
        self.assert_it_is_as_it_was(action)

    def assert_it_is_as_it_was(self, action: str) -> None:
        hold = self.records.hold()
        assert hold is not None
        assert hold.reason == f"{action} failed: {SENTENCE}"
        assert "must be finished by hand" not in hold.outcome
        vault = Vault(self.account, self.names)
        left = [f"{each.component} {each.path} {each.kind}" for each in self._differences(vault)]
        assert left == [], action
        assert live_digest(self.account, self.names) == self.digest
        message = self.inbox.wait_for(f"Promotion into {self.env} is held")
        assert action in message
        assert f"release-hold --env {self.env}" in message
        assert not self._transition_is_open()
        release_hold(self.account, self.names, "test")
        assert self._transition_is_open()

    def _assert_it_was_refused(self, action: str) -> None:
        """Assert that a failure before the first change holds nothing, and is tried again."""
        message = self.inbox.wait_for(f"Nothing was changed in {self.env}")
        assert action in message
        hold = self.records.hold()
        assert hold is None or not hold.holds
        assert self._differences(Vault(self.account, self.names)) == []
        assert self._transition_is_open()

    def _differences(self, vault: Vault) -> list[Change]:
        return list(with_live(vault, Environment(self.account, self.names), self.before, with_text=False))

    def _transition_is_open(self) -> bool:
        state = self.played.delivery.client("codepipeline").get_pipeline_state(name=self.names.pipeline)
        [stage] = [each for each in state["stageStates"] if each["stageName"] == self.env]
        return bool(stage["inboundTransitionState"]["enabled"])


class Release:
    """One execution that goes on from where it failed, as often as it takes."""

    def __init__(self, played: Played) -> None:
        self._played = played
        self.execution: str | None = None
        self._stopped_in: str = ENVIRONMENT_NAMES[0]

    def go_on_into(self, env: str) -> str:
        """Push, or try again all actions of where it stopped; prod is approved. The result is the execution."""
        delivery = self._played.delivery
        if self.execution is None:
            self.execution = delivery.push("Change every stack", change_every_stack)
            # It changes the code that takes snapshots.
            approve_change(delivery, self.execution)
            self._played.let_into_prod(self.execution, "test of failures")
        else:
            delivery.retry(self.execution, self._stopped_in, "ALL_ACTIONS")
        self._stopped_in = env
        if env == "prod":
            asked = delivery.wait_for_approval(self.execution, env)
            delivery.answer_approval(env, asked["token"], approve=True, why="test")
        return self.execution


@pytest.fixture(scope="module")
def swept(played: Played) -> Release:
    """A release into all environments, in each of which every action has failed once before."""
    release = Release(played)
    for env in ENVIRONMENT_NAMES:
        sweep = Sweep(played, env)
        for action in deployment_actions(played, env):
            sweep.fail_at(action, partial(release.go_on_into, env))
    assert played.delivery.follow(release.go_on_into("prod")) == "Succeeded"
    return release


def test_a_failure_at_every_action_of_every_environment_is_undone_held_and_reported(
    played: Played, swept: Release
) -> None:
    for env in ENVIRONMENT_NAMES:
        ledger = Records(played.delivery.account(), played.delivery.names(env)).ledger()
        # Other tests may have brought something else by now.
        assert [entry.kind for entry in ledger if entry.execution == swept.execution][-1] == "release"


# --- a failed run after a deployment


def a_run_fails(played: Played, env: str) -> str:
    """Return the reaction of the rollback function to a failed run, by Step Functions' own event."""
    account, names = played.delivery.account(), played.delivery.names(env)
    machine, name = account.state_machine_arn(names.state_machine), uuid4().hex
    moment = int(datetime.now(UTC).timestamp() * 1000)
    event = {
        "id": str(uuid4()),
        "source": "aws.states",
        "detail-type": RUN_CHANGED,
        "detail": {
            "executionArn": f"{machine.replace(':stateMachine:', ':execution:')}:{name}",
            "stateMachineArn": machine,
            "name": name,
            "status": "TIMED_OUT",
            "startDate": moment,
            "stopDate": moment,
            "input": json.dumps({"client_id": "lai_weekly"}),
            "inputDetails": {"included": True},
        },
    }
    answer = played.delivery.client("lambda").invoke(
        FunctionName=names.function("rollback"), Payload=json.dumps(event).encode("utf-8")
    )
    said = json.loads(answer["Payload"].read())
    assert said["state"] == "done", said
    return str(said["reaction"])


def test_a_failed_run_within_48_hours_rolls_prod_back_once_and_never_the_rollback(
    played: Played, swept: Release
) -> None:
    account, names = played.delivery.account(), played.delivery.names("prod")
    records, inbox = Records(account, names), Inbox(played.delivery, "prod")
    entry = records.ledger()[-1]
    assert entry.kind == "release"
    before = Vault(account, names).manifest(entry.snapshot or "").release

    # Another operation is running: the rollback waits for its end.
    with ThreadPoolExecutor(1) as pool:
        with Lease(account, names, operation="snapshot", subject="daily"):
            rolling_back = pool.submit(a_run_fails, played, "prod")
            wait_until("prod is held", lambda: (hold := records.hold()) is not None and hold.state == "rolling back")
        first = rolling_back.result()

    assert "Promotion into prod is held" in first
    assert inbox.wait_for("alarm failed-runs was raised")
    assert before is not None
    assert live_digest(account, names) == before.digest != entry.digest
    assert records.ledger()[-1].kind == "rollback"
    assert "Nothing was rolled back" in a_run_fails(played, "prod"), "held"
    release_hold(account, names, "test")
    assert "Nothing was rolled back" in a_run_fails(played, "prod"), "what is there came by a rollback"
    assert live_digest(account, names) == before.digest


def test_a_failed_run_in_dev_is_noted_and_changes_nothing(played: Played, swept: Release) -> None:
    account, names = played.delivery.account(), played.delivery.names("dev")
    digest = live_digest(account, names)
    assert "Nothing was rolled back" in a_run_fails(played, "dev")
    assert live_digest(account, names) == digest
    *_, noted = Records(account, names).alarms()
    assert noted.name == FAILED_RUNS

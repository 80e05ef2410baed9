"""The table of docs/concepts/gates.md says what each end of an execution, and each change beside it, means."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults.operations import back_to, take
from tests.faults.reacting_environment import NOW, World
from tests.faults.small_environment import NAMES, SmallEnvironment, handler
from tests.faults.test_client_promotion import World as Configured
from tests.faults.test_client_promotion import _file
from tests.repository import ROOT
from vectora_ops.live_environment import Environment
from vectora_ops.names import UNFINISHED_STAGE_STATES, Names
from vectora_ops.promotion.soak import last_word
from vectora_ops.promotion.steps.gate import judge
from vectora_ops.records import Deployment, Hold, LedgerEntry, Records, ReleaseId
from vectora_ops.settings import Promotion
from vectora_ops.what_runs import what_runs

PAGE = ROOT / "docs" / "concepts" / "gates.md"
STAGE = Names(project=NAMES.project, env="stage")
CONTENT = "a" * 64
# CDK Pipelines puts the stack before the step.
SNAPSHOT = f"{NAMES.stack('s0-core')}.snapshot-dev"


@dataclass(frozen=True)
class Effect:
    """One row of the table, without its first column."""

    environment: str
    promotion: str
    content: str


def documented() -> dict[str, Effect]:
    """Return the effects by what happens."""
    section = PAGE.read_text(encoding="utf-8").partition("## What each end means")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {happens: Effect(*rest) for happens, *rest in rows[2:]}


class Scene:
    """An environment with a release that passed its smoke test, and what happens to it or to its next deployment."""

    def __init__(self, small: SmallEnvironment) -> None:
        self.small = small
        self.configured = Configured(small)
        self.configured.workflow()
        self.records = Records(small.account, NAMES)
        self.good = take(small.account)
        self.changes = 0
        self._pass_the_smoke_test(CONTENT)

    def _pass_the_smoke_test(self, content: str) -> None:
        environment = Environment(self.small.account, NAMES)
        release = json.loads(environment.release() or "")
        self.release = ReleaseId(release["digest"], content)
        self.records.add_to_ledger(
            LedgerEntry(
                kind="release",
                digest=release["digest"],
                content_digest=content,
                version=release["version"],
                at=datetime.now(UTC) - timedelta(days=30),
                smoke_test="3 items",
                running=what_runs(environment),
            )
        )

    # --- executions of the pipeline

    def _world(self) -> World:
        """Return the reaction to events, with stand-ins for the pipeline and for runs."""
        return World(self.small.account)

    def _deploying(self, state: str = "deploying") -> World:
        """Deploy the content again, as an execution does."""
        world = self._world()
        self.records.write_deployment(
            Deployment.model_validate(
                {
                    "state": state,
                    "execution": "e-1",
                    "digest": self.release.digest,
                    "content_digest": CONTENT,
                    "version": "1.0.0",
                    "commit": "c" * 40,
                    "snapshot": self.good.name,
                    "at": NOW - timedelta(minutes=30),
                }
            )
        )
        return world

    def _ends(self, world: World, state: str, action: str, message: str = "No items came out.") -> None:
        if state == "FAILED":
            world.pipeline.fail(action, message)
        else:
            world.pipeline.add(action, "Abandoned")
        world.stage_ends(state)
        self.changes += len(world.requests)

    def ends_before(self, action: str, state: str = "FAILED") -> Callable[[], None]:
        return lambda: self._ends(self._world(), state, action)

    def ends_while_deploying(self, action: str, state: str = "FAILED", message: str = "x") -> Callable[[], None]:
        return lambda: self._ends(self._deploying(), state, action, message)

    def is_superseded(self) -> None:
        # CodePipeline sends no event of the stage, and this one would start nothing (pipeline execution states).
        assert "SUPERSEDED" not in UNFINISHED_STAGE_STATES

    def runs_fail(self) -> None:
        world = self._deploying("released")
        recorded = self.records.ledger()[-1].model_copy(update={"at": NOW - timedelta(minutes=30)})
        self.records.add_to_ledger(recorded)
        world.run_fails(client_id="lai_weekly")
        self.changes += len(world.requests)

    def fails_while_held(self) -> None:
        world = self._world()
        self.records.write_hold(Hold(state="held", reason="x", at=NOW, execution="e-0"))
        self._ends(world, "FAILED", "smoke-test-dev")

    # --- changes beside the pipeline

    def operator_rolls_back(self) -> None:
        self.small.deploy("2")
        self._pass_the_smoke_test("b" * 64)
        back_to(self.small.account, self.good)
        self.changes += 1

    def operator_rolls_back_parts(self) -> None:
        self._change_a_function()
        back_to(self.small.account, self.good, ("functions",))
        self.changes += 1

    def stack_is_deployed(self) -> None:
        self.small.deploy_runtime("2")

    def _change_a_function(self) -> None:
        name = NAMES.function("ingest-v2")
        self.small.account.client("lambda").update_function_code(FunctionName=name, ZipFile=handler("by hand"))

    def something_is_changed(self) -> None:
        self._change_a_function()

    def file_is_promoted(self) -> None:
        self.configured.promote(_file())

    # --- the observed effect

    def effect(self, before: dict[str, object]) -> Effect:
        for service in ("codepipeline", "stepfunctions"):
            self.small.account._clients.pop(service, None)
        changed = "rolled back" if self.changes else "unchanged" if self._state() == before else "changed"
        hold = self.records.hold()
        return Effect(changed, "held" if hold and hold.holds else "open", self._content())

    def _content(self) -> str:
        word = last_word(self.records.ledger(), self.records.deployments(), self.release)
        assert word is not None
        if word.kind != "passed":
            return word.kind
        policy = Promotion(requires_smoke_test=True, soak_days=14)
        decision, _ = judge(self.small.account, NAMES, STAGE, policy, self.release)
        return "before" if decision.outcome == "pass" else "not there"

    def _state(self) -> dict[str, object]:
        return self.small.state()


def scenarios(scene: Scene) -> dict[str, Callable[[], None]]:
    return {
        "a gate refuses the release": scene.ends_before("gate-dev"),
        "the approval is rejected or expires": scene.ends_before("approval-dev"),
        "the execution is stopped while it waits for the approval": scene.ends_before("approval-dev", "STOPPED"),
        "a newer commit supersedes the execution while it waits": scene.is_superseded,
        "the snapshot step refuses the release, fails or is stopped": scene.ends_before(SNAPSHOT),
        "a deployment action fails": scene.ends_while_deploying("vectora-inbox-s1-runtime-dev.Deploy"),
        "the smoke test fails, also of content that passed before": scene.ends_while_deploying("smoke-test-dev"),
        "an action times out": scene.ends_while_deploying(
            "smoke-test-dev", message="The action failed because no reply came within 30 minutes."
        ),
        "the execution is stopped while it deploys": scene.ends_while_deploying("smoke-test-dev", "STOPPED"),
        "an update of the pipeline cancels the execution while it deploys": scene.ends_while_deploying(
            "smoke-test-dev", "CANCELED"
        ),
        "runs fail soon after the deployment (`failed_runs`, within `watch_hours`)": scene.runs_fail,
        "something fails while the environment is held": scene.fails_while_held,
        "an operator rolls back everything": scene.operator_rolls_back,
        "an operator rolls back some components of the release": scene.operator_rolls_back_parts,
        "a stack is deployed by hand": scene.stack_is_deployed,
        "a function, the workflow or a configuration file is changed by hand": scene.something_is_changed,
        "a client's file is promoted by itself": scene.file_is_promoted,
    }


def test_the_table_has_a_row_for_each_tested_end_and_no_other(small: SmallEnvironment) -> None:
    assert list(documented()) == list(scenarios(Scene(small)))


@pytest.mark.parametrize("happens", documented())
def test_each_end_has_the_effect_that_the_table_says(small: SmallEnvironment, happens: str) -> None:
    scene = Scene(small)
    before = scene._state()
    scenarios(scene)[happens]()
    assert scene.effect(before) == documented()[happens]

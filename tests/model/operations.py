"""Operations of people, schedules and AWS in the model: one function for each, which returns its result in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from tests.model.delivery import Delivery
from tests.model.facts import Facts, newest
from tests.model.invariants import Watch
from tests.model.machines import KilledError, Process
from tests.model.releases import CLIENT, CLIENT_KEY, NAMES, Release, client_file, zipped
from tests.model.world import Refusal, World
from vectora_ops.functions.rollback import rollback_function  # noqa: F401  (loads every module of the product)
from vectora_ops.names import EnvName
from vectora_ops.promotion.hold import release_hold
from vectora_ops.records import Bypass, Records
from vectora_ops.settings import Promotion, environment_before
from vectora_ops.snapshots.catalog import pin, unpin
from vectora_ops.snapshots.manifest import COMPONENTS
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError

STRICT: dict[EnvName, Promotion] = {
    "dev": Promotion(requires_smoke_test=False),
    "stage": Promotion(requires_smoke_test=True),
    "prod": Promotion(requires_smoke_test=True, requires_approval=True, soak_days=2, watch_hours=48),
}
LOOSE: dict[EnvName, Promotion] = {**STRICT, "prod": STRICT["prod"].model_copy(update={"soak_days": 0})}


@dataclass
class Operations:
    """The actions of the model."""

    world: World
    delivery: Delivery
    facts: Facts
    watch: Watch

    def __post_init__(self) -> None:
        self._numbers = count(1)

    def _operator(self, what: str, plan: Process | None = None) -> Process:
        process = plan or Process("")
        process.owner, process.skew = f"{what} {next(self._numbers)}", self.world.skews.get("operator", timedelta())
        return process

    def _call(self, env: EnvName, function: str, plan: Process, **event: Any) -> dict[str, Any] | str:
        """Invoke a function as a command does; return its answer, or what went wrong."""
        try:
            return self.world.call(env, function, event, plan)
        except Refusal as refusal:
            return f"refused: {refusal}"
        except KilledError:
            return "killed"

    # --- the pipeline

    def advance(self, env: EnvName, plan: Process) -> str:
        """Do the next action of a stage, and judge whether its release was allowed to enter."""
        execution = self.delivery.occupant(env)
        action = self.delivery._action(execution) if execution else ""
        if execution is None or action != "snapshot":
            said = self.delivery.advance(env, plan)
            if action == "record" and "The stage is done" in said:
                self.facts.changed_by_hand.discard(env)
                self.facts.file_changed_by_hand.discard(env)
            return said
        release = execution.release
        before = self.facts.reasons_against(release, env)
        rejected = self.facts.is_rejected(release, env, execution.wanted_at)
        said = self.delivery.advance(env, plan)
        if execution.state == "running" and self.delivery._action(execution) == "s1-runtime":
            after = self.facts.reasons_against(release, env)
            self.facts.violations += [
                f"{release.version} enters {env} although {before[gate]}" for gate in before.keys() & after.keys()
            ]
            if rejected:
                self.facts.violations.append(f"{release.version} comes back into {env}, unasked after its rollback")
        return said

    def retry_by_schedule(self, source: EnvName) -> str:
        """Let the schedule retry what a gate refused."""
        answer = self._call(source, "promotion", Process("schedule"), operation="retry")
        retries, self.world.aws.pipeline.retries = self.world.aws.pipeline.retries, []
        return f"{answer} {[self.delivery.retry(stage) for stage, _ in retries]}"  # type: ignore[arg-type]

    def retry_by_hand(self, env: EnvName) -> str:
        execution = self.delivery.last_in(env)
        if execution is not None:
            execution.wanted_at = self.world.time.now
        return self.delivery.retry(env)

    def stop(self, env: EnvName, state: str) -> str:
        """Stop an execution by hand, or cancel it by an update of the pipeline."""
        execution = self.delivery.occupant(env)
        if execution is None or self.delivery._action(execution) == "approval":
            return ""
        if not any(each["pipelineExecutionId"] == execution.name for each in self.world.aws.pipeline.actions):
            return ""
        return self.delivery.stop(execution, state)

    # --- by hand

    def change_function(self, env: EnvName) -> str:
        name = NAMES[env].function("ingest-v2")
        if name not in self.world.aws.lambda_.functions:
            return ""
        found = self.world.aws.lambda_.functions[name]
        self.world.aws.lambda_.code[found["FunctionArn"]] = b"other"
        self.world.aws.lambda_.put_function(
            name,
            zipped("handler.py", f"by hand {next(self._numbers)}"),
            Layers=[each["Arn"] for each in found["Layers"]],
            Environment=found["Environment"],
        )
        self.facts.changed_by_hand.add(env)
        self.world.sample(env)
        return f"{name} is changed by hand"

    def change_file(self, env: EnvName) -> str:
        body = client_file(f"{30 + next(self._numbers)}.0.0") + b"# by hand\n"
        self.world.aws.s3.put_object(Bucket=NAMES[env].bucket("config"), Key=CLIENT_KEY, Body=body)
        self.facts.file_changed_by_hand.add(env)
        return f"{CLIENT_KEY} of {env} is changed by hand"

    def deploy_by_hand(self, env: EnvName, release: Release) -> str:
        """Deploy a stack with `cdk deploy`, past the pipeline."""
        with self.world.aws.running(self._operator("cdk deploy")):
            status = self.world.deploy(env, "s1-runtime", release)
        self.facts.changed_by_hand.add(env)
        self.facts.file_changed_by_hand.add(env)
        self.world.sample(env)
        return f"s1-runtime of {env} is deployed by hand with {release.version}: {status}"

    def roll_back(self, env: EnvName, which: int, components: tuple[str, ...], plan: Process) -> str:
        """Roll an environment back, as an operator does."""
        names = sorted(name for each, name in self.watch.complete if each == env)
        if not names:
            return ""
        before, name = self.world.content_of(env), names[which % len(names)]
        process = self._operator("rollback", plan)
        chosen = {"components": list(components)} if components else {}
        answer = self._call(env, "rollback", process, operation="rollback", snapshot=name, **chosen)
        after = self.world.content_of(env)
        is_whole = not components or set(components) == set(COMPONENTS)
        if isinstance(answer, str) or not is_whole:
            self.facts.changed_by_hand.add(env)
        elif not answer["result"]["nothing_to_do"]:
            self.facts.changed_by_hand.discard(env)
            self.facts.file_changed_by_hand.discard(env)
            if before is not None and after != before:
                self.facts.rejected[env][before] = self.world.time.now
        return f"{env} back to {name} {components or ''}: {str(answer)[:300]}"

    def promote_client(self, env: EnvName, plan: Process) -> str:
        """Promote the client's file into an environment from the one before."""
        source = environment_before(env)
        deploying = self.delivery.occupant(env)
        was = (newest(self.world, env, "clients") or {}).get("stored_at")
        process = self._operator("client promotion", plan)
        answer = self._call(env, "rollback", process, operation="promote-client", client_id=CLIENT, source=source)
        last = newest(self.world, env, "clients")
        if last and last["state"] == "promoted" and last["stored_at"] != was:
            self.facts.file_changed_by_hand.discard(env)
            action = self.delivery._action(deploying) if deploying else ""
            if action in ("s1-runtime", "s1-ingest-v2", "smoke-test", "record"):
                self.facts.violations.append(f"a file was promoted into {env} before {action} of {deploying.name}")  # type: ignore[union-attr]
        return f"{CLIENT} from {source} into {env}: {str(answer)[:300]}"

    def release_hold(self, env: EnvName) -> str:
        with self.world.aws.running(self._operator("release-hold")):
            try:
                release_hold(self.world.aws.account, NAMES[env], "somebody", clock=self.world.aws.clock)
            except VectoraError as error:
                return f"hold of {env}: {error}"
        return f"the hold of {env} is released"

    def bypass(self, target: EnvName, release: Release, gates: tuple[str, ...]) -> str:
        with self.world.aws.running(self._operator("bypass")):
            record = Bypass(
                digest=release.digest(target),
                content_digest=release.content_digest,
                gates=gates,
                reason="a hotfix",
                by="somebody",
                at=self.world.aws.clock(),
            )
            Records(self.world.aws.account, NAMES[target]).write_bypass(record)
        self.facts.rejected[target].pop(release.number, None)
        return f"{release.version} may go into {target} without {gates}"

    # --- snapshots

    def snapshot(self, env: EnvName, occasion: str, plan: Process) -> str:
        process = self._operator(f"{occasion} snapshot", plan)
        answer = self._call(env, "snapshot", process, operation="create", label="daily", occasion=occasion)
        return f"snapshot of {env} ({occasion}): {answer if isinstance(answer, str) else answer['snapshot']}"

    def prune(self, env: EnvName, plan: Process) -> str:
        answer = self._call(env, "snapshot", self._operator("prune", plan), operation="prune")
        return f"prune of {env}: {answer if isinstance(answer, str) else answer['pruned']['removed_snapshots']}"

    def verify(self, env: EnvName, plan: Process) -> str:
        """Verify a vault; anything wrong but leftovers is a violation."""
        answer = self._call(env, "snapshot", self._operator("verify", plan), operation="verify")
        if isinstance(answer, str):
            return f"verify of {env}: {answer}"
        problems = [each for found in answer["verifications"] for each in found["problems"] if each["kind"] != "extra"]
        self.facts.violations += [f"verify of {env}: {each}" for each in problems]
        return f"verify of {env}: {len(problems)} problems"

    def pin(self, env: EnvName, which: int) -> str:
        names = sorted(name for each, name in self.watch.complete if each == env)
        if not names:
            return ""
        name = names[which % len(names)]
        with self.world.aws.running(self._operator("pin")):
            vault = Vault(self.world.aws.account, NAMES[env])
            try:
                if (env, name) in self.watch.pinned:
                    unpin(vault, name)
                    self.watch.pinned.discard((env, name))
                    return f"{name} of {env} is no longer pinned"
                pin(vault, name, "the audit needs it")
            except VectoraError as error:
                return f"pin of {name}: {error}"
        self.watch.pinned.add((env, name))
        return f"{name} of {env} is pinned"

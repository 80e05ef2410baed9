"""Random sequences of deployments, failures, rollbacks, promotions, kills and clocks keep every invariant."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.model.delivery import Delivery
from tests.model.facts import Facts
from tests.model.invariants import INVARIANTS, Watch
from tests.model.machines import Process
from tests.model.operations import LOOSE, STRICT, Operations
from tests.model.releases import NAMES, Release
from tests.model.world import World
from vectora_ops.settings import environment_before

EXAMPLES = int(os.environ.get("VECTORA_MODEL_EXAMPLES", "100"))
STEPS = int(os.environ.get("VECTORA_MODEL_STEPS", "30"))

environments = st.sampled_from(("dev", "stage", "prod"))
targets = st.sampled_from(("stage", "prod"))
spans = st.sampled_from(
    [timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=5), timedelta(days=1), timedelta(days=3)]
)
skews = st.sampled_from(
    [timedelta(), *(sign * each for sign in (1, -1) for each in (timedelta(minutes=7), timedelta(days=800)))]
)
of_stacks = ("stacks", "functions", "layers", "release")
components = st.sampled_from([(), (), ("clients",), ("clients", "canonical"), ("functions", "layers"), of_stacks])
STARTS = ("first", "in stage", "before its approval", "in prod")
STOPS = ("STOPPED", "CANCELED")
STACK_FAILURES = (
    "s1-runtime UPDATE_ROLLBACK_COMPLETE",
    "s1-ingest-v2 UPDATE_ROLLBACK_COMPLETE",
    "s1-ingest-v2 UPDATE_ROLLBACK_FAILED",
)
MEANWHILE = ("nothing", "a minute", "snapshot", "prune", "rollback", "client promotion", "pin")


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what happens to an operation: nothing in most cases."""
    if draw(st.integers(0, 3)):
        return {}
    kind = draw(st.sampled_from(("killed", "answer lost", "late", "overtaken")))
    at = draw(st.integers(1, 120))
    if kind == "overtaken":
        return {"overtaken_at": at, "meanwhile": draw(st.sampled_from(MEANWHILE))}
    if kind == "late":
        return {"requests_until_late": at}
    return {"killed_at": at, "answer_lost": kind == "answer lost"}


class PromotionAndRecovery(RuleBasedStateMachine):
    """Three environments, one pipeline, and everybody who works on them."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(dict(STRICT))
        self._open = self.world.open()
        self._open.__enter__()
        self.world.build(Release(1))
        self.delivery, self.facts = Delivery(self.world), Facts(self.world)
        self.watch = Watch(self.world, self.delivery, self.facts)
        self.do = Operations(self.world, self.delivery, self.facts, self.watch)

    def teardown(self) -> None:
        self._open.__exit__(None, None, None)

    def say(self, sentence: str) -> None:
        if sentence:
            self.world.say(sentence)

    def process(self, env: str, plan: dict[str, Any]) -> Process:
        """Return the process of an operation: who overtakes it waits until its lease has lapsed."""
        changes = dict(plan)
        what = changes.pop("meanwhile", "nothing")
        process = Process("", **changes)
        if what == "nothing":
            process.overtaken_at = None
            return process

        def meanwhile() -> None:
            self.world.time.pass_by(timedelta(minutes=1 if what == "a minute" else 3))
            doing: dict[str, Any] = {
                "a minute": lambda: "a minute passes",
                "snapshot": lambda: self.do.snapshot(env, "schedule", Process("")),  # type: ignore[arg-type]
                "prune": lambda: self.do.prune(env, Process("")),  # type: ignore[arg-type]
                "rollback": lambda: self.do.roll_back(env, -1, (), Process("")),  # type: ignore[arg-type]
                "client promotion": lambda: self.do.promote_client(env, Process("")) if env != "dev" else "",  # type: ignore[arg-type]
                "pin": lambda: self.do.pin(env, 0),  # type: ignore[arg-type]
            }
            self.say(f"meanwhile, at request {process.overtaken_at}: {doing[what]()}")

        process.meanwhile = meanwhile
        return process

    @initialize(start=st.sampled_from(STARTS))
    def begin(self, start: str) -> None:
        """Begin where a release already is: random steps alone would rarely bring one there."""
        if start == "first":
            return
        self.bring(2, to="stage" if start == "in stage" else "prod")
        if start == "in prod":
            self.say(self.delivery.answer_approval("prod", approved=True))
            self.advance_far("prod", 9)

    # --- the pipeline

    @rule(number=st.integers(1, 3), change=st.booleans(), works=st.booleans(), runs=st.booleans())
    def push(self, number: int, change: bool, works: bool, runs: bool) -> None:
        known = self.world.releases.get(number)
        if known is None:
            known = Release(number, smoke_test_works=works or runs, runs_work=works or runs)
        release = known.with_settings(known.settings + 1) if change else known
        self.say(f"push {release.version}: {self.delivery.push(release).name}")

    @rule(env=environments, plan=plans())
    def advance(self, env: Any, plan: dict[str, Any]) -> None:
        self.say(self.do.advance(env, self.process(env, plan)))

    @rule(env=environments, steps=st.integers(2, 9))
    def advance_far(self, env: Any, steps: int) -> None:
        for _ in range(steps):
            said = self.do.advance(env, Process(""))
            self.say(said)
            if not said or "waits" in said:
                break

    @rule(number=st.integers(1, 3), to=targets)
    def bring(self, number: int, to: str) -> None:
        """Bring a release that works through dev and stage, and let it soak until prod's gate passes."""
        self.push(number, change=False, works=True, runs=True)
        self.advance_far("dev", 9)
        self.advance_far("stage", 9)
        if to == "prod":
            self.pass_time(timedelta(days=3))
            self.advance_far("prod", 1)

    @rule(env=targets, approved=st.sampled_from((True, True, True, False)))
    def answer_approval(self, env: Any, approved: bool) -> None:
        self.say(self.delivery.answer_approval(env, approved=approved))

    @rule(env=environments, how=st.sampled_from(("by hand", "by schedule", "by schedule")))
    def retry(self, env: Any, how: str) -> None:
        before = environment_before(env)
        if how == "by hand":
            self.say(self.do.retry_by_hand(env))
        elif before is not None:
            self.say(f"retry of {env} by schedule: {self.do.retry_by_schedule(before)}")

    @rule(env=environments, how=st.sampled_from((*STOPS, *STACK_FAILURES)))
    def disturb(self, env: Any, how: str) -> None:
        """Stop or cancel what runs in a stage, or let the next update of one of its stacks fail."""
        if how in STOPS:
            self.say(self.do.stop(env, how))
            return
        layer, status = how.split(" ")
        if stack := self.world.aws.cloudformation.stacks.get(NAMES[env].stack(layer)):  # type: ignore[arg-type]
            stack.fails_at = ("Function", status)
            self.say(f"the next update of {layer} in {env} ends in {status}")

    # --- events and time

    @precondition(lambda self: self.events)
    @rule(which=st.integers(0, 9), plan=plans(), again=st.booleans())
    def deliver(self, which: int, plan: dict[str, Any], again: bool) -> None:
        event = self.events[which % len(self.events)]
        process = self.process(event.env, plan)
        process.owner = f"reaction to {event.event.get('id', event.request_id)}"
        said = self.world.deliver(event, process, again=again)
        self.say(f"event {event.event.get('id')} in {event.env} {'(again) ' if again else ''}: {said}")

    @property
    def events(self) -> list[Any]:
        return [each for each in self.world.pending if each.function == "rollback"]

    @rule(env=environments)
    def run_newsletter(self, env: Any) -> None:
        self.say(f"newsletter in {env}: {'made' if self.world.run_newsletter(env) else 'failed'}")

    @rule(span=spans)
    def pass_time(self, span: timedelta) -> None:
        self.world.time.pass_by(span)
        self.say(f"{span} passes")

    # --- people

    @rule(env=environments, number=st.integers(1, 3), what=st.sampled_from(("function", "file", "stack")))
    def change_by_hand(self, env: Any, number: int, what: str) -> None:
        if what == "function":
            self.say(self.do.change_function(env))
        elif what == "file":
            self.say(self.do.change_file(env))
        elif self.delivery.occupant(env) is None and number in self.world.releases:
            self.say(self.do.deploy_by_hand(env, self.world.releases[number]))

    @rule(env=environments, which=st.integers(0, 5), chosen=components, plan=plans())
    def roll_back(self, env: Any, which: int, chosen: tuple[str, ...], plan: dict[str, Any]) -> None:
        self.say(self.do.roll_back(env, which, chosen, self.process(env, plan)))

    @rule(env=targets, plan=plans())
    def promote_client(self, env: Any, plan: dict[str, Any]) -> None:
        self.say(self.do.promote_client(env, self.process(env, plan)))

    @rule(env=environments)
    def release_hold(self, env: Any) -> None:
        self.say(self.do.release_hold(env))

    @rule(
        env=targets,
        number=st.integers(1, 3),
        what=st.sampled_from(("sources", "loosen", "tighten", "bypass", "clock")),
        who=st.sampled_from(("operator", "functions of dev", "functions of stage", "functions of prod")),
        skew=skews,
    )
    def set(self, env: Any, number: int, what: str, who: str, skew: timedelta) -> None:
        """Change what is around: sources of news, gates, a bypass, the clock of a machine."""
        if what == "sources":
            self.world.broken ^= {env}
            self.say(f"sources of {env} are {'broken' if env in self.world.broken else 'fine'}")
        elif what == "bypass" and number in self.world.releases:
            self.say(self.do.bypass(env, self.world.releases[number], ("smoke-test", "soak")))
        elif what == "clock":
            self.world.skews[who] = skew
            self.say(f"the clock of {who} is off by {skew}")
        elif what in ("loosen", "tighten"):
            self.world.policies["prod"] = (LOOSE if what == "loosen" else STRICT)["prod"]
            self.say(f"the gates of prod: {what}")

    # --- snapshots

    @rule(
        env=environments,
        what=st.sampled_from(("schedule", "operator", "prune", "verify", "pin")),
        which=st.integers(0, 3),
        plan=plans(),
    )
    def vault(self, env: Any, what: str, which: int, plan: dict[str, Any]) -> None:
        """Take a snapshot, prune, verify, or pin and unpin."""
        process = self.process(env, plan)
        if what == "pin":
            self.say(self.do.pin(env, which))
        elif what == "prune":
            self.say(self.do.prune(env, process))
        elif what == "verify":
            self.say(self.do.verify(env, process))
        else:
            self.say(self.do.snapshot(env, what, process))

    @invariant()
    def nothing_is_contradicted(self) -> None:
        for check in INVARIANTS:
            found = list(check(self.watch))
            trace = "\n".join(self.world.trace)
            assert not found, f"{check.__doc__}\n{'; '.join(found)}\n\n{trace}"


PromotionAndRecovery.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize="VECTORA_MODEL_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    database=None,
)
TestPromotionAndRecovery = PromotionAndRecovery.TestCase

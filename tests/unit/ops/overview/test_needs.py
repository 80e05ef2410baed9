"""Needs of an overview: all that a person has to do, with its command."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.ops.pages.overviews import DAY, NOW, STATES, cost, environment, gates
from vectora_ops.overview.model import (
    AlarmState,
    EnvironmentOverview,
    GatesInto,
    GateState,
    HoldState,
    Need,
    PipelineOverview,
    StageRefusal,
    WaitingApproval,
)
from vectora_ops.overview.needs import needs_of

DEV, STAGE, PROD = environment("dev", "1.4.3"), environment("stage", "1.4.2"), environment("prod", "1.4.1")


def _needs(
    prod: EnvironmentOverview = PROD,
    *,
    into_prod: GatesInto | None = None,
    pipeline: PipelineOverview | None = None,
) -> tuple[Need, ...]:
    return needs_of((DEV, STAGE, prod), (into_prod or gates(),), pipeline or PipelineOverview(), NOW)


def _commands(*needs: Need) -> list[str]:
    return [each.command for each in needs]


def _refusing(gate: GateState) -> GatesInto:
    return gates(gates=(gate,))


def test_healthy_environments_whose_release_soaks_need_nothing() -> None:
    assert _needs() == ()


def test_an_approval_says_how_long_it_waits_still() -> None:
    waits = WaitingApproval(env="prod", execution="e", since=NOW - 5 * DAY, expires=NOW + 1.5 * DAY)
    [need] = _needs(pipeline=PipelineOverview(approvals=(waits,)))
    assert need.is_urgent
    assert need.command == "./vectora promote approve --to prod"
    assert need.sentence.endswith("It expires on 2026-11-27 20:05 UTC, in 1 day.")


def test_a_running_rollback_is_waited_for_and_a_hold_is_released() -> None:
    hold = HoldState(since=NOW, reason="the smoke test failed", is_rolling_back=True)
    [running] = _needs(replace(PROD, hold=hold))
    assert running.command == "./vectora status --env prod"
    [held] = _needs(replace(PROD, hold=replace(hold, is_rolling_back=False)))
    assert held.command == "./vectora promote release-hold --env prod"
    assert held.runbook == "docs/runbooks/a-deployment-was-rolled-back.md"


@pytest.mark.parametrize(
    ("purpose", "command"),
    [
        ("month-cost", "./vectora cost --env prod"),
        ("snapshot-too-old", "./vectora snapshot list --env prod"),
        ("newsletter-overdue", "./vectora newsletter list --env prod"),
        ("failed-runs", "./vectora status --env prod"),
    ],
)
def test_an_alarm_leads_to_the_command_that_shows_its_cause(purpose: str, command: str) -> None:
    raised = AlarmState(purpose=purpose, status="ALARM", since=NOW, reason="", runbook="docs/runbooks/alarms.md")
    [need] = _needs(replace(PROD, alarms=(raised,)))
    assert (need.command, need.runbook, need.is_urgent) == (command, "docs/runbooks/alarms.md", True)


def test_drift_and_a_stuck_stack_are_needs() -> None:
    found = _needs(replace(PROD, drift=("a was edited", "b was deleted"), stack_problems=("Stack x is stuck.",)))
    assert _commands(*found) == ["./vectora doctor --env prod", "./vectora snapshot diff latest --live --env prod"]
    assert "a was edited and 1 more" in found[1].sentence


def test_a_cost_over_the_budget_is_a_need() -> None:
    [need] = _needs(replace(PROD, cost=cost("prod", budget_usd=1.0)))
    assert (need.command, need.is_urgent) == ("./vectora cost --env prod", False)


def test_a_gate_that_time_or_a_schedule_makes_pass_is_no_need() -> None:
    waits = GateState(gate="runs", outcome="inconclusive", reason="1 of 2", ready_at=NOW + DAY, command="./vectora run")
    assert _needs(into_prod=_refusing(waits)) == ()
    assert _needs(into_prod=_refusing(GateState(gate="in-progress", outcome="inconclusive", reason="busy"))) == ()


def test_a_gate_that_nothing_makes_pass_is_a_need_with_its_command() -> None:
    missing = GateState(
        gate="runs", outcome="inconclusive", reason="0 of 2 runs; to make one: x", command="./vectora run"
    )
    [need] = _needs(into_prod=_refusing(missing))
    assert (need.command, need.is_urgent) == ("./vectora run", False)
    assert need.sentence == "Gate runs refuses prod the release of stage: 0 of 2 runs."
    [other] = _needs(into_prod=_refusing(GateState(gate="smoke-test", outcome="fail", reason="it failed")))
    assert other.command == "./vectora promote explain --to prod"


def test_gates_of_a_release_that_is_there_already_are_no_need() -> None:
    refusing = _refusing(GateState(gate="smoke-test", outcome="fail", reason="it failed"))
    assert STAGE.release is not None
    assert _needs(replace(PROD, release=STAGE.release), into_prod=refusing) == ()


def test_a_stage_that_stopped_is_a_need_unless_a_hold_or_the_gates_say_more() -> None:
    stopped = StageRefusal(env="prod", execution="e", action="snapshot-prod", since=NOW)
    pipeline = PipelineOverview(refusals=(stopped,))
    [need] = _needs(pipeline=pipeline)
    assert need.command == "./vectora promote retry --to prod"
    hold = HoldState(since=NOW, reason="it failed", is_rolling_back=False)
    assert _commands(*_needs(replace(PROD, hold=hold), pipeline=pipeline)) == [
        "./vectora promote release-hold --env prod"
    ]
    gate = PipelineOverview(refusals=(replace(stopped, action="gate-prod"),))
    assert _needs(pipeline=gate) == ()
    assert _commands(*_needs(pipeline=gate, into_prod=gates(problem="no function", gates=()))) == [
        "./vectora promote explain --to prod"
    ]


def test_urgent_needs_and_later_environments_come_first() -> None:
    broken = EnvironmentOverview(env="dev", problem="no credentials")
    found = needs_of((broken, replace(STAGE, drift=("x",)), replace(PROD, drift=("y",))), (), PipelineOverview(), NOW)
    assert [(each.env, each.is_urgent) for each in found] == [("dev", True), ("prod", False), ("stage", False)]


@pytest.mark.parametrize("state", STATES)
def test_every_command_can_be_typed_as_it_is(state: str) -> None:
    for need in STATES[state]().needs:
        assert need.command.startswith("./vectora ")
        assert "..." not in need.command
        assert need.sentence.endswith(".")

"""Shortest forms of the sequences in which the model found a broken invariant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.model.test_promotion_and_recovery import PromotionAndRecovery

Step = tuple[str, dict[str, Any]]
APPROVED: Step = ("answer_approval", {"env": "prod", "approved": True})
DAYS: Step = ("pass_time", {"span": timedelta(days=3)})


def bring(number: int, to: str) -> Step:
    return "bring", {"number": number, "to": to}


def push(number: int) -> Step:
    return "push", {"number": number, "change": False, "works": True, "runs": True}


def advance(env: str, steps: int) -> Step:
    return "advance_far", {"env": env, "steps": steps}


def by_hand(what: str, env: str) -> Step:
    return "change_by_hand", {"what": what, "env": env, "number": 1}


def back(env: str, which: int, *components: str, **plan: Any) -> Step:
    return "roll_back", {"env": env, "which": which, "chosen": components, "plan": plan}


def changed(what: str, env: str = "stage", *, who: str = "operator", skew: timedelta = timedelta()) -> Step:
    return "set", {"what": what, "env": env, "number": 1, "who": who, "skew": skew}


SEQUENCES: dict[str, tuple[Step, ...]] = {
    "another release comes to stage between the approval and the deployment": (
        bring(3, "prod"),
        APPROVED,
        bring(2, "prod"),
        advance("prod", 3),
    ),
    "a function is changed by hand between the gate and the approval": (
        bring(2, "prod"),
        by_hand("function", "stage"),
        APPROVED,
        advance("prod", 3),
    ),
    "the release that stage has is deployed again over a change by hand": (
        bring(3, "stage"),
        by_hand("function", "stage"),
        bring(3, "prod"),
        APPROVED,
        advance("prod", 3),
    ),
    "a smoke test fails, and its event is late": (
        bring(2, "stage"),
        changed("loosen"),
        advance("prod", 1),
        changed("sources"),
        bring(2, "stage"),
        APPROVED,
        advance("prod", 3),
    ),
    "the clock that judges a soak is ahead": (
        bring(2, "stage"),
        changed("clock", who="functions of stage", skew=timedelta(days=800)),
        advance("prod", 1),
        APPROVED,
        advance("prod", 3),
    ),
    "the clock that recorded a release was behind": (
        changed("clock", who="functions of stage", skew=-timedelta(days=30)),
        bring(2, "stage"),
        changed("clock", who="functions of stage"),
        advance("prod", 1),
        APPROVED,
        advance("prod", 3),
    ),
    "a rollback of the client files takes a promoted file away": (
        by_hand("file", "stage"),
        ("run_newsletter", {"env": "dev"}),
        ("promote_client", {"env": "stage", "plan": {}}),
        back("stage", 2, "clients"),
    ),
    "a snapshot is pinned while pruning has begun": (
        push(2),
        advance("dev", 8),
        advance("stage", 4),
        push(2),
        advance("dev", 6),
        ("pass_time", {"span": timedelta(days=1)}),
        advance("stage", 6),
        ("vault", {"env": "stage", "what": "schedule", "which": 0, "plan": {"overtaken_at": 76, "meanwhile": "pin"}}),
    ),
    "a machine whose clock is years behind takes snapshots": (
        bring(2, "stage"),
        changed("clock", "stage", who="functions of dev", skew=-timedelta(days=800)),
        changed("sources", "dev"),
        bring(2, "stage"),
        push(3),
        ("advance", {"env": "dev", "plan": {"killed_at": 35, "answer_lost": False}}),
        ("pass_time", {"span": timedelta(days=1)}),
        ("deliver", {"which": 0, "plan": {}, "again": False}),
        bring(3, "stage"),
    ),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_no_invariant_breaks_when(name: str) -> None:
    _follow(SEQUENCES[name])


@pytest.mark.parametrize("what", ["snapshot", "client promotion"])
def test_a_rollback_that_is_overtaken_at_any_request_changes_nothing_more(what: str) -> None:
    """Its machine sleeps before a request for longer than its lease lasts."""
    for request in range(100, 200, 8):
        _follow(
            (
                ("begin", {"start": "in stage"}),
                ("run_newsletter", {"env": "dev"}),
                by_hand("function", "stage"),
                by_hand("file", "stage"),
                back("stage", 0, overtaken_at=request, meanwhile=what),
            )
        )


def _follow(steps: tuple[Step, ...]) -> None:
    machine = PromotionAndRecovery()
    try:
        for rule, given in steps:
            if rule != "deliver" or machine.events:
                getattr(machine, rule)(**given)
                machine.nothing_is_contradicted()
    finally:
        machine.teardown()

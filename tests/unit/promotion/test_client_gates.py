"""What a client's file must have shown before it goes on by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from vectora_ops.promotion.client_gates import ClientFacts, decide_client
from vectora_ops.promotion.environment_runs import ClientFile, Run
from vectora_ops.records import Hold
from vectora_ops.settings import Promotion

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
POLICY = Promotion(requires_smoke_test=True, soak_days=14, maximum_noise_percent=10, maximum_run_cost_usd=0.5)


def _file(version: str, sha256: str, **changes: Any) -> ClientFile:
    return replace(ClientFile(version=version, sha256=sha256, active=True, frequency="weekly"), **changes)


def _run(**changes: Any) -> Run:
    run = Run(client_id="lai_weekly", at=NOW, items=5, noise=0.02, cost_usd=0.1, client_version="7.1.0")
    return replace(run, **changes)


READY = ClientFacts(
    source="stage",
    target="prod",
    client_id="lai_weekly",
    file=_file("7.1.0", "new"),
    published="new",
    target_file=_file("7.0.0", "old"),
    runs=(_run(),),
    hold=None,
    now=NOW,
)


def test_a_version_that_made_a_quiet_newsletter_may_go_on_without_soaking() -> None:
    decision = decide_client(READY, POLICY)
    assert decision.outcome == "pass"
    assert [verdict.gate for verdict in decision.verdicts] == [
        "hold",
        "in-progress",
        "published",
        "client-version",
        "schedule",
        "newsletter",
        "noise",
        "cost",
    ]
    assert decision.sentence.startswith("lai_weekly 7.1.0 may go from stage to prod: prod is not held; ")


@pytest.mark.parametrize(
    ("changes", "gate", "outcome", "words"),
    [
        ({"hold": Hold(state="held", reason="x", at=NOW)}, "hold", "fail", "promotion is held"),
        ({"published": "other"}, "published", "fail", "was edited in its bucket"),
        ({"published": None}, "published", "fail", "was put there by hand"),
        ({"target_file": _file("7.1.0", "new")}, "client-version", "fail", "has this very file"),
        ({"target_file": _file("7.1.0", "old")}, "client-version", "fail", "does not move forward (7.1.0 -> 7.1.0)"),
        ({"target_file": _file("7.2.0", "old")}, "client-version", "fail", "does not move forward (7.2.0 -> 7.1.0)"),
        ({"target_file": None}, "schedule", "fail", "its schedule is not in prod"),
        ({"target_file": _file("7.0.0", "old", frequency="daily")}, "schedule", "fail", "frequency differs"),
        ({"target_file": _file("7.0.0", "old", active=False)}, "schedule", "fail", "active or frequency differs"),
        ({"runs": ()}, "newsletter", "inconclusive", "./vectora run lai_weekly --env stage"),
        ({"runs": (_run(client_version="7.0.0"),)}, "newsletter", "inconclusive", "no newsletter with items by 7.1.0"),
        ({"runs": (_run(items=0),)}, "newsletter", "fail", "no newsletter with items by 7.1.0"),
        ({"runs": (_run(), _run(noise=0.2))}, "noise", "fail", "noise 20.0 %"),
        ({"runs": (_run(cost_usd=0.9),)}, "cost", "fail", "over $0.5"),
        ({"runs": (_run(cost_usd=None),)}, "cost", "inconclusive", "no run recorded"),
    ],
)
def test_each_gate_refuses_with_its_reason(changes: dict[str, Any], gate: str, outcome: str, words: str) -> None:
    decision = decide_client(replace(READY, **changes), POLICY)
    (verdict,) = [each for each in decision.verdicts if not each.passes and each.gate == gate]
    assert (verdict.outcome, words in verdict.reason) == (outcome, True), verdict.reason
    assert decision.outcome == outcome
    assert decision.sentence.startswith("lai_weekly 7.1.0 may not go from stage to prod yet: ")


def test_a_client_that_no_schedule_makes_may_come_new() -> None:
    canary = replace(
        READY, file=_file("1.0.0", "new", active=False), target_file=None, runs=(_run(client_version="1.0.0"),)
    )
    assert decide_client(canary, POLICY).outcome == "pass"

"""Gates judge facts: each verdict has its numbers, and soak belongs to content, not to an execution."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vectora_ops.promotion.environment_runs import ClientFile, FailedRun, Run
from vectora_ops.promotion.gates import Decision, Facts, decide
from vectora_ops.promotion.verdicts import Verdict
from vectora_ops.records import Alarm, Bypass, Hold, LedgerEntry, ReleaseId
from vectora_ops.settings import Promotion

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
CONTENT, OTHER = "a" * 64, "b" * 64
# Digests of the same content in the environments, which differ by their settings.
IN_STAGE, IN_PROD, OTHER_IN_STAGE = "1" * 64, "2" * 64, "3" * 64
POLICY = Promotion(
    requires_smoke_test=True,
    requires_end_to_end_test=True,
    soak_days=14,
    minimum_runs=2,
    maximum_noise_percent=10,
    maximum_run_cost_usd=0.5,
    requires_client_versions_forward=True,
)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def released(at: datetime, content: str = CONTENT, **changes: Any) -> LedgerEntry:
    fields = {
        "kind": "release",
        "digest": IN_STAGE if content == CONTENT else OTHER_IN_STAGE,
        "content_digest": content,
        "version": "1.0.0",
        "at": at,
        "smoke_test": "3 items",
    }
    return LedgerEntry.model_validate({**fields, **changes})


def made(at: datetime, **changes: Any) -> Run:
    return replace(Run(client_id="lai_weekly", at=at, items=10, noise=0.05, cost_usd=0.2), **changes)


def file(version: str, content: str = "1") -> ClientFile:
    return ClientFile(version=version, sha256=content, active=True)


SOAKED = Facts(
    source="stage",
    target="prod",
    release=ReleaseId(IN_PROD, CONTENT),
    now=day(14),
    live_digest=IN_STAGE,
    ledger=(released(day(0)),),
    runs=(made(day(3)), made(day(10))),
    failed_runs=(),
    alarms=(),
    hold=None,
    bypass=None,
    clients={"lai_weekly": file("7.1.0", "new")},
    target_clients={"lai_weekly": file("7.0.0", "old")},
)


def facts(**changes: Any) -> Facts:
    return replace(SOAKED, **changes)


def verdict(gate: str, decision: Decision) -> Verdict:
    [found] = [each for each in decision.verdicts if each.gate == gate]
    return found


def judged(gate: str, **changes: Any) -> Verdict:
    return verdict(gate, decide(facts(**changes), POLICY))


def test_content_that_did_all_it_must_may_go_on() -> None:
    decision = decide(SOAKED, POLICY)
    assert decision.outcome == "pass"
    assert [each.gate for each in decision.verdicts] == [
        "hold", "in-progress", "rolled-back", "smoke-test",
        "soak", "runs", "noise", "cost", "end-to-end", "client-versions",
    ]  # fmt: skip
    for number in ("14.0 of 14 days", "2 of 2 runs", "noise 5.0 %", "$0.2000", "7.0.0 -> 7.1.0"):
        assert number in decision.sentence


def test_from_dev_to_stage_only_the_smoke_test_of_this_content_counts() -> None:
    policy = Promotion(requires_smoke_test=True)
    fresh = facts(now=day(0), runs=(), live_digest=OTHER_IN_STAGE)
    assert [each.gate for each in decide(fresh, policy).verdicts] == [
        "hold",
        "in-progress",
        "rolled-back",
        "smoke-test",
    ]
    assert decide(fresh, policy).outcome == "pass"
    assert decide(replace(fresh, ledger=(released(day(0), OTHER),)), policy).outcome == "fail"
    untested = (released(day(0), smoke_test=None),)
    assert decide(replace(fresh, ledger=untested), policy).outcome == "fail"


# --- soak


@pytest.mark.parametrize(("days", "outcome"), [(0, "fail"), (13.99, "fail"), (14, "pass"), (400, "pass")])
def test_soak_is_reached_to_the_minute(days: float, outcome: str) -> None:
    found = judged("soak", now=day(days))
    assert found.outcome == outcome
    assert found.numbers == {"days": pytest.approx(days), "required_days": 14.0}


def test_too_short_a_soak_says_when_it_will_be_enough() -> None:
    assert judged("soak", now=day(5)).reason == (
        "soaked 5.0 of 14 days on stage without a failure; enough on 2026-03-15 08:00 UTC"
    )


def test_the_same_content_deployed_again_keeps_its_soak() -> None:
    again = (released(day(0), execution="one"), released(day(9), execution="two"), released(day(13), execution="three"))
    assert judged("soak", ledger=again).outcome == "pass"


def test_changed_settings_of_the_source_or_the_target_keep_the_soak() -> None:
    resettled = (released(day(0)), released(day(9), digest="4" * 64))
    assert judged("soak", ledger=resettled, live_digest="4" * 64).outcome == "pass"
    assert judged("soak", release=ReleaseId("5" * 64, CONTENT)).outcome == "pass"


def test_a_release_recorded_before_there_was_a_content_digest_is_known_by_its_digest_alone() -> None:
    old = released(day(0), content_digest=None)
    assert judged("soak", ledger=(old,)).outcome == "fail"
    assert judged("smoke-test", ledger=(old,)).outcome == "fail"
    assert judged("soak", ledger=(old,), release=ReleaseId(IN_STAGE)).outcome == "pass"
    followed = (old, released(day(9)))
    assert judged("soak", ledger=followed).numbers["days"] == 5.0


def test_changed_content_starts_again() -> None:
    changed = (released(day(0), OTHER), released(day(9)))
    found = judged("soak", ledger=changed)
    assert (found.outcome, found.numbers["days"]) == ("fail", 5.0)


def test_content_that_comes_back_after_other_content_starts_again() -> None:
    there_and_back = (released(day(0)), released(day(5), OTHER), released(day(10)))
    assert judged("soak", ledger=there_and_back).numbers["days"] == 4.0


def test_a_failed_run_starts_again() -> None:
    found = judged("soak", failed_runs=(FailedRun(client_id="lai_weekly", at=day(4), status="TIMED OUT"),))
    assert (found.outcome, found.numbers["days"]) == ("fail", 10.0)
    assert "since the run of lai_weekly timed out on 2026-03-05 08:00 UTC" in found.reason


def test_an_alarm_starts_again() -> None:
    found = judged("soak", alarms=(Alarm(name="failed-runs-stage", reason="1 >= 1", at=day(12)),))
    assert (found.outcome, found.numbers["days"]) == ("fail", 2.0)


def test_an_alarm_is_not_forgotten_because_a_later_one_does_not_count() -> None:
    back = released(day(13), kind="rollback", replaced_since=day(12.9), smoke_test=None)
    counted, of_the_other = (Alarm(name="failed-runs-stage", reason="", at=day(at)) for at in (10, 12.95))
    found = judged("soak", ledger=(released(day(0)), back), alarms=(counted, of_the_other))
    assert (found.outcome, found.numbers["days"]) == ("fail", 3.9)


def test_what_failed_before_this_content_came_does_not_count() -> None:
    before = (FailedRun(client_id="lai_weekly", at=day(-1), status="FAILED"),)
    assert judged("soak", failed_runs=before, alarms=(Alarm(name="x", reason="", at=day(-0.5)),)).outcome == "pass"


def test_what_failed_while_other_content_was_being_deployed_and_rolled_back_does_not_count() -> None:
    back = released(day(6), kind="rollback", replaced_since=day(5.9), smoke_test=None)
    failed = (FailedRun(client_id="lai_weekly", at=day(5.95), status="FAILED"),)
    assert judged("soak", ledger=(released(day(0)), back), failed_runs=failed, now=day(14.1)).outcome == "pass"
    later = (FailedRun(client_id="lai_weekly", at=day(6.1), status="FAILED"),)
    assert judged("soak", ledger=(released(day(0)), back), failed_runs=later).outcome == "fail"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"live_digest": OTHER_IN_STAGE}, "stage has 333333333333, which the pipeline did not record"),
        ({"live_digest": None, "ledger": ()}, "stage has no release"),
        ({"ledger": ()}, "stage has 111111111111, which the pipeline did not record"),
        ({"ledger": (released(day(0)), released(day(1), OTHER))}, "did not record"),
        ({"live_digest": OTHER_IN_STAGE, "ledger": (released(day(0), OTHER),)}, "stage has 333333333333"),
    ],
)
def test_content_that_is_not_there_has_no_soak(changes: dict[str, Any], reason: str) -> None:
    found = judged("soak", **changes)
    assert found.outcome == "fail"
    assert reason in found.reason


# --- what the runs showed


def test_too_few_runs_are_inconclusive_because_more_may_come() -> None:
    found = judged("runs", runs=(made(day(3)),))
    assert found.outcome == "inconclusive"
    assert found.reason.startswith(
        "1 of 2 runs since it was deployed; to make one: ./vectora run lai_weekly --env stage"
    )


def test_runs_of_earlier_content_do_not_count() -> None:
    assert judged("runs", runs=(made(day(-3)), made(day(3)))).numbers["runs"] == 1.0


@pytest.mark.parametrize(
    ("noises", "outcome"), [((0.0999,), "pass"), ((0.1,), "fail"), ((0.0, 0.4), "fail"), ((None,), "inconclusive")]
)
def test_noise_is_that_of_the_worst_newsletter(noises: tuple[float | None, ...], outcome: str) -> None:
    assert judged("noise", runs=tuple(made(day(2), noise=each) for each in noises)).outcome == outcome


def test_an_empty_newsletter_shows_nothing_about_noise() -> None:
    assert judged("noise", runs=(made(day(2), items=0, noise=0.0),)).outcome == "inconclusive"


@pytest.mark.parametrize(
    ("costs", "outcome"), [((0.5,), "pass"), ((0.1, 0.51), "fail"), ((None,), "inconclusive"), ((), "inconclusive")]
)
def test_cost_is_that_of_the_dearest_run(costs: tuple[float | None, ...], outcome: str) -> None:
    assert judged("cost", runs=tuple(made(day(2), cost_usd=each) for each in costs)).outcome == outcome


def test_end_to_end_needs_a_newsletter_with_items_of_every_active_client() -> None:
    two = {"lai_weekly": file("7.1.0"), "other": file("1.0.0")}
    assert judged("end-to-end", clients=two).outcome == "inconclusive"
    empty = (*SOAKED.runs, made(day(5), client_id="other", items=0))
    assert judged("end-to-end", clients=two, runs=empty).outcome == "fail"
    both = (*SOAKED.runs, made(day(5), client_id="other"))
    assert judged("end-to-end", clients=two, runs=both).outcome == "pass"


@pytest.mark.parametrize(
    ("here", "there", "outcome", "reason"),
    [
        (file("7.0.0", "same"), file("7.0.0", "same"), "pass", "client files are the same"),
        (file("7.0.1", "b"), file("7.0.0", "a"), "pass", "7.0.0 -> 7.0.1"),
        (file("10.0.0", "b"), file("9.9.9", "a"), "pass", "9.9.9 -> 10.0.0"),
        (file("7.0.0", "b"), file("7.0.0", "a"), "fail", "another content under the same version"),
        (file("6.9.0", "b"), file("7.0.0", "a"), "fail", "an older version"),
        (file("invalid", "b"), file("7.0.0", "a"), "fail", "an older version"),
    ],
)
def test_client_versions_only_move_forward(here: ClientFile, there: ClientFile, outcome: str, reason: str) -> None:
    found = judged("client-versions", clients={"c": here}, target_clients={"c": there})
    assert found.outcome == outcome
    assert reason in found.reason


def test_a_client_may_come_but_not_vanish() -> None:
    assert judged("client-versions", clients={"new": file("1.0.0")}, target_clients={}).outcome == "pass"
    assert judged("client-versions", clients={}).outcome == "fail"


# --- holds and hotfixes


def test_a_held_environment_takes_nothing_and_says_how_to_go_on() -> None:
    held = Hold(state="held", reason="smoke-test-prod failed: no items.", at=day(1), outcome="rolled back to x")
    found = judged("hold", hold=held)
    assert found.outcome == "fail"
    assert "no items; rolled back to x" in found.reason
    assert "release-hold --env prod" in found.reason
    assert judged("hold", hold=held.model_copy(update={"state": "released"})).outcome == "pass"


def a_bypass(*gates: str, content: str = CONTENT) -> Bypass:
    return Bypass(
        digest=IN_STAGE, content_digest=content, gates=gates, reason="fix of a crash", by="user/somebody", at=day(0)
    )


def test_a_hotfix_goes_past_the_gates_that_are_named_and_no_others() -> None:
    new = facts(now=day(0.1), runs=())
    assert (
        decide(replace(new, bypass=a_bypass("soak", "runs", "noise", "cost", "end-to-end")), POLICY).outcome == "pass"
    )
    some = decide(replace(new, bypass=a_bypass("soak")), POLICY)
    assert some.outcome == "inconclusive"
    assert verdict("soak", some).bypassed
    assert verdict("soak", some).outcome == "fail"


def test_a_bypass_is_for_one_content_only() -> None:
    assert decide(facts(now=day(1), bypass=a_bypass("soak", content=OTHER)), POLICY).outcome == "fail"


def test_a_bypass_is_part_of_the_decision() -> None:
    decision = decide(facts(now=day(1), bypass=a_bypass("soak")), POLICY)
    assert decision.bypassed == ("soak",)
    assert "Bypassed: soak (fix of a crash)." in decision.sentence


def test_what_passes_anyway_was_not_bypassed() -> None:
    assert decide(facts(bypass=a_bypass("soak")), POLICY).bypassed == ()


def test_a_hold_is_never_bypassed() -> None:
    held = Hold(state="held", reason="x", at=day(1))
    assert decide(facts(hold=held, bypass=a_bypass("soak", "runs")), POLICY).outcome == "fail"

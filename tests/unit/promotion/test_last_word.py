"""The last word on a content decides: a success before a failure or a rollback allows nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vectora_ops.promotion.gates import Facts, decide
from vectora_ops.promotion.verdicts import Verdict
from vectora_ops.records import Alarm, Bypass, ClientPromotion, Deployment, Hold, LedgerEntry, ReleaseId, RemovedRelease
from vectora_ops.settings import Promotion
from vectora_ops.what_runs import ChangesByHand, Touch

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
CONTENT, OTHER = "a" * 64, "b" * 64
IN_STAGE, IN_PROD, OTHER_IN_STAGE = "1" * 64, "2" * 64, "3" * 64
POLICY = Promotion(requires_smoke_test=True, soak_days=14)
RELEASE = ReleaseId(IN_PROD, CONTENT)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def released(at: float, content: str = CONTENT, **changes: Any) -> LedgerEntry:
    fields = {
        "kind": "release",
        "digest": IN_STAGE if content == CONTENT else OTHER_IN_STAGE,
        "content_digest": content,
        "version": "1.0.0",
        "at": day(at),
        "smoke_test": "3 items",
    }
    return LedgerEntry.model_validate({**fields, **changes})


def back(at: float, content: str = CONTENT, *, removed: str, by: str = "operator", **changes: Any) -> LedgerEntry:
    gone = {"digest": "9" * 64, "content_digest": removed, "by": by}
    return released(at, content, kind="rollback", smoke_test=None, removed=gone, **changes)


def deployed(at: float, state: str = "rolled back", content: str = CONTENT, **changes: Any) -> Deployment:
    fields = {
        "state": state,
        "execution": "e-2",
        "digest": IN_STAGE if content == CONTENT else OTHER_IN_STAGE,
        "content_digest": content,
        "version": "1.0.0",
        "commit": "c",
        "snapshot": "before",
        "at": day(at),
        "outcome": "" if state == "released" else "smoke-test-stage failed: no items",
    }
    return Deployment.model_validate({**fields, **changes})


# How the sentence of a soak ends that has not begun.
BEGINS = "; the 14 days begin when stage has this content as it was released"
SOAKED = Facts(
    source="stage",
    target="prod",
    release=RELEASE,
    now=day(20),
    live_digest=IN_STAGE,
    ledger=(released(0),),
    runs=(),
    failed_runs=(),
    alarms=(),
    hold=None,
    bypass=None,
    clients={},
    target_clients={},
)


def judged(gate: str, **changes: Any) -> Verdict:
    [found] = [each for each in decide(replace(SOAKED, **changes), POLICY).verdicts if each.gate == gate]
    return found


# --- where it was tried


def test_content_that_failed_when_it_was_deployed_again_may_not_go_on() -> None:
    found = judged("smoke-test", deployments=(deployed(0, "released"), deployed(15)))
    assert found.outcome == "fail"
    assert "stage did not keep it when it was deployed last, on 2026-03-16 08:00 UTC: smoke-test" in found.reason


@pytest.mark.parametrize("state", ["rolled back", "left as it is"])
def test_each_failed_end_of_a_deployment_counts(state: str) -> None:
    assert judged("smoke-test", deployments=(deployed(15, state),)).outcome == "fail"


@pytest.mark.parametrize(("state", "outcome"), [("deploying", "inconclusive"), ("released", "pass")])
def test_a_deployment_that_did_not_fail_does_not_count_against_its_content(state: str, outcome: str) -> None:
    assert judged("smoke-test", deployments=(deployed(15, state),)).outcome == outcome


def test_the_failure_of_other_content_does_not_count() -> None:
    assert judged("smoke-test", deployments=(deployed(15, content=OTHER),)).outcome == "pass"


def test_content_that_passes_again_after_its_failure_may_go_on_and_soaks_anew() -> None:
    again = {"ledger": (released(0), released(16)), "deployments": (deployed(15), deployed(16, "released"))}
    assert judged("smoke-test", **again).outcome == "pass"
    found = judged("soak", **again)
    assert (found.outcome, found.numbers["days"]) == ("fail", 5.0)
    assert "since it was deployed again and failed on 2026-03-16" in found.reason


def test_a_failure_counts_from_its_end_and_not_from_the_begin_of_the_deployment() -> None:
    assert judged("soak", deployments=(deployed(15, ended=day(15.5)),)).numbers["days"] == 4.5


def test_what_an_operator_rolled_back_from_where_it_was_tried_may_not_go_on() -> None:
    gone = (released(0), back(15, OTHER, removed=CONTENT, reason="wrong companies"))
    found = judged("smoke-test", ledger=gone, live_digest=OTHER_IN_STAGE)
    assert found.outcome == "fail"
    assert found.reason == (
        "stage was rolled back from it on 2026-03-16 08:00 UTC: wrong companies; this gate passes when it was deployed "
        "there again and tested"
    )


def test_an_operator_who_goes_forward_again_revokes_the_removal() -> None:
    there_and_back = (released(0), back(15, OTHER, removed=CONTENT), back(16, removed=OTHER))
    assert judged("smoke-test", ledger=there_and_back).outcome == "pass"


def test_an_automatic_rollback_to_removed_content_revokes_nothing() -> None:
    there_and_back = (released(0), back(15, OTHER, removed=CONTENT), back(16, removed=OTHER, by="failure"))
    assert judged("smoke-test", ledger=there_and_back).outcome == "fail"


# --- soak belongs to what really runs


def test_the_time_under_a_release_that_a_rollback_removed_does_not_count() -> None:
    ledger = (released(0), back(13, removed=OTHER, by="failure", replaced_since=day(3)))
    found = judged("soak", ledger=ledger, now=day(14.1))
    assert (found.outcome, found.numbers["days"]) == ("fail", 4.1)
    assert "not counting the time under other releases; enough on 2026-03-25 08:00 UTC" in found.reason
    assert judged("soak", ledger=ledger, now=day(24)).outcome == "pass"


def test_a_rollback_from_a_release_of_unknown_duration_starts_the_soak_again() -> None:
    assert judged("soak", ledger=(released(0), back(13, removed=OTHER))).numbers["days"] == 7.0


def test_a_rollback_of_settings_alone_keeps_the_soak() -> None:
    assert judged("soak", ledger=(released(0), back(13, removed=CONTENT))).numbers["days"] == 20.0


def test_a_change_by_hand_ends_the_soak_and_is_named() -> None:
    found = judged("soak", changes=ChangesByHand(remaining=("function normalize was changed by hand",)))
    assert found.outcome == "fail"
    assert found.reason == (
        f"stage runs something else than its release: function normalize was changed by hand{BEGINS}"
    )


def test_many_changes_by_hand_are_counted() -> None:
    found = judged("soak", changes=ChangesByHand(remaining=tuple(f"file {number}" for number in range(8))))
    assert found.reason.endswith(f"file 4; and 3 more{BEGINS}")


def test_a_change_by_hand_that_was_undone_starts_the_soak_again() -> None:
    found = judged("soak", changes=ChangesByHand(undone=(Touch(at=day(9), what="function normalize"),)))
    assert found.numbers["days"] == 11.0
    assert "since function normalize was changed by hand, and back, on 2026-03-10" in found.reason


def test_the_time_before_a_deployment_that_repaired_a_change_by_hand_does_not_count() -> None:
    again = (released(0), released(12, repaired=("function normalize was changed by hand",)))
    assert judged("soak", ledger=again).numbers["days"] == 8.0


def test_an_environment_with_parts_of_a_release_has_no_soak() -> None:
    found = judged("soak", ledger=(released(0), released(9, kind="rollback", components=("functions",))))
    assert found.reason == f"stage has parts of it only: functions were rolled back on 2026-03-10 08:00 UTC{BEGINS}"


def test_a_complete_deployment_after_parts_were_rolled_back_soaks_from_then() -> None:
    ledger = (released(0), released(9, kind="rollback", components=("functions",)), released(10))
    assert judged("soak", ledger=ledger).numbers["days"] == 10.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"deployments": (deployed(15, "deploying", OTHER),)}, "stage is being deployed by execution e-2"),
        ({"deployments": (deployed(15, "left as it is", OTHER),)}, "the failed deployment of 1.0.0"),
        ({"source_hold": Hold(state="rolling back", reason="x", at=day(16))}, "stage is being rolled back since"),
    ],
)
def test_an_environment_between_two_releases_has_no_soak(changes: dict[str, Any], words: str) -> None:
    found = judged("soak", **changes)
    assert found.outcome == "fail"
    assert words in found.reason


@pytest.mark.parametrize("state", ["held", "released"])
def test_a_hold_after_the_rollback_of_other_content_does_not_end_the_soak(state: Any) -> None:
    assert judged("soak", source_hold=Hold(state=state, reason="x", at=day(2))).outcome == "pass"


def test_alarms_of_the_removed_release_do_not_count() -> None:
    ledger = (released(0), back(3.1, removed=OTHER, by="failure", replaced_since=day(3)))
    assert judged("soak", ledger=ledger, alarms=(Alarm(name="x", reason="", at=day(3.05)),)).outcome == "pass"


# --- where it is to go


def test_what_an_operator_rolled_back_from_does_not_come_back_unasked() -> None:
    found = judged("rolled-back", target_ledger=(released(1), back(2, OTHER, removed=CONTENT, reason="too noisy")))
    assert found.outcome == "fail"
    assert "prod was rolled back from it on 2026-03-03 08:00 UTC: too noisy" in found.reason
    assert "./vectora promote bypass --to prod --gate rolled-back" in found.reason


def asked(at: float, *gates: str) -> Bypass:
    return Bypass(digest=IN_STAGE, content_digest=CONTENT, gates=gates, reason="repaired data", by="me", at=day(at))


def test_it_comes_back_when_an_operator_asks_for_it_after_the_rollback() -> None:
    gone = (released(1), back(2, OTHER, removed=CONTENT))
    decision = decide(replace(SOAKED, target_ledger=gone, bypass=asked(3, "rolled-back")), POLICY)
    assert (decision.outcome, decision.bypassed) == ("pass", ("rolled-back",))


def test_a_bypass_from_before_the_rollback_has_been_used() -> None:
    gone = replace(SOAKED, target_ledger=(released(1), back(2, OTHER, removed=CONTENT)), now=day(3))
    decision = decide(replace(gone, bypass=asked(0.5, "rolled-back", "soak")), POLICY)
    assert (decision.outcome, decision.bypassed) == ("fail", ())


def test_a_bypass_outlives_a_failure_whose_hold_was_released() -> None:
    failed = replace(SOAKED, target_deployments=(deployed(5),), hold=Hold(state="released", reason="x", at=day(6)))
    decision = decide(replace(failed, bypass=asked(1, "soak"), now=day(7)), POLICY)
    assert (decision.outcome, decision.bypassed) == ("pass", ("soak",))


def test_other_content_may_come_after_a_rollback() -> None:
    assert judged("rolled-back", target_ledger=(released(1), back(2, removed=OTHER))).outcome == "pass"


def test_settings_that_were_rolled_back_do_not_come_back_unasked_and_other_settings_may() -> None:
    entry = released(2, kind="rollback", removed={"digest": IN_PROD, "content_digest": CONTENT, "by": "operator"})
    assert judged("rolled-back", target_ledger=(entry,)).outcome == "fail"
    assert judged("rolled-back", target_ledger=(entry,), release=ReleaseId("5" * 64, CONTENT)).outcome == "pass"


@pytest.mark.parametrize(
    ("hold", "outcome"),
    [
        (None, "fail"),
        (Hold(state="released", reason="x", at=day(1)), "fail"),
        (Hold(state="released", reason="x", at=day(6)), "pass"),
        (Hold(state="held", reason="x", at=day(6)), "fail"),
    ],
)
def test_what_failed_comes_back_once_the_hold_of_its_failure_is_released(hold: Hold | None, outcome: str) -> None:
    assert judged("rolled-back", target_deployments=(deployed(5),), hold=hold).outcome == outcome


def test_the_release_of_a_hold_does_not_ask_for_what_an_operator_removed() -> None:
    gone = (released(1), back(2, OTHER, removed=CONTENT))
    assert judged("rolled-back", target_ledger=gone, hold=Hold(state="released", reason="x", at=day(6))).outcome == (
        "fail"
    )


def test_nothing_enters_an_environment_that_another_execution_deploys_into() -> None:
    running = (deployed(19, "deploying", OTHER),)
    found = judged("in-progress", target_deployments=running, execution="e-3")
    assert (found.outcome, found.reason) == (
        "inconclusive",
        "prod is being deployed by execution e-2 since 2026-03-20 08:00 UTC: wait until that ends",
    )
    assert judged("in-progress", target_deployments=running, execution="e-2").outcome == "pass"


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("promoting", "inconclusive"), ("taking back", "inconclusive"), ("promoted", "pass"), ("rolled back", "pass")],
)
def test_nothing_enters_an_environment_while_a_clients_file_is_promoted(state: Any, outcome: str) -> None:
    promotion = ClientPromotion(
        state=state, client_id="c", version="2.0.0", source="stage", sha256="f" * 64, snapshot="s", at=day(19)
    )
    assert judged("in-progress", target_promotion=promotion).outcome == outcome


def test_a_removed_release_is_read_by_its_content() -> None:
    gone = RemovedRelease(digest="9" * 64, content_digest=CONTENT, by="failure")
    assert gone.release.has_same_content(RELEASE)

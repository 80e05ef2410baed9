"""The gate `window` refuses promotions at closed times, says when they are possible, and can be bypassed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.promotion_status import window_sentences
from vectora_ops.promotion.client_gates import ClientFacts, decide_client
from vectora_ops.promotion.environment_runs import ClientFile
from vectora_ops.promotion.gates import BYPASSABLE_GATES, Decision, Facts, decide
from vectora_ops.promotion.verdicts import Verdict
from vectora_ops.promotion.window import end_freeze, freeze_promotion, window_verdict
from vectora_ops.records import Bypass, Freeze, ReleaseId
from vectora_ops.settings import Promotion
from vectora_ops.windows import Windows
from vectora_shared.errors import VectoraError

WEEKEND = Windows(time_zone="Europe/Paris", closed=("SAT,SUN",))
POLICY = Promotion(requires_smoke_test=False, windows=(WEEKEND,))
FRIDAY, SATURDAY = datetime(2026, 5, 8, 12, 0, tzinfo=UTC), datetime(2026, 5, 9, 12, 0, tzinfo=UTC)
FACTS = Facts(
    source="stage",
    target="prod",
    release=ReleaseId("1" * 64, "a" * 64),
    now=FRIDAY,
    live_digest="1" * 64,
    ledger=(),
    runs=(),
    failed_runs=(),
    alarms=(),
    hold=None,
    bypass=None,
    clients={},
    target_clients={},
)
BYPASS = Bypass(
    digest="1" * 64, content_digest="a" * 64, gates=("window",), reason="feed parser crashes", by="x", at=FRIDAY
)


def freeze(**changes: Any) -> Freeze:
    record = Freeze(at=FRIDAY, until=FRIDAY + timedelta(hours=2), reason="audit", by="user/ann")
    return record.model_copy(update=changes)


def decided(policy: Promotion = POLICY, **changes: Any) -> Decision:
    return decide(replace(FACTS, **changes), policy)


def window(decision: Decision) -> Verdict:
    [found] = [each for each in decision.verdicts if each.gate == "window"]
    return found


def test_a_release_passes_when_the_windows_are_open() -> None:
    decision = decided()
    assert decision.outcome == "pass"
    assert "the promotion windows of prod are open" in decision.sentence


def test_a_closed_time_refuses_with_the_next_possible_time_in_the_windows_time_zone() -> None:
    decision = decided(now=SATURDAY)
    assert decision.outcome == "fail"
    assert window(decision).reason == (
        "prod is closed SAT,SUN; now it is Sat 2026-05-09 14:00 Europe/Paris, the next possible time is Mon 2026-05-11 "
        "00:00 Europe/Paris"
    )
    assert window(decision).numbers == {"next_possible": "2026-05-10T22:00:00+00:00"}


def test_an_environment_without_windows_has_no_such_gate() -> None:
    decision = decided(Promotion(requires_smoke_test=False), now=SATURDAY)
    assert [each.gate for each in decision.verdicts] == ["hold", "in-progress", "rolled-back"]


def test_a_bypass_lets_a_hotfix_in_and_its_reason_is_shown() -> None:
    assert "window" in BYPASSABLE_GATES
    decision = decided(now=SATURDAY, bypass=BYPASS)
    assert (decision.outcome, decision.bypassed) == ("pass", ("window",))
    assert "Bypassed: window (feed parser crashes)." in decision.sentence


def test_a_freeze_refuses_until_its_end_also_without_windows() -> None:
    without = Promotion(requires_smoke_test=False)
    refused = decided(without, freeze=freeze())
    assert "prod is frozen until Fri 2026-05-08 14:00 UTC (audit; user/ann)" in window(refused).reason
    assert decided(without, freeze=freeze(until=FRIDAY)).outcome == "pass", "it ends by itself"
    assert decided(without, freeze=freeze(ended_by="user/bob")).outcome == "pass"


def test_the_next_possible_time_is_after_the_freeze_and_in_the_windows() -> None:
    until = datetime(2026, 5, 9, 10, 0, tzinfo=UTC)
    assert window(decided(freeze=freeze(until=until))).numbers["next_possible"] == "2026-05-10T22:00:00+00:00"


def test_two_settings_that_leave_no_common_time_say_so() -> None:
    tuesday = Windows(time_zone="Europe/Paris", open=("TUE",))
    both = POLICY.model_copy(update={"windows": (tuesday, Windows(time_zone="Europe/Paris", open=("MON",)))})
    verdict = window(decided(both))
    assert (verdict.outcome, verdict.numbers["next_possible"]) == ("fail", None)
    assert "no later time is possible" in verdict.reason


@settings(deadline=None)
@given(st.integers(0, 20_000), st.integers(-500, 5_000))
def test_a_promotion_passes_at_the_next_possible_time(minutes: int, frozen_minutes: int) -> None:
    now = FRIDAY + timedelta(minutes=minutes)
    frozen = freeze(until=now + timedelta(minutes=frozen_minutes))
    verdict = window_verdict("prod", POLICY.windows, frozen, now)
    assert verdict is not None
    if verdict.outcome == "fail":
        following = datetime.fromisoformat(str(verdict.numbers["next_possible"]))
        then = window_verdict("prod", POLICY.windows, frozen, following)
        assert then is not None
        assert then.outcome == "pass"
        before = window_verdict("prod", POLICY.windows, frozen, following - timedelta(minutes=1))
        assert before is not None
        assert before.outcome == "fail"


def test_a_client_file_is_refused_at_a_closed_time_too() -> None:
    file = ClientFile(version="7.1.0", sha256="new", active=True)
    facts = ClientFacts(
        source="stage",
        target="prod",
        client_id="lai_weekly",
        file=file,
        published="new",
        target_file=replace(file, version="7.0.0", sha256="old"),
        runs=(),
        hold=None,
        now=SATURDAY,
    )
    assert window(decide_client(facts, POLICY)).outcome == "fail"
    assert window(decide_client(replace(facts, now=FRIDAY), POLICY)).outcome == "pass"
    assert window(decide_client(replace(facts, now=FRIDAY, freeze=freeze()), POLICY)).outcome == "fail"


def test_status_says_whether_the_windows_are_open() -> None:
    assert list(window_sentences((), None, "prod", FRIDAY)) == []
    assert list(window_sentences((WEEKEND,), None, "prod", FRIDAY)) == [
        "Open to promotions now: Fri 2026-05-08 14:00 Europe/Paris."
    ]
    [closed] = window_sentences((WEEKEND,), None, "prod", SATURDAY)
    assert closed.startswith("Closed to promotions: prod is closed SAT,SUN; ")
    [frozen] = window_sentences((), freeze(), "prod", FRIDAY)
    assert "frozen until" in frozen


class _Parameter:
    """Records with a freeze only."""

    def __init__(self) -> None:
        self.written: list[Freeze] = []

    def freeze(self) -> Freeze | None:
        return self.written[-1] if self.written else None

    def write_freeze(self, record: Freeze) -> None:
        self.written.append(record)


def set_freeze(records: Any, until: str) -> Freeze:
    return freeze_promotion(records, until=until, time_zone="Europe/Paris", reason="audit", by="user/ann", now=FRIDAY)


def test_a_freeze_is_recorded_and_an_operator_can_end_it() -> None:
    records: Any = _Parameter()
    record = set_freeze(records, "2026-05-12 09:00")
    assert record.until == datetime(2026, 5, 12, 7, 0, tzinfo=UTC)
    ended = end_freeze(records, "prod", by="user/bob", now=SATURDAY)
    assert records.written == [record, ended]
    assert not ended.is_in_force(SATURDAY)
    with pytest.raises(VectoraError, match="No freeze of prod is in force"):
        end_freeze(records, "prod", by="user/bob", now=SATURDAY)


@pytest.mark.parametrize(
    ("until", "words"),
    [
        ("2026-05-08 13:00", "is over; now it is Fri 2026-05-08 14:00 Europe/Paris"),
        ("tomorrow", "is no local time"),
        ("2026-10-25 02:30", "exists twice"),
        ("2062-05-08 13:00", "more than a year away"),
    ],
)
def test_a_freeze_until_no_time_to_come_is_refused_and_not_recorded(until: str, words: str) -> None:
    records: Any = _Parameter()
    with pytest.raises(VectoraError, match=words):
        set_freeze(records, until)
    assert records.written == []

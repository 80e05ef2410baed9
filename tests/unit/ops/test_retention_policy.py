"""Snapshots that the retention policy deletes, and those that it always keeps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from vectora_ops.snapshots.catalog import SnapshotSummary, State
from vectora_ops.snapshots.retention import Policy, decide

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DEV = Policy(keep_last=2, minimum_age_days=1)


def a_snapshot(name: str, *, days_old: float, state: State = "complete", pinned: bool = False) -> SnapshotSummary:
    return SnapshotSummary(
        name=name,
        state=state,
        started_at=NOW - timedelta(days=days_old),
        occasion="operator",
        release_version=None,
        release_digest=None,
        entries=1,
        bytes=1,
        copied_bytes=1,
        pinned=pinned,
        locked_until=None,
    )


def removed(*listed: SnapshotSummary, policy: Policy = DEV) -> list[str]:
    return [decision.name for decision in decide(listed, policy, NOW) if decision.remove]


def test_all_except_the_last_snapshots_are_deleted() -> None:
    assert removed(*(a_snapshot(f"s{n}", days_old=10 - n) for n in range(5))) == ["s0", "s1", "s2"]


def test_no_snapshot_below_the_minimum_age_is_deleted() -> None:
    assert removed(*(a_snapshot(f"s{n}", days_old=0.5) for n in range(9))) == []


def test_a_pinned_snapshot_stays_and_does_not_count_as_one_of_the_last() -> None:
    listed = [a_snapshot("old", days_old=90, pinned=True), *(a_snapshot(f"s{n}", days_old=9 - n) for n in range(3))]

    assert removed(*listed) == ["s0"]


def test_the_last_complete_snapshot_stays_when_newer_ones_are_incomplete() -> None:
    listed = [
        a_snapshot("whole", days_old=400),
        a_snapshot("broken-off", days_old=30, state="incomplete"),
        a_snapshot("damaged", days_old=20, state="damaged"),
    ]

    assert removed(*listed, policy=Policy(keep_last=1, minimum_age_days=1)) == ["broken-off"]


def test_a_snapshot_from_the_future_takes_no_place_and_stays() -> None:
    for days_old in (3, 400):
        listed = [a_snapshot(f"s{n}", days_old=days_old - n) for n in range(3)]
        future = a_snapshot("wrong-clock", days_old=-4000)

        one = Policy(keep_last=1, minimum_age_days=0)
        assert removed(*listed, future, policy=one) == removed(*listed, policy=one) == ["s0", "s1"]


def test_a_snapshot_whose_date_has_passed_counts_like_any_other() -> None:
    listed = [a_snapshot("real", days_old=9), a_snapshot("was-ahead", days_old=0.1)]

    assert removed(*listed, policy=Policy(keep_last=1, minimum_age_days=1)) == ["real"]


@pytest.mark.parametrize("state", ["complete", "incomplete"])
def test_the_age_of_a_snapshot_is_that_of_its_record_in_s3(state: State) -> None:
    old = replace(a_snapshot("clock-behind", days_old=9000, state=state), stored_at=NOW - timedelta(days=2))
    listed = (old, *(a_snapshot(f"s{n}", days_old=2 - n) for n in range(2)))

    assert removed(*listed, policy=Policy(keep_last=2, minimum_age_days=3)) == []
    assert removed(*listed, policy=Policy(keep_last=2, minimum_age_days=1)) == ["clock-behind"]


def test_the_snapshots_of_an_interrupted_operation_stay() -> None:
    listed = [a_snapshot(f"s{n}", days_old=9 - n) for n in range(4)]
    decisions = decide(listed, Policy(keep_last=1, minimum_age_days=1), NOW, needed=("s1",))

    assert [each.name for each in decisions if each.remove] == ["s0", "s2"]


def test_the_pin_of_a_snapshot_that_was_never_completed_does_not_keep_it() -> None:
    assert removed(a_snapshot("broken-off", days_old=9, state="incomplete", pinned=True)) == ["broken-off"]


def test_prod_keeps_all_complete_snapshots() -> None:
    listed = [a_snapshot(f"s{n:03}", days_old=1000 - n) for n in range(500)]

    assert removed(*listed, policy=Policy(keep_last=None, minimum_age_days=90)) == []


def test_the_leftover_of_an_interrupted_deletion_is_deleted() -> None:
    assert removed(a_snapshot("whole", days_old=3), a_snapshot("left", days_old=0, state="leftover")) == ["left"]


def test_every_decision_has_a_reason() -> None:
    listed = [a_snapshot(f"s{n}", days_old=9 - n, pinned=n == 1) for n in range(6)]

    assert all(decision.reason for decision in decide(listed, DEV, NOW))

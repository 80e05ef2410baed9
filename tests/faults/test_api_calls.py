"""Number of API calls of a snapshot and of a rollback: a CDK deployment of such an environment needs 58.

Beyond them, each comparison and each snapshot asks once for the tags of each object of a small bucket.
"""

from __future__ import annotations

from collections import Counter

from benchmarks.api_calls import IN_PROMOTION, counted, table
from tests.faults.operations import back_to, take
from tests.faults.small_environment import NAMES, SmallEnvironment

# Two of them read the histories of the promotion records.
SNAPSHOT_CALLS = 84
ROLLBACK_CALLS = 163
# Of function promotion, which compares a snapshot with what is deployed before it anchors it.
ANCHOR_CALLS = 40
TAGS = "s3.GetObjectTagging"
OBJECTS = 5
# A rollback compares before it begins, snapshots, compares what it restores, and compares again as its proof.
COMPARISONS_OF_A_ROLLBACK = 4


def without_tags(calls: Counter[str]) -> int:
    return sum(count for name, count in calls.items() if name != TAGS and not name.startswith(IN_PROMOTION))


def in_promotion(calls: Counter[str]) -> int:
    return sum(count for name, count in calls.items() if name.startswith(IN_PROMOTION))


def test_a_snapshot_needs_few_calls(small: SmallEnvironment) -> None:
    with counted(small.account, NAMES) as (account, first):
        take(account)
    with counted(small.account, NAMES) as (account, second):
        take(account, "second")
    print(table(first), table(second), sep="\n\n")
    for calls in (first, second):
        assert without_tags(calls) <= SNAPSHOT_CALLS, table(calls)
        assert calls[TAGS] == OBJECTS, table(calls)
        assert in_promotion(calls) <= ANCHOR_CALLS, table(calls)


def test_a_rollback_needs_few_calls(small: SmallEnvironment) -> None:
    good = take(small.account)
    small.deploy("2")
    with counted(small.account, NAMES) as (account, calls):
        back_to(account, good)
    print(table(calls))
    assert without_tags(calls) <= ROLLBACK_CALLS, table(calls)
    assert in_promotion(calls) <= ANCHOR_CALLS, table(calls)
    assert calls[TAGS] <= COMPARISONS_OF_A_ROLLBACK * OBJECTS, table(calls)

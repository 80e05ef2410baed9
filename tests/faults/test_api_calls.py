"""Number of API calls of a snapshot and of a rollback: a CDK deployment of such an environment needs 58."""

from __future__ import annotations

from benchmarks.api_calls import counted, table
from tests.faults.operations import back_to, take
from tests.faults.small_environment import SmallEnvironment

SNAPSHOT_CALLS = 80
ROLLBACK_CALLS = 150


def test_a_snapshot_needs_few_calls(small: SmallEnvironment) -> None:
    with counted(small.account) as (account, first):
        take(account)
    with counted(small.account) as (account, second):
        take(account, "second")
    print(table(first), table(second), sep="\n\n")
    assert first.total() <= SNAPSHOT_CALLS, table(first)
    assert second.total() <= SNAPSHOT_CALLS, table(second)


def test_a_rollback_needs_few_calls(small: SmallEnvironment) -> None:
    good = take(small.account)
    small.deploy("2")
    with counted(small.account) as (account, calls):
        back_to(account, good)
    print(table(calls))
    assert calls.total() <= ROLLBACK_CALLS, table(calls)

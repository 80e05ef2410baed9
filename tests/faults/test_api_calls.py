"""Number of API calls of a snapshot and of a rollback: a CDK deployment of such an environment needs 58."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tests.faults.operations import back_to, take
from tests.faults.small_environment import SmallEnvironment
from vectora_ops.account import Account

SNAPSHOT_CALLS = 80
ROLLBACK_CALLS = 150


@contextmanager
def counted(account: Account) -> Iterator[tuple[Account, Counter[str]]]:
    """Yield the account with clients of its own, and the number of their requests by service and operation."""
    calls: Counter[str] = Counter()
    events = account.session.events

    def count(event_name: str, **_: Any) -> None:
        calls[event_name.removeprefix("before-send.")] += 1

    events.register("before-send", count)
    try:
        yield replace(account, _clients={}), calls
    finally:
        events.unregister("before-send", count)


def table(calls: Counter[str]) -> str:
    return "\n".join([f"{calls.total()} calls", *(f"{count:4} {name}" for name, count in calls.most_common())])


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

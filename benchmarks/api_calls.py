"""Number of requests to AWS, counted as boto3 sends them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from rehearsal.promotion_in_process import in_promotion, with_promotion
from vectora_ops.account import Account
from vectora_ops.names import Names

SENT = "before-send"
# Of the names of requests that function promotion makes for an operation.
IN_PROMOTION = "promotion "


@contextmanager
def counted(account: Account, names: Names) -> Iterator[tuple[Account, Counter[str]]]:
    """Yield the account with clients of its own, and the number of their requests by service and operation."""
    calls: Counter[str] = Counter()
    events = account.session.events

    def count(event_name: str, **_: Any) -> None:
        name = event_name.removeprefix(f"{SENT}.")
        calls[f"{IN_PROMOTION}{name}" if in_promotion() else name] += 1

    events.register(SENT, count)
    try:
        # With its own function promotion, whose requests are counted apart.
        counting = replace(account, _clients={})
        yield with_promotion(counting, names), calls
    finally:
        events.unregister(SENT, count)


def table(calls: Counter[str]) -> str:
    """Return the numbers as text, the largest first."""
    return "\n".join([f"{calls.total()} calls", *(f"{count:4} {name}" for name, count in calls.most_common())])


def by_service(calls: Counter[str]) -> str:
    """Return the numbers by service as one line."""
    services: Counter[str] = Counter()
    for name, count in calls.items():
        services[name.partition(".")[0]] += count
    return ", ".join(f"{name} {count}" for name, count in services.most_common())

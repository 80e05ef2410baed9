"""Operations that are killed before any request that changes something: nothing is lost, and the next call finishes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Lock
from typing import Any

import pytest

from rehearsal.promotion_in_process import with_promotion
from tests.docs.vault_in_memory import NAMES
from tests.faults.in_memory import (
    CONTENT,
    FIRST,
    LAST,
    PINNED,
    InMemory,
    prune_all_but_the_last,
    restore,
    take,
    three_snapshots,
)
from vectora_ops.account import READS, Account
from vectora_ops.live_environment import Environment
from vectora_ops.snapshots.catalog import list_snapshots, pin, unpin
from vectora_ops.snapshots.compare import with_live
from vectora_ops.snapshots.lease import BusyError
from vectora_ops.snapshots.manifest import Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_vault

AFTER_THE_LEASE = timedelta(minutes=3)


class KilledError(BaseException):
    """The process has ended: it sends nothing more, not even the release of its lease."""


class Killed:
    """An account whose process ends before its change number `at`; without it, `changes` counts them all."""

    def __init__(self, account: Account, at: int | None = None) -> None:
        self.account = with_promotion(replace(account, _clients={}), NAMES)
        self.changes = 0
        self._at = at
        self._lock = Lock()
        events = self.account.client("s3").meta.events
        events.register_first("before-call.s3", self._before_call)
        events.register_first("before-send.s3", self._before_send)

    def _before_call(self, model: Any, **_: Any) -> None:
        with self._lock:
            if not model.name.startswith(READS):
                self.changes += 1
        self._before_send()

    def _before_send(self, **_: Any) -> None:
        if self._at is not None and self.changes > self._at:
            raise KilledError


@pytest.fixture(scope="module")
def memory() -> Iterator[InMemory]:
    with three_snapshots() as made:
        yield made


def killed_at_each_change(memory: InMemory, operation: Callable[[Account], Any]) -> Iterator[int]:
    """Yield after each kill of the operation, when its lease has lapsed."""
    memory.restart()
    every = Killed(memory.account)
    operation(every.account)
    assert every.changes > 0
    for number in range(every.changes):
        memory.restart()
        with pytest.raises(KilledError):
            operation(Killed(memory.account, number).account)
        if number:
            with pytest.raises(BusyError):
                prune_all_but_the_last(memory.account)
        memory.pass_time(AFTER_THE_LEASE)
        yield number


def states(vault: Vault) -> dict[str, str]:
    return {each.name: each.state for each in list_snapshots(vault)}


def assert_intact(vault: Vault) -> None:
    found = {each.snapshot: each for each in verify_vault(vault)}
    # One that was killed before its anchor is reported, because nothing else tells it from a forged one.
    complete = [each.name for each in list_snapshots(vault) if each.state == "complete" and each.trusted]
    assert all(found[name].intact for name in complete)


def test_a_pruning_killed_anywhere_is_finished_by_the_next(memory: InMemory) -> None:
    vault = Vault(memory.account, NAMES)
    for _ in killed_at_each_change(memory, prune_all_but_the_last):
        assert_intact(vault)
        prune_all_but_the_last(memory.account)
        assert states(vault) == {PINNED: "complete", LAST: "complete"}
        assert all(each.intact for each in verify_vault(vault)), "also no object is left that nothing needs"


def test_a_snapshot_killed_anywhere_can_be_finished_or_pruned(memory: InMemory) -> None:
    vault = Vault(memory.account, NAMES)
    for number in killed_at_each_change(memory, lambda account: take(account, "next")):
        assert_intact(vault)
        begun = [name for name in states(vault) if name.startswith("next")]
        if begun and number % 2:
            request = SnapshotRequest(label="any", occasion=Occasion(kind="operator"), resume=begun[0])
            name = take_snapshot(memory.account, NAMES, request).name
            assert states(vault)[name] == "complete"
        prune_all_but_the_last(memory.account)
        assert set(states(vault).values()) == {"complete"}
        assert all(each.intact for each in verify_vault(vault))


def test_a_pruning_leaves_what_an_interrupted_restore_needs(memory: InMemory) -> None:
    vault = Vault(memory.account, NAMES)
    for number in killed_at_each_change(memory, restore):
        before = states(vault)
        take_back = [name for name in before if name.startswith("before-rollback") and before[name] == "complete"]
        prune_all_but_the_last(memory.account)
        if take_back:
            assert take_back[0] in states(vault), "it holds what the restore has overwritten"
        if not number:
            assert FIRST not in states(vault), "the restore had not begun"
            continue
        restore(memory.account)
        assert not list(with_live(vault, Environment(memory.account, NAMES), vault.manifest(FIRST), CONTENT))
        assert_intact(vault)


@pytest.mark.parametrize("operation", ["pin", "unpin"])
def test_a_pin_killed_anywhere_is_set_or_removed_by_the_next_call(memory: InMemory, operation: str) -> None:
    vault = Vault(memory.account, NAMES)

    def run(account: Account) -> None:
        pin(Vault(account, NAMES), FIRST, "wanted") if operation == "pin" else unpin(Vault(account, NAMES), PINNED)

    for _ in killed_at_each_change(memory, run):
        assert_intact(vault)
        pinned = {each.name for each in list_snapshots(vault) if each.pinned}
        assert pinned in ({PINNED}, {PINNED, FIRST}, set())
        if operation == "pin" or PINNED in pinned:
            run(memory.account)
        assert {each.name for each in list_snapshots(vault) if each.pinned} == (
            {PINNED, FIRST} if operation == "pin" else set()
        )

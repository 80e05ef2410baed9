"""Two operations at the same time: for every pair, one runs completely before each change that the other makes.

Each operation has its effect or is refused in one sentence. The results that it reported are still true after both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import pytest

from cli.snapshot.drill import SCRATCH, rehearse_restore
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
from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.snapshots.catalog import list_snapshots, pin, unpin
from vectora_ops.snapshots.compare import with_live
from vectora_ops.snapshots.lease import Lease
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_snapshot, verify_vault
from vectora_shared.errors import VectoraError

# Operations that change nothing are interrupted at every so many requests.
READS_BETWEEN = 4


@dataclass
class World:
    """The environment, and what the operations said."""

    memory: InMemory
    said: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def account(self) -> Account:
        return self.memory.account

    def restart(self) -> None:
        self.said = []
        self.memory.restart()

    def do(self, operation: str, account: Account) -> None:
        """Run an operation; record its result, or the error that refuses it."""
        try:
            result = OPERATIONS[operation](self, account)
        except VectoraError as error:
            result = error
        self.said.append((operation, result))


OPERATIONS: dict[str, Callable[[World, Account], Any]] = {
    "take": lambda world, account: take(account, f"taken{len(world.said)}"),
    "restore": lambda _, account: restore(account),
    "prune": lambda _, account: prune_all_but_the_last(account),
    "pin": lambda _, account: pin(Vault(account, NAMES), FIRST, "wanted"),
    "unpin": lambda _, account: unpin(Vault(account, NAMES), PINNED),
    "verify": lambda _, account: verify_vault(Vault(account, NAMES)),
    "verify one": lambda _, account: (verify_snapshot(Vault(account, NAMES), FIRST),),
    "rehearse": lambda _, account: rehearse_restore(account, NAMES, FIRST),
    "list": lambda _, account: list_snapshots(Vault(account, NAMES)),
}
READERS = ("verify", "verify one", "list")


@dataclass
class Interruption:
    """Call before one request of an account's operation; the operation's other threads wait meanwhile."""

    at: int | None = None
    then: Callable[[], None] = lambda: None
    requests: list[str] = field(default_factory=list)
    _lock: Any = field(default_factory=threading.Lock)

    def watching(self, account: Account) -> Account:
        own = with_promotion(replace(account, _clients={}), NAMES)
        own.client("s3").meta.events.register("before-send.s3", self._before_send)
        return own

    def _before_send(self, request: Any, **_: Any) -> None:
        with self._lock:
            self.requests.append(request.method)
            if len(self.requests) - 1 == self.at:
                self.then()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with three_snapshots() as memory:
        yield World(memory)


def points(world: World, operation: str) -> list[int]:
    """Return the requests before which another operation runs: the first one, and each that changes something."""
    world.restart()
    seen = Interruption()
    world.do(operation, seen.watching(world.account))
    if operation in READERS:
        return list(range(0, len(seen.requests), READS_BETWEEN))
    return [0, *(number for number, method in enumerate(seen.requests) if method != "GET")]


@pytest.mark.parametrize(
    ("first", "second"),
    [pair for pair in product(OPERATIONS, repeat=2) if not set(pair) <= set(READERS)],
)
def test_two_operations_at_the_same_time_are_both_right(world: World, first: str, second: str) -> None:
    for point in points(world, first):
        world.restart()
        interruption = Interruption(point, lambda: world.do(second, world.account))
        world.do(first, interruption.watching(world.account))

        assert [operation for operation, _ in world.said] == [second, first], point
        assert_all_is_true(world)


def assert_all_is_true(world: World) -> None:
    vault = Vault(world.account, NAMES)
    listed = {each.name: each for each in list_snapshots(vault)}
    verified = {each.snapshot: each for each in verify_vault(vault)}
    assert not any("\n" in str(result) for _, result in world.said if isinstance(result, VectoraError))
    assert {each.state for each in listed.values()} == {"complete"}, world.said
    assert all(verified[name].intact for name in listed), world.said
    done = [(operation, result) for operation, result in world.said if not isinstance(result, VectoraError)]
    removed = set()
    for operation, result in done:
        match operation:
            case "take":
                assert result in listed
            case "pin":
                assert listed[FIRST].pinned
            case "unpin":
                assert PINNED not in listed or not listed[PINNED].pinned
            case "verify" | "verify one":
                assert all(each.intact for each in result), world.said
            case "rehearse":
                assert result.restorable, world.said
            case "prune":
                removed |= {each.name for each in result.decisions if each.remove}
            case "list":
                assert LAST in {each.name for each in result}
    assert {FIRST, PINNED, LAST} - removed <= listed.keys(), world.said
    if "restore" in dict(done) and FIRST in listed:
        environment_now = Environment(world.account, NAMES)
        assert not list(with_live(vault, environment_now, vault.manifest(FIRST), CONTENT)), world.said
    s3 = world.account.client("s3")
    assert "Contents" not in s3.list_objects_v2(Bucket=NAMES.bucket("data"), Prefix=SCRATCH)
    with Lease(world.account, NAMES, operation="next", subject="any"):
        pass

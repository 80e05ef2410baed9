"""Operations whose lease is lost just before any request that changes something: that request is not sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Lock
from typing import Any

import pytest

from cli.snapshot.drill import rehearse_restore
from rehearsal.promotion_in_process import with_promotion
from tests.docs.vault_in_memory import NAMES, VAULT
from tests.faults.in_memory import FIRST, PINNED, InMemory, prune_all_but_the_last, restore, take, three_snapshots
from vectora_ops.account import READS, Account
from vectora_ops.snapshots import lease as leases
from vectora_ops.snapshots.catalog import pin, unpin
from vectora_ops.snapshots.lease import LEASE_KEY, BusyError
from vectora_ops.snapshots.vault import Vault

SUCCESSOR = b'{"owner": "a successor"}'
AFTER_THE_LOSS = "x-test-after-the-loss"
OPERATIONS: dict[str, Callable[[Account], Any]] = {
    "take": lambda account: take(account, "next"),
    "restore": restore,
    "prune": prune_all_but_the_last,
    "rehearse": lambda account: rehearse_restore(account, NAMES, FIRST),
    "pin": lambda account: pin(Vault(account, NAMES), FIRST, "wanted"),
    "unpin": lambda account: unpin(Vault(account, NAMES), PINNED),
}


@dataclass
class Watched:
    """An account whose operation loses its lease just before its change number `lost_at`."""

    account: Account
    lost_at: int | None = None
    begun: int = 0
    sent: list[str] = field(default_factory=list)
    sent_after_the_loss: list[str] = field(default_factory=list)
    _lock: Any = field(default_factory=Lock)

    def __post_init__(self) -> None:
        others = self.account.client("s3")
        self.account = with_promotion(replace(self.account, _clients={}), NAMES)
        events = self.account.client("s3").meta.events

        def begin(request: Any, operation_name: str, **_: Any) -> None:
            if operation_name.startswith(READS) or LEASE_KEY in request.url:
                return
            with self._lock:
                if self.begun == self.lost_at:
                    others.put_object(Bucket=VAULT, Key=LEASE_KEY, Body=SUCCESSOR)
                if self.lost_at is not None and self.begun >= self.lost_at:
                    request.headers[AFTER_THE_LOSS] = "true"
                self.begun += 1

        def send(request: Any, **_: Any) -> None:
            if request.method not in ("GET", "HEAD") and LEASE_KEY not in request.url:
                self.sent.append(request.url)
                if AFTER_THE_LOSS in request.headers:
                    self.sent_after_the_loss.append(request.url)

        # Before the check of the lease, which is made when a request is created.
        events.register_first("request-created.s3", begin)
        events.register("before-send.s3", send)


@pytest.fixture(scope="module")
def memory() -> Iterator[InMemory]:
    with three_snapshots() as made:
        yield made


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each check of the lease read it from S3, as with one that is due for renewal, and nothing else renew it."""
    monkeypatch.setattr(leases, "RENEW_AFTER", timedelta(0))
    monkeypatch.setattr(leases.Lease, "_keep_renewing", lambda lease: None)


@pytest.mark.usefixtures("watchful")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_change_follows_the_loss_of_the_lease(memory: InMemory, operation: str) -> None:
    memory.restart()
    every = Watched(memory.account)
    OPERATIONS[operation](every.account)
    assert every.begun == len(every.sent) > 0

    for number in range(every.begun):
        memory.restart()
        watched = Watched(memory.account, lost_at=number)
        with pytest.raises(BusyError, match="taken over"):
            OPERATIONS[operation](watched.account)

        assert watched.sent_after_the_loss == []
        # Requests that run side by side can begin before the loss and be refused by a check that is made after it.
        assert len(watched.sent) <= number, watched.sent
        stored = memory.account.client("s3").get_object(Bucket=VAULT, Key=LEASE_KEY)
        assert stored["Body"].read() == SUCCESSOR

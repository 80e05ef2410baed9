"""Environment in memory with three snapshots, which is brought back in a moment, and operations on it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import RLock
from typing import Any
from unittest.mock import patch

from moto.core.botocore_stubber import BotocoreStubber
from moto.s3.models import s3_backends
from moto.ssm.models import ssm_backends

from tests.docs.vault_in_memory import NAMES, NOON, VAULT, environment, put
from vectora_ops.account import Account
from vectora_ops.rollback.request import RollbackRequest
from vectora_ops.rollback.run import roll_back
from vectora_ops.snapshots.catalog import pin
from vectora_ops.snapshots.manifest import Component, Occasion
from vectora_ops.snapshots.retention import Policy, Pruned, prune
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault

CONTENT: tuple[Component, ...] = ("clients", "canonical", "data", "newsletters")
FIRST, PINNED, LAST = (f"{label}_20260106_120005" for label in ("first", "pinned", "last"))


@dataclass(frozen=True)
class InMemory:
    """The account of the environment, its buckets and parameters as they were at first, and S3's time."""

    account: Account
    saved: tuple[Any, Any]
    moment: list[datetime]

    def pass_time(self, passing: timedelta) -> None:
        self.moment[0] += passing

    def restart(self) -> None:
        buckets, parameters = self.saved
        for now, before in (
            (_buckets(self.account), copy.deepcopy(buckets)),
            (_parameters(self.account), _copied(parameters)),
        ):
            now.clear()
            now.update(before)


@contextmanager
def three_snapshots() -> Iterator[InMemory]:
    """Yield an environment that was edited after its last snapshot; the second one is pinned."""
    moment = [NOON]
    with environment(date=lambda: moment[0], stored=lambda: moment[0]) as account, _one_answer_at_a_time():
        s3 = account.client("s3")
        # moto has no GetObjectRetention, which a deletion of locked objects needs.
        s3.put_object_lock_configuration(Bucket=VAULT, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
        for label in ("first", "pinned", "last"):
            put(account, "config", "clients/lai_weekly.yaml", label.encode())
            put(account, "newsletters", f"lai_weekly/{label}.md", label.encode() * 20)
            take(account, label)
        pin(Vault(account, NAMES), PINNED, "the audit")
        put(account, "config", "clients/lai_weekly.yaml", b"edited")
        moment[0] += timedelta(minutes=10)
        yield InMemory(account, (copy.deepcopy(_buckets(account)), _copied(_parameters(account))), moment)


@contextmanager
def _one_answer_at_a_time() -> Iterator[None]:
    """Keep moto's requests apart, whose buckets are not made for threads."""
    turn, answer = RLock(), BotocoreStubber.__call__

    def answer_alone(self: BotocoreStubber, *args: Any, **options: Any) -> Any:
        with turn:
            return answer(self, *args, **options)

    with patch.object(BotocoreStubber, "__call__", answer_alone):
        yield


def _buckets(account: Account) -> dict[str, Any]:
    buckets: dict[str, Any] = s3_backends[account.account_id]["aws"].buckets
    return buckets


def _parameters(account: Account) -> Any:
    return ssm_backends[account.account_id][account.region]._parameters


def _copied(parameters: Any) -> dict[str, Any]:
    # moto's own dictionary cannot be copied; no version of a parameter is ever changed.
    return {name: list(versions) for name, versions in parameters.items()}


def take(account: Account, label: str) -> str:
    request = SnapshotRequest(label=label, occasion=Occasion(kind="operator"))
    return take_snapshot(account, NAMES, request).name


def restore(account: Account) -> str:
    request = RollbackRequest(snapshot=FIRST, components=CONTENT)
    return roll_back(account, NAMES, request, smoke_test=lambda: None).snapshot


def prune_all_but_the_last(account: Account) -> Pruned:
    return prune(account, NAMES, Policy(keep_last=1, minimum_age_days=0))

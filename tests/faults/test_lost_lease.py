"""Operations whose lease was taken over: they stop before their next change, at any step."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cli.snapshot.drill import SCRATCH, rehearse_restore
from tests.faults.operations import take
from tests.faults.small_environment import NAMES, SmallEnvironment
from vectora_ops.progress import Observer, utc_now
from vectora_ops.records import Records
from vectora_ops.rollback.request import RollbackRequest
from vectora_ops.rollback.run import STEPS, roll_back
from vectora_ops.snapshots import lease as leases
from vectora_ops.snapshots.lease import LEASE_KEY, BusyError
from vectora_ops.snapshots.manifest import Occasion
from vectora_ops.snapshots.retention import Policy, prune
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault

SUCCESSOR = b'{"owner": "a successor"}'


class Taken(Observer):
    """Observer that takes the lease over when a step begins; `found` is the environment at that time."""

    def __init__(self, small: SmallEnvironment, step: str) -> None:
        self._small = small
        self._step = step
        self.found: dict[str, Any] = {}

    def step(self, name: str) -> None:
        if name == self._step:
            s3 = self._small.account.client("s3")
            s3.put_object(Bucket=NAMES.bucket("snapshots"), Key=LEASE_KEY, Body=SUCCESSOR)
            self.found = self._small.state()

    def assert_nothing_changed_since(self) -> None:
        assert self.found, "the step was never reached"
        assert self._small.state() == self.found
        stored = self._small.account.client("s3").get_object(Bucket=NAMES.bucket("snapshots"), Key=LEASE_KEY)
        assert stored["Body"].read() == SUCCESSOR


@pytest.fixture(autouse=True)
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every check of the lease read it from S3, as with a lease that is due for renewal."""
    monkeypatch.setattr(leases, "RENEW_AFTER", timedelta(milliseconds=1))


@pytest.mark.parametrize("step", STEPS[1:])
def test_a_rollback_without_its_lease_changes_nothing_more(small: SmallEnvironment, step: str) -> None:
    good = take(small.account)
    small.deploy("2")
    small.break_it()
    observer = Taken(small, step)

    with pytest.raises(BusyError, match="taken over"):
        roll_back(
            small.account,
            NAMES,
            RollbackRequest(snapshot=good.name),
            smoke_test=lambda: None,
            observer=observer,
        )

    observer.assert_nothing_changed_since()
    assert Records(small.account, NAMES).ledger() == ()


@pytest.mark.parametrize("step", ["begin", "stacks", "data", "recheck", "lock", "manifest"])
def test_a_snapshot_without_its_lease_is_not_completed(small: SmallEnvironment, step: str) -> None:
    observer = Taken(small, step)

    with pytest.raises(BusyError, match="taken over"):
        take_snapshot(
            small.account,
            NAMES,
            SnapshotRequest(label="next", occasion=Occasion(kind="operator")),
            observer=observer,
        )

    observer.assert_nothing_changed_since()
    assert Vault(small.account, NAMES).manifests() == ()


@pytest.mark.parametrize("step", ["decide", "hide"])
def test_a_pruning_without_its_lease_hides_no_snapshot(unlocked: SmallEnvironment, step: str) -> None:
    names = []
    for version in ("1", "2"):
        unlocked.deploy(version)
        names.append(take(unlocked.account, f"release{version}").name)
    observer = Taken(unlocked, step)

    with pytest.raises(BusyError, match="taken over"):
        prune(
            unlocked.account,
            NAMES,
            Policy(keep_last=1, minimum_age_days=0),
            observer=observer,
            clock=lambda: utc_now() + timedelta(minutes=3),
        )

    observer.assert_nothing_changed_since()
    assert sorted(each.name for each in Vault(unlocked.account, NAMES).manifests()) == sorted(names)


def test_a_rehearsal_without_its_lease_leaves_the_files_of_its_successor(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    key = f"{SCRATCH}{manifest.name}/newsletters/of-the-successor"

    class ContentWithFile(Taken):
        def step(self, name: str) -> None:
            if name == "data":
                small.account.client("s3").put_object(Bucket=NAMES.bucket("data"), Key=key, Body=b"x")
            super().step(name)

    observer = ContentWithFile(small, "data")
    with pytest.raises(BusyError, match="taken over"):
        rehearse_restore(small.account, NAMES, manifest.name, observer=observer)

    assert small.account.client("s3").get_object(Bucket=NAMES.bucket("data"), Key=key)["Body"].read() == b"x"

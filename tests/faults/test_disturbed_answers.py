"""Snapshots and rollbacks while the emulator throttles, fails and cuts answers, at a seeded rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rehearsal.disturbances import Disturbances, disturbance_counts
from rehearsal.emulator import Emulator
from tests.faults.operations import back_to, differences, take
from tests.faults.small_environment import NAMES, SmallEnvironment
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_vault

Disturb = Callable[[Disturbances], None]


@pytest.fixture
def disturb(emulator: Emulator) -> Iterator[Disturb]:
    yield lambda rates: rates.set(emulator.endpoint, emulator.ca_bundle)
    Disturbances().set(emulator.endpoint, emulator.ca_bundle)


def test_a_snapshot_and_a_rollback_succeed_at_once_at_a_low_failure_rate(
    small: SmallEnvironment, emulator: Emulator, disturb: Disturb
) -> None:
    disturb(Disturbances(seed=1, throttle=0.02, server_error=0.02, cut=0.02))
    good = take(small.account)
    disturb(Disturbances())
    small.deploy("2")
    small.break_it()

    disturb(Disturbances(seed=2, throttle=0.02, server_error=0.02, cut=0.02))
    back_to(small.account, good)
    counts = disturbance_counts(emulator.endpoint, emulator.ca_bundle)
    disturb(Disturbances())

    assert sum(counts.values()) > 0
    assert differences(small.account, good) == []
    assert small.say("ingest-v2") == "ingest-v2 1"
    assert all(each.intact for each in verify_vault(Vault(small.account, NAMES)) if each.components)

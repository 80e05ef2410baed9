"""Operations killed at any step: nothing is lost, and the next call finishes."""

from __future__ import annotations

import pytest

from rehearsal.emulator import Emulator
from tests.faults.operations import back_to, differences, kill_at, resume, take
from tests.faults.small_environment import NAMES, SmallEnvironment
from tests.faults.store_clock import after_the_lease
from vectora_ops.account import Account
from vectora_ops.rollback.run import STEPS as ROLLBACK_STEPS
from vectora_ops.snapshots.anchors import NoAnchorError
from vectora_ops.snapshots.catalog import list_snapshots, pin
from vectora_ops.snapshots.lease import BusyError
from vectora_ops.snapshots.retention import STEPS as PRUNE_STEPS
from vectora_ops.snapshots.retention import Policy, prune
from vectora_ops.snapshots.take import STEPS as SNAPSHOT_STEPS
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_snapshot, verify_vault


@pytest.mark.parametrize("step", SNAPSHOT_STEPS)
def test_a_snapshot_killed_at_any_step_is_completed_later_and_changes_nothing(
    emulator: Emulator, small: SmallEnvironment, step: str
) -> None:
    account, vault = small.account, Vault(small.account, NAMES)
    before = small.state()

    kill_at(emulator, step, "snapshot", "killed")

    listed = list_snapshots(vault)
    states = [each.state for each in listed]
    begun = SNAPSHOT_STEPS.index(step) >= SNAPSHOT_STEPS.index("begin") + 1
    # Complete without an anchor: nothing uses it, until it is resumed.
    complete = step in ("anchor", "finish")
    assert states == (["complete"] if complete else ["incomplete"] if begun else [])
    assert (vault.newest(1) == []) == (step != "finish")
    if step == "anchor":
        with pytest.raises(NoAnchorError, match="--without-anchor REASON"):
            back_to(account, vault.manifest(listed[0].name))
    later = after_the_lease(account)
    manifest = resume(later, listed[0].name) if begun else take(later, "killed")
    assert verify_snapshot(vault, manifest.name).intact
    assert [each.state for each in list_snapshots(vault)] == ["complete"]
    assert small.state() == before
    assert differences(account, manifest) == []


@pytest.mark.parametrize("step", ROLLBACK_STEPS)
def test_a_rollback_killed_at_any_step_is_completed_later_and_loses_nothing(
    emulator: Emulator, small: SmallEnvironment, step: str
) -> None:
    account, vault = small.account, Vault(small.account, NAMES)
    good = take(account)
    small.deploy("2")
    small.break_it()
    broken = take(account, "broken")

    kill_at(emulator, step, "rollback", good.name)
    later = after_the_lease(account)
    back_to(later, good)

    assert differences(account, good) == []
    assert (small.say("ingest-v2"), small.say("normalize-score-v2")) == ("ingest-v2 1", "normalize-score-v2 1")
    safety = [each for each in Vault(later, NAMES).manifests() if each.occasion.kind == "rollback"]
    broken_digests = {component: record.digest for component, record in broken.components.items()}
    assert any({c: r.digest for c, r in each.components.items()} == broken_digests for each in safety)
    assert all(each.intact for each in verify_vault(vault))


@pytest.mark.parametrize("step", PRUNE_STEPS)
def test_a_pruning_killed_at_any_step_is_completed_later_and_keeps_needed_objects(
    emulator: Emulator, unlocked: SmallEnvironment, step: str
) -> None:
    account, vault = unlocked.account, Vault(unlocked.account, NAMES)
    names = []
    for version in ("1", "2", "3", "4"):
        unlocked.deploy(version)
        names.append(take(account, f"release{version}").name)
    pin(vault, names[0], "the first of all")

    kill_at(emulator, step, "prune", "1")
    prune(after_the_lease(account), NAMES, Policy(keep_last=1, minimum_age_days=0))

    assert [files.name for files in vault.snapshots()] == [names[0], names[3]]
    assert all(each.intact for each in verify_vault(vault)), verify_vault(vault)
    unlocked.break_it()
    back_to(account, vault.manifest(names[0]))
    assert unlocked.say("ingest-v2") == "ingest-v2 1"


def test_a_killed_operation_blocks_others_until_its_lease_lapses(
    emulator: Emulator, small: SmallEnvironment, account: Account
) -> None:
    kill_at(emulator, "data", "snapshot", "killed")

    with pytest.raises(BusyError, match="its lease lapses at"):
        take(account, "next")
    assert take(after_the_lease(account), "next").entries > 0

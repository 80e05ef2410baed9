"""Gauges of snapshots: the age of the newest usable one, and those that no rollback can use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.docs.vault_in_memory import VAULT, fill_with_text
from tests.unit.watch.world import World
from vectora_ops.snapshots.object_store import OBJECTS
from vectora_ops.snapshots.vault import MANIFEST, SNAPSHOTS, Vault
from vectora_ops.watch.reading import Reading
from vectora_ops.watch.snapshots import damaged_snapshots, snapshot_age


@pytest.fixture(autouse=True)
def filled(world: World) -> None:
    fill_with_text(world.account)


def damaged(world: World) -> Reading:
    return damaged_snapshots(world.account, world.names)


def test_the_age_is_that_of_the_newest_complete_snapshot(world: World) -> None:
    world.take_snapshot("first")
    world.pass_time(timedelta(hours=5))
    world.take_snapshot("second")
    world.pass_time(timedelta(hours=31))
    assert snapshot_age(world.account, world.names).value == pytest.approx(31, abs=0.1)


def test_an_environment_without_a_snapshot_has_no_age(world: World) -> None:
    reading = snapshot_age(world.account, world.names)
    assert (reading.value, reading.why) == (None, "dev has no snapshot yet")


def test_intact_snapshots_are_not_damaged(world: World) -> None:
    world.take_snapshot()
    assert damaged(world) == Reading(value=0)


def test_a_snapshot_that_lacks_an_object_is_damaged_until_the_object_is_back(world: World) -> None:
    manifest = world.take_snapshot()
    s3 = world.account.client("s3")
    removed = next(each for each in Vault(world.account, world.names).references(manifest))
    s3.delete_object(Bucket=VAULT, Key=OBJECTS + removed)
    reading = damaged(world)
    assert reading.value == 1
    assert manifest.name in reading.found[0].message
    [marker] = s3.list_object_versions(Bucket=VAULT, Prefix=OBJECTS + removed)["DeleteMarkers"]
    s3.delete_object(Bucket=VAULT, Key=OBJECTS + removed, VersionId=marker["VersionId"])
    assert damaged(world).value == 0


def test_a_snapshot_whose_manifest_was_hidden_is_damaged(world: World) -> None:
    manifest = world.take_snapshot()
    world.account.client("s3").delete_object(Bucket=VAULT, Key=f"{SNAPSHOTS}{manifest.name}/{MANIFEST}")
    reading = damaged(world)
    assert reading.value == 1
    assert "hidden or deleted" in reading.found[0].message


def test_a_snapshot_without_an_anchor_is_damaged_once_anchors_exist(world: World) -> None:
    # moto dates parameters by the machine's clock, and a snapshot is expected to have an anchor after the first one.
    world.at(datetime(2037, 1, 1, tzinfo=UTC))
    world.take_snapshot("first")
    world.pass_time(timedelta(hours=1))
    forged = world.take_snapshot("second")
    world.account.client("ssm").delete_parameter(Name=world.names.parameter(f"anchors/{forged.name}"))
    reading = damaged(world)
    assert (reading.value, [each.what for each in reading.found]) == (1, ["1 snapshot is damaged"])
    assert f"{forged.name}: it has no anchor" in reading.found[0].message


def test_nothing_is_said_while_another_operation_changes_the_vault(world: World) -> None:
    manifest = world.take_snapshot()
    world.account.client("s3").delete_object(Bucket=VAULT, Key=f"{SNAPSHOTS}{manifest.name}/{MANIFEST}")
    with Vault(world.account, world.names).lease("prune of", "", clock=lambda: world.now):
        reading = damaged(world)
    assert (reading.value, reading.why) == (None, "another operation changes the vault")

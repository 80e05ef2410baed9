"""Snapshots around an adoption, and the folders of a system that ran before this app."""

from __future__ import annotations

import pytest

from adoption.adopt import Adoption, adopt, snapshot_of_adopted
from tests.faults.operations import back_to, differences, take
from tests.faults.small_environment import ASSETS, NAMES, ROLE, SmallEnvironment
from vectora_ops.progress import Observer
from vectora_ops.snapshots.compare import between_snapshots
from vectora_ops.snapshots.lease import BusyError, Lease
from vectora_ops.snapshots.vault import Vault

OTHER_FOLDERS = ("raw/lai_weekly_v6/2025/12/19/items.json", "normalized/lai_weekly_v6/2025/12/19/items.json", "notes")
ANALYSIS = "analyses/1.json"


def _put(small: SmallEnvironment, body: bytes, *keys: str) -> None:
    for key in keys:
        small.account.client("s3").put_object(Bucket=NAMES.bucket("data"), Key=key, Body=body)


def _read(small: SmallEnvironment, key: str) -> bytes:
    body: bytes = small.account.client("s3").get_object(Bucket=NAMES.bucket("data"), Key=key)["Body"].read()
    return body


def test_a_snapshot_of_all_data_brings_back_every_folder_except_stored_analyses(small: SmallEnvironment) -> None:
    _put(small, b"old", *OTHER_FOLDERS, ANALYSIS)
    manifest = take(small.account, data="all")
    _put(small, b"new", *OTHER_FOLDERS, ANALYSIS, "raw/added")
    small.account.client("s3").delete_object(Bucket=NAMES.bucket("data"), Key=OTHER_FOLDERS[0])

    result = back_to(small.account, manifest)

    assert [_read(small, key) for key in OTHER_FOLDERS] == [b"old"] * 3
    assert _read(small, ANALYSIS) == b"new"
    assert (result.objects_written, result.objects_deleted) == (3, 1)
    assert differences(small.account, manifest) == []
    assert result.safety_snapshot is not None
    safety = Vault(small.account, NAMES).manifest(result.safety_snapshot)
    assert safety.components["data"].entries == 2 + 3, "all that the rollback overwrites or deletes"


def test_other_folders_stay_as_they_are_after_a_snapshot_of_runs(small: SmallEnvironment) -> None:
    runs = take(small.account)
    _put(small, b"new", *OTHER_FOLDERS)

    assert back_to(small.account, runs).nothing_to_do

    assert [_read(small, key) for key in OTHER_FOLDERS] == [b"new"] * 3
    everything = take(small.account, "all", data="all")
    found = between_snapshots(Vault(small.account, NAMES), runs, everything, ("data",))
    assert list(found) == [], "the first snapshot does not cover these folders"


def test_what_was_adopted_is_in_a_pinned_snapshot_of_all_data(small: SmallEnvironment) -> None:
    _put(small, b"old", *OTHER_FOLDERS)

    manifest = snapshot_of_adopted(small.account, NAMES, Observer())

    assert manifest is not None
    assert {entry.path for entry, _ in Vault(small.account, NAMES).entries(manifest.components["data"])} >= set(
        OTHER_FOLDERS
    )
    pinned = Vault(small.account, NAMES).pin(manifest.name)
    assert pinned is not None
    assert "before a deployment" in pinned.reason


def test_without_a_vault_the_first_deployment_takes_the_snapshot(small: SmallEnvironment) -> None:
    assert snapshot_of_adopted(small.account, NAMES.of("stage"), Observer()) is None


def test_no_adoption_begins_while_another_operation_holds_the_environment(small: SmallEnvironment) -> None:
    adoption, arguments = Adoption((), (), False), {"code_bucket": ASSETS, "role_arn": ROLE}
    adopt(small.account, NAMES, adoption, **arguments)

    with (
        Lease(small.account, NAMES, operation="rollback", subject="good_20260101_000000"),
        pytest.raises(BusyError, match="is busy: rollback"),
    ):
        adopt(small.account, NAMES, adoption, **arguments)

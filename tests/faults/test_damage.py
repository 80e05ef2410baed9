"""Damage to any file of the vault: verification finds and names it, and rollbacks are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.faults.operations import back_to, take
from tests.faults.small_environment import ASSETS, NAMES, SmallEnvironment
from vectora_ops.snapshots.catalog import list_snapshots, pin
from vectora_ops.snapshots.retention import Policy, prune
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_snapshot, verify_vault
from vectora_shared.errors import VectoraError

VAULT = NAMES.bucket("snapshots")


def files_of(small: SmallEnvironment) -> list[str]:
    listed = small.account.client("s3").list_objects_v2(Bucket=VAULT)["Contents"]
    return [each["Key"] for each in listed if not each["Key"].startswith("locks/")]


def flip(small: SmallEnvironment, key: str, position: float) -> bytes:
    """Flip one bit in the middle of a file, of which no other version is left, and return the original bytes."""
    s3 = small.account.client("s3")
    body: bytes = s3.get_object(Bucket=VAULT, Key=key)["Body"].read()
    place = int(position * (len(body) - 1))
    s3.put_object(Bucket=VAULT, Key=key, Body=body[:place] + bytes([body[place] ^ 4]) + body[place + 1 :])
    remove_older_versions(small, key)
    return body


def remove_older_versions(small: SmallEnvironment, key: str) -> None:
    """Delete what lies below the newest version, which only someone can who may bypass the lock."""
    s3 = small.account.client("s3")
    for each in s3.list_object_versions(Bucket=VAULT, Prefix=key).get("Versions", []):
        if not each["IsLatest"]:
            s3.delete_object(Bucket=VAULT, Key=key, VersionId=each["VersionId"], BypassGovernanceRetention=True)


@pytest.mark.parametrize("position", [0.0, 0.5, 1.0])
def test_a_flipped_bit_in_any_file_is_found_and_refused(small: SmallEnvironment, position: float) -> None:
    vault = Vault(small.account, NAMES)
    manifest = take(small.account)
    pin(vault, manifest.name, "for the test")
    small.break_it()
    before = small.state()

    for key in files_of(small):
        body = flip(small, key, position)
        assert not verify_snapshot(vault, manifest.name).intact, key
        with pytest.raises(VectoraError, match=r"damaged|not intact"):
            back_to(small.account, manifest)
        small.account.client("s3").put_object(Bucket=VAULT, Key=key, Body=body)

    assert small.state() == before
    assert verify_snapshot(vault, manifest.name).intact


def test_a_missing_file_is_named(small: SmallEnvironment) -> None:
    vault = Vault(small.account, NAMES)
    manifest = take(small.account)

    for key in files_of(small):
        if key.endswith("manifest.json"):
            continue
        body = small.account.client("s3").get_object(Bucket=VAULT, Key=key)["Body"].read()
        small.account.client("s3").delete_object(Bucket=VAULT, Key=key)
        problems = verify_snapshot(vault, manifest.name).problems
        assert ("missing", key) in {(each.kind, each.name) for each in problems}
        small.account.client("s3").put_object(Bucket=VAULT, Key=key, Body=body)


def test_a_damaged_object_names_the_files_whose_bytes_it_holds(small: SmallEnvironment) -> None:
    vault = Vault(small.account, NAMES)
    manifest = take(small.account)
    (letter, _) = next(vault.entries(manifest.components["newsletters"]))
    # In the middle of the file, because files of all components share a pack.
    [piece] = letter.slices
    size = len(vault.read(piece.sha256))
    flip(small, f"objects/{piece.sha256}", (piece.offset + piece.length / 2) / size)

    names = {each.name for each in verify_snapshot(vault, manifest.name).problems}

    assert f"objects/{letter.slices[0].sha256}" in names
    assert f"newsletters: {letter.path}" in names


def test_objects_that_no_snapshot_needs_are_reported_as_extra(small: SmallEnvironment) -> None:
    vault = Vault(small.account, NAMES)
    manifest = take(small.account)
    s3 = small.account.client("s3")
    s3.put_object(Bucket=VAULT, Key=f"snapshots/{manifest.name}/stranger.txt", Body=b"x")
    vault.store(b"needed by nobody")

    problems = {(each.kind, each.name.rpartition("/")[2]) for found in verify_vault(vault) for each in found.problems}

    assert ("extra", "stranger.txt") in problems
    assert len([kind for kind, _ in problems if kind == "extra"]) == 2


def test_the_next_snapshot_does_not_build_on_damaged_bytes(small: SmallEnvironment) -> None:
    vault = Vault(small.account, NAMES)
    first = take(small.account)
    (letter, _) = next(vault.entries(first.components["newsletters"]))
    flip(small, f"objects/{letter.slices[0].sha256}", 0.5)

    second = take(small.account, "second")

    assert verify_snapshot(vault, second.name).intact
    # The same content has the same name, so the damaged object is repaired.
    assert verify_snapshot(vault, first.name).intact


def test_a_snapshot_of_another_environment_or_project_is_refused(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    s3 = small.account.client("s3")
    key = f"snapshots/{manifest.name}/manifest.json"
    document = json.loads(s3.get_object(Bucket=VAULT, Key=key)["Body"].read())

    from vectora_ops.snapshots.manifest import sealed, to_bytes

    for field, value in (("env", "prod"), ("project", "another")):
        foreign = sealed({**{k: v for k, v in document.items() if k != "digest"}, field: value})
        with pytest.raises(VectoraError, match=value):
            Vault(small.account, NAMES).parsed(manifest.name, to_bytes(foreign))


def test_an_unknown_snapshot_is_refused_with_the_existing_names(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    unknown = manifest.model_copy(update={"name": "never_20260101_000000"})

    with pytest.raises(VectoraError, match=f"There is no snapshot 'never_20260101_000000'.*{manifest.name}"):
        back_to(small.account, unknown)


def test_the_vault_holds_no_secret_and_no_signed_address(small: SmallEnvironment) -> None:
    small.break_it()
    take(small.account)
    s3 = small.account.client("s3")
    everything = b"".join(s3.get_object(Bucket=VAULT, Key=key)["Body"].read() for key in files_of(small))

    for forbidden in (b"X-Amz-", b"hidden", b"Signature", b"_ministack/lambda-code"):
        assert forbidden not in everything, forbidden
    assert b"withheld, hmac-sha256" in everything
    assert b"/a/name" in everything


def test_deleted_assets_are_restored_from_the_vault(small: SmallEnvironment) -> None:
    s3 = small.account.client("s3")
    manifest = take(small.account)
    small.deploy("2")
    listed: list[Any] = s3.list_objects_v2(Bucket=ASSETS)["Contents"]
    old = [each["Key"] for each in listed if "-1.zip" in each["Key"]]
    for key in old:
        s3.delete_object(Bucket=ASSETS, Key=key)

    back_to(small.account, manifest)

    assert small.say("ingest-v2") == "ingest-v2 1"
    assert set(old) <= {each["Key"] for each in s3.list_objects_v2(Bucket=ASSETS)["Contents"]}


STRAYS = (
    "notes.txt",
    "objects/",
    "objects/README.txt",
    f"objects/{'0' * 63}",
    f"objects/{'A' * 64}",
    f"objects/archive/{'0' * 64}",
    "packs/x",
    "snapshots/",
    "snapshots/notes.txt",
    "snapshots/.DS_Store",
    "snapshots/Copy of good/manifest.json",
    "snapshots/good_2026/manifest.json",
    "snapshots/good_20260101_000000/",
    "locks/",
)


def test_stray_objects_of_a_vault_are_reported_and_decide_nothing(unlocked: SmallEnvironment) -> None:
    account, vault = unlocked.account, Vault(unlocked.account, NAMES)
    s3 = account.client("s3")
    first = take(account)
    manifest = s3.get_object(Bucket=VAULT, Key=f"snapshots/{first.name}/manifest.json")["Body"].read()
    for key in STRAYS:
        s3.put_object(Bucket=VAULT, Key=key, Body=manifest if key.endswith("manifest.json") else b"")

    second = take(account, "second")
    reported = {problem.name for found in verify_vault(vault) for problem in found.problems}
    pruned = prune(account, NAMES, Policy(keep_last=1, minimum_age_days=0))

    assert reported == set(STRAYS)
    assert [each.name for each in list_snapshots(vault)] == [second.name]
    assert pruned.removed_snapshots == 1
    assert set(STRAYS) <= {each["Key"] for each in s3.list_objects_v2(Bucket=VAULT)["Contents"]}


def test_a_manifest_in_the_folder_of_another_snapshot_is_damage_and_stops_no_snapshot(small: SmallEnvironment) -> None:
    account, vault = small.account, Vault(small.account, NAMES)
    s3 = account.client("s3")
    first = take(account)
    copied = {"Bucket": VAULT, "Key": f"snapshots/{first.name}/manifest.json"}
    body = s3.get_object(**copied)["Body"].read()
    s3.put_object(Bucket=VAULT, Key="snapshots/copy_29991231_235959/manifest.json", Body=body)

    second = take(account, "second")

    assert verify_snapshot(vault, second.name).intact
    assert [each.kind for each in verify_snapshot(vault, "copy_29991231_235959").problems][:1] == ["damaged"]

"""Content, cost and failures of snapshots."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from cli.snapshot.drill import SCRATCH, rehearse_restore
from tests.faults.operations import back_to, differences, take
from tests.faults.small_environment import NAMES, SmallEnvironment
from tests.faults.store_clock import after_the_lease, hear_at, hear_later
from vectora_ops.account import Account
from vectora_ops.names import BucketContent
from vectora_ops.progress import Observer, OutOfTimeError, utc_now
from vectora_ops.snapshots import part_ends, reading
from vectora_ops.snapshots.bucket_source import BucketSource
from vectora_ops.snapshots.catalog import list_snapshots, newest_rollback_target
from vectora_ops.snapshots.compare import between_snapshots
from vectora_ops.snapshots.index import Entry
from vectora_ops.snapshots.lease import BusyError, Lease
from vectora_ops.snapshots.manifest import COMPONENTS, Manifest, Occasion
from vectora_ops.snapshots.retention import Policy, prune
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_snapshot
from vectora_shared.errors import VectoraError

VAULT = NAMES.bucket("snapshots")
REQUEST = SnapshotRequest(label="next", occasion=Occasion(kind="operator"))


def entries(small: SmallEnvironment, manifest: Manifest) -> dict[str, Entry]:
    vault = Vault(small.account, NAMES)
    return {
        f"{component}: {entry.path}": entry
        for component in COMPONENTS
        for entry, _ in vault.entries(manifest.components[component])
    }


def put(small: SmallEnvironment, content: BucketContent, key: str, body: bytes) -> None:
    small.account.client("s3").put_object(Bucket=NAMES.bucket(content), Key=key, Body=body)


def test_a_snapshot_holds_the_bytes_of_all_components(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    vault, found = Vault(small.account, NAMES), entries(small, manifest)
    code = (
        small.account.client("s3")
        .get_object(Bucket=f"cdk-hnb659fds-assets-{'0' * 12}-eu-west-3", Key="ingest-v2-1.zip")["Body"]
        .read()
    )

    assert vault.bytes_of(found["functions: vectora-inbox-ingest-v2-dev/code.zip"]) == code
    assert vault.bytes_of(found["newsletters: lai_weekly/2026/01/06/newsletter.md"]) == b"# News\n"
    assert b"AWS::Lambda::Function" in vault.bytes_of(found["stacks: vectora-inbox-s1-runtime-dev/template"])
    assert any(path.startswith("layers: ") and path.endswith("/content.zip") for path in found)
    assert manifest.release is not None
    assert manifest.release.version == "1.0.0"


def test_a_snapshot_holds_the_last_run_of_each_client_or_all_data(small: SmallEnvironment) -> None:
    put(small, "data", "curated/other/2025/12/31/items.json", b"[]")
    put(small, "data", "ingested/canary/2026/01/15/items.json", b"the smoke test's own")

    last = [path for path in entries(small, take(small.account)) if path.startswith("data")]
    everything = [path for path in entries(small, take(small.account, "all", data="all")) if path.startswith("data")]

    assert last == ["data: curated/other/2025/12/31/items.json", "data: ingested/lai_weekly/2026/01/06/items.json"]
    assert len(everything) == 3


def test_function_code_that_is_also_an_asset_is_stored_once(small: SmallEnvironment) -> None:
    found = entries(small, take(small.account))

    asset = found["stacks: vectora-inbox-s1-ingest-v2-dev/assets/ingest-v2-1.zip"]
    assert found["functions: vectora-inbox-ingest-v2-dev/code.zip"].slices == asset.slices


def test_unchanged_items_are_not_copied_again(small: SmallEnvironment) -> None:
    for number in range(50):
        put(small, "newsletters", f"lai_weekly/{number:03}.md", bytes([number]) * 4000)
    take(small.account)
    put(small, "newsletters", "lai_weekly/007.md", b"changed")
    put(small, "newsletters", "lai_weekly/008.md", bytes([8]) * 4000)  # the same content again

    second = take(small.account, "second")

    index = sum(
        len(Vault(small.account, NAMES).read(part.index))
        for record in second.components.values()
        for part in record.parts
    )
    assert second.copied_bytes - index < 4000 * 2
    assert verify_snapshot(Vault(small.account, NAMES), second.name).intact


def test_an_item_that_was_deleted_for_a_while_is_not_stored_again(small: SmallEnvironment) -> None:
    large = bytes(range(256)) * 10_000
    put(small, "newsletters", "big.bin", large)
    take(small.account)
    small.account.client("s3").delete_object(Bucket=NAMES.bucket("newsletters"), Key="big.bin")
    take(small.account, "without")
    put(small, "newsletters", "big.bin", large)

    again = take(small.account, "again")

    assert again.copied_bytes < len(large)
    assert verify_snapshot(Vault(small.account, NAMES), again.name).intact


def test_large_and_empty_files_are_stored_without_a_change(small: SmallEnvironment) -> None:
    large = bytes(range(256)) * 80_000  # 20 MB: three chunks
    put(small, "newsletters", "big.bin", large)
    put(small, "newsletters", "empty.bin", b"")
    put(small, "newsletters", "middle.bin", large[: 2 * 1024 * 1024])
    vault = Vault(small.account, NAMES)

    found = entries(small, take(small.account))

    assert vault.bytes_of(found["newsletters: big.bin"]) == large
    assert vault.bytes_of(found["newsletters: empty.bin"]) == b""
    assert len(found["newsletters: big.bin"].slices) == 3


@pytest.mark.parametrize("deleted", [False, True])
def test_an_object_that_changes_after_its_listing_is_copied_as_listed(
    small: SmallEnvironment, monkeypatch: pytest.MonkeyPatch, deleted: bool
) -> None:
    opening = BucketSource.open
    s3, place = small.account.client("s3"), {"Bucket": NAMES.bucket("newsletters"), "Key": "lai_weekly/x.md"}
    s3.put_object(**place, Body=b"as listed")

    def changes_first(self: BucketSource, item: Any) -> Any:
        if item.path == place["Key"]:
            s3.delete_object(**place) if deleted else s3.put_object(**place, Body=b"later")
        return opening(self, item)

    monkeypatch.setattr(BucketSource, "open", changes_first)
    manifest = take(small.account)

    letter = entries(small, manifest)["newsletters: lai_weekly/x.md"]
    assert Vault(small.account, NAMES).bytes_of(letter) == b"as listed"


def test_a_deployment_during_a_snapshot_fails_it_and_leaves_it_incomplete(small: SmallEnvironment) -> None:
    class Deploys(Observer):
        def step(self, name: str) -> None:
            if name == "newsletters":
                small.deploy("2")

    with pytest.raises(VectoraError, match="would mix two states"):
        take_snapshot(small.account, NAMES, REQUEST, observer=Deploys())

    (listed,) = list_snapshots(Vault(small.account, NAMES))
    assert listed.state == "incomplete"


def test_concurrent_snapshots_are_refused_except_one(small: SmallEnvironment) -> None:
    def run(label: str) -> Manifest | BusyError:
        try:
            return take(small.account, label)
        except BusyError as error:
            return error

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(run, [f"at-once-{number}" for number in range(6)]))

    complete = [each for each in outcomes if isinstance(each, Manifest)]
    assert complete
    assert len(complete) < 6
    for manifest in complete:
        assert verify_snapshot(Vault(small.account, NAMES), manifest.name).intact
    assert {each.state for each in list_snapshots(Vault(small.account, NAMES))} == {"complete"}


def test_it_continues_where_the_previous_invocation_stopped(
    small: SmallEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_ends, "SHORTEST_PART", 4)
    monkeypatch.setattr(part_ends, "LONGEST_PART", 10)
    monkeypatch.setattr(reading, "WINDOW_ITEMS", 1)
    for number in range(60):
        put(small, "newsletters", f"lai_weekly/{number:03}.md", bytes([number]) * 100)
    reads: list[str] = []
    opening = BucketSource.open

    def counted(self: BucketSource, item: Any) -> Any:
        reads.append(item.path)
        return opening(self, item)

    monkeypatch.setattr(BucketSource, "open", counted)

    name, invocations = None, 0
    while True:
        invocations += 1
        try:
            resumed = SnapshotRequest(label="long", occasion=Occasion(kind="operator"), resume=name)
            manifest = take_snapshot(small.account, NAMES, resumed, deadline=lambda: True)
            break
        except OutOfTimeError as unfinished:
            name = unfinished.subject

    assert invocations > len(COMPONENTS)
    assert manifest.components["newsletters"].entries == 61
    assert len(reads) == len(set(reads)), "nothing was read twice"
    assert differences(small.account, manifest) == []


def test_an_empty_account_gives_a_snapshot_of_nothing(account: Account) -> None:
    small = SmallEnvironment(account)
    small._vault(locked=True)

    manifest = take(account)

    assert manifest.is_empty
    assert differences(account, manifest) == []


def test_an_environment_without_a_vault_is_refused_with_the_command_that_creates_one(account: Account) -> None:
    with pytest.raises(VectoraError, match="cdk deploy vectora-inbox-s0-operations-dev --context env=dev"):
        take(account)


def test_reused_objects_are_locked_as_long_as_the_newest_snapshot(small: SmallEnvironment) -> None:
    s3 = small.account.client("s3")
    first = take(small.account)

    second = take_snapshot(hear_later(small.account, timedelta(hours=5)), NAMES, REQUEST)

    (letter, _) = next(Vault(small.account, NAMES).entries(first.components["newsletters"]))
    kept = s3.get_object_retention(Bucket=VAULT, Key=f"objects/{letter.slices[0].sha256}")["Retention"]
    assert second.locked_until is not None
    assert kept["Mode"] == "GOVERNANCE"
    assert kept["RetainUntilDate"] >= second.locked_until.replace(microsecond=0)


def test_pruning_keeps_and_counts_locked_objects(small: SmallEnvironment) -> None:
    take(small.account, "old")
    small.deploy("2")
    newest = take(small.account, "new")
    tomorrow = hear_later(small.account, timedelta(hours=23))

    pruned = prune(tomorrow, NAMES, Policy(keep_last=1, minimum_age_days=0))

    assert pruned.removed_snapshots == 1
    assert pruned.still_locked > 0
    assert verify_snapshot(Vault(small.account, NAMES), newest.name).intact
    assert [each.name for each in list_snapshots(Vault(small.account, NAMES)) if each.state == "complete"] == [
        newest.name
    ]


def test_the_later_of_two_snapshots_in_one_second_is_the_newest(small: SmallEnvironment) -> None:
    second = utc_now()
    for label in ("z-first", "a-second"):
        take(hear_at(small.account, lambda: second), label)
    vault = Vault(small.account, NAMES)

    assert [each.name[:8] for each in vault.newest(2)] == ["a-second", "z-first_"]
    assert [each.name[:8] for each in list_snapshots(vault)] == ["z-first_", "a-second"]


def test_latest_skips_empty_snapshots_and_safety_snapshots(account: Account) -> None:
    small = SmallEnvironment(account)
    small._vault(locked=True)
    vault = Vault(account, NAMES)
    take(account, "empty")
    assert newest_rollback_target(vault) is None

    small.fill()
    good = take(account)
    small.break_it()
    back_to(account, good)

    newest = newest_rollback_target(vault)
    assert newest is not None
    assert newest.name == good.name


def test_differences_between_two_snapshots_are_reported(small: SmallEnvironment) -> None:
    first = take(small.account)
    small.deploy("2")
    put(small, "config", "clients/lai_weekly.yaml", b"client_profile:\n  client_id: another\n")
    second = take(small.account, "second")

    changes = {each.path: each for each in between_snapshots(Vault(small.account, NAMES), first, second)}

    assert changes["vectora-inbox-ingest-v2-dev/code.zip"].kind == "changed"
    assert "-  client_id: lai_weekly" in changes["clients/lai_weekly.yaml"].text
    assert "+  client_id: another" in changes["clients/lai_weekly.yaml"].text
    assert changes["release.json"].kind == "changed"


def test_a_restore_is_rehearsed_beside_the_environment_and_leaves_no_trace(small: SmallEnvironment) -> None:
    put(small, "newsletters", "big.bin", bytes(range(256)) * 40_000)
    manifest = take(small.account)
    before = small.state()

    rehearsal = rehearse_restore(small.account, NAMES, manifest.name)

    assert rehearsal.restorable, rehearsal.problems
    assert rehearsal.entries == manifest.entries
    assert SCRATCH in rehearsal.prefix
    assert small.state() == before


def test_a_rehearsed_restore_names_files_that_cannot_be_restored(small: SmallEnvironment) -> None:
    vault = Vault(small.account, NAMES)
    manifest = take(small.account)
    (letter, _) = next(vault.entries(manifest.components["newsletters"]))
    small.account.client("s3").delete_object(Bucket=VAULT, Key=f"objects/{letter.slices[0].sha256}")

    rehearsal = rehearse_restore(small.account, NAMES, manifest.name)

    assert any("newsletters" in problem for problem in rehearsal.problems)


def test_a_lease_stays_with_its_holder_under_any_clock_of_the_machines(small: SmallEnvironment) -> None:
    wrong = {"ahead": lambda: utc_now() + timedelta(hours=1), "behind": lambda: utc_now() - timedelta(hours=1)}
    for holders, others in permutations(wrong.values(), 2):
        held = Lease(small.account, NAMES, operation="snapshot", subject="held", clock=holders)
        other = Lease(small.account, NAMES, operation="snapshot", subject="other", clock=others)
        with held:
            with pytest.raises(BusyError, match="Environment dev is busy: snapshot held by"):
                other.__enter__()
            held.confirm()


def test_an_operation_whose_lease_was_taken_over_stops(small: SmallEnvironment) -> None:
    slow = Lease(small.account, NAMES, operation="snapshot", subject="slow")
    following = Lease(after_the_lease(small.account), NAMES, operation="snapshot", subject="next")

    slow.__enter__()
    with following:
        assert following.predecessor is not None
        assert following.predecessor.subject == "slow"
        with pytest.raises(BusyError, match="taken over"):
            slow.confirm()
    slow.__exit__(BusyError)


def test_an_object_that_the_vault_has_is_used_and_locked_again(small: SmallEnvironment) -> None:
    s3, vault = small.account.client("s3"), Vault(small.account, NAMES)
    first = vault.store(b"bytes")
    again = vault.store(b"bytes")

    assert (first.is_new, again.is_new) == (True, False)
    assert (first.sha256, first.etag) == (again.sha256, again.etag)
    assert len(s3.list_object_versions(Bucket=vault.bucket, Prefix=f"objects/{first.sha256}")["Versions"]) == 1


def test_an_object_with_damaged_bytes_is_replaced_and_its_version_stays(small: SmallEnvironment) -> None:
    s3, vault = small.account.client("s3"), Vault(small.account, NAMES)
    sha256 = vault.store(b"bytes").sha256
    s3.put_object(Bucket=vault.bucket, Key=f"objects/{sha256}", Body=b"other")

    assert vault.store(b"bytes").is_new

    assert vault.read(sha256) == b"bytes"
    bodies = [
        s3.get_object(Bucket=vault.bucket, Key=each["Key"], VersionId=each["VersionId"])["Body"].read()
        for each in s3.list_object_versions(Bucket=vault.bucket, Prefix=f"objects/{sha256}")["Versions"]
    ]
    assert sorted(bodies) == [b"bytes", b"bytes", b"other"]


def test_a_manifest_is_written_once(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    with pytest.raises(VectoraError, match=r"manifest\.json did not read back as it was written"):
        Vault(small.account, NAMES).write_manifest(manifest.name, b"{}")

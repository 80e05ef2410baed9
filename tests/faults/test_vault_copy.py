"""Copy of a vault in another account: what is complete there, and a restore into a third account."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

import pytest

from recovery.from_copy import RESTORED, RestoreRequest, RestoreResult, plan_restore, restore_from_copy
from recovery.vault_copy import copy_state, newest_complete, open_copy
from rehearsal.emulator import Emulator
from rehearsal.promotion_in_process import with_promotion
from tests.faults.operations import back_to
from tests.faults.small_environment import NAMES, REGION, SmallEnvironment
from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import LEDGER, Names
from vectora_ops.record_history import read_histories
from vectora_ops.records import LedgerEntry, Records
from vectora_ops.snapshots.anchors import Anchors, NoAnchorError
from vectora_ops.snapshots.compare import with_live
from vectora_ops.snapshots.copied_anchors import copy_anchor, key_of
from vectora_ops.snapshots.items import DataScope
from vectora_ops.snapshots.manifest import DamagedError, Manifest, Occasion, readme, sealed, to_bytes
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import MANIFEST, README, Vault
from vectora_ops.snapshots.verify import verify_vault
from vectora_ops.times import minute
from vectora_shared.errors import VectoraError

SOURCE, BACKUP, NEW = "444444444444", "555555555555", "666666666666"
COPY = NAMES.copy_bucket("snapshots-copy")
SECOND = Names(project=NAMES.project, env=NAMES.env, bucket_suffix="second")
COMMIT = "c" * 40


@dataclass(frozen=True)
class Accounts:
    """An environment, the account of its backup, and an account that is still empty."""

    emulator: Emulator
    small: SmallEnvironment
    backup: Account
    new: Account

    def replicate(self, prefixes: tuple[str, ...] = ("objects/", "snapshots/")) -> None:
        """Copy what the vault has now, as S3 replicates it in no order."""
        source, backup = self.small.account.client("s3"), self.backup.client("s3")
        for prefix in prefixes:
            for page in source.get_paginator("list_objects_v2").paginate(
                Bucket=NAMES.bucket("snapshots"), Prefix=prefix
            ):
                for each in page.get("Contents", []):
                    body = source.get_object(Bucket=NAMES.bucket("snapshots"), Key=each["Key"])["Body"].read()
                    backup.put_object(Bucket=COPY, Key=each["Key"], Body=body)
        for anchor in Anchors(self.small.account, NAMES).all().values():
            backup.put_object(Bucket=COPY, Key=key_of(anchor.snapshot), Body=anchor.model_dump_json().encode())

    def copy(self) -> Vault:
        return open_copy(self.backup, NAMES, COPY)

    def take(self, label: str = "good", data: DataScope = "last") -> Manifest:
        request = SnapshotRequest(label=label, occasion=Occasion(kind="operator"), data=data)
        return take_snapshot(self.small.account, NAMES, request)

    def deploy_again(self, version: str = "1") -> SmallEnvironment:
        """Deploy the stacks in the new account, with the suffix that frees the names of the buckets."""
        small = SmallEnvironment(self.new, SECOND)
        small._vault(locked=True)
        small.fill()
        if version != "1":
            small.deploy(version)
        s3 = self.new.client("s3")
        for content in ("config", "data", "newsletters"):
            for each in s3.list_objects_v2(Bucket=SECOND.bucket(content)).get("Contents", []):
                s3.delete_object(Bucket=SECOND.bucket(content), Key=each["Key"])
        return small

    def restore(self, **request: object) -> RestoreResult:
        chosen = RestoreRequest(**request)  # type: ignore[arg-type]
        return restore_from_copy(self.new, SECOND, self.copy(), chosen, smoke_test=lambda: None)


@pytest.fixture
def accounts(emulator: Emulator) -> Accounts:
    emulator.reset()
    source, backup, new = (Account(each, REGION, emulator.session(each)) for each in (SOURCE, BACKUP, NEW))
    source, new = with_promotion(source, NAMES), with_promotion(new, SECOND)
    small = SmallEnvironment.build(source)
    s3 = backup.client("s3")
    s3.create_bucket(
        Bucket=COPY,
        CreateBucketConfiguration={"LocationConstraint": REGION},
        ObjectLockEnabledForBucket=True,
    )
    return Accounts(emulator, small, backup, new)


def record_release(accounts: Accounts, *digests: str) -> None:
    records = Records(accounts.small.account, NAMES)
    for digest in digests:
        at = "2026-01-06T00:00:00Z"
        entry = {"kind": "release", "digest": digest * 64, "version": f"{digest}.0.0", "commit": COMMIT, "at": at}
        records.add_to_ledger(LedgerEntry.model_validate_json(json.dumps(entry)))


# --- the state of the copy


def test_a_copied_snapshot_is_the_newest_complete_one(accounts: Accounts) -> None:
    manifest = accounts.take()
    accounts.replicate()

    state = copy_state(Vault(accounts.small.account, NAMES), accounts.copy())

    assert (state.newest_complete, state.behind) == (manifest.name, ())
    assert state.taken_at == manifest.started_at
    assert f"The newest complete snapshot in the copy {COPY} is {manifest.name}, 0 min old." == state.sentence


def test_a_manifest_that_arrived_before_its_objects_is_no_snapshot(accounts: Accounts) -> None:
    first = accounts.take("first")
    accounts.replicate()
    accounts.small.break_it()
    second = accounts.take("second")
    accounts.replicate(("snapshots/",))

    copy = accounts.copy()
    state = copy_state(Vault(accounts.small.account, NAMES), copy)

    assert state.newest_complete == first.name
    [behind] = state.behind
    assert (behind.name, behind.state) == (second.name, "incomplete")
    assert behind.missing > 0
    found = newest_complete(copy)
    assert found is not None
    assert found.name == first.name


def test_a_snapshot_whose_manifest_is_not_copied_yet_is_behind(accounts: Accounts) -> None:
    accounts.take("first")
    accounts.replicate()
    second = accounts.take("second")

    state = copy_state(Vault(accounts.small.account, NAMES), accounts.copy())

    assert [(each.name, each.state) for each in state.behind] == [(second.name, "absent")]
    assert f"{second.name} (" in state.sentence


def test_a_copy_without_a_complete_snapshot_says_that_everything_would_be_lost(accounts: Accounts) -> None:
    accounts.take()

    state = copy_state(Vault(accounts.small.account, NAMES), accounts.copy())

    assert state.newest_complete is None
    assert "the loss of the account would lose everything" in state.sentence


def test_a_snapshot_that_was_pruned_from_the_vault_stays_complete_in_the_copy(accounts: Accounts) -> None:
    manifest = accounts.take()
    accounts.replicate()
    Vault(accounts.small.account, NAMES).delete_folder(manifest.name)
    accounts.small.account.client("s3").delete_object(
        Bucket=NAMES.bucket("snapshots"), Key=f"snapshots/{manifest.name}/manifest.json"
    )

    assert copy_state(Vault(accounts.small.account, NAMES), accounts.copy()).newest_complete == manifest.name


def test_a_missing_copy_is_one_sentence_with_the_command(accounts: Accounts) -> None:
    with pytest.raises(VectoraError, match="cdk deploy --context backup=dev"):
        open_copy(accounts.backup, NAMES, "vectora-inbox-snapshots-copy-nowhere")


def test_a_copy_that_may_not_be_read_is_one_sentence(accounts: Accounts) -> None:
    with pytest.raises(VectoraError, match="Your credentials may not read the copy"):
        open_copy(accounts.new, NAMES, COPY)


# --- the restore


def test_a_lost_environment_is_restored_into_a_new_account_with_other_names(accounts: Accounts) -> None:
    record_release(accounts, "0", "1")
    manifest = accounts.take()
    accounts.replicate()
    ledger = read_histories(accounts.small.account, NAMES)[LEDGER]
    accounts.deploy_again()

    result = accounts.restore()

    assert result.plan.snapshot == manifest.name
    assert result.plan.commit == COMMIT
    assert result.objects_written == 5
    vault = Vault(accounts.new, SECOND)
    assert list(with_live(vault, Environment(accounts.new, SECOND), manifest, RESTORED)) == []
    assert [each.problems for each in verify_vault(vault) if each.problems] == []
    restored = read_histories(accounts.new, SECOND)[LEDGER]
    assert restored[: len(ledger)] == ledger
    assert Records(accounts.new, SECOND).ledger()[-1].kind == "rollback"


def test_data_of_earlier_runs_comes_from_the_newest_snapshot_that_has_all_data(accounts: Accounts) -> None:
    everything = accounts.take("everything", "all")
    data = accounts.small.account.client("s3")
    for day, text in (("2026/01/06", b"corrected"), ("2026/01/07", b"new")):
        data.put_object(Bucket=NAMES.bucket("data"), Key=f"ingested/lai_weekly/{day}/items.json", Body=text)
    newest = accounts.take("newest")
    accounts.replicate()
    accounts.deploy_again()

    plan = accounts.restore().plan
    assert accounts.restore().objects_written == 0

    assert (plan.snapshot, plan.earlier_runs) == (newest.name, everything.name)
    s3 = accounts.new.client("s3")
    found = {
        each["Key"].removeprefix("ingested/lai_weekly/"): s3.get_object(Bucket=SECOND.bucket("data"), Key=each["Key"])[
            "Body"
        ].read()
        for each in s3.list_objects_v2(Bucket=SECOND.bucket("data"))["Contents"]
    }
    assert found["2026/01/05/items.json"] == b"2026/01/05"
    assert found["2026/01/07/items.json"] == b"new"
    assert list(found) == ["2026/01/05/items.json", "2026/01/06/items.json", "2026/01/07/items.json"]


def test_a_second_restore_changes_nothing(accounts: Accounts) -> None:
    record_release(accounts, "1")
    accounts.take()
    accounts.replicate()
    accounts.deploy_again()
    accounts.restore()
    before = SmallEnvironment(accounts.new, SECOND).state()

    again = accounts.restore()

    assert (again.copied_objects, again.records, again.rollback.nothing_to_do) == (0, 0, True)
    assert SmallEnvironment(accounts.new, SECOND).state() == before


def test_a_snapshot_that_is_damaged_in_the_copy_restores_nothing(accounts: Accounts) -> None:
    manifest = accounts.take()
    accounts.replicate()
    small = accounts.deploy_again()
    sha256 = sorted(accounts.copy().references(manifest))[0]
    accounts.backup.client("s3").put_object(Bucket=COPY, Key=f"objects/{sha256}", Body=b"other bytes")
    before = small.state()

    with pytest.raises(DamagedError, match=r"is not intact in the copy .* so nothing was changed"):
        accounts.restore()

    assert small.state() == before
    assert Vault(accounts.new, SECOND).snapshots() == ()


def _forge(accounts: Accounts, right: Manifest, name: str) -> None:
    """Write a later snapshot into the copy, as a writer of the lost vault could: its bytes and digests are right."""
    fields = right.model_dump(by_alias=True, exclude={"digest"})
    forged = sealed({**fields, "name": name, "started_at": right.started_at + timedelta(seconds=1)})
    for file, body in ((README, readme(forged)), (MANIFEST, to_bytes(forged))):
        accounts.backup.client("s3").put_object(Bucket=COPY, Key=f"snapshots/{name}/{file}", Body=body)


def test_a_forged_snapshot_in_the_copy_is_never_chosen(accounts: Accounts) -> None:
    right = accounts.take()
    accounts.replicate()
    accounts.deploy_again()
    forged = f"forged{right.name.removeprefix('good')[:-2]}59"
    _forge(accounts, right, forged)

    assert accounts.restore().plan.snapshot == right.name
    with pytest.raises(DamagedError, match=f"{forged} is not intact in the copy .* is forged"):
        accounts.restore(snapshot=forged)


def test_a_snapshot_without_an_anchor_needs_a_reason(accounts: Accounts) -> None:
    manifest = accounts.take()
    accounts.replicate()
    accounts.deploy_again()
    accounts.backup.client("s3").delete_object(Bucket=COPY, Key=key_of(manifest.name))

    with pytest.raises(NoAnchorError, match=r"has no anchor in the copy .* nothing was changed"):
        accounts.restore()
    assert accounts.restore(without_anchor="its digest is in our records").objects_written == 5


def test_an_anchor_in_the_copy_is_never_replaced(accounts: Accounts) -> None:
    manifest = accounts.take()
    anchor = Anchors(accounts.small.account, NAMES).of(manifest.name)
    assert anchor is not None
    copy_anchor(accounts.backup, NAMES, REGION, anchor)
    copy_anchor(accounts.backup, NAMES, REGION, anchor.model_copy(update={"sha256": "f" * 64}))

    assert accounts.copy().anchors.of(manifest.name) == anchor
    assert list(accounts.copy().anchors.all()) == [manifest.name]


def test_a_restore_needs_the_stacks_and_names_the_commit(accounts: Accounts) -> None:
    record_release(accounts, "1")
    accounts.take()
    accounts.replicate()

    with pytest.raises(VectoraError, match=f"not deployed in this account: check out commit {COMMIT}"):
        accounts.restore()


def test_a_restore_onto_other_code_is_refused_unless_it_is_wanted(accounts: Accounts) -> None:
    record_release(accounts, "1")
    accounts.take()
    accounts.replicate()
    small = accounts.deploy_again("2")
    before = small.state()

    with pytest.raises(VectoraError, match=r"code that is deployed .* is not that of good_.*/code\.zip"):
        accounts.restore()

    assert small.state() == before
    assert accounts.restore(any_code=True).objects_written == 5


def test_a_restore_into_an_environment_with_other_records_writes_none(accounts: Accounts) -> None:
    record_release(accounts, "1")
    accounts.take()
    accounts.replicate()
    accounts.deploy_again()
    parameter = SECOND.parameter(LEDGER)
    accounts.new.client("ssm").put_parameter(Name=parameter, Type="String", Value="{}")

    with pytest.raises(VectoraError, match="has records of its own"):
        accounts.restore()

    assert read_histories(accounts.new, SECOND) == {LEDGER: ["{}"]}


def test_an_interrupted_copy_of_the_records_is_finished(accounts: Accounts) -> None:
    record_release(accounts, "0", "1")
    accounts.take()
    accounts.replicate()
    accounts.deploy_again()
    ledger = read_histories(accounts.small.account, NAMES)[LEDGER]
    accounts.new.client("ssm").put_parameter(Name=SECOND.parameter(LEDGER), Type="String", Value=ledger[0])

    assert accounts.restore().records == 1
    assert read_histories(accounts.new, SECOND)[LEDGER][:2] == ledger


def test_a_plan_changes_nothing_and_says_what_is_deployed(accounts: Accounts) -> None:
    manifest = accounts.take()
    accounts.replicate()
    small = accounts.deploy_again("2")
    before = small.state()

    plan = plan_restore(accounts.new, SECOND, accounts.copy(), RestoreRequest())

    assert (plan.snapshot, plan.deployed) == (manifest.name, True)
    assert minute(plan.taken_at) == minute(manifest.started_at)
    assert len(plan.other_code) >= 3
    assert small.state() == before


def test_a_rollback_never_writes_the_records_that_a_snapshot_keeps(accounts: Accounts) -> None:
    record_release(accounts, "0")
    manifest = accounts.take()
    record_release(accounts, "1")
    accounts.small.break_it()

    back_to(accounts.small.account, manifest)

    assert [each.digest[0] for each in Records(accounts.small.account, NAMES).ledger()][:2] == ["0", "1"]

"""Vault, records and content on another implementation of AWS, at AWS's own host names, with checked signatures."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.config import Config
from botocore.exceptions import ClientError, ProxyConnectionError

from tests.faults.store_clock import after_the_lease, hear_later
from tests.second_opinion.conftest import NAMES, Moto
from tests.second_opinion.own_host_names import REGION
from vectora_ops.account import Account
from vectora_ops.promotion.facts import gather
from vectora_ops.records import Bypass, LedgerEntry, Records, ReleaseId
from vectora_ops.snapshots.catalog import list_snapshots
from vectora_ops.snapshots.lease import BusyError, Lease
from vectora_ops.snapshots.manifest import Occasion
from vectora_ops.snapshots.object_store import CHUNK_BYTES
from vectora_ops.snapshots.objects import NoSuchBucketError, ObjectReader
from vectora_ops.snapshots.retention import Policy, prune
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_vault
from vectora_shared.config.content import BucketContent, FolderContent
from vectora_shared.config.loading import load_configuration
from vectora_shared.config.publication import RECORD_KEY, publish
from vectora_shared.errors import VectoraError
from vectora_shared.storage import Bucket

CONFIG = Path(__file__).parents[2] / "config"
DATA, LETTERS, VAULT = (NAMES.bucket(content) for content in ("data", "newsletters", "snapshots"))
LETTER = "lai_weekly/2026/01/06/newsletter.md"
ODD_KEYS = (
    "a b",
    "a+b",
    "a%20b",
    "a%2Fb",
    "ü/é",
    "/leading",
    "x/../y",
    "./x",
    "a//b",
    "q?x=1&y",
    "h#h",
    "~t*'()!",
    "k" * 900,
)


def snapshot(account: Account, label: str, days_ago: int = 0) -> str:
    """Take a snapshot at an earlier time of S3."""
    request = SnapshotRequest(label=label, occasion=Occasion(kind="operator"))
    return take_snapshot(hear_later(account, timedelta(days=-days_ago)), NAMES, request).name


def write(account: Account, bucket: str, key: str, body: bytes) -> None:
    account.client("s3").put_object(Bucket=bucket, Key=key, Body=body)


def test_objects_with_odd_keys_are_listed_and_read(account: Account) -> None:
    for key in ODD_KEYS:
        write(account, DATA, f"odd/{key}", key.encode("utf-8"))
    reader = ObjectReader(account, DATA)

    assert [found.key for found in reader.listed("odd/")] == sorted(f"odd/{key}" for key in ODD_KEYS)
    assert all(reader.get(f"odd/{key}").body == key.encode("utf-8") for key in ODD_KEYS)


def test_more_objects_than_a_page_holds_are_listed_in_order(account: Account) -> None:
    def two_on_a_page(params: dict[str, Any], **_: Any) -> None:
        params["MaxKeys"] = 2

    keys = [f"many/{number} +" for number in range(7)]
    for key in keys:
        write(account, DATA, key, b"x")
    account.client("s3").meta.events.register("provide-client-params.s3.ListObjectsV2", two_on_a_page)
    reader = ObjectReader(account, DATA)

    assert [found.key for found in reader.listed("many/")] == keys
    assert [found.key for found in reader.listed("many/", after=keys[2])] == keys[3:]


def test_ranges_versions_and_conditions_are_those_of_s3(account: Account) -> None:
    write(account, DATA, "letters", b"abcdef")
    reader = ObjectReader(account, DATA)
    first = reader.get("letters", byte_range=(1, 3))
    etag = hashlib.md5(b"abcdef", usedforsecurity=False).hexdigest()
    write(account, DATA, "letters", b"other")

    assert first.body == b"bcd"
    assert reader.get("letters", version_id=first.version_id).body == b"abcdef"
    assert not reader.get("letters", if_match=etag).found
    assert not reader.get("nothing").found
    with pytest.raises(VectoraError, match="S3 refused"):
        reader.get("letters", byte_range=(100, 5))
    with pytest.raises(NoSuchBucketError):
        list(ObjectReader(account, "vectora-inbox-nowhere-dev").listed(""))


def test_a_snapshot_verifies_and_the_next_one_shares_its_objects(account: Account, moto: Moto) -> None:
    large = bytes(range(256)) * (CHUNK_BYTES // 256) + b"the rest"
    write(account, LETTERS, LETTER, b"# News\n")
    write(account, LETTERS, "lai_weekly/2026/01/06/newsletter.html", large)
    name = snapshot(account, "good")
    vault = Vault(account, NAMES)
    stored = {found.sha256 for found in vault.objects()}
    write(account, LETTERS, "lai_weekly/2026/01/13/newsletter.md", b"# More news\n")
    second = snapshot(account, "second")

    verified = verify_vault(vault)
    assert [each.snapshot for each in verified] == [name, second]
    assert all(each.intact for each in verified)
    entries = {entry.path: entry for entry, _ in vault.entries(vault.manifest(second).components["newsletters"])}
    assert vault.bytes_of(entries["lai_weekly/2026/01/06/newsletter.html"]) == large
    assert {piece.sha256 for piece in entries["lai_weekly/2026/01/06/newsletter.html"].slices} <= stored
    assert {host for host in moto.own.hosts if ".s3" in f".{host}"} == {
        f"{NAMES.bucket(content)}.s3.{REGION}.amazonaws.com"
        for content in ("config", "data", "newsletters", "snapshots")
    }


def test_the_vault_locks_new_objects_and_keeps_locked_ones(account: Account) -> None:
    vault = Vault(account, NAMES)
    assert vault.lock_days == 1
    sha256 = vault.store(b"kept").sha256
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1, hours=12)
    vault.lock([sha256], until)

    # moto has no GetObjectRetention, which Vault.delete calls: HeadObject returns the same.
    s3, stored = account.client("s3"), {"Bucket": VAULT, "Key": f"objects/{sha256}"}
    found = s3.head_object(**stored)
    assert (found["ObjectLockMode"], found["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", until)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(**stored, VersionId=found["VersionId"])
    assert vault.read(sha256) == b"kept"


def test_pruning_deletes_old_snapshots_and_objects_that_only_they_need(account: Account) -> None:
    s3 = account.client("s3")
    s3.put_object_lock_configuration(Bucket=VAULT, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    write(account, LETTERS, LETTER, b"# Old news\n")
    old = snapshot(account, "old", days_ago=90)
    write(account, LETTERS, LETTER, b"# News\n")
    kept = snapshot(account, "kept", days_ago=60)
    vault = Vault(account, NAMES)
    before = {found.sha256 for found in vault.objects()}

    policy = Policy(keep_last=1, minimum_age_days=0)
    pruned = prune(hear_later(account, timedelta(hours=1)), NAMES, policy)

    assert (pruned.removed_snapshots, pruned.still_locked) == (1, 0)
    assert [each.name for each in list_snapshots(vault)] == [kept]
    assert {found.sha256 for found in vault.objects()} < before
    assert old not in {files.name for files in vault.snapshots()}
    assert all(each.intact for each in verify_vault(vault))


def test_a_lease_has_one_holder_and_is_taken_over_when_it_lapsed(account: Account) -> None:
    def lease(owner: str, used: Account = account) -> Lease:
        return Lease(used, NAMES, operation="snapshot", subject=owner, owner=owner)

    later = after_the_lease(account)

    one = lease("one")
    one.__enter__()
    one.confirm()
    with pytest.raises(BusyError, match="snapshot one by one"):
        lease("two").__enter__()
    with lease("three", later) as three:
        assert three.predecessor is not None
        assert three.predecessor.subject == "one"
        with pytest.raises(BusyError, match="taken over"):
            one.confirm()
    with lease("four", later) as four:
        assert four.predecessor is None


def test_a_ledger_of_several_pages_is_read_completely(account: Account) -> None:
    records = Records(account, NAMES)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert records.ledger() == ()
    # A page of GetParameterHistory has at most 50 entries (Systems Manager API reference).
    for number in range(60):
        at = start + timedelta(days=number)
        records.add_to_ledger(LedgerEntry(kind="release", digest="d", version=f"1.{number}.0", at=at))

    assert [entry.version for entry in records.ledger()] == [f"1.{number}.0" for number in range(60)]


def test_facts_are_gathered_from_buckets_and_parameters(account: Account) -> None:
    manifest = {"generation_date": "2026-02-02T06:00:00+00:00", "metrics": {"items": {"selected": 5}}}
    Bucket(account.client("s3"), LETTERS).write_json("lai_weekly/2026/02/02/manifest.json", manifest)
    client = (CONFIG / "clients" / "lai_weekly.yaml").read_bytes()
    write(account, NAMES.bucket("config"), "clients/lai_weekly.yaml", client)
    Records(account, NAMES).write_bypass(_bypass())

    facts = gather(account, NAMES, NAMES, ReleaseId("d" * 64), datetime.now(UTC))

    assert [(run.client_id, run.items) for run in facts.runs] == [("lai_weekly", 5)]
    assert facts.clients["lai_weekly"].sha256 == hashlib.sha256(client).hexdigest()
    assert facts.bypass is not None
    assert facts.bypass.model_copy(update={"recorded": None, "recorded_by": None}) == _bypass()
    assert facts.failed_runs == ()


def _bypass() -> Bypass:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    values: dict[str, Any] = {"digest": "d" * 64, "gates": ("soak",), "reason": "a fix", "by": "operator", "at": at}
    return Bypass.model_validate(values)


def test_a_release_is_published_and_read_back_as_the_engine_reads_it(account: Account) -> None:
    s3, bucket = account.client("s3"), NAMES.bucket("config")
    files = {
        path.relative_to(CONFIG).as_posix(): path.read_bytes()
        for folder in ("canonical", "clients")
        for path in (CONFIG / folder).rglob("*.*")
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)

    written = publish(s3, archive=stream.getvalue(), digest="d1", bucket=bucket)
    again = publish(s3, archive=stream.getvalue(), digest="d1", bucket=bucket)

    assert set(written.written) == set(files)
    assert (again.written, again.deleted, again.unchanged) == ((), (), len(files))
    content = BucketContent(s3, bucket)
    assert load_configuration(content, "lai_weekly") == load_configuration(FolderContent(CONFIG), "lai_weekly")
    assert json.loads(content.read(RECORD_KEY))["state"] == "published"
    assert Bucket(s3, bucket).read_json("clients/none.json") is None


def test_a_listing_that_is_signed_for_an_empty_path_is_refused(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A former reader of the vault signed listings for an empty path and sent them for "/"."""
    monkeypatch.setattr(S3SigV4Auth, "_normalize_url_path", lambda self, path: path.removeprefix("/"))

    with pytest.raises(VectoraError, match="SignatureDoesNotMatch"):
        list(ObjectReader(account, DATA).listed(""))


def test_another_secret_is_refused(account: Account, moto: Moto) -> None:
    key = account.session.get_credentials()
    assert key is not None
    forger = moto.own.session(key.access_key, "another")
    with pytest.raises(VectoraError, match="SignatureDoesNotMatch"):
        list(ObjectReader(Account(account.account_id, REGION, forger), DATA).listed(""))
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        Records(Account(account.account_id, REGION, forger), NAMES).ledger()


def test_hosts_that_aws_does_not_serve_for_the_bucket_are_refused(moto: Moto) -> None:
    once = Config(retries={"total_max_attempts": 1})
    s3 = moto.own.session("any", "any").client("s3", endpoint_url="https://s3.amazonaws.com", config=once)
    with pytest.raises(ProxyConnectionError):
        s3.list_objects_v2(Bucket=DATA)

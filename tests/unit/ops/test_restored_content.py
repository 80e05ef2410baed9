"""A restore writes what differs and nothing wrong, with one read for each pack; a stopped one is finished later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.docs.vault_in_memory import NAMES, VAULT, environment, put
from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.rollback import content
from vectora_ops.rollback.content import Restored, restore_objects, write_entry
from vectora_ops.snapshots import packing
from vectora_ops.snapshots.compare import is_same, pairs_with_live
from vectora_ops.snapshots.components import source_in_scope
from vectora_ops.snapshots.manifest import DamagedError, Manifest, Occasion
from vectora_ops.snapshots.object_store import CHUNK_BYTES, OBJECTS
from vectora_ops.snapshots.objects import ObjectReader
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault

BUCKET = NAMES.bucket("newsletters")
FILES = 60


class StoppedError(Exception):
    """The time is over."""


@dataclass
class Newsletters:
    """A bucket of newsletters with a snapshot, and the reads of the vault since."""

    account: Account
    manifest: Manifest
    vault_reads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.vault = Vault(self.account, NAMES)
        self.record = self.manifest.components["newsletters"]
        self.source = source_in_scope(Environment(self.account, NAMES), self.manifest, "newsletters")

    def restore(self, keep_alive: Any = lambda: None) -> Restored:
        return restore_objects(self.account, self.vault, self.record, self.source, BUCKET, keep_alive=keep_alive)

    def restore_plainly(self) -> None:
        """Restore one file after the other, each read alone."""
        s3 = self.account.client("s3")
        for path, entry, item in list(pairs_with_live(self.vault, self.record, self.source)):
            if entry is None:
                s3.delete_object(Bucket=BUCKET, Key=path)
            elif item is None or not is_same(self.source, item, entry):
                write_entry(s3, self.vault, entry, BUCKET, path)

    def content(self) -> dict[str, tuple[bytes, str]]:
        s3 = self.account.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        answers = {key: s3.get_object(Bucket=BUCKET, Key=key) for key in keys}
        return {key: (answer["Body"].read(), answer["ContentType"]) for key, answer in answers.items()}

    def break_it(self) -> None:
        """Delete, change and add files; some keep their length, one keeps its content and loses its ETag."""
        s3 = self.account.client("s3")
        for number in range(0, FILES, 3):
            s3.delete_object(Bucket=BUCKET, Key=f"{number:03}.md")
        for number in range(1, FILES, 3):
            put(self.account, "newsletters", f"{number:03}.md", b"?" * len(text(number)))
        put(self.account, "newsletters", "002.md", b"longer than before" * 10)
        put(self.account, "newsletters", "stranger.md", b"stranger")
        s3.delete_object(Bucket=BUCKET, Key="large.bin")
        upload = s3.create_multipart_upload(Bucket=BUCKET, Key="005.md", ContentType="text/markdown")["UploadId"]
        same = {"Bucket": BUCKET, "Key": "005.md", "UploadId": upload}
        etag = s3.upload_part(**same, PartNumber=1, Body=text(5))["ETag"]
        s3.complete_multipart_upload(**same, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})

    def damage(self, sha256: str, body: bytes) -> None:
        self.account.client("s3").put_object(Bucket=VAULT, Key=OBJECTS + sha256, Body=body, ChecksumAlgorithm="SHA256")


def text(number: int) -> bytes:
    return f"# News {number}\n".encode() * (number + 1)


def take(account: Account, label: str) -> Manifest:
    request = SnapshotRequest(label=label, occasion=Occasion(kind="operator"))
    return take_snapshot(account, NAMES, request)


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Iterator[Newsletters]:
    """Fill a bucket, half of it after a first snapshot, and take a second one."""
    with environment() as account, monkeypatch.context() as patch:
        patch.setattr(packing, "CHUNK_BYTES", 4096)
        put(account, "newsletters", "large.bin", b"l" * (CHUNK_BYTES + 1))
        put(account, "newsletters", "empty.md", b"", "text/markdown")
        for number in range(0, FILES, 2):
            put(account, "newsletters", f"{number:03}.md", text(number), "text/markdown")
        take(account, "first")
        for number in range(1, FILES, 2):
            put(account, "newsletters", f"{number:03}.md", text(number), "text/markdown")
        made = Newsletters(account, take(account, "second"))
        reading = ObjectReader.get

        def counted(self: ObjectReader, key: str, **options: Any) -> Any:
            if self.bucket == VAULT:
                made.vault_reads.append(key)
            return reading(self, key, **options)

        patch.setattr(ObjectReader, "get", counted)
        yield made


def test_a_restore_gives_what_writing_one_file_after_the_other_gives(letters: Newsletters) -> None:
    before = letters.content()
    letters.break_it()

    restored = letters.restore()

    assert letters.content() == before
    assert restored == Restored(written=41 + 1, deleted=1)
    letters.break_it()
    letters.restore_plainly()
    assert letters.content() == before


def test_packs_are_read_once_and_files_not_one_by_one(letters: Newsletters) -> None:
    letters.break_it()
    letters.vault_reads.clear()

    restored = letters.restore()

    entries = [entry for entry, _ in letters.vault.entries(letters.record)]
    packs = {OBJECTS + each.sha256 for entry in entries for each in entry.slices}
    indexes = {OBJECTS + part.index for part in letters.record.parts}
    assert restored.written > 2 * len(packs)
    assert len([key for key in letters.vault_reads if key not in indexes]) <= len(packs)


def test_unchanged_files_are_neither_read_nor_written(letters: Newsletters) -> None:
    letters.vault_reads.clear()

    assert letters.restore() == Restored(written=0, deleted=0)
    assert letters.vault_reads == [OBJECTS + part.index for part in letters.record.parts]


@pytest.mark.parametrize("damage", ["changed", "cut", "missing"])
def test_a_damaged_pack_is_reported_and_no_wrong_byte_is_written(letters: Newsletters, damage: str) -> None:
    before = letters.content()
    letters.break_it()
    (pack,) = next(entry.slices for entry, _ in letters.vault.entries(letters.record) if entry.path == "030.md")
    body = Vault(letters.account, NAMES).read(pack.sha256)
    match damage:
        case "changed":
            letters.damage(pack.sha256, bytes(byte ^ 1 for byte in body))
        case "cut":
            letters.damage(pack.sha256, body[: pack.offset + 1])
        case "missing":
            letters.account.client("s3").delete_object(Bucket=VAULT, Key=OBJECTS + pack.sha256)
    broken = letters.content()

    with pytest.raises(DamagedError, match=r"damaged|missing"):
        letters.restore()

    for key, found in letters.content().items():
        assert found in (before.get(key), broken.get(key))


@pytest.mark.parametrize("calls", [0, 1, 30, 70, 100])
def test_a_stopped_restore_is_finished_by_a_second_one(letters: Newsletters, calls: int) -> None:
    before = letters.content()
    letters.break_it()
    left = iter(range(calls))

    def stop() -> None:
        if next(left, None) is None:
            raise StoppedError

    with pytest.raises(StoppedError):
        letters.restore(stop)
    letters.restore()

    assert letters.content() == before


def test_many_strangers_are_deleted_in_few_requests(letters: Newsletters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "DELETED_AT_ONCE", 10)
    calls: list[int] = []
    letters.account.client("s3").meta.events.register(
        "before-parameter-build.s3.DeleteObjects", lambda params, **_: calls.append(len(params["Delete"]["Objects"]))
    )
    for number in range(25):
        put(letters.account, "newsletters", f"stranger-{number:05}", b"")

    assert letters.restore().deleted == 25
    assert calls == [10, 10, 5]

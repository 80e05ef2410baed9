"""Restore of a snapshot's content to buckets: as new versions, with delete markers for objects that are not in it.

An object comes back with its bytes and its metadata: headers, storage class and tags.
"""

from __future__ import annotations

import contextlib
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from vectora_ops.account import Account
from vectora_ops.rollback.object_writer import ObjectWriter
from vectora_ops.snapshots.compare import compared_with_live
from vectora_ops.snapshots.index import Entry
from vectora_ops.snapshots.items import Source
from vectora_ops.snapshots.manifest import ComponentRecord
from vectora_ops.snapshots.object_metadata import headers_to_restore
from vectora_ops.snapshots.object_store import CHUNK_BYTES
from vectora_ops.snapshots.pack_reads import checked_bytes, entry_bytes
from vectora_ops.snapshots.packing import PACKED_BELOW_BYTES
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError

DELETED_AT_ONCE = 1000  # DeleteObjects takes no more (API reference)
# As many requests wait for S3 as hide its latency; fewer for large files, because the allocator of each thread keeps
# memory for the largest object that the thread ever wrote.
WRITERS = 64
LARGE_WRITERS = 8
IN_FLIGHT = 2 * WRITERS
# DeleteObjects takes keys in XML 1.0, which cannot hold these characters, or (a carriage return) reads another;
# DeleteObject takes any key (S3 user guide, "Naming Amazon S3 objects", XML related object key constraints).
NOT_IN_XML = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class Restored:
    """Numbers of objects that were written and deleted."""

    written: int
    deleted: int


def restore_objects(
    account: Account,
    vault: Vault,
    record: ComponentRecord,
    source: Source,
    bucket: str,
    *,
    keep_alive: Callable[[], None],
) -> Restored:
    """Restore a component's objects in a bucket; objects with the right content and metadata are not written.

    `keep_alive` is called before each object. It may raise to stop the work, which a second call finishes. Raises
    DamagedError when bytes in the vault are damaged.
    """
    with ThreadPoolExecutor(WRITERS) as pool, ThreadPoolExecutor(LARGE_WRITERS) as large_pool:
        return _Restore(account.client("s3"), vault, record, source, bucket, keep_alive, pool, large_pool).run()


@dataclass
class _Restore:
    """One restore of a component."""

    s3: Any
    vault: Vault
    record: ComponentRecord
    source: Source
    bucket: str
    keep_alive: Callable[[], None]
    pool: ThreadPoolExecutor
    large_pool: ThreadPoolExecutor
    deleted: int = 0
    _to_delete: list[str] = field(default_factory=list)

    def run(self) -> Restored:
        written = 0
        writer = EntryWriter(self.s3, self.vault, self.bucket)
        writing: deque[Future[None]] = deque()
        try:
            with closing(entry_bytes(self.vault, self._to_write())) as found:
                for entry, body in found:
                    self.keep_alive()
                    if len(writing) >= IN_FLIGHT:
                        writing.popleft().result()
                    writing.append(self._pool_for(entry).submit(writer.write, entry, entry.path, body))
                    written += 1
            while writing:
                self.keep_alive()
                writing.popleft().result()
            self._delete()
        except BaseException:
            for future in writing:
                future.cancel()
            raise
        return Restored(written, self.deleted)

    def _to_write(self) -> Iterator[Entry]:
        """Yield the entries whose content or metadata differs, and delete the objects that have none."""
        with closing(compared_with_live(self.vault, self.record, self.source)) as compared:
            for path, entry, _, same in compared:
                self.keep_alive()
                if entry is None:
                    self._to_delete.append(path)
                    if len(self._to_delete) >= DELETED_AT_ONCE:
                        self._delete()
                elif not same:
                    yield entry

    def _pool_for(self, entry: Entry) -> ThreadPoolExecutor:
        return self.large_pool if entry.size >= PACKED_BELOW_BYTES else self.pool

    def _delete(self) -> None:
        if not self._to_delete:
            return
        self.keep_alive()
        delete_keys(self.s3, self.bucket, self._to_delete)
        self.deleted += len(self._to_delete)
        self._to_delete.clear()


def delete_keys(s3: Any, bucket: str, keys: list[str]) -> None:
    """Hide at most 1,000 objects behind delete markers; raises VectoraError when S3 refuses one."""
    if together := [{"Key": key} for key in keys if not NOT_IN_XML.search(key)]:
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": together, "Quiet": True})
        if errors := answer.get("Errors"):
            first = errors[0]
            raise VectoraError(
                f"s3://{bucket}/{first['Key']} could not be deleted: {first['Message']} ({first['Code']})."
            )
    for key in keys:
        if NOT_IN_XML.search(key):
            s3.delete_object(Bucket=bucket, Key=key)


class EntryWriter:
    """Writer of entries to one bucket, safe for many threads."""

    def __init__(self, s3: Any, vault: Vault, bucket: str) -> None:
        self._s3 = s3
        self._vault = vault
        self._bucket = bucket
        self._objects = ObjectWriter(s3, bucket)

    def write(self, entry: Entry, key: str, body: bytes | None = None) -> None:
        """Write an entry as a new version of `key`; raises DamagedError before a wrong byte is visible in the bucket.

        `body` has its bytes if they were read before; they are checked here.
        """
        if entry.size <= CHUNK_BYTES:
            checked = checked_bytes(self._vault, entry, body)
            self._objects.put(key, checked, sha256=entry.sha256, headers=_headers(entry, entry.tags))
        else:
            self._write_in_parts(entry, key)

    def _write_in_parts(self, entry: Entry, key: str) -> None:
        s3 = self._s3
        upload = self._objects.begin_upload(key, headers=_headers(entry, None))
        same: dict[str, str] = {"Bucket": self._bucket, "Key": key, "UploadId": upload}
        try:
            # The last chunk is yielded only when the digest of all chunks is right; parts are invisible before
            # completion.
            parts = [
                {"PartNumber": number, "ETag": s3.upload_part(**same, PartNumber=number, Body=chunk)["ETag"]}
                for number, chunk in enumerate(self._vault.chunks(entry), start=1)
            ]
            s3.complete_multipart_upload(**same, MultipartUpload={"Parts": parts})
        except BaseException:
            # A failed abort must not hide the error that led to it.
            with contextlib.suppress(ClientError, BotoCoreError):
                s3.abort_multipart_upload(**same)
            raise
        if entry.tags:
            # After the object is there, because not every S3 keeps the tags of an upload in parts. An interruption
            # before leaves a difference, which the next rollback finds.
            tags = [{"Key": name, "Value": value} for name, value in entry.tags.items()]
            s3.put_object_tagging(Bucket=self._bucket, Key=key, Tagging={"TagSet": tags})


def _headers(entry: Entry, tags: Mapping[str, str] | None) -> dict[str, str]:
    return headers_to_restore(entry.content_type, entry.metadata, entry.storage_class, tags)


def write_entry(s3: Any, vault: Vault, entry: Entry, bucket: str, key: str) -> None:
    """Write one entry as a new version of `key`; raises DamagedError before a wrong byte is visible in the bucket."""
    EntryWriter(s3, vault, bucket).write(entry, key)

"""Restore of a snapshot's content to buckets: as new versions, with delete markers for objects that are not in it."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from vectora_ops.account import Account
from vectora_ops.snapshots.compare import is_same, is_same_as_listed, pairs_with_live
from vectora_ops.snapshots.index import Entry
from vectora_ops.snapshots.items import Source
from vectora_ops.snapshots.manifest import ComponentRecord
from vectora_ops.snapshots.pack_reads import checked_bytes, entry_bytes
from vectora_ops.snapshots.vault import CHUNK_BYTES, THREADS, Vault
from vectora_shared.errors import VectoraError

DELETED_AT_ONCE = 1000  # DeleteObjects takes no more (API reference)
IN_FLIGHT = 4 * THREADS
DEFAULT_CONTENT_TYPE = "binary/octet-stream"


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
    """Restore a component's objects in a bucket; objects with the right content are not written.

    `keep_alive` is called before each object. It may raise to stop the work, which a second call finishes. Raises
    DamagedError when bytes in the vault are damaged.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        return _Restore(account.client("s3"), vault, record, source, bucket, keep_alive, pool).run()


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
    deleted: int = 0
    _to_delete: list[str] = field(default_factory=list)

    def run(self) -> Restored:
        written = 0
        writing: deque[Future[None]] = deque()
        try:
            with closing(entry_bytes(self.vault, self._to_write())) as found:
                for entry, body in found:
                    self.keep_alive()
                    if len(writing) >= IN_FLIGHT:
                        writing.popleft().result()
                    task = self.pool.submit(write_entry, self.s3, self.vault, entry, self.bucket, entry.path, body)
                    writing.append(task)
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
        """Yield the entries whose content differs, and delete the objects that have none."""
        compared: deque[tuple[Entry, Future[bool]]] = deque()
        try:
            for path, entry, item in pairs_with_live(self.vault, self.record, self.source):
                self.keep_alive()
                if entry is None:
                    self._to_delete.append(path)
                    if len(self._to_delete) >= DELETED_AT_ONCE:
                        self._delete()
                elif item is None or (same := is_same_as_listed(item, entry)) is False:
                    yield entry
                elif same is None:
                    compared.append((entry, self.pool.submit(is_same, self.source, item, entry)))
                if len(compared) >= IN_FLIGHT:
                    yield from _different(compared.popleft())
            while compared:
                yield from _different(compared.popleft())
        finally:
            for _, unused in compared:
                unused.cancel()

    def _delete(self) -> None:
        if not self._to_delete:
            return
        self.keep_alive()
        objects = [{"Key": key} for key in self._to_delete]
        answer = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True})
        if errors := answer.get("Errors"):
            first = errors[0]
            raise VectoraError(
                f"s3://{self.bucket}/{first['Key']} could not be deleted: {first['Message']} ({first['Code']})."
            )
        self.deleted += len(objects)
        self._to_delete.clear()


def _different(compared: tuple[Entry, Future[bool]]) -> Iterator[Entry]:
    entry, same = compared
    if not same.result():
        yield entry


def write_entry(s3: Any, vault: Vault, entry: Entry, bucket: str, key: str, body: bytes | None = None) -> None:
    """Write an entry as a new version of `key`; raises DamagedError before a wrong byte is visible in the bucket.

    `body` has its bytes if they were read before; they are checked here.
    """
    content_type = entry.content_type or DEFAULT_CONTENT_TYPE
    if entry.size <= CHUNK_BYTES:
        s3.put_object(Bucket=bucket, Key=key, Body=checked_bytes(vault, entry, body), ContentType=content_type)
        return
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, ContentType=content_type)["UploadId"]
    same: dict[str, str] = {"Bucket": bucket, "Key": key, "UploadId": upload}
    try:
        # The last chunk is yielded only when the digest of all chunks is right; parts are invisible before completion.
        parts = [
            {"PartNumber": number, "ETag": s3.upload_part(**same, PartNumber=number, Body=chunk)["ETag"]}
            for number, chunk in enumerate(vault.chunks(entry), start=1)
        ]
        s3.complete_multipart_upload(**same, MultipartUpload={"Parts": parts})
    except BaseException:
        # A failed abort must not hide the error that led to it.
        with contextlib.suppress(ClientError, BotoCoreError):
            s3.abort_multipart_upload(**same)
        raise

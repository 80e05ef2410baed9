"""Restore of a snapshot's content to buckets: as new versions, with delete markers for objects that are not in it."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from vectora_ops.account import Account
from vectora_ops.snapshots.compare import is_same, pairs_with_live
from vectora_ops.snapshots.index import Entry
from vectora_ops.snapshots.items import Source
from vectora_ops.snapshots.manifest import ComponentRecord
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
    s3 = account.client("s3")
    written = deleted = 0
    to_delete: list[str] = []
    with ThreadPoolExecutor(THREADS) as pool:
        writing: deque[Future[None]] = deque()
        try:
            for path, entry, item in pairs_with_live(vault, record, source):
                keep_alive()
                if entry is None:
                    to_delete.append(path)
                elif item is None or not is_same(source, item, entry):
                    if len(writing) >= IN_FLIGHT:
                        writing.popleft().result()
                    writing.append(pool.submit(write_entry, s3, vault, entry, bucket, path))
                    written += 1
                if len(to_delete) >= DELETED_AT_ONCE:
                    deleted += _delete(s3, bucket, to_delete)
                    to_delete.clear()
            while writing:
                keep_alive()
                writing.popleft().result()
        except BaseException:
            for future in writing:
                future.cancel()
            raise
    if to_delete:
        keep_alive()
        deleted += _delete(s3, bucket, to_delete)
    return Restored(written, deleted)


def write_entry(s3: Any, vault: Vault, entry: Entry, bucket: str, key: str) -> None:
    """Write an entry as a new version of `key`; raises DamagedError before a wrong byte is visible in the bucket."""
    content_type = entry.content_type or DEFAULT_CONTENT_TYPE
    if entry.size <= CHUNK_BYTES:
        s3.put_object(Bucket=bucket, Key=key, Body=vault.bytes_of(entry), ContentType=content_type)
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


def _delete(s3: Any, bucket: str, keys: list[str]) -> int:
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True})
    if errors := answer.get("Errors"):
        first = errors[0]
        raise VectoraError(f"s3://{bucket}/{first['Key']} could not be deleted: {first['Message']} ({first['Code']}).")
    return len(keys)

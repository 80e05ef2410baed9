"""Content of a snapshot written back to buckets: as new versions, with delete markers for what did not exist."""

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
    written: int
    deleted: int


def restore_objects(
    account: Account,
    vault: Vault,
    record: ComponentRecord,
    source: Source,
    bucket: str,
    *,
    alive: Callable[[], None],
) -> Restored:
    """Make a bucket's part that belongs to a component what the snapshot says; what is the same stays untouched.

    `alive` is called again and again; what it raises stops the work, which a second call finishes. Raises DamagedError
    when the vault's bytes are not the snapshot's.
    """
    s3 = account.client("s3")
    written = deleted = 0
    doomed: list[str] = []
    with ThreadPoolExecutor(THREADS) as pool:
        writing: deque[Future[None]] = deque()
        try:
            for path, entry, item in pairs_with_live(vault, record, source):
                alive()
                if entry is None:
                    doomed.append(path)
                elif item is None or not is_same(source, item, entry):
                    if len(writing) >= IN_FLIGHT:
                        writing.popleft().result()
                    writing.append(pool.submit(write_entry, s3, vault, entry, bucket, path))
                    written += 1
                if len(doomed) >= DELETED_AT_ONCE:
                    deleted += _delete(s3, bucket, doomed)
                    doomed.clear()
            while writing:
                alive()
                writing.popleft().result()
        except BaseException:
            for future in writing:
                future.cancel()
            raise
    if doomed:
        alive()
        deleted += _delete(s3, bucket, doomed)
    return Restored(written, deleted)


def write_entry(s3: Any, vault: Vault, entry: Entry, bucket: str, key: str) -> None:
    """Write an entry's bytes as a new version of `key`; raises DamagedError before anything wrong becomes visible."""
    content_type = entry.content_type or DEFAULT_CONTENT_TYPE
    if entry.size <= CHUNK_BYTES:
        s3.put_object(Bucket=bucket, Key=key, Body=vault.bytes_of(entry), ContentType=content_type)
        return
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, ContentType=content_type)["UploadId"]
    same: dict[str, str] = {"Bucket": bucket, "Key": key, "UploadId": upload}
    try:
        # The last chunk comes only when the digest over all of them is right, and nothing shows before completion.
        parts = [
            {"PartNumber": number, "ETag": s3.upload_part(**same, PartNumber=number, Body=chunk)["ETag"]}
            for number, chunk in enumerate(vault.chunks(entry), start=1)
        ]
        s3.complete_multipart_upload(**same, MultipartUpload={"Parts": parts})
    except BaseException:
        # A failure to clear up must not hide why it was needed.
        with contextlib.suppress(ClientError, BotoCoreError):
            s3.abort_multipart_upload(**same)
        raise


def _delete(s3: Any, bucket: str, keys: list[str]) -> int:
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True})
    if errors := answer.get("Errors"):
        first = errors[0]
        raise VectoraError(f"s3://{bucket}/{first['Key']} could not be deleted: {first['Message']} ({first['Code']}).")
    return len(keys)

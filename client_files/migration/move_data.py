"""Data of a client's old ids, copied below its stable id in one environment; nothing is overwritten or deleted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import ClientError

from vectora_ops.names import Names
from vectora_shared.aws import read_object
from vectora_shared.errors import VectoraError
from vectora_shared.keys import curated_prefix, ingested_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


THREADS = 16
Outcome = Literal["copied", "already", "left"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Task:
    old_id: str
    bucket: str
    source: str
    target: str
    newer_id: str | None  # whose object of the same name goes before


@dataclass(frozen=True)
class Left:
    """An object that was not copied, and why."""

    bucket: str
    source: str
    target: str
    reason: str


@dataclass(frozen=True)
class MovedFrom:
    """What became of the objects of one old id."""

    old_id: str
    copied: int
    already: int
    left: tuple[Left, ...]


@dataclass(frozen=True)
class _Body:
    sha256: str
    size: int
    etag: str


def move_data(
    s3: S3Client, names: Names, old_ids: Sequence[str], new_id: str, *, dry_run: bool, progress: Progress
) -> tuple[MovedFrom, ...]:
    """`old_ids` begins with the newest, whose objects go before those of the others.

    Can be repeated after an interruption at any point. Raises VectoraError when a bucket is missing, or when a copy
    reads back as other bytes than its source.
    """
    ids = [old_id for old_id in dict.fromkeys(old_ids) if old_id != new_id]
    tasks = list(_tasks(s3, names, ids, new_id))
    outcomes: list[tuple[_Task, Outcome, str]] = []
    progress(0, len(tasks))
    # Without the context manager's wait for all, an interruption would be noticed after the last copy.
    pool = ThreadPoolExecutor(THREADS)
    try:
        for task, (outcome, reason) in zip(tasks, pool.map(lambda each: _moved(s3, each, dry_run), tasks), strict=True):
            outcomes.append((task, outcome, reason))
            progress(len(outcomes), len(tasks))
    finally:
        pool.shutdown(cancel_futures=True)
    return tuple(_summary(old_id, [entry for entry in outcomes if entry[0].old_id == old_id]) for old_id in ids)


def _summary(old_id: str, outcomes: Sequence[tuple[_Task, Outcome, str]]) -> MovedFrom:
    kinds = [outcome for _, outcome, _ in outcomes]
    left = tuple(
        Left(task.bucket, task.source, task.target, reason) for task, outcome, reason in outcomes if outcome == "left"
    )
    return MovedFrom(old_id, kinds.count("copied"), kinds.count("already"), left)


def _tasks(s3: S3Client, names: Names, ids: Sequence[str], new_id: str) -> Iterator[_Task]:
    taken: dict[tuple[str, str], str] = {}
    for old_id in ids:
        for bucket, old, new in _prefixes(names, old_id, new_id):
            for key in _keys(s3, bucket, old):
                target = new + key.removeprefix(old)
                owner = taken.setdefault((bucket, target), old_id)
                yield _Task(old_id, bucket, key, target, owner if owner != old_id else None)


def _prefixes(names: Names, old_id: str, new_id: str) -> Iterator[tuple[str, str, str]]:
    yield names.bucket("data"), ingested_prefix(old_id), ingested_prefix(new_id)
    yield names.bucket("data"), curated_prefix(old_id), curated_prefix(new_id)
    yield names.bucket("newsletters"), f"{old_id}/", f"{new_id}/"


def _keys(s3: S3Client, bucket: str, prefix: str) -> list[str]:
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchBucket", "404"):
            raise
        raise VectoraError(f"There is no bucket {bucket}: deploy the environment first, or choose another.") from error


def _moved(s3: S3Client, task: _Task, dry_run: bool) -> tuple[Outcome, str]:
    if task.newer_id:
        return "left", f"{task.newer_id} has one for the same day, and the higher version goes before"
    source = _read(s3, task.bucket, task.source)
    if source is None:
        return "left", "it is gone since it was listed"
    target = _read(s3, task.bucket, task.target)
    if target is None and dry_run:
        return "copied", ""
    if target is None and _copied(s3, task, source):
        return "copied", ""
    target = target or _read(s3, task.bucket, task.target)
    if target and (target.sha256, target.size) == (source.sha256, source.size):
        return "already", ""
    return "left", "other bytes lie at the target, which are never overwritten"


def _copied(s3: S3Client, task: _Task, source: _Body) -> bool:
    """False when something else came to lie at the target meanwhile."""
    try:
        s3.copy_object(
            Bucket=task.bucket,
            Key=task.target,
            CopySource={"Bucket": task.bucket, "Key": task.source},
            CopySourceIfMatch=source.etag,
            IfNoneMatch="*",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict", "412", "409"):
            return False
        raise
    copy = _read(s3, task.bucket, task.target)
    if copy is None or (copy.sha256, copy.size) != (source.sha256, source.size):
        raise VectoraError(
            f"s3://{task.bucket}/{task.target} does not read back as s3://{task.bucket}/{task.source}: delete it, then "
            "run the same command again."
        )
    return True


def _read(s3: S3Client, bucket: str, key: str) -> _Body | None:
    try:
        found = read_object(s3, Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
            raise
        return None
    return _Body(hashlib.sha256(found.body).hexdigest(), len(found.body), found.etag)

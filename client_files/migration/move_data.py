"""Copies of a client's data from its old ids to its stable id, which overwrite and delete nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import ClientError

from client_files.buckets import keys_below
from vectora_ops.names import Names
from vectora_shared.aws import read_object
from vectora_shared.aws_errors import error_code, is_absent
from vectora_shared.errors import VectoraError
from vectora_shared.keys import curated_prefix, ingested_prefix
from vectora_shared.storage import Bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


THREADS = 16
CopyOutcome = Literal["copied", "already", "left"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Task:
    old_id: str
    bucket: str
    source: str
    target: str
    newer_id: str | None  # the newer old id that has an object of the same name


@dataclass(frozen=True)
class Left:
    """An object that was not copied, and why."""

    bucket: str
    source: str
    target: str
    reason: str


@dataclass(frozen=True)
class MovedFrom:
    """Numbers of copied and existing objects of one old id, and the objects that were not copied."""

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
    """Copy the objects of all old ids; `old_ids` begins with the newest, whose objects take precedence.

    Can be repeated after an interruption at any point. Raises VectoraError when a bucket is missing, or when a copy
    differs from its source.
    """
    ids = [old_id for old_id in dict.fromkeys(old_ids) if old_id != new_id]
    tasks = list(_tasks(s3, names, ids, new_id))
    outcomes: list[tuple[_Task, CopyOutcome, str]] = []
    progress(0, len(tasks))
    # The context manager would wait for all copies before it raises an interruption.
    pool = ThreadPoolExecutor(THREADS)
    try:
        for task, (outcome, reason) in zip(
            tasks, pool.map(lambda each: _copy_task(s3, each, dry_run), tasks), strict=True
        ):
            outcomes.append((task, outcome, reason))
            progress(len(outcomes), len(tasks))
    finally:
        pool.shutdown(cancel_futures=True)
    return tuple(_summary(old_id, [entry for entry in outcomes if entry[0].old_id == old_id]) for old_id in ids)


def _summary(old_id: str, outcomes: Sequence[tuple[_Task, CopyOutcome, str]]) -> MovedFrom:
    kinds = [outcome for _, outcome, _ in outcomes]
    left = tuple(
        Left(task.bucket, task.source, task.target, reason) for task, outcome, reason in outcomes if outcome == "left"
    )
    return MovedFrom(old_id, kinds.count("copied"), kinds.count("already"), left)


def _tasks(s3: S3Client, names: Names, ids: Sequence[str], new_id: str) -> Iterator[_Task]:
    taken: dict[tuple[str, str], str] = {}
    for old_id in ids:
        for bucket, old, new in _prefixes(names, old_id, new_id):
            for key in keys_below(Bucket(s3, bucket), old):
                target = new + key.removeprefix(old)
                owner = taken.setdefault((bucket, target), old_id)
                yield _Task(old_id, bucket, key, target, owner if owner != old_id else None)


def _prefixes(names: Names, old_id: str, new_id: str) -> Iterator[tuple[str, str, str]]:
    yield names.bucket("data"), ingested_prefix(old_id), ingested_prefix(new_id)
    yield names.bucket("data"), curated_prefix(old_id), curated_prefix(new_id)
    yield names.bucket("newsletters"), f"{old_id}/", f"{new_id}/"


def _copy_task(s3: S3Client, task: _Task, dry_run: bool) -> tuple[CopyOutcome, str]:
    if task.newer_id:
        return "left", f"{task.newer_id} has one for the same day, and the newer id takes precedence"
    source = _read(s3, task.bucket, task.source)
    if source is None:
        return "left", "it was deleted while this command ran"
    target = _read(s3, task.bucket, task.target)
    if target is None and dry_run:
        return "copied", ""
    if target is None and _copy(s3, task, source):
        return "copied", ""
    target = target or _read(s3, task.bucket, task.target)
    if target and (target.sha256, target.size) == (source.sha256, source.size):
        return "already", ""
    return "left", "the target has other content, which is never overwritten"


def _copy(s3: S3Client, task: _Task, source: _Body) -> bool:
    """Copy an object and compare it; return False when another object was written to the target meanwhile."""
    try:
        s3.copy_object(
            Bucket=task.bucket,
            Key=task.target,
            CopySource={"Bucket": task.bucket, "Key": task.source},
            CopySourceIfMatch=source.etag,
            IfNoneMatch="*",
        )
    except ClientError as error:
        if error_code(error) in ("PreconditionFailed", "ConditionalRequestConflict", "412", "409"):
            return False
        raise
    copy = _read(s3, task.bucket, task.target)
    if copy is None or (copy.sha256, copy.size) != (source.sha256, source.size):
        raise VectoraError(
            f"s3://{task.bucket}/{task.target} is not an exact copy of s3://{task.bucket}/{task.source}: delete it, "
            "then run the same command again."
        )
    return True


def _read(s3: S3Client, bucket: str, key: str) -> _Body | None:
    try:
        found = read_object(s3, Bucket=bucket, Key=key)
    except ClientError as error:
        if not is_absent(error, "object"):
            raise
        return None
    return _Body(hashlib.sha256(found.body).hexdigest(), len(found.body), found.etag)

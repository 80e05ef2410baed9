"""Requests and time of a restore of 10,000 objects, against one read of the vault for each file."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median
from typing import Any
from unittest import mock

from benchmarks.figure import Figure
from benchmarks.storage import NAMES, NEWSLETTERS, Storage, storage
from vectora_ops.live_environment import Environment
from vectora_ops.rollback.content import restore_objects
from vectora_ops.snapshots.components import source_in_scope
from vectora_ops.snapshots.index import Entry
from vectora_ops.snapshots.manifest import Manifest, Occasion
from vectora_ops.snapshots.object_store import OBJECTS
from vectora_ops.snapshots.objects import ObjectReader
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault

ROUNDS = 3
OBJECTS_RESTORED = 10_000
OBJECT_BYTES = 8 * 1024
DELETED_AT_ONCE = 1000
PLAIN_THREADS = 16


def restore_figures() -> list[Figure]:
    """Measure restores of an emptied bucket in turns."""
    with storage() as there:
        there.fill(0, OBJECTS_RESTORED, OBJECT_BYTES)
        # The local AWS itself takes most of the time of both.
        return restore_figures_of(there, where="", limit=0.7)


def restore_figures_of(there: Storage, *, where: str, limit: float) -> list[Figure]:
    """Measure restores of a storage that has the newsletters; `where` names it, `limit` is that of the time."""
    request = SnapshotRequest(label="restored", occasion=Occasion(kind="operator"))
    manifest = take_snapshot(there.account, NAMES, request)
    by_pack, file_by_file, reads = [], [], 0
    for _ in range(ROUNDS):
        _empty(there)
        file_by_file.append(_spent(lambda: _restore_file_by_file(there, manifest)))
        _empty(there)
        with _counted_reads() as counted:
            by_pack.append(_spent(lambda: _restore(there, manifest)))
        reads = len(counted)
    (new, new_cpu), (plain, plain_cpu) = _medians(by_pack), _medians(file_by_file)
    what = f"{OBJECTS_RESTORED:,} objects of {OBJECT_BYTES // 1024} KiB{where}"
    plainly = f"of boto3 with {PLAIN_THREADS} threads"
    return [
        Figure(
            f"reads of the vault for each 1,000 restored objects{where}",
            1000 * reads / OBJECTS_RESTORED,
            "",
            5,
            f"{what}: {reads} requests, with the index",
        ),
        Figure(
            f"CPU time of a restore, against one read for each file{where}",
            new_cpu / plain_cpu,
            "x",
            0.4,
            f"{what}, median of {ROUNDS}: {1e6 * new_cpu / OBJECTS_RESTORED:.0f} µs an object "
            f"against {1e6 * plain_cpu / OBJECTS_RESTORED:.0f} µs {plainly}",
        ),
        Figure(
            f"restore, against one read for each file{where}",
            new / plain,
            "x",
            limit,
            f"{what}, median of {ROUNDS}: {new:.1f} s ({OBJECTS_RESTORED / new:,.0f} objects/s) "
            f"against {plain:.1f} s ({OBJECTS_RESTORED / plain:,.0f} objects/s) {plainly}",
        ),
    ]


def _spent(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds and the CPU seconds of this process that work takes."""
    start, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - cpu


def _medians(spent: list[tuple[float, float]]) -> tuple[float, float]:
    return median(seconds for seconds, _ in spent), median(cpu for _, cpu in spent)


def _restore(there: Storage, manifest: Manifest) -> None:
    restored = restore_objects(
        there.account,
        Vault(there.account, NAMES),
        manifest.components["newsletters"],
        source_in_scope(Environment(there.account, NAMES), manifest, "newsletters"),
        NEWSLETTERS,
        keep_alive=lambda: None,
    )
    if restored.written != OBJECTS_RESTORED:
        raise RuntimeError(f"{restored.written:,} objects were restored: the figure would be invalid.")


def _restore_file_by_file(there: Storage, manifest: Manifest) -> None:
    """Read and write each file by requests of its own, as restores did before they read whole packs."""
    s3, vault = there.account.client("s3"), Vault(there.account, NAMES)

    def write(entry: Entry) -> None:
        (piece,) = entry.slices
        wanted = f"bytes={piece.offset}-{piece.offset + piece.length - 1}"
        body = s3.get_object(Bucket=vault.bucket, Key=OBJECTS + piece.sha256, Range=wanted)["Body"].read()
        s3.put_object(Bucket=NEWSLETTERS, Key=entry.path, Body=body, ContentType=entry.content_type or "-")

    with ThreadPoolExecutor(PLAIN_THREADS) as pool:
        writing: deque[Future[None]] = deque()
        for entry, _ in vault.entries(manifest.components["newsletters"]):
            if len(writing) >= 4 * PLAIN_THREADS:
                writing.popleft().result()
            writing.append(pool.submit(write, entry))
        for future in writing:
            future.result()
    if there.count(NEWSLETTERS) != OBJECTS_RESTORED:
        raise RuntimeError("Not all objects were restored: the figure would be invalid.")


def _empty(there: Storage) -> None:
    s3 = there.account.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=NEWSLETTERS):
        found = [{"Key": each["Key"]} for each in page.get("Contents", [])]
        s3.delete_objects(Bucket=NEWSLETTERS, Delete={"Objects": found, "Quiet": True})


@contextmanager
def _counted_reads() -> Iterator[list[str]]:
    """Collect the keys that are read from the vault."""
    keys: list[str] = []
    reading = ObjectReader.get

    def counted(reader: ObjectReader, key: str, **options: Any) -> Any:
        if reader.bucket == NAMES.bucket("snapshots"):
            keys.append(key)
        return reading(reader, key, **options)

    with mock.patch.object(ObjectReader, "get", counted):
        yield keys

"""Time of a snapshot of 10,000 objects, against s5cmd and `aws s3 sync`, and of a second one, against listing."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from benchmarks.figure import Figure
from benchmarks.storage import NAMES, NEWSLETTERS, Storage, storage
from vectora_ops.snapshots.manifest import Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot

ROUNDS = 3
OBJECTS = 10_000
OBJECT_BYTES = 8 * 1024
CHANGED = 10


def snapshot_figures() -> list[Figure]:
    """Measure snapshots, copies and lists of the same objects in turns."""
    snapshots, s5cmd, sync, second, listing = [], [], [], [], []
    with storage() as there:
        there.fill(0, OBJECTS, OBJECT_BYTES)
        for number in range(ROUNDS):
            s5cmd.append(_seconds(lambda number=number: _copied_by_s5cmd(there, f"by-s5cmd-{number}")))  # type: ignore[misc]
            sync.append(_seconds(lambda number=number: _copied_by_sync(there, f"by-sync-{number}")))  # type: ignore[misc]
            snapshots.append(_seconds(lambda number=number: snapshot_of_all(there, f"first{number}")))  # type: ignore[misc]
            there.change(CHANGED, OBJECT_BYTES)
            listing.append(_seconds(lambda: there.count(NEWSLETTERS)))
            second.append(_seconds(lambda number=number: snapshot_of_all(there, f"second{number}")))  # type: ignore[misc]
            for copy in (f"by-s5cmd-{number}", f"by-sync-{number}"):
                if there.count(copy) != OBJECTS:
                    raise RuntimeError(f"{copy} does not have {OBJECTS:,} objects: the figure would be invalid.")
            there.empty_the_vault()
    what = f"{OBJECTS:,} objects of {OBJECT_BYTES // 1024} KiB, median of {ROUNDS}"
    first = median(snapshots)
    return [
        Figure(
            "first snapshot, against s5cmd cp",
            first / median(s5cmd),
            "x",
            3.0,
            f"{what}: {first:.1f} s against {median(s5cmd):.1f} s",
        ),
        Figure(
            "first snapshot, against aws s3 sync",
            first / median(sync),
            "x",
            1.2,
            f"{what}: {first:.1f} s against {median(sync):.1f} s",
        ),
        Figure(
            f"second snapshot, {CHANGED} changed, against listing alone",
            median(second) / median(listing),
            "x",
            2.0,
            f"{what}: {median(second):.2f} s against {median(listing):.2f} s by boto3's paginator",
        ),
    ]


def snapshot_of_all(there: Storage, label: str) -> None:
    """Take a snapshot; raise RuntimeError when objects are missing from it."""
    manifest = take_snapshot(there.account, NAMES, SnapshotRequest(label=label, occasion=Occasion(kind="operator")))
    if manifest.components["newsletters"].entries != OBJECTS:
        raise RuntimeError(f"{manifest.name} does not have {OBJECTS:,} objects: the figure would be invalid.")


def _copied_by_s5cmd(there: Storage, bucket: str) -> None:
    there.create_bucket(bucket)
    there.s5cmd("cp", f"s3://{NEWSLETTERS}/*", f"s3://{bucket}/")


def _copied_by_sync(there: Storage, bucket: str) -> None:
    there.create_bucket(bucket)
    there.aws("s3", "sync", "--quiet", f"s3://{NEWSLETTERS}/", f"s3://{bucket}/")


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start

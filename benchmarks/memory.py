"""Peak memory of a snapshot of 1,000, 10,000 and 100,000 objects, each in a separate process."""

from __future__ import annotations

import sys

from benchmarks.figure import Figure
from benchmarks.storage import Storage, fast_storage, run

SIZES = (1_000, 10_000, 100_000)
OBJECT_BYTES = 2 * 1024
# Reads the peak from /proc, because getrusage includes the peak of the parent process.
PROGRAM = """
import re
from pathlib import Path
import boto3
from rehearsal.promotion_in_process import with_promotion
from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.snapshots.manifest import Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
NAMES = Names(project="vectora-inbox", env="dev")
account = with_promotion(Account("0" * 12, "eu-west-3", boto3.Session(region_name="eu-west-3")), NAMES)
request = SnapshotRequest(label="memory", occasion=Occasion(kind="operator"))
manifest = take_snapshot(account, NAMES, request)
print(manifest.entries, re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text(encoding="ascii"))[1])
"""


def memory_figures() -> list[Figure]:
    """Compare the peaks of memory of different numbers of objects."""
    peaks: list[float] = []
    with fast_storage() as (there, _):
        before = 0
        for objects in SIZES:
            there.fill(before, objects, OBJECT_BYTES)
            there.empty_the_vault()
            peaks.append(_peak(there, objects))
            before = objects
    shown = ", ".join(f"{peak:.0f} MiB at {objects:,}" for objects, peak in zip(SIZES, peaks, strict=True))
    thousand, ten_thousand, hundred_thousand = peaks
    return [
        # With 1,000 objects, not even one part of the index is full; so this limit is higher.
        Figure("memory of a snapshot, 10,000 objects against 1,000", ten_thousand / thousand, "x", 1.8, shown),
        Figure(
            "memory of a snapshot, 100,000 objects against 10,000", hundred_thousand / ten_thousand, "x", 1.2, shown
        ),
    ]


def _peak(there: Storage, objects: int) -> float:
    """Return the peak memory of a snapshot in MiB."""
    entries, kibibytes = map(int, run([sys.executable, "-c", PROGRAM], there.environment).split())
    if entries != objects:
        raise RuntimeError(f"The snapshot has {entries:,} objects instead of {objects:,}: the figure would be invalid.")
    return kibibytes / 1024

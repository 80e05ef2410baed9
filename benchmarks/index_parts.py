"""Index parts that a snapshot of 100,000 files stores again when one file is added."""

from __future__ import annotations

from benchmarks.figure import Figure
from vectora_ops.snapshots.part_ends import PartEnds

FILES = 100_000
PLACES = {"in front": 0, "in the middle": FILES // 2, "at the end": FILES}


def index_part_figures() -> list[Figure]:
    """Count the parts that differ after a file was added at different places."""
    paths = [f"lai_weekly/{number:06}/newsletter.md" for number in range(FILES)]
    before = set(_parts(paths))
    counts = {}
    for where, place in PLACES.items():
        added = f"{paths[place - 1]}-new" if place else "a"
        counts[where] = len(set(_parts([*paths[:place], added, *paths[place:]])) - before)
    shown = ", ".join(f"{count} of {len(before)} when it is added {where}" for where, count in counts.items())
    return [Figure("index parts stored again for one new file of 100,000", max(counts.values()), "parts", 2, shown)]


def _parts(paths: list[str]) -> list[tuple[str, ...]]:
    items = PartEnds((path, path) for path in paths)
    parts, part = [], []
    for path in items:
        part.append(path)
        if items.has_end(path):
            parts.append(tuple(part))
            part = []
    return [*parts, tuple(part)]

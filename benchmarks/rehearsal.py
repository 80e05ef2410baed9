"""Time of one rehearsal, and the stand-in's overhead in addition to the actions that it runs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.storage import ROOT
from rehearsal.run import RehearsalOptions, completed_rehearsal
from terminal.console import Terminal

# Share of an execution's time; the rest are actions, approvals and holds, which take time on AWS too.
LARGEST_OVERHEAD_PERCENT = 5.0
LONGEST_SECONDS = 90.0
SLOWEST_KINDS = 4


def rehearsal_figures() -> list[Figure]:
    """Measure a rehearsal with warm caches, and the highest overhead of all commits."""
    with tempfile.TemporaryDirectory() as folder:
        options = RehearsalOptions(root=ROOT, results_folder=Path(folder))
        with completed_rehearsal(options, Terminal(stderr=True)) as (result, _, _):
            commits, profile = result.commits, result.profile
    worst = max(commits, key=lambda commit: commit.overhead_percent)
    each = ", ".join(f"{commit.overhead_percent:.1f} % of {commit.seconds:.0f} s" for commit in commits)
    how = f"highest of {len(commits)} commits: {each}"
    kinds = ", ".join(f"{each.count} {each.kind} {each.seconds:.1f} s" for each in profile.kinds[:SLOWEST_KINDS])
    return [
        Figure("warm rehearsal", profile.seconds, "s", LONGEST_SECONDS, kinds),
        Figure("overhead of the stand-in", worst.overhead_percent, "%", LARGEST_OVERHEAD_PERCENT, how),
    ]

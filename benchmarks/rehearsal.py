"""Overhead of the stand-in for CodePipeline in one rehearsal, in addition to the actions that it runs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.storage import ROOT
from rehearsal.run import RehearsalOptions, completed_rehearsal
from terminal.console import Terminal

# Share of an execution's time; the rest are actions, approvals and holds, which take time on AWS too.
LARGEST_OVERHEAD_PERCENT = 5.0


def rehearsal_figures() -> list[Figure]:
    """Measure the highest overhead of all commits."""
    with tempfile.TemporaryDirectory() as folder:
        options = RehearsalOptions(root=ROOT, results_folder=Path(folder))
        with completed_rehearsal(options, Terminal(stderr=True)) as (result, _, _):
            commits = result.commits
    worst = max(commits, key=lambda commit: commit.overhead_percent)
    each = ", ".join(f"{commit.overhead_percent:.1f} % of {commit.seconds:.0f} s" for commit in commits)
    how = f"highest of {len(commits)} commits: {each}"
    return [Figure("overhead of the stand-in", worst.overhead_percent, "%", LARGEST_OVERHEAD_PERCENT, how)]

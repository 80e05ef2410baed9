"""CPU time of `./vectora --help`, against Python that starts and ends, in turns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks.figure import Figure
from benchmarks.synth import cpu_of_children

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 9
SECONDS = 0.2


def help_figures() -> list[Figure]:
    """Measure the help of the program."""
    rounds = [
        (_seconds(str(ROOT / "vectora"), "--help"), _seconds(sys.executable, "-c", "pass")) for _ in range(ROUNDS)
    ]
    ours, python = (median(times) for times in zip(*rounds, strict=True))
    how = f"median of {ROUNDS}; {ours / python:.0f} x Python that does nothing ({python:.3f} s)"
    return [Figure("CPU time of ./vectora --help", ours, "s", SECONDS, how)]


def _seconds(*command: str) -> float:
    before = cpu_of_children()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return cpu_of_children() - before

"""Wall and CPU time of `cdk synth` of prod, against an app with one bucket, in turns."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.figure import Figure

ROOT = Path(__file__).resolve().parent.parent
CDK = Path(sys.executable).parent / "cdk"
ROUNDS = 9
WALL_LIMIT, CPU_LIMIT = 1.35, 1.5
EMPTY_APP = """
import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

app = cdk.App()
s3.Bucket(cdk.Stack(app, "Empty"), "Bucket")
app.synth()
"""


@dataclass(frozen=True)
class _Times:
    wall: float
    cpu: float


def synth_figures() -> list[Figure]:
    """Measure both apps in turns."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder)
        (empty / "app.py").write_text(EMPTY_APP, encoding="utf-8")
        (empty / "cdk.json").write_bytes((ROOT / "cdk.json").read_bytes())
        prod, one_bucket = [], []
        for round_ in range(ROUNDS + 1):
            times = (_synth(ROOT, "--context", "env=prod", "--output", str(empty / "out")), _synth(empty))
            if round_:  # the first round fills caches
                prod.append(times[0])
                one_bucket.append(times[1])
    return [
        _figure("cdk synth of prod", WALL_LIMIT, [each.wall for each in prod], [each.wall for each in one_bucket]),
        _figure("its CPU time", CPU_LIMIT, [each.cpu for each in prod], [each.cpu for each in one_bucket]),
    ]


def _figure(what: str, limit: float, prod: list[float], one_bucket: list[float]) -> Figure:
    how = f"median of {ROUNDS}: {median(prod):.2f} s against {median(one_bucket):.2f} s for one bucket"
    return Figure(what, median(prod) / median(one_bucket), "x", limit, how)


def _synth(folder: Path, *arguments: str) -> _Times:
    wall, cpu = time.perf_counter(), cpu_of_children()
    subprocess.run([CDK, "synth", "--quiet", *arguments], cwd=folder, check=True, capture_output=True)
    return _Times(wall=time.perf_counter() - wall, cpu=cpu_of_children() - cpu)


def cpu_of_children() -> float:
    """Return the CPU seconds of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

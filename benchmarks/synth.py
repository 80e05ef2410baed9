"""Time of `cdk synth` of prod, against an app with one bucket, in turns."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.figure import Figure

ROOT = Path(__file__).resolve().parent.parent
CDK = Path(sys.executable).parent / "cdk"
ROUNDS = 9
EMPTY_APP = """
import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

app = cdk.App()
s3.Bucket(cdk.Stack(app, "Empty"), "Bucket")
app.synth()
"""


def synth_figures() -> list[Figure]:
    """Measure both apps in turns."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder)
        (empty / "app.py").write_text(EMPTY_APP, encoding="utf-8")
        (empty / "cdk.json").write_bytes((ROOT / "cdk.json").read_bytes())
        prod, one_bucket = [], []
        for round_ in range(ROUNDS + 1):
            seconds = (_synth(ROOT, "--context", "env=prod", "--output", str(empty / "out")), _synth(empty))
            if round_:  # the first round fills caches
                prod.append(seconds[0])
                one_bucket.append(seconds[1])
    ratio = median(prod) / median(one_bucket)
    how = f"median of {ROUNDS}: {median(prod):.2f} s against {median(one_bucket):.2f} s for one bucket"
    return [Figure("cdk synth of prod", ratio, "x", 1.5, how)]


def _synth(folder: Path, *arguments: str) -> float:
    start = time.perf_counter()
    subprocess.run([CDK, "synth", "--quiet", *arguments], cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start

"""Time to import a handler, in addition to boto3, which is part of Lambda's runtime."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.figure import Figure

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 7
FUNCTIONS = ("ingest_v2", "normalize_score_v2", "newsletter_v2", "deliver_v2", "publish_configuration")
PROGRAM = """
import sys, time
import boto3
start = time.perf_counter()
import handler
print(time.perf_counter() - start)
"""


def import_figures() -> list[Figure]:
    """Measure the import of each handler."""
    return [
        Figure(f"import of {function} beyond boto3", _seconds(function), "s", 0.3, f"best of {ROUNDS} processes")
        for function in FUNCTIONS
    ]


def _seconds(function: str) -> float:
    source = ROOT / "lambda_src"
    command = [sys.executable, "-c", PROGRAM]
    environment = {"PYTHONPATH": f"{source / function}:{source}", "AWS_DEFAULT_REGION": "eu-west-3"}
    runs = (
        subprocess.run(command, env=environment, check=True, capture_output=True, encoding="utf-8")
        for _ in range(ROUNDS)
    )
    return min(float(run.stdout) for run in runs)

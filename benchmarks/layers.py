"""Size of the uploaded layers."""

from __future__ import annotations

from pathlib import Path

from benchmarks.figure import Figure
from stacks.assets.packages import Packages

ROOT = Path(__file__).resolve().parent.parent
MEBIBYTE = 1024 * 1024


def layer_figures() -> list[Figure]:
    """Measure the zip files of both layers."""
    packages = Packages(ROOT, "lambda")
    size = sum(package.path.stat().st_size for package in (packages.engine_layer(), packages.dependencies_layer()))
    return [Figure("both layers, zipped", size / MEBIBYTE, "MiB", 15, "vectora-core and common-deps for arm64")]

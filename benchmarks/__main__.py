"""`make bench`: measures the figures that the project claims, and prints a table, or JSON with --json."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from benchmarks.engine import engine_figures
from benchmarks.figure import Figure
from benchmarks.help import help_figures
from benchmarks.imports import import_figures
from benchmarks.index_parts import index_part_figures
from benchmarks.layers import layer_figures
from benchmarks.memory import memory_figures
from benchmarks.model_calls import model_call_figures
from benchmarks.model_cost import model_cost_figures
from benchmarks.parsing import parsing_figures
from benchmarks.peers import peer_figures
from benchmarks.rehearsal import rehearsal_figures
from benchmarks.restore import restore_figures
from benchmarks.review import review_figures
from benchmarks.rollback import rollback_figures
from benchmarks.snapshots import snapshot_figures
from benchmarks.synth import synth_figures

BENCHMARKS: dict[str, Callable[[], list[Figure]]] = {
    "synth": synth_figures,
    "help": help_figures,
    "imports": import_figures,
    "layers": layer_figures,
    "engine": engine_figures,
    "parsing": parsing_figures,
    "model-calls": model_call_figures,
    "model-cost": model_cost_figures,
    "snapshots": snapshot_figures,
    "peers": peer_figures,
    "memory": memory_figures,
    "index-parts": index_part_figures,
    "restore": restore_figures,
    "rollback": rollback_figures,
    "review": review_figures,
    "rehearsal": rehearsal_figures,
}


def main() -> int:
    """Run the chosen benchmarks; return 1 when a figure exceeds its limit."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__, epilog="Example: make bench")
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], help="benchmarks to run; all by default")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    arguments = parser.parse_args()
    progress = Console(stderr=True)
    figures: list[Figure] = []
    for name in arguments.names or BENCHMARKS:
        progress.print(f"Measuring {name} ...")
        figures += BENCHMARKS[name]()
    if arguments.json:
        sys.stdout.write(json.dumps([{**asdict(f), "kept": f.kept} for f in figures], indent=2) + "\n")
    else:
        _print(figures)
    return 0 if all(figure.kept for figure in figures) else 1


def _print(figures: list[Figure]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("what", "measured", "limit", "", "how"):
        table.add_column(column)
    for figure in figures:
        verdict = "ok" if figure.kept else "EXCEEDED"
        table.add_row(figure.what, f"{figure.value:.2f} {figure.unit}", f"{figure.limit:g}", verdict, figure.how)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


if __name__ == "__main__":
    sys.exit(main())

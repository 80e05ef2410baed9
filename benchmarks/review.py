"""Answers of `./vectora review` on the corpus of changes, beside those of other tools, and its CPU time."""

from __future__ import annotations

import subprocess
import tempfile
from datetime import date
from pathlib import Path
from statistics import median

from benchmarks.diff_tools import FAIL_ON, Stops, cdk_diff, library_answers
from benchmarks.figure import Figure
from benchmarks.review_cases import Case, load_cases
from benchmarks.synth import cpu_of_children
from change_review.model import Category
from change_review.review import Limits, review_templates

ROOT = Path(__file__).resolve().parent.parent
ROUNDS, SECONDS = 3, 3.0
LIMITS = Limits(today=date(2026, 11, 26))


def review_figures() -> list[Figure]:
    """Measure the wrong answers of the review and of other tools, and how long the review of a checkout takes."""
    cases = load_cases()
    ours = _wrong_answers(cases, _review)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as assembly:
        tools = {"cdk diff --fail-on": cdk_diff(Path(assembly)), **library_answers(Path(folder), cases)}
        theirs = {name: _wrong_answers(cases, stops) for name, stops in tools.items()}
    figures = []
    for what, (wrong, number) in ours.items():
        others = ", ".join(f"{name}: {found[what][0]}" for name, found in theirs.items())
        figures.append(Figure(what, wrong, "changes", 0, f"of {number}; {others}"))
    return [*figures, _seconds()]


def _wrong_answers(cases: tuple[Case, ...], stops: Stops) -> dict[str, tuple[int, int]]:
    """Return by kind of question how many answers are wrong, of how many."""
    found: dict[str, tuple[int, int]] = {}
    harmless = [case for case in cases if not case.expected]
    for kind, option in FAIL_ON.items():
        risky = [case for case in cases if kind in case.expected]
        passed = sum(not stops(case, kind) for case in risky)
        found[f"changes that are {option} and pass the review"] = passed, len(risky)
    stopped = sum(any(stops(case, kind) for kind in FAIL_ON) for case in harmless)
    found["harmless changes that the review stops"] = stopped, len(harmless)
    return found


def _review(case: Case, kind: Category) -> bool:
    return bool(review_templates(*case.bodies, LIMITS).bits((kind,)))


def _seconds() -> Figure:
    times = []
    for _ in range(ROUNDS):
        before = cpu_of_children()
        command = [str(ROOT / "vectora"), "review", "--base", "HEAD~1", "--fail-on", "none"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        times.append(cpu_of_children() - before)
    return Figure("CPU time of ./vectora review", median(times), "s", SECONDS, f"median of {ROUNDS}, this checkout")

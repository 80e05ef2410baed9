"""Answers of `./vectora review` on the corpus of changes, beside those of `cdk diff --fail-on`, and its CPU time."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

from benchmarks.figure import Figure
from benchmarks.review_cases import Case, load_cases
from benchmarks.synth import cpu_of_children
from change_review.model import Category
from change_review.review import Limits, review_templates

ROOT = Path(__file__).resolve().parent.parent
CDK = ROOT / ".venv" / "bin" / "cdk"
ROUNDS, SECONDS = 3, 3.0
LIMITS = Limits(today=date(2026, 11, 26))
# Kinds that `cdk diff` has, by the value of its option (cdk diff --help). It knows no gates and no cost.
FAIL_ON: dict[Category, str] = {"data": "destructive", "permissions": "broadening"}
Stops = Callable[[Case, Category], bool]


def review_figures() -> list[Figure]:
    """Measure the wrong answers of the review and of cdk diff, and how long the review of a checkout takes."""
    cases = load_cases()
    with tempfile.TemporaryDirectory() as folder:
        cdk = _cdk_diff(Path(folder))
        ours, theirs = (_wrong_answers(cases, stops) for stops in (_review, cdk))
    return [
        *(
            Figure(what, ours[what][0], "changes", 0, f"of {ours[what][1]}; cdk diff --fail-on: {theirs[what][0]}")
            for what in ours
        ),
        _seconds(),
    ]


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


def _cdk_diff(folder: Path) -> Stops:
    """Return a test with the CDK CLI, which compares an assembly of one template with an older template."""
    properties = {"templateFile": "Example.template.json"}
    artifact = {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region"}
    manifest = {"version": "36.0.0", "artifacts": {"Example": {**artifact, "properties": properties}}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    older = folder / "older.json"

    def stops(case: Case, kind: Category) -> bool:
        older.write_text(json.dumps(case.before), encoding="utf-8")
        (folder / "Example.template.json").write_text(json.dumps(case.after), encoding="utf-8")
        command = [CDK, "diff", "Example", "--app", folder, "--template", older, "--fail-on", FAIL_ON[kind]]
        done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, check=False)
        return bool(done.returncode)

    return stops


def _seconds() -> Figure:
    times = []
    for _ in range(ROUNDS):
        before = cpu_of_children()
        command = [str(ROOT / "vectora"), "review", "--base", "HEAD~1", "--fail-on", "none"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        times.append(cpu_of_children() - before)
    return Figure("CPU time of ./vectora review", median(times), "s", SECONDS, f"median of {ROUNDS}, this checkout")

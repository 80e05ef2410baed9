"""Other tools that judge a change of a template: `cdk diff`, the library that it uses, and cdk-diff-action."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.review_cases import Case
from change_review.model import Category
from vectora_shared.errors import VectoraError

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".venv" / "bin"
SOURCES = Path(__file__).resolve().parent / "diff_library"
FILES = ("package.json", "package-lock.json", "answers.mjs")
# The name for people, by the name in answers.mjs.
LIBRARIES = {"library": "@aws-cdk/cloudformation-diff", "action": "cdk-diff-action"}
# Kinds that `cdk diff` has, by the value of its option (cdk diff --help). It knows no gates and no cost.
FAIL_ON: dict[Category, str] = {"data": "destructive", "permissions": "broadening"}
Stops = Callable[[Case, Category], bool]


def cdk_diff(folder: Path) -> Stops:
    """Return a test with the CDK CLI, which compares an assembly of one template with an older template."""
    properties = {"templateFile": "Example.template.json"}
    artifact = {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region"}
    manifest = {"version": "36.0.0", "artifacts": {"Example": {**artifact, "properties": properties}}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    older = folder / "older.json"

    def stops(case: Case, kind: Category) -> bool:
        older.write_text(json.dumps(case.before), encoding="utf-8")
        (folder / "Example.template.json").write_text(json.dumps(case.after), encoding="utf-8")
        command = [TOOLS / "cdk", "diff", "Example", "--app", folder, "--template", older, "--fail-on", FAIL_ON[kind]]
        done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, check=False)
        return bool(done.returncode)

    return stops


def library_answers(folder: Path, cases: Sequence[Case]) -> dict[str, Stops]:
    """Return tests with the library, and with the action by its rule, by the name of the tool.

    Raises VectoraError when npm cannot install the library or it ends with an error.
    """
    for name in FILES:
        shutil.copy(SOURCES / name, folder / name)
    _run([str(TOOLS / "npm"), "ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"], folder)
    changes = "".join(json.dumps({"before": case.before, "after": case.after}) + "\n" for case in cases)
    lines = _run([str(TOOLS / "node"), "answers.mjs"], folder, changes).splitlines()
    answers = {case.name: json.loads(line) for case, line in zip(cases, lines, strict=True)}
    return {title: _stops(answers, tool) for tool, title in LIBRARIES.items()}


def _stops(answers: Mapping[str, Mapping[str, Mapping[str, bool]]], tool: str) -> Stops:
    return lambda case, kind: answers[case.name][tool][kind]


def _run(command: Sequence[str], folder: Path, text: str = "") -> str:
    done = subprocess.run(command, cwd=folder, input=text, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise VectoraError(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")
    return done.stdout

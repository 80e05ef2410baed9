"""Files and functions stay short enough to be read at one go; each exception has its reason."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator

import pytest

from tests.repository import ROOT

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
# File: its limit and why. A file or function that no longer needs its exception fails the test.
LONG_FILES: dict[str, tuple[int, str]] = {
    "tests/faults/test_setbacks.py": (850, "one scenario after another on one environment"),
    "tests/rehearsal/permissions/test_checks.py": (450, "a test for each row of the table"),
    "tests/stacks/test_destinations.py": (620, "rules for each kind of destination"),
    "tests/stacks/test_limits.py": (460, "a table of AWS's limits"),
    "tests/unit/ingest/test_forbidden_addresses.py": (410, "a table of addresses"),
    "tools/plain_english.py": (440, "mostly a table of words"),
}
# File and function: its limit and why.
LONG_FUNCTIONS: dict[str, tuple[int, str]] = {
    "tests/unit/cli/test_operator_policy.py::_needed": (160, "a table of actions"),
    "tests/unit/newsletter/curated_items.py::curated": (70, "one item with every field"),
}


def _files() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def _lengths_of_files() -> Iterator[tuple[str, int]]:
    for name in _files():
        if (ROOT / name).exists():
            yield name, (ROOT / name).read_text(encoding="utf-8").count("\n")


def _lengths_of_functions() -> Iterator[tuple[str, int]]:
    for name in _files():
        if (ROOT / name).exists():
            for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{name}::{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def _too_long(lengths: dict[str, int], limit: int, exceptions: dict[str, tuple[int, str]]) -> dict[str, int]:
    return {name: length for name, length in lengths.items() if length > exceptions.get(name, (limit, ""))[0]}


def _not_needed(lengths: dict[str, int], limit: int, exceptions: dict[str, tuple[int, str]]) -> list[str]:
    return [name for name in exceptions if lengths.get(name, 0) <= limit]


def _longest(pairs: Iterator[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, length in pairs:
        found[name] = max(length, found.get(name, 0))
    return found


FILES, FUNCTIONS = _longest(_lengths_of_files()), _longest(_lengths_of_functions())


@pytest.mark.parametrize(
    ("lengths", "limit", "exceptions"),
    [(FILES, LONGEST_FILE, LONG_FILES), (FUNCTIONS, LONGEST_FUNCTION, LONG_FUNCTIONS)],
    ids=["files", "functions"],
)
def test_nothing_is_longer_than_its_limit(
    lengths: dict[str, int], limit: int, exceptions: dict[str, tuple[int, str]]
) -> None:
    assert _too_long(lengths, limit, exceptions) == {}


@pytest.mark.parametrize(
    ("lengths", "limit", "exceptions"),
    [(FILES, LONGEST_FILE, LONG_FILES), (FUNCTIONS, LONGEST_FUNCTION, LONG_FUNCTIONS)],
    ids=["files", "functions"],
)
def test_no_exception_is_left_that_is_not_needed(
    lengths: dict[str, int], limit: int, exceptions: dict[str, tuple[int, str]]
) -> None:
    assert _not_needed(lengths, limit, exceptions) == []

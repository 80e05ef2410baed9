"""`make test-fast`: its folders start no local AWS, and what it skips exists."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import EXHAUSTIVE, FAST
from tests.repository import ROOT

TESTS = ROOT / "tests"
# Packages that start processes of the local AWS, and fixtures that do.
STARTING = ("rehearsal", "tests.browser", "tests.delivery", "tests.deployed", "tests.faults", "tests.rehearsal")


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_its_tests_import_nothing_that_starts_a_local_aws() -> None:
    found = {
        f"{file.relative_to(ROOT)}: {name}"
        for folder in FAST
        for file in (TESTS / folder).rglob("*.py")
        for name in _imported(file)
        if any(name == each or name.startswith(f"{each}.") for each in STARTING)
    }

    assert found == set()


def test_what_it_skips_exists() -> None:
    assert [name for name in EXHAUSTIVE if not (TESTS / name).is_file()] == []


def test_the_makefile_runs_its_folders_without_the_exhaustive_tests() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ntest-fast:")[2].partition("\n\n")[0]

    assert recipe.endswith(" ".join(f"tests/{folder}" for folder in FAST))
    assert '-m "not exhaustive"' in recipe

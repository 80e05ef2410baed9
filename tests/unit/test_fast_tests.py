"""`make test-fast`: its folders start no local AWS, and what it skips exists."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import EXHAUSTIVE, FAST
from tests.repository import ROOT

TESTS = ROOT / "tests"
# What every process of the local AWS is started with, and fixtures that start it.
STARTING = (
    "rehearsal.emulator",
    "rehearsal.supervisor",
    "tests.browser",
    "tests.delivery",
    "tests.deployed",
    "tests.faults",
    "tests.rehearsal",
)


def _imported(file: Path) -> Iterator[str]:
    """Yield the modules that a file imports, and those that the project's own among them import."""
    pending, seen = [file], {file}
    while pending:
        for name in _named_in(pending.pop()):
            yield name
            found = [path for path in _files_of(name) if path not in seen]
            seen.update(found)
            pending += found


def _named_in(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # A name that is imported from a package may itself be a module.
            yield from (node.module, *(f"{node.module}.{each.name}" for each in node.names))


def _files_of(name: str) -> list[Path]:
    base = ROOT / Path(*name.split("."))
    return [path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()]


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

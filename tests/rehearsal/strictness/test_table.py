"""Each row of the table of strictness has a source, and a test that exists."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from rehearsal.refusals import Row
from rehearsal.strictness import ROWS

TESTED = [row for row in ROWS if row.test]


@pytest.mark.parametrize("row", TESTED, ids=lambda row: row.refusal)
def test_the_test_of_a_row_exists(row: Row, root: Path) -> None:
    assert row.test
    file, _, name = row.test.partition("::")
    tree = ast.parse((root / file).read_text(encoding="utf-8"))
    defined = {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
    assert name in defined


def test_each_refusal_has_one_row_with_a_source_and_a_test_unless_it_is_refused_nowhere() -> None:
    refusals = [row.refusal for row in ROWS]
    assert len(refusals) == len(set(refusals))
    assert all(row.source for row in ROWS)
    assert all((row.where == "nowhere") == (row.test is None) for row in ROWS)


def test_each_test_file_of_the_folder_is_in_the_table(root: Path) -> None:
    named = {str(row.test).rpartition("/")[2].partition("::")[0] for row in TESTED}
    folder = root / "tests" / "rehearsal" / "strictness"
    assert {file.name for file in folder.glob("test_*.py")} - {"test_table.py"} <= named

"""Table of the statuses of stacks, compared with the code."""

from __future__ import annotations

from tests.repository import ROOT
from vectora_ops.cloudformation.statuses import BEHAVIOURS

PAGE = ROOT / "docs/reference/limits.md"
COLUMNS = 8


def _rows() -> dict[str, list[str]]:
    section = PAGE.read_text(encoding="utf-8").partition("## Statuses of stacks\n")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "|" in line]
    return {row[0].strip("`"): [cell.strip("`") for cell in row[1:]] for row in cells[2:]}


def test_the_table_of_statuses_is_that_of_the_code() -> None:
    expected = {
        status: [each.meaning, each.snapshot, each.rollback, each.adopt, each.promotion, each.doctor, each.command]
        for status, each in BEHAVIOURS.items()
    }
    assert {len(row) for row in expected.values()} == {COLUMNS - 1}
    assert _rows() == expected


def test_each_word_of_the_table_is_explained() -> None:
    text = PAGE.read_text(encoding="utf-8").partition("## Statuses of stacks\n")[2].partition("\n| ")[0]
    words = {each.snapshot for each in BEHAVIOURS.values()} | {each.rollback for each in BEHAVIOURS.values()}
    assert {word for word in words if f"`{word}`" not in text} == set()

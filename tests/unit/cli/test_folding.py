"""Text and rows that are folded to the width of a terminal lose nothing and stay within it."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from terminal.console import Terminal
from terminal.folding import Rows, folded

WORDS = st.text(alphabet="ab-./日é", min_size=1, max_size=30)
TEXTS = st.lists(WORDS, max_size=20).map(" ".join)


@settings(deadline=None)
@given(TEXTS, st.integers(min_value=10, max_value=90), st.sampled_from(["", "    "]))
def test_a_folded_text_fits_and_has_every_character(text: str, width: int, indent: str) -> None:
    lines = folded(text, width, indent)
    assert all(cell_len(line) <= width and line.startswith(indent) for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_command_stays_on_one_line_where_it_fits() -> None:
    text = "Held: the test failed (./vectora rollback --env stage --snapshot latest), before you release the hold."
    assert "(./vectora rollback --env stage --snapshot latest)," in "\n".join(folded(text, 60))
    assert all(len(line) <= 20 for line in folded(text, 20))


@settings(deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS, TEXTS, TEXTS), max_size=5), st.integers(min_value=20, max_value=120))
def test_rows_fit_and_have_every_cell(rows: list[tuple[str, str, str, str]], width: int) -> None:
    lines = [line.plain for line in Rows(("a", "b", "c", "d"), rows).lines(width, wraps=True)]
    assert all(cell_len(line) <= width for line in lines)
    shown = "".join("".join(lines).split())
    for row in rows:
        assert all("".join(cell.split()) in shown for cell in row)


def test_columns_that_do_not_fit_are_below_their_row_under_their_names() -> None:
    rows: list[tuple[str | Text, ...]] = [("one", "x" * 20, Text("yes", "green"), ""), ("two", "y", "no", "a note")]
    lines = [line.plain for line in Rows(("name", "digest", "ok", "note"), rows).lines(30, wraps=True)]
    assert lines == [
        "name  digest",
        f"one   {'x' * 20}",
        "    ok: yes",
        "two   y",
        "    ok: no; note: a note",
    ]


@pytest.mark.parametrize("wraps", [True, False])
def test_a_file_gets_each_text_on_one_line(wraps: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Terminal, "is_terminal", wraps)
    written = io.StringIO()
    console = Terminal(file=written, width=40, soft_wrap=True)
    console.fold("word " * 30, indent="  ")
    console.print_rows(("name", "reason"), [("soak", "why " * 30)])
    longest = max(len(line) for line in written.getvalue().splitlines())
    assert (longest <= 40) is wraps

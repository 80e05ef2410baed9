"""Terminal output: all text goes through `terminal/console.py`, and no source file uses rich's markup."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Callable, Iterator

import pytest
from rich.panel import Panel
from rich.progress import Progress, TextColumn
from rich.table import Table
from rich.text import Text

from terminal.console import Terminal, new_table, styled
from tests.repository import ROOT
from tests.unit.cli.hostile import HOSTILE, is_harmless, shows_markup

Show = Callable[[Terminal], None]
CONSOLES = "terminal/console.py"
SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("terminal", "cli", "rehearsal")
    for path in (ROOT / folder).rglob("*.py")
)
# Parts of rich that take no text, or take it without markup.
ALLOWED_OF_RICH = {
    "rich.cells": {"cell_len", "chop_cells"},
    "rich.filesize": {"decimal"},
    "rich.progress": {"Progress", "SpinnerColumn", "TaskID", "TextColumn", "TimeElapsedColumn"},
    "rich.table": {"Table"},  # as a type only, see NEW
    "rich.text": {"Text"},
}
NEW = {"Console", "Table", "Panel", "Terminal"}
MAKE_TERMINALS = {"cli/output.py", "rehearsal/run.py"}
PLAIN = {"visible", "one_line", "json_text"}
PRINTS = {"print", "echo", "secho", "prompt", "confirm", "write"}
MARKUP = re.compile(r"\[/[a-z ]*\]|\[(?:bold|dim|italic|red|green|yellow|cyan|blue|link=)[^\]]*\]")


def _faults(source: str, name: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        fault = None
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rich" and name != CONSOLES:
            taken = {alias.name for alias in node.names} - ALLOWED_OF_RICH.get(node.module or "", set())
            fault = f"imports {sorted(taken)} from {node.module}" if taken else None
        elif isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "rich" for alias in node.names):
            fault = "imports rich as a whole"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and MARKUP.search(node.value):
            fault = f"has markup in {node.value!r}"
        elif isinstance(node, ast.Call):
            fault = _fault_of_call(node, name)
        if fault:
            yield f"{name}:{getattr(node, 'lineno', 0)} {fault}"


def _fault_of_call(node: ast.Call, name: str) -> str | None:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    first = node.args[0] if node.args else None
    for keyword in node.keywords:
        if keyword.arg in ("markup", "emoji") and ast.unparse(keyword.value) != "False":
            return f"passes {keyword.arg}={ast.unparse(keyword.value)}"
    if called == "from_markup":
        return "parses markup"
    if (
        called in NEW
        and name != CONSOLES
        and not (called == "Terminal" and name in ("cli/output.py", "rehearsal/run.py"))
    ):
        return f"creates a {called}"
    if called == "TextColumn" and "markup" not in {keyword.arg for keyword in node.keywords}:
        return "creates a progress column with markup"
    if (
        called in ("print", "input")
        and owner
        and isinstance(first, ast.JoinedStr | ast.BinOp)
        and not _is_styled(first)
    ):
        return f"prints {ast.unparse(first)}: use say"
    if called in PRINTS and owner in ("", "typer", "click", "sys.stdout", "sys.stderr") and not _is_plain(first):
        return f"writes {ast.unparse(first) if first else 'nothing'} without a console"
    return None


def _is_styled(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_styled(node.left) and _is_styled(node.right)
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("styled", "Text")


def _is_plain(node: ast.expr | None) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_plain(node.left) and _is_plain(node.right)
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        inner = node.func.value if isinstance(node.func, ast.Attribute) else None
        return called in PLAIN or (called == "removesuffix" and _is_plain(inner))
    return node is None or isinstance(node, ast.Constant)


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_file_writes_with_a_console_and_without_markup(name: str) -> None:
    assert list(_faults((ROOT / name).read_text(encoding="utf-8"), name)) == []


@pytest.mark.parametrize(
    "line",
    [
        "from rich.console import Console",
        "from rich import print",
        "import rich.markup",
        "table = Table(box=None)",
        "out.print(f'{name} is there')",
        "out.print('the ' + name)",
        "out.print(name, markup=True)",
        "table.add_row(f'[red]{name}[/red]')",
        "Text.from_markup(name)",
        "TextColumn('{task.description}')",
        "typer.echo(name)",
        "print(name)",
        "sys.stdout.write(f'{name}')",
    ],
)
def test_unsafe_output_is_found(line: str) -> None:
    assert list(_faults(line, "cli/some.py"))


def _terminal(width: int = 200) -> tuple[Terminal, io.StringIO]:
    file = io.StringIO()
    return Terminal(file=file, width=width), file


ONE_LINE: dict[str, Show] = {
    "a sentence": lambda terminal: terminal.say(HOSTILE),
    "a coloured text": lambda terminal: terminal.print(styled(HOSTILE, "red")),
    "a table": lambda terminal: terminal.print(new_row(HOSTILE)),
}
LINES: dict[str, Show] = {
    "a string": lambda terminal: terminal.print(HOSTILE),
    "requested markup": lambda terminal: terminal.print(HOSTILE, markup=True, emoji=True),
    "a text": lambda terminal: terminal.print(Text(HOSTILE)),
    "a document": lambda terminal: terminal.print({HOSTILE: HOSTILE}),
    "a rule": lambda terminal: terminal.rule(HOSTILE.partition("\r")[0]),
    "a panel": lambda terminal: terminal.print(Panel(HOSTILE)),
}


@pytest.mark.parametrize("how", [*ONE_LINE, *LINES])
def test_no_printed_text_controls_the_terminal(how: str) -> None:
    terminal, file = _terminal()
    {**ONE_LINE, **LINES}[how](terminal)
    shown = file.getvalue()
    assert is_harmless(shown if how in ONE_LINE else shown.replace("FORGED", "")), ascii(shown)
    assert shows_markup(shown)


def new_row(text: str) -> Table:
    table = new_table("a", text)
    table.add_row(text, styled(text, "red"))
    return table


def test_progress_shows_its_description_literally() -> None:
    terminal, file = _terminal()
    with Progress(TextColumn("{task.description}", markup=False), console=terminal) as progress:
        progress.add_task(HOSTILE.partition("\r")[0], total=None)
    assert is_harmless(file.getvalue()), ascii(file.getvalue())
    assert shows_markup(file.getvalue())

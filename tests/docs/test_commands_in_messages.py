"""Commands in the texts of the code: each one that a message names exists and accepts these options."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.__main__ import app
from tests.docs.documents import PLACEHOLDER, Found, words_of
from tests.docs.test_commands_in_documents import vectora_problem
from tests.repository import ROOT
from tools.plain_english import PACKAGES

COMMAND = "./vectora "
# A text in quotes is one word; what ends a clause or closes it is none.
_WORD = re.compile(r"""\s*("[^"]*"|'[^']*'|[^\s"']+)""")
_END_OF_CLAUSE = re.compile(r"""[.,;:!?)\]}`"']+$""")
# Words of a sentence about the program, where a command would be.
PROSE = ("uses", "assumes", "and", "act")
# An option whose name is a value of the code, such as --{bump}.
NAMED_BY_A_VALUE = f"--{PLACEHOLDER}"


def commands_in(text: str) -> Iterator[str]:
    """Yield the commands in a text: as many words after `./vectora` as the command can take."""
    for rest in _occurrences(text):
        words = _words_of_command(rest)
        if words and words[0] not in PROSE:
            yield f"{COMMAND}{' '.join(words)}"


def _occurrences(text: str) -> Iterator[str]:
    """Yield what follows each naming of the program."""
    _, found, rest = text.partition(COMMAND)
    while found:
        yield rest
        _, found, rest = rest.partition(COMMAND)


def _words_of_command(rest: str) -> list[str]:
    command: Any = typer.main.get_command(app)
    taken: list[str] = []
    positionals, wants_value = 0, False
    for match in _WORD.finditer(rest):
        is_quoted = match[1][0] in "\"'"
        word = match[1] if is_quoted else _END_OF_CLAUSE.sub("", match[1])
        if hasattr(command, "commands"):
            if re.fullmatch(r"[a-z][a-z-]*", word) is None and word != PLACEHOLDER and not word.startswith("--"):
                return taken
            command = command.commands.get(word, command) if word in command.commands else None
            positionals = _positionals(command)
        elif not wants_value and not word.startswith("-"):
            positionals -= 1
            if positionals < 0 or word.startswith("("):
                return taken
        if word not in ("", NAMED_BY_A_VALUE):
            taken.append(word)
        wants_value = not wants_value and _takes_value(command, word)
        if command is None or word != match[1]:
            return taken
    return taken


def _positionals(command: Any) -> int:
    """Return how many values besides options a command takes."""
    found = [each for each in getattr(command, "params", ()) if each.param_type_name == "argument"]
    return sum(each.nargs if each.nargs > 0 else 100 for each in found)


def _takes_value(command: Any, word: str) -> bool:
    options = [each for each in getattr(command, "params", ()) if word in each.opts]
    return any(not each.is_flag for each in options)


@cache
def texts() -> tuple[Found, ...]:
    """Return the texts of the code that name our command, with values replaced."""
    files = (file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py")))
    return tuple(found for file in files for found in _texts_of(file) if COMMAND in found.text)


def _texts_of(file: Path) -> Iterator[Found]:
    pending: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.JoinedStr):
            values = (str(each.value) if isinstance(each, ast.Constant) else PLACEHOLDER for each in node.values)
            yield Found(file.relative_to(ROOT).as_posix(), node.lineno, "".join(values))
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield Found(file.relative_to(ROOT).as_posix(), node.lineno, node.value)
        pending.extend(ast.iter_child_nodes(node))


def _commands() -> list[Any]:
    found = [(each.place, command) for each in texts() for command in commands_in(each.text)]
    return [pytest.param(command, id=f"{place} {command}") for place, command in sorted(set(found))]


@pytest.mark.parametrize("command", _commands())
def test_the_command_that_a_text_names_exists(command: str) -> None:
    assert vectora_problem(words_of(command)[1:], may_only_name=True) == ""


def test_no_command_has_dots_to_fill_in() -> None:
    found = [(each.place, command) for each in texts() for command in commands_in(each.text)]
    assert [(place, command) for place, command in found if "..." in command] == []


def test_texts_of_gates_and_of_the_command_line_are_searched() -> None:
    folders = {each.path.partition("/")[0] for each in texts()}
    assert folders >= {"lambda_src", "cli", "rehearsal"}
    assert any(each.path.endswith("promotion/next_steps.py") for each in texts())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see ./vectora release list --env dev, or give all", ["./vectora release list --env dev"]),
        ("(./vectora promote release-hold --env 1)", ["./vectora promote release-hold --env 1"]),
        ("./vectora promote explain --to 1 says what refuses.", ["./vectora promote explain --to 1"]),
        ("./vectora client bump c -m 'what changed' and push", ["./vectora client bump c -m 'what changed'"]),
        ("first ./vectora status, then ./vectora doctor: it", ["./vectora status", "./vectora doctor"]),
        ("run ./vectora restore", ["./vectora restore"]),
        ("./vectora stats --env dev", ["./vectora stats"]),
    ],
)
def test_a_command_ends_where_the_sentence_goes_on(text: str, expected: list[str]) -> None:
    assert list(commands_in(text)) == expected


@pytest.mark.parametrize(
    "command", ["./vectora stats", "./vectora run --env dev", "./vectora status --environment dev"]
)
def test_a_command_that_does_not_exist_or_lacks_an_option_is_found(command: str) -> None:
    assert vectora_problem(words_of(command)[1:], may_only_name=True) != ""

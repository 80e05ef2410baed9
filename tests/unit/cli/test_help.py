"""Help of all commands: text, options, example and width."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from cli.__main__ import COMMANDS as DECLARED
from cli.__main__ import HEADINGS, app

WIDTH = 80


def _commands(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, each in getattr(command, "commands", {}).items():
        yield (*words, name), each
        yield from _commands((*words, name), each)


COMMANDS = dict(_commands((), typer.main.get_command(app)))
LEAVES = {words: command for words, command in COMMANDS.items() if not hasattr(command, "commands")}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_fits_80_columns(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": str(WIDTH), "TERMINAL_WIDTH": str(WIDTH)})
    assert result.exit_code == 0, result.output
    assert max(len(line) for line in result.stdout.splitlines()) <= WIDTH


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_a_command_has_a_description_an_example_and_described_options(words: tuple[str, ...]) -> None:
    command = LEAVES[words]
    assert command.help
    assert (command.epilog or "").startswith(f"Example: ./vectora {' '.join(words)} ")
    assert [parameter.name for parameter in command.params if not parameter.help] == []


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_the_example_of_a_command_parses(words: tuple[str, ...]) -> None:
    example = (LEAVES[words].epilog or "").removeprefix(f"Example: ./vectora {' '.join(words)}")
    arguments = shlex.split(example.partition(" > ")[0])
    assert LEAVES[words].make_context(words[-1], arguments).params


@pytest.mark.parametrize("words", [(), *COMMANDS], ids=" ".join)
def test_h_is_help(words: tuple[str, ...]) -> None:
    long, short = (CliRunner().invoke(app, [*words, option]) for option in ("--help", "-h"))
    assert (short.exit_code, short.stdout) == (0, long.stdout)


def test_every_command_has_one_heading_in_the_order_of_a_day() -> None:
    named = [name for names in HEADINGS.values() for name in names]
    assert sorted(named) == sorted({command.words.split(" ")[0] for command in DECLARED})
    shown = CliRunner().invoke(app, ["--help"]).stdout
    positions = [shown.index(f"\n  {name} ") for name in named]
    assert positions == sorted(positions)
    assert named[0] == "status"


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_paragraphs_of_a_description_are_wrapped_by_the_terminal(words: tuple[str, ...]) -> None:
    paragraphs = (LEAVES[words].help or "").split("\n\n")
    assert [paragraph for paragraph in paragraphs if "\n" in paragraph] == []

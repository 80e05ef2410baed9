"""Loading of commands: help imports only what it needs, and says what the functions say."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from cli.__main__ import COMMANDS, GROUPS
from cli.lazy_group import Command

ROOT = Path(__file__).resolve().parents[3]
# Packages that take long to import, and that nothing in a list of commands needs.
HEAVY = ("boto3", "botocore", "pydantic", "aws_cdk", "rich", "yaml", "vectora_ops", "vectora_core", "rehearsal")
PROGRAM = """
import sys
from cli.__main__ import app
try:
    app(sys.argv[1:], prog_name="./vectora")
except SystemExit:
    pass
print("MODULES", *sorted(sys.modules))
"""


def _modules(*arguments: str) -> set[str]:
    """Return the modules that a process has imported when it has printed what was asked for."""
    command = [sys.executable, "-P", "-c", PROGRAM, *arguments]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    assert "Usage: ./vectora" in output
    return set(output.rpartition("MODULES ")[2].split())


@pytest.mark.parametrize("group", ["", *GROUPS])
def test_a_list_of_commands_imports_no_command_and_nothing_heavy(group: str) -> None:
    modules = _modules(*filter(None, [group]), "--help")
    # Typer itself parses options by pydantic when a word follows the program's name.
    assert modules & set(HEAVY) <= ({"pydantic"} if group else set())
    assert {name for name in modules if name.startswith("cli.")} == {"cli.__main__", "cli.lazy_group"}


def test_the_help_of_a_command_imports_no_other_command_and_no_engine() -> None:
    modules = _modules("release", "list", "--help")
    assert modules.isdisjoint({"aws_cdk", "vectora_core", "rehearsal", "rich.markdown", "cli.rollback", "cli.run"})
    assert "cli.release" in modules


@pytest.mark.parametrize("words", ["status", "rollback", "promote explain", "snapshot list", "run", "doctor", "cost"])
def test_the_help_of_a_command_loads_no_client_of_aws(words: str) -> None:
    modules = _modules(*words.split(" "), "--help")
    assert modules.isdisjoint({"boto3", "botocore.session", "botocore.client", "aws_cdk", "rehearsal"})


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words)
def test_the_help_is_the_docstring_of_the_function(command: Command) -> None:
    module, _, name = command.function.partition(":")
    function = getattr(import_module(f"cli.{module}"), name)
    assert command.help.split() == (inspect.getdoc(function) or "").split()


def test_a_command_without_its_function_is_reported() -> None:
    with pytest.raises(LookupError, match=r"cli\.run has no function walk"):
        _ = Command("walk", "run:walk", "").help

"""Commands in documents: those that are written for a reader exist and accept these options."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.__main__ import app
from tests.docs.documents import PLACEHOLDER, Found, commands, words_of
from tests.repository import ROOT

REGISTRY = ROOT / "node_modules" / "aws-cdk" / "lib" / "cli" / "cli-type-registry.json"
# Its usage lines have every option in brackets; it is generated from the command.
GENERATED = "docs/reference/cli.md"


def _ours(program: str) -> list[Any]:
    found = [each for each in commands() if each.text.split(" ")[0] == program and each.path != GENERATED]
    return [pytest.param(each, id=f"{each.place} {each.text}") for each in found]


@pytest.mark.parametrize("command", _ours("./vectora"))
def test_the_operators_command_accepts_it(command: Found) -> None:
    assert vectora_problem(words_of(command.text)[1:], may_only_name=command.is_inline) == ""


@pytest.mark.parametrize("command", _ours("cdk"))
def test_the_pinned_cdk_accepts_it(command: Found) -> None:
    assert cdk_problem(words_of(command.text)[1:], may_only_name=command.is_inline) == ""


@pytest.mark.parametrize("command", _ours("make"))
def test_the_makefile_has_the_target(command: Found) -> None:
    assert make_problem(words_of(command.text)[1:]) == ""


# A command, up to the end of its sentence, with dots that its reader has to replace.
LEFT_TO_FILL_IN = re.compile(r"\./vectora (?:(?!\.\.\.|[.)]\s)[^\n])*(?:[\"' =:]\.\.\.|\.\.\.[\"'])")
SOURCES = ("adoption", "cli", "client_files", "lambda_src", "recovery", "rehearsal", "stacks")


def test_no_command_leaves_dots_to_fill_in() -> None:
    documented = [each.place for each in commands() if each.path != GENERATED and " ..." in f" {each.text}"]
    assert documented == []
    left = [
        f"{path.relative_to(ROOT)}: {text}"
        for folder in SOURCES
        for path in sorted((ROOT / folder).rglob("*.py"))
        for text in _texts(path)
        if LEFT_TO_FILL_IN.search(text)
    ]
    assert left == []


def _texts(path: Path) -> Iterator[str]:
    """Yield the strings of a module; the values of formatted strings are X."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(each.value) if isinstance(each, ast.Constant) else "X" for each in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize(
    ("text", "is_left"),
    [
        ('Then ./vectora promote approve-change --execution X --reason "..."', True),
        ("./vectora client bump lai_weekly -m '...' (again)", True),
        ("./vectora promote retry --pipeline-execution-id ...", True),
        ("  ./vectora status. Reading the templates ...", False),
        ("./vectora client bump lai_weekly -m REASON", False),
    ],
)
def test_dots_to_fill_in_are_recognized(text: str, is_left: bool) -> None:
    assert (LEFT_TO_FILL_IN.search(text) is not None) is is_left


def test_documents_with_commands_are_found() -> None:
    found = list(commands())

    assert {each.text.split(" ")[0] for each in found} == {"./vectora", "cdk", "make"}
    assert {each.is_inline for each in found} == {True, False}


@pytest.mark.parametrize(
    "command",
    [
        "./vectora status",
        "./vectora rollback --env stage --snapshot NAME",
        "./vectora run lai_weekly --env <env> --period-days DAYS",
        "./vectora client bump lai_weekly --minor -m 'Deals of hybrid companies'",
    ],
)
def test_a_command_that_exists_is_accepted(command: str) -> None:
    assert vectora_problem(words_of(command)[1:], may_only_name=False) == ""


@pytest.mark.parametrize(
    "command",
    [
        "./vectora",
        "./vectora stats",
        "./vectora snapshot",
        "./vectora snapshot take --env dev",
        "./vectora rollback --env stage",
        "./vectora status --environment dev",
        "./vectora status dev",
        "./vectora run lai_weekly --env dev --period-days week",
    ],
)
def test_a_command_that_does_not_exist_is_refused(command: str) -> None:
    assert vectora_problem(words_of(command)[1:], may_only_name=False) != ""


def test_inline_code_may_name_a_command_or_its_last_option_without_values() -> None:
    assert vectora_problem(["rollback"], may_only_name=True) == ""
    assert vectora_problem(["client", "validate", "--env"], may_only_name=True) == ""
    assert vectora_problem(["snapshot"], may_only_name=True) == ""
    assert vectora_problem(["rollback", "--environment"], may_only_name=True) != ""


@pytest.mark.parametrize("command", ["cdk", "cdk deploi", "cdk deploy --exclusive", "cdk deploy --require-approval no"])
def test_what_cdk_does_not_know_is_refused(command: str) -> None:
    assert cdk_problem(words_of(command)[1:], may_only_name=False) != ""


@pytest.mark.parametrize("command", ["make", "make tests", "make test fast"])
def test_what_make_does_not_know_is_refused(command: str) -> None:
    assert make_problem(words_of(command)[1:]) != ""


def vectora_problem(words: list[str], *, may_only_name: bool) -> str:
    """Return why the command line is refused, empty when it is not; parses it as the command does, and runs nothing."""
    command: Any = typer.main.get_command(app)
    position = 0
    while hasattr(command, "commands") and position < len(words) and not words[position].startswith("-"):
        if words[position] == PLACEHOLDER:
            return ""
        if words[position] not in command.commands:
            return f"there is no command {words[position]}"
        command, position = command.commands[words[position]], position + 1
    arguments = words[position:]
    if may_only_name and not arguments:
        return ""
    if hasattr(command, "commands"):
        known = {"--help", *(name for parameter in command.params for name in parameter.opts)}
        return "" if len(arguments) == 1 and arguments[0] in known else "a command is missing"
    if may_only_name and arguments[-1].startswith("-"):
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        return "" if {*known, "--help"} >= {each for each in arguments if each.startswith("-")} else "unknown option"
    if arguments == ["--help"]:
        return ""
    try:
        command.make_context(command.name, arguments)
    except Exception as error:  # noqa: BLE001 - Typer's own copy of Click is private, and so are its errors.
        return str(getattr(error, "message", "") or error)
    return ""


@cache
def _registry() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(REGISTRY.read_text(encoding="utf-8"))
    return found


def cdk_problem(words: list[str], *, may_only_name: bool) -> str:
    """Return why the pinned CDK CLI would refuse the command line, empty when it would not."""
    table = _registry()["commands"]
    names = {alias: name for name, each in table.items() for alias in (name, *each.get("aliases", ()))}
    if not words or words[0] not in names:
        return f"there is no command {words[0] if words else ''}"
    known: dict[str, Any] = {**_registry()["globalOptions"], **table[names[words[0]]].get("options", {})}
    by_name = {f"--{name}": each for name, each in known.items()}
    by_name |= {f"--no-{name}": each for name, each in known.items() if each["type"] == "boolean"}
    for name, each in known.items():
        aliases = each.get("alias", [])
        by_name |= {f"-{alias}": known[name] for alias in ([aliases] if isinstance(aliases, str) else aliases)}
    for index, word in enumerate(words[1:], 1):
        name, equals, value = word.partition("=")
        if not word.startswith("-") or name == "--help":
            continue
        if name not in by_name:
            return f"{words[0]} has no option {name}"
        is_last = index == len(words) - 1
        if by_name[name]["type"] != "boolean" and not equals and not (may_only_name and is_last):
            if is_last:
                return f"{name} has no value"
            value = words[index + 1]
        choices = by_name[name].get("choices")
        if value and choices and value not in choices:
            return f"{value} is no value of {name}"
    return ""


def make_problem(words: list[str]) -> str:
    """Return why make would refuse the command line, empty when it would not."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):", text, re.M))
    variables = set(re.findall(r"^([A-Z]+) [?:]?=", text, re.M))
    wanted = [word for word in words if "=" not in word]
    unknown = [word for word in wanted if word not in targets]
    unknown += [word for word in words if "=" in word and word.partition("=")[0] not in variables]
    if not wanted:
        return "a target is missing"
    return f"the Makefile has no {', '.join(unknown)}" if unknown else ""

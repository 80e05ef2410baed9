"""Command of `make templates` that writes the reference pages of `./vectora` and of the policy that it needs."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer.main

from cli.__main__ import app
from cli.exit_codes import MEANINGS
from cli.operator_policy import POLICY_FILE, policy_text
from tools.completion_table import COMPLETION_TABLE, completion_table
from vectora_ops.settings import load_settings

ROOT = Path(__file__).resolve().parent.parent
CLI_REFERENCE = "docs/reference/cli.md"
POLICY_REFERENCE = "docs/reference/operator-policy.md"
POLICY_SOURCE = ROOT / "cli" / "operator_policy.py"
PROGRAM = "./vectora"


@dataclass(frozen=True)
class Command:
    """A command of the operators' program, with the words that call it."""

    words: str
    # A Typer command or group; Typer's vendored classes are private.
    command: Any

    @property
    def subcommands(self) -> list[Command]:
        """Commands of a group, in the order of its help."""
        named = getattr(self.command, "commands", {})
        return [Command(f"{self.words} {name}", each) for name, each in named.items() if not each.hidden]


def reference_pages() -> dict[str, str]:
    """Return the generated pages by their path in the repository."""
    return {
        CLI_REFERENCE: "\n".join(_cli_page()) + "\n",
        POLICY_REFERENCE: "\n".join(_policy_page()) + "\n",
        COMPLETION_TABLE: completion_table(),
    }


def commands() -> list[Command]:
    """Return every command that does something, without the groups."""
    return [each for each in _walked(Command(PROGRAM, typer.main.get_command(app))) if not each.subcommands]


def _walked(command: Command) -> Iterator[Command]:
    yield command
    for each in command.subcommands:
        yield from _walked(each)


# --- the commands


def _cli_page() -> Iterator[str]:
    root = Command(PROGRAM, typer.main.get_command(app))
    yield "# Commands"
    yield ""
    yield (
        f"Every command of `{PROGRAM}`. `make templates` writes this page from the command itself, and "
        f"`{PROGRAM} COMMAND --help` shows the same. With `--json` a command prints one JSON document on standard "
        "output and nothing else."
    )
    yield ""
    yield "| exit code | meaning |"
    yield "| --- | --- |"
    for code, meaning in MEANINGS.items():
        yield f"| {code:d} | {meaning} |"
    yield ""
    yield "`./vectora review` has exit codes of its own, which its help names."
    yield ""
    yield "| command | effect |"
    yield "| --- | --- |"
    for command in commands():
        yield f"| [`{command.words}`](#{_anchor(command.words)}) | {_cell(_first_sentence(command))} |"
    for command in root.subcommands:
        yield from _section(command, "##")


def _section(command: Command, level: str) -> Iterator[str]:
    yield ""
    yield f"{level} {command.words}"
    yield ""
    if command.subcommands:
        yield _group_help(command)
        for each in command.subcommands:
            yield from _section(each, f"{level}#")
        return
    yield _paragraphs(command.command.help or "")
    yield ""
    yield "```sh"
    yield _usage(command)
    yield "```"
    parameters = [each for each in command.command.params if not getattr(each, "hidden", False)]
    if parameters:
        yield ""
        yield "| option | effect | default |"
        yield "| --- | --- | --- |"
        for parameter in parameters:
            yield f"| {_names(parameter)} | {_cell(parameter.help or '')} | {_default(parameter)} |"
    example = (command.command.epilog or "").removeprefix("Example: ")
    if example:
        yield ""
        yield "Example:"
        yield ""
        yield f"```sh\n{example}\n```"


def _group_help(command: Command) -> str:
    """Return the help of a group without the command that it begins with."""
    text = _paragraphs(command.command.help or "").removeprefix(f"`{command.words}`: ")
    return text[:1].upper() + text[1:]


def _usage(command: Command) -> str:
    """Return the command line with every option, those in brackets that can be omitted."""
    words = [command.words]
    for parameter in sorted(command.command.params, key=lambda each: (not _is_argument(each), not each.required)):
        word = _value(parameter) if _is_argument(parameter) else _option(parameter)
        if parameter.nargs == -1 or parameter.multiple:
            word += " ..."
        words.append(word if parameter.required else f"[{word}]")
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > 100:
            lines[-1] += " \\"
            lines.append("   ")
        lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines)


def _option(parameter: Any) -> str:
    name = _long(parameter)
    return name if parameter.is_flag else f"{name} {_value(parameter)}"


def _names(parameter: Any) -> str:
    if _is_argument(parameter):
        return f"`{_value(parameter)}`"
    value = "" if parameter.is_flag else f" {_value(parameter)}"
    return ", ".join(f"`{name}{value}`" for name in [*parameter.opts, *parameter.secondary_opts])


def _long(parameter: Any) -> str:
    return str(next(name for name in parameter.opts if name.startswith("--") or name == parameter.opts[-1]))


def _value(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name).upper().replace("-", "_")


def _is_argument(parameter: Any) -> bool:
    return not any(name.startswith("-") for name in parameter.opts)


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if parameter.default is None or parameter.default is False or not parameter.show_default:
        return ""
    return f"`{parameter.default}`"


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))


def _first_sentence(command: Command) -> str:
    return re.split(r"(?<=\.)\s", " ".join((command.command.help or "").split()), maxsplit=1)[0]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _anchor(heading: str) -> str:
    """Return GitHub's anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


# --- the policy


@dataclass(frozen=True)
class _Group:
    """Statements for the same commands, with the reasons that the source gives."""

    purpose: str
    reasons: dict[str, str]


def _policy_page() -> Iterator[str]:
    statements = {each["Sid"]: each for each in json.loads(policy_text(load_settings(ROOT)))["Statement"]}
    yield "# Operator policy"
    yield ""
    yield (
        "Everything that an operator's role may do, statement by statement. `make templates` writes this page and "
        f"[{Path(POLICY_FILE).name}]({Path(POLICY_FILE).name}) from `cli/operator_policy.py`. One document serves "
        "every account and environment: the account in its ARNs is `*`. The "
        "[first deployment](../runbooks/first-deployment.md) creates a role with it."
    )
    yield ""
    yield (
        "Two things are missing on purpose: approving a promotion to prod, which is another person's permission, and "
        "lifting a lock from a snapshot."
    )
    for group in _groups(POLICY_SOURCE.read_text(encoding="utf-8")):
        yield ""
        yield f"## For {group.purpose}"
        for sid, reason in group.reasons.items():
            yield from _statement(statements.pop(sid), reason)
    if statements:
        raise ValueError(f"no group of {POLICY_SOURCE.name} has the statements {', '.join(statements)}")


def _statement(statement: dict[str, Any], reason: str) -> Iterator[str]:
    yield ""
    yield f"### {statement['Sid']}"
    if reason:
        yield ""
        yield reason
    yield ""
    yield f"- Actions: {_listed(statement['Action'])}"
    yield f"- Resources: {_listed(statement['Resource'])}"
    for operator, conditions in statement.get("Condition", {}).items():
        for key, value in conditions.items():
            yield f"- Only when `{key}` is {_listed(value)} (`{operator}`)"


def _listed(value: str | list[str]) -> str:
    return ", ".join(f"`{each}`" for each in ([value] if isinstance(value, str) else value))


def _groups(source: str) -> Iterator[_Group]:
    """Yield the methods that return statements: their docstring's purpose, and the comment above each statement."""
    comments = _comments(source)
    statements = next(
        node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == "_Statements"
    )
    for method in statements.body:
        if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
            docstring = (ast.get_docstring(method) or "").partition("\n")[0]
            purpose = docstring.removeprefix("Return statements for ").removesuffix(".")
            yield _Group(purpose, dict(_reasons(method, comments)))


def _reasons(method: ast.FunctionDef, comments: dict[int, str]) -> Iterator[tuple[str, str]]:
    returned = method.body[-1]
    if not isinstance(returned, ast.Return) or not isinstance(returned.value, ast.List):
        raise TypeError(f"{method.name} ends with no list of statements")
    for element in returned.value.elts:
        # Statements of features that the repository's settings do not use.
        if isinstance(element, ast.Starred):
            continue
        sid = next(
            call.args[0].value
            for call in ast.walk(element)
            if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id == "_allow"
            and isinstance(call.args[0], ast.Constant)
        )
        above: list[str] = []
        line = element.lineno - 1
        while line in comments:
            above.insert(0, comments[line])
            line -= 1
        yield str(sid), " ".join(above)


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def main() -> None:
    for path, text in reference_pages().items():
        (ROOT / path).write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()

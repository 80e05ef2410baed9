"""Groups whose commands are imported when they are used; their help is read from the source."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import typer.main
from typer.core import TyperCommand, TyperGroup

# Click's own status of wrong options (click.exceptions.UsageError).
USAGE_STATUS = 2
CLI = Path(__file__).resolve().parent


class Command(NamedTuple):
    """A command: the words that call it, its function as module:name below cli, and an example of its arguments.

    `uses_aws` gives it the option `--profile`. `usage_status` is its exit status for wrong options, by default 2.
    """

    words: str
    function: str
    example: str
    uses_aws: bool = True
    usage_status: int | None = None

    @property
    def help(self) -> str:
        """Docstring of the function with one line per paragraph, because Typer keeps the line breaks of the source."""
        module, _, name = self.function.partition(":")
        base = CLI.joinpath(*module.split("."))
        source = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
        for node in ast.parse(source.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                paragraphs = (ast.get_docstring(node) or "").split("\n\n")
                return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        raise LookupError(f"cli.{module} has no function {name}")

    def load(self) -> Any:
        """Import the function; return its Typer command."""
        from cli.exit_codes import sentence_on_answers

        module, _, name = self.function.partition(":")
        function: Callable[..., None] = getattr(import_module(f"cli.{module}"), name)
        if self.uses_aws:
            function = import_module("cli.profiles").with_profiles(function)
        app = typer.Typer(add_completion=False, **PLAIN)
        example = f"Example: ./vectora {self.words} {self.example}"
        text = "\n\n".join(filter(None, (self.help, sentence_on_answers(self.words))))
        app.command(self.words.rpartition(" ")[2], cls=LeafCommand, help=text, epilog=example)(function)
        command = typer.main.get_command(app)
        if self.usage_status is not None:
            _exit_with(command, self.usage_status)
        return command


def _exit_with(command: Any, status: int) -> None:
    """Let a command exit with a status of its own when it is called wrongly."""
    make_context = command.make_context

    def make(*args: Any, **options: Any) -> Any:
        try:
            return make_context(*args, **options)
        except Exception as error:
            # Click reads the status from its error; Typer's vendored classes are private.
            if getattr(error, "exit_code", None) == USAGE_STATUS:
                error.exit_code = status  # type: ignore[attr-defined]
            raise

    command.make_context = make


# No markup: for that Typer imports parsers of Markdown and of code, which takes twice the time of all the rest.
PLAIN: dict[str, Any] = {"rich_markup_mode": None}


class LazyCommands(MutableMapping[str, Any]):
    """Commands by name, in the order of the help; each is loaded when it is looked up."""

    def __init__(self, commands: Mapping[str, Command | TyperGroup]) -> None:
        self._commands = dict(commands)
        self._loaded: dict[str, Any] = {}

    def first_paragraph(self, name: str) -> str:
        """Return what the help of the group shows of a command, without loading it."""
        return (self._commands[name].help or "").partition("\n\n")[0]

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            found = self._commands[name]
            self._loaded[name] = found.load() if isinstance(found, Command) else found
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)


class LeafCommand(TyperCommand):
    """A command that does something; an unknown option is answered with the closest one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words after the command."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            _fail_on_unknown_option(ctx, error, self.params)
            raise


class LazyGroup(TyperGroup):
    """A group of commands that are loaded when they are used; `headings` order its help."""

    commands: LazyCommands

    def __init__(
        self,
        *,
        commands: Mapping[str, Command | TyperGroup],
        headings: Mapping[str, Sequence[str]] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self._headings = headings or {"Commands": tuple(commands)}
        self.commands = LazyCommands({name: commands[name] for names in self._headings.values() for name in names})

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands, in the order of the help."""
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the names of the commands and what each does."""
        width = max(map(len, self.commands))
        for heading, names in self._headings.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), self.commands.first_paragraph(name)) for name in names])

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words after the group."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            _fail_on_unknown_option(ctx, error, self.params)
            raise

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the named command; fail with the closest name when there is none."""
        if args[0] not in self.commands and not args[0].startswith("-"):
            _fail_on_unknown_name(ctx, "command", args[0], self.commands)
        return super().resolve_command(ctx, args)


def _fail_on_unknown_option(ctx: Any, error: Exception, parameters: Iterable[Any]) -> None:
    # Typer's own copy of Click is private, and so is its class for this error (typer/_click/exceptions.py).
    if type(error).__name__ == "NoSuchOption":
        options = (name for parameter in parameters for name in parameter.opts if name.startswith("--"))
        _fail_on_unknown_name(ctx, "option", getattr(error, "option_name", ""), (*options, "--help"))


def _fail_on_unknown_name(ctx: Any, what: str, name: str, known: Iterable[str]) -> NoReturn:
    # Imported here because help needs no comparison of names.
    from vectora_ops.plain_text import one_line
    from vectora_ops.unknown_names import unknown_name

    ctx.fail(one_line(unknown_name(what, name, known)))
    raise AssertionError("ctx.fail returned")

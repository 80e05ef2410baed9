"""Output of commands: tables and sentences for people, one JSON document with --json, one sentence for an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from functools import wraps
from typing import Any, NoReturn, ParamSpec

import typer

from terminal.console import Terminal
from vectora_ops.plain_text import json_text, one_line, visible
from vectora_shared.errors import VectoraError

P = ParamSpec("P")
WIDTH_OF_FILES = 160


def _console(*, stderr: bool) -> Terminal:
    console = Terminal(stderr=stderr, soft_wrap=True)
    if not console.is_terminal:
        # A file or a pipe has no width that a table would have to fit.
        console.width = WIDTH_OF_FILES
    return console


out = _console(stderr=False)
# Progress and errors go there, so that standard output stays readable by programs.
err = _console(stderr=True)


def print_json(document: Any) -> None:
    plain = asdict(document) if is_dataclass(document) and not isinstance(document, type) else document
    sys.stdout.write(json_text(json.dumps(plain, indent=2, ensure_ascii=False, default=str)) + "\n")


def print_lines(text: str) -> None:
    """Print lines as they are, without wrapping and colours: a page, or a list for other programs."""
    sys.stdout.write(visible(text).removesuffix("\n") + "\n")


def confirmed(question: str) -> bool:
    """Ask a yes-or-no question on standard error; no is the default."""
    return typer.confirm(one_line(question), err=True)


def typed(question: str) -> str:
    """Ask for a word on standard error."""
    answer: str = typer.prompt(one_line(question), default="", show_default=False, err=True)
    return answer


def fail(message: str) -> NoReturn:
    err.print(message, style="red")
    raise typer.Exit(1)


def in_one_sentence(command: Callable[P, None]) -> Callable[P, None]:
    """What goes wrong as expected is told in one sentence and exit code 1, without a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except VectoraError as error:
            fail(str(error))
        except _aws_errors() as error:
            fail(f"AWS refused: {error}")

    return run


def _aws_errors() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError

"""Output of commands: text for people, JSON documents, questions and errors."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from functools import wraps
from typing import Any, NoReturn, ParamSpec

import typer

from cli.exit_codes import ExitCode
from terminal.console import Terminal
from vectora_ops.plain_text import json_text, one_line, visible
from vectora_shared.errors import UnknownWordError, VectoraError

P = ParamSpec("P")
WIDTH_OF_FILES = 160


def _console(*, stderr: bool) -> Terminal:
    console = Terminal(stderr=stderr, soft_wrap=True)
    if not console.is_terminal:
        # A file or a pipe limits no table's width.
        console.width = WIDTH_OF_FILES
    return console


out = _console(stderr=False)
# Progress and errors, so that programs can parse standard output.
err = _console(stderr=True)


def print_json(document: Any) -> None:
    """Print a dataclass or plain data as one JSON document on standard output."""
    plain = asdict(document) if is_dataclass(document) and not isinstance(document, type) else document
    sys.stdout.write(json_text(json.dumps(plain, indent=2, ensure_ascii=False, default=str)) + "\n")


def print_lines(text: str) -> None:
    """Print lines without wrapping and colours, for a page or for other programs."""
    sys.stdout.write(visible(text).removesuffix("\n") + "\n")


def ask_yes_no(question: str) -> bool:
    """Ask a yes-or-no question on standard error; no is the default."""
    return typer.confirm(one_line(question), err=True)


def ask_text(question: str) -> str:
    """Ask the operator on standard error to type a word."""
    answer: str = typer.prompt(one_line(question), default="", show_default=False, err=True)
    return answer


def fail(message: str, code: ExitCode = ExitCode.ERROR) -> NoReturn:
    """Print an error message and exit with `code`."""
    err.print(message, style="red")
    raise typer.Exit(code)


def report_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Print the message of an expected error, without a traceback, and exit with 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except UnknownWordError as error:
            fail(str(error), ExitCode.USAGE)
        except VectoraError as error:
            fail(str(error))
        except aws_errors() as error:
            fail(failed_call(error))

    return run


def failed_call(error: Exception) -> str:
    """Return a sentence on an error of the AWS SDK."""
    return f"The call to AWS failed: {error}"


def aws_errors() -> tuple[type[Exception], ...]:
    """Return the errors of the AWS SDK; it is imported when one of them may have happened."""
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError

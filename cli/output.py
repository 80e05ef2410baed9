"""How commands speak: tables and sentences for people, one JSON document with --json, errors in one sentence."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from functools import wraps
from typing import Any, NoReturn, ParamSpec

import typer
from rich.console import Console

from vectora_core.errors import VectoraError

P = ParamSpec("P")
WIDTH_OF_FILES = 160


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, soft_wrap=True, highlight=False)
    if not console.is_terminal:
        # A file or a pipe has no width that a table would have to fit.
        console.width = WIDTH_OF_FILES
    return console


out = _console(stderr=False)
# Progress and errors go there, so that standard output stays readable by programs.
err = _console(stderr=True)


def print_json(document: Any) -> None:
    plain = asdict(document) if is_dataclass(document) and not isinstance(document, type) else document
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False, default=str) + "\n")


def fail(message: str) -> NoReturn:
    err.print(message, style="red", markup=False)
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

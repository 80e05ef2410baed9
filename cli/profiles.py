"""Option `--profile` of the commands that use AWS."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any

import typer

# `--profile` as given, each NAME or ENV=NAME; empty outside a command.
GIVEN: ContextVar[tuple[str, ...]] = ContextVar("profiles", default=())
Profiles = Annotated[
    list[str] | None,
    typer.Option(
        "--profile",
        metavar="[ENV=]NAME",
        help="AWS profile, instead of the access in config/environments.yaml. Repeat it for several accounts: "
        "--profile stage=NAME --profile pipeline=NAME.",
        show_default=False,
    ),
]


def with_profiles(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with the option `--profile`, whose values last as long as the command runs."""

    @wraps(command)
    def run(*args: Any, profile: list[str] | None = None, **kwargs: Any) -> None:
        token = GIVEN.set(tuple(profile or ()))
        try:
            command(*args, **kwargs)
        finally:
            GIVEN.reset(token)

    own = signature(command, eval_str=True)
    added = Parameter("profile", Parameter.KEYWORD_ONLY, default=None, annotation=Profiles)
    # Typer reads the options of a command from its signature.
    run.__signature__ = own.replace(parameters=[*own.parameters.values(), added])  # type: ignore[attr-defined]
    return run

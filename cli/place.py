"""Which environment a command is for: its settings, its names, and the account that the credentials lead to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from vectora_ops.account import Account, open_account
from vectora_ops.names import Names
from vectora_ops.settings import ENVIRONMENT_NAMES, EnvironmentSettings, load_settings

ROOT = Path(__file__).resolve().parent.parent

Env = Annotated[str, typer.Option("--env", help=f"Environment: {', '.join(ENVIRONMENT_NAMES)}.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of text for people.")]


@dataclass(frozen=True)
class Place:
    settings: EnvironmentSettings
    names: Names
    account: Account


def place(env: str) -> Place:
    """Raises ConfigurationError for an unknown environment, VectoraError without usable credentials."""
    settings = load_settings(ROOT)
    names = settings.names(env)
    return Place(settings.environment(env), names, open_account(settings.environment(env), env))

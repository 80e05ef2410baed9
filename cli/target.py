"""Target environment of a command."""

from __future__ import annotations

from dataclasses import dataclass

from cli.access import open_account
from cli.paths import ROOT
from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.settings import EnvironmentSettings, load_settings


@dataclass(frozen=True)
class Target:
    """An environment with its settings, its names and its account."""

    settings: EnvironmentSettings
    names: Names
    account: Account


def open_target(env: str) -> Target:
    """Return the environment `env`.

    Raises ConfigurationError for an unknown environment, VectoraError without usable credentials.
    """
    settings = load_settings(ROOT)
    names = settings.names(env)
    return Target(settings.environment(env), names, open_account(settings, env))

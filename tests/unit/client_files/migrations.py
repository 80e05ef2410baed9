"""Readers of migrations, for tests."""

from __future__ import annotations

from typing import Any

from client_files.migration.migrate import Migration
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.section import read_section
from vectora_shared.config.yaml_file import parse_yaml


def client(migration: Migration) -> ClientConfig:
    """Return the client of a migration that left no problem."""
    assert migration.problems == ()
    return read_section(ClientConfig, parse_yaml("new.yaml", migration.body))


def outcomes_by_path(migration: Migration) -> dict[str, tuple[str, str | None, str]]:
    return {outcome.path: (outcome.action, outcome.to, outcome.reason) for outcome in migration.outcomes}


def with_lists(value: Any) -> Any:
    """Return parsed YAML with lists in place of tuples."""
    if isinstance(value, dict):
        return {key: with_lists(inner) for key, inner in value.items()}
    return [with_lists(inner) for inner in value] if isinstance(value, tuple) else value

"""File that a migration writes, and the checks before it replaces another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from client_files.migration.migrate import Migration, migrate
from client_files.migration.old_file import OldFile
from client_files.write import edited
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.content import Content
from vectora_shared.config.loading import load_canonical
from vectora_shared.config.section import read_file
from vectora_shared.errors import ConfigurationError, VectoraError


@dataclass(frozen=True)
class OutputFile:
    """Path of the new file, and its name in messages."""

    path: Path
    name: str


@dataclass(frozen=True)
class MigrationResult:
    """A migration, whether its file was written, and warnings for people."""

    migration: Migration
    written: bool
    warnings: tuple[str, ...]


def migrate_to_file(
    old: Sequence[OldFile],
    client_id: str,
    output: OutputFile,
    *,
    content: Content,
    today: date,
    replace: bool,
    dry_run: bool,
) -> MigrationResult:
    """Migrate old files and write the new one, unless it is a dry run or the migration has problems.

    Raises VectoraError, with nothing written, when the file exists and must not be replaced.
    """
    with edited(output.path) as edit:
        _require_replaceable(old, client_id, output, replace=replace or dry_run)
        existing, warnings = _existing(output, edit.before, client_id)
        canonical = load_canonical(content)
        migration = migrate(old, client_id, content=content, canonical=canonical, today=today, existing=existing)
        written = not (dry_run or migration.problems)
        if written:
            edit.write(migration.body)
    return MigrationResult(migration, written, warnings)


def _require_replaceable(old: Sequence[OldFile], client_id: str, output: OutputFile, *, replace: bool) -> None:
    if any(output.path.resolve() == file.path.resolve() for file in old):
        raise VectoraError(f"{output.name} is one of the old files, which are not overwritten: give another --output.")
    if output.path.exists() and not replace:
        raise VectoraError(
            f"{output.name} already exists: give --replace to overwrite it (its changelog is kept), or another "
            f"--output. Nothing was written for {client_id}."
        )


def _existing(output: OutputFile, body: bytes | None, client_id: str) -> tuple[ClientConfig | None, tuple[str, ...]]:
    """Return the file that is replaced, and a warning if it is not valid.

    Raises ConfigurationError when it belongs to another client.
    """
    if body is None:
        return None, ()
    try:
        client = read_file(ClientConfig, str(output.path), body)
    except ConfigurationError as error:
        return None, (f"{output.name} is not valid, so its changelog cannot be kept. {error}",)
    if client.client_profile.client_id != client_id:
        raise ConfigurationError(
            f"{output.name} is the file of {client.client_profile.client_id}, and not of {client_id}: "
            "give another --output."
        )
    return client, ()

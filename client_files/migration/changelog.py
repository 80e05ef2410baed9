"""Changelog of a migrated client file: one entry per old version, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from client_files.migration.old_file import OldFile, Version, purpose_of
from client_files.text import Quoted
from vectora_shared.config.changes import parsed_version
from vectora_shared.config.client import ClientConfig


@dataclass
class _Entry:
    date: str
    changes: list[str] = field(default_factory=list)


def next_version(base: OldFile, existing: ClientConfig | None) -> str:
    """Return the next major version after the old file and the replaced one, because items appear and disappear."""
    versions = [base.version]
    if existing is not None:
        versions.append(parsed_version(existing.client_profile.version))
    return f"{max(versions)[0] + 1}.0.0"


def changelog(
    files: Sequence[OldFile], existing: ClientConfig | None, version: str, today: str
) -> list[dict[str, Any]]:
    """Return the entries of the new file; `files` begins with the newest."""
    entries: dict[Version, _Entry] = {}
    for entry in existing.metadata.changelog if existing else ():
        _entry(entries, parsed_version(entry.version), entry.date).changes.append(entry.changes)
    for file in files:
        date = file.day("created_date") or file.day("last_modified") or today
        _entry(entries, file.version, date).changes.append(f"{file.client_id}: {purpose_of(file)[0]}")
    written = [
        _written(".".join(map(str, number)), entries[number].date, "; ".join(dict.fromkeys(entries[number].changes)))
        for number in sorted(entries, reverse=True)
    ]
    return [_written(version, today, _migration_changes(files)), *written]


def changelog_index(entries: Sequence[dict[str, Any]], file: OldFile) -> int:
    """Return the index of the entry for an old file."""
    return next(index for index, entry in enumerate(entries) if entry["version"] == file.semantic_version)


def _entry(entries: dict[Version, _Entry], version: Version, date: str) -> _Entry:
    return entries.setdefault(version, _Entry(date))


def _written(version: str, date: str, changes: str) -> dict[str, Any]:
    return {"version": Quoted(version), "date": Quoted(date), "changes": changes}


def _migration_changes(files: Sequence[OldFile]) -> str:
    newest, others = files[0], [file.short_name for file in files[1:]]
    source = f"{newest.client_id} (and {', '.join(others)})" if others else newest.client_id
    return f"Migrated from {source}: stable client id, semantic version, without fields that no release reads."

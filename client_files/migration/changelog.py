"""Changelog of a migrated client file: one entry per old version, newest first, with the entries of its old files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from client_files.migration.old_file import CHANGELOG, OldFile, Version, day_in, one_line, purpose_of, version_in
from client_files.text import Quoted
from vectora_shared.config.changes import parsed_version
from vectora_shared.config.client import ClientConfig

_TEXT_KEYS = ("changes", "change", "description", "notes")


@dataclass(frozen=True)
class OldEntry:
    """An entry of an old file's changelog; `text_keys` are the keys that `changes` is made of."""

    index: int
    version: Version
    date: str | None
    changes: str
    text_keys: tuple[str, ...]


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
        for old in old_entries(file):
            _entry(entries, old.version, old.date or today).changes.append(old.changes)
    for file in files:
        date = file.day("created_date") or file.day("last_modified") or today
        purpose, field_path = purpose_of(file)
        if field_path or file.version not in entries:
            _entry(entries, file.version, date).changes.append(f"{file.client_id}: {purpose}")
    written = [
        _written(".".join(map(str, number)), entries[number].date, "; ".join(dict.fromkeys(entries[number].changes)))
        for number in sorted(entries, reverse=True)
    ]
    return [_written(version, today, _migration_changes(files)), *written]


def changelog_index(entries: Sequence[dict[str, Any]], version: Version) -> int:
    """Return the index of the entry for an old version."""
    written = ".".join(map(str, version))
    return next(index for index, entry in enumerate(entries) if entry["version"] == written)


def old_entries(file: OldFile) -> list[OldEntry]:
    """Return the entries of an old file's changelog that state a version and changes, as a list or as texts."""
    found = file.value(*CHANGELOG)
    return [
        entry
        for index, value in enumerate(found if isinstance(found, list) else ())
        if isinstance(value, dict) and (entry := _old_entry(index, value))
    ]


def _old_entry(index: int, value: dict[str, Any]) -> OldEntry | None:
    version = version_in(value.get("version"))
    texts = {key: one_line(_joined(value[key])) for key in _TEXT_KEYS if value.get(key)}
    if version is None or not any(texts.values()):
        return None
    return OldEntry(index, version, day_in(value.get("date")), "; ".join(texts.values()), tuple(texts))


def _joined(value: Any) -> str:
    return "; ".join(str(each) for each in value) if isinstance(value, list) else str(value)


def _entry(entries: dict[Version, _Entry], version: Version, date: str) -> _Entry:
    return entries.setdefault(version, _Entry(date))


def _written(version: str, date: str, changes: str) -> dict[str, Any]:
    return {"version": Quoted(version), "date": Quoted(date), "changes": changes}


def _migration_changes(files: Sequence[OldFile]) -> str:
    newest, others = files[0], [file.short_name for file in files[1:]]
    source = f"{newest.client_id} (and {', '.join(others)})" if others else newest.client_id
    gains = "" if newest.client_id == newest.stem else "stable client id, "
    return f"Migrated from {source}: {gains}semantic version, without fields that no release reads."

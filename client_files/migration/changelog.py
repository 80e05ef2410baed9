"""The changelog of a migrated client file: one entry for each old file, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from client_files.migration.old_file import OldFile, Version, story_of
from client_files.text import Quoted
from vectora_shared.config.changes import parsed_version
from vectora_shared.config.client import ClientConfig


@dataclass
class _Entry:
    date: str
    stories: list[str] = field(default_factory=list)


def next_version(base: OldFile, existing: ClientConfig | None) -> str:
    """The next major one after the old file's and after that of the file that is replaced: items come and go."""
    versions = [base.version]
    if existing is not None:
        versions.append(parsed_version(existing.client_profile.version))
    return f"{max(versions)[0] + 1}.0.0"


def changelog(
    files: Sequence[OldFile], existing: ClientConfig | None, version: str, today: str
) -> list[dict[str, Any]]:
    """`files` begins with the newest."""
    entries: dict[Version, _Entry] = {}
    for kept in existing.metadata.changelog if existing else ():
        _entry(entries, parsed_version(kept.version), kept.date).stories.append(kept.changes)
    for file in files:
        date = file.day("created_date") or file.day("last_modified") or today
        _entry(entries, file.version, date).stories.append(f"{file.client_id}: {story_of(file)[0]}")
    written = [
        _written(".".join(map(str, number)), entries[number].date, "; ".join(dict.fromkeys(entries[number].stories)))
        for number in sorted(entries, reverse=True)
    ]
    return [_written(version, today, _migration_story(files)), *written]


def changelog_index(entries: Sequence[dict[str, Any]], file: OldFile) -> int:
    """Which entry has the story of an old file."""
    return next(index for index, entry in enumerate(entries) if entry["version"] == file.semantic_version)


def _entry(entries: dict[Version, _Entry], version: Version, date: str) -> _Entry:
    return entries.setdefault(version, _Entry(date))


def _written(version: str, date: str, changes: str) -> dict[str, Any]:
    return {"version": Quoted(version), "date": Quoted(date), "changes": changes}


def _migration_story(files: Sequence[OldFile]) -> str:
    newest, others = files[0], [file.short_name for file in files[1:]]
    source = f"{newest.client_id} (and {', '.join(others)})" if others else newest.client_id
    return f"Migrated from {source}: stable client id, semantic version; what no release of the engine reads is gone."

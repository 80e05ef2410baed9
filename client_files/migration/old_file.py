"""Client file of an old release: its form, its client, its version and its purpose."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path as FilePath
from typing import Any

from client_files.migration.old_fields import is_old_field
from client_files.migration.outcomes import leaves
from client_files.text import EditableText
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.content import why_unreadable
from vectora_shared.config.section import read_file
from vectora_shared.config.wording import Path
from vectora_shared.errors import ConfigurationError

Version = tuple[int, int, int]
# Fields with the version of a file, by precedence. A file may have several of them, also if its form is old.
VERSION_FIELDS: tuple[Path, ...] = (
    ("client_profile", "version"),
    ("metadata", "config_version"),
    ("metadata", "template_version"),
)
CHANGELOG: Path = ("metadata", "changelog")
# lai_weekly_v5, lai_weekly_v2_1, lai_weekly_v5_test
_VERSIONED_ID = re.compile(r"(?P<stem>.+?)[_-]v(?P<numbers>\d+(?:[_.]\d+)*)(?:[_.-].*)?", re.IGNORECASE)
_OBJECTIVE = re.compile(r"\W*(?:OBJECTI[FV]E?S?|GOALS?|PURPOSE)\b[^:]*:(?P<text>.*)", re.IGNORECASE)
LONGEST_PURPOSE = 300
# Ten times the size of any old file: the time of a migration grows with the square of it.
MOST_VALUES = 5_000


@dataclass(frozen=True)
class OldFile:
    """An old file; `stem` is the client's id without its version, `version` the one that the file states."""

    name: str
    path: FilePath
    text: EditableText
    client_id: str
    stem: str
    version: Version

    @property
    def semantic_version(self) -> str:
        return ".".join(map(str, self.version))

    @property
    def short_name(self) -> str:
        """Part of the id that distinguishes the file from others of the client, such as v6."""
        return self.client_id.removeprefix(f"{self.stem}_") or self.client_id

    def value(self, *path: str | int) -> Any:
        return self.text.value(path)

    def where(self, path: Path) -> str:
        return f"{self.name}, line {self.text.line_of(path)}"

    def day(self, field: str) -> str | None:
        """Return a date of the file's metadata as YYYY-MM-DD, None when it is no date."""
        return day_in(self.value("metadata", field))


def day_in(written: Any) -> str | None:
    """Return the day that a value begins with as YYYY-MM-DD, None when it is no date."""
    match = re.match(r"\d{4}-\d{2}-\d{2}", str(written or ""))
    try:
        return date.fromisoformat(match[0]).isoformat() if match else None
    except ValueError:
        return None


def read_old_file(path: FilePath, client_id: str | None = None) -> OldFile:
    """Return the file at `path`; `client_id` is used if the file has none.

    Raises ConfigurationError, which names file and line, when it cannot be read, is no client file, or already
    has the current form.
    """
    name = str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{why_unreadable(path, error)}.") from error
    text = EditableText(name, content, most_values=MOST_VALUES)
    _refuse_current(text, content)
    found = text.value(("client_profile", "client_id"))
    if not isinstance(found, str) or not found.strip():
        if client_id is None:
            line = text.line_of(("client_profile", "client_id"))
            raise ConfigurationError(
                f"{name}, line {line}: there is no client_profile.client_id: add it, or give it with --client-id."
            )
        found = client_id
    match = _VERSIONED_ID.fullmatch(found)
    stem, numbers = (match["stem"], match["numbers"]) if match else (found, "")
    stated = [number for field in VERSION_FIELDS if (number := version_in(text.value(field)))]
    return OldFile(name, path, text, found, stem, stated[0] if stated else _version_of_id(numbers))


def _refuse_current(text: EditableText, content: bytes) -> None:
    """Raise ConfigurationError when the file is valid, or when its errors are not those of an old form."""
    version = text.value(("client_profile", "version"))
    try:
        read_file(ClientConfig, text.name, content)
    except ConfigurationError as error:
        states_current_version = all(isinstance(text.value(field), str) for field in VERSION_FIELDS[:2])
        if not states_current_version or any(map(is_old_field, leaves(text.data))):
            return
        raise ConfigurationError(
            f"{text.name} already has the current form (version {version}), with errors to correct:\n{error}"
        ) from error
    raise ConfigurationError(f"{text.name} already has the current form (version {version}): nothing to migrate.")


def version_in(written: Any) -> Version | None:
    """Return the version that a value begins with, such as v7.0 or 7.0.0; None when it has none."""
    match = re.match(r"[vV]?(\d{1,6}(?:\.\d{1,6})*)", str(written if written is not None else "").strip())
    return _padded(match[1].split(".")) if match else None


def _version_of_id(numbers: str) -> Version:
    """Return the version in a client id, else 1.0.0."""
    return _padded([number[:6] for number in re.split(r"[_.]", numbers) if number] or ["1"])


def _padded(numbers: Sequence[str]) -> Version:
    padded = (*map(int, numbers[:3]), 0, 0)
    return (padded[0], padded[1], padded[2])


def purpose_of(file: OldFile) -> tuple[str, Path | None]:
    """Return the purpose that the authors recorded, in one line, and the field that has it."""
    notes = file.value("metadata", "creation_notes")
    if isinstance(notes, str) and (objective := _objective(notes)):
        return objective, ("metadata", "creation_notes")
    author = file.value("metadata", "created_by")
    if isinstance(author, str) and author.strip():
        return one_line(author), ("metadata", "created_by")
    return "the file does not state its purpose.", None


def _objective(notes: str) -> str | None:
    """Return the line that begins with OBJECTIF or objective, or the lines below it up to a blank one."""
    lines = [line.strip() for line in notes.splitlines()]
    for index, line in enumerate(lines):
        if match := _OBJECTIVE.fullmatch(line):
            below = lines[index + 1 :]
            end = below.index("") if "" in below else len(below)
            parts = [part for part in (match["text"].strip(), *map(_without_bullet, below[:end])) if part]
            return one_line("; ".join(parts)) if parts else None
    return None


def _without_bullet(line: str) -> str:
    return re.sub(r"^[^\w(\"']+", "", line)


def one_line(text: str) -> str:
    """Return the text in one line, shortened to 300 characters."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_PURPOSE else line[: LONGEST_PURPOSE - 3].rstrip() + "..."

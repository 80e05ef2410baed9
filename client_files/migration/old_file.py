"""Client file of an old release (v3 to v17): its client, its version and its purpose."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path as FilePath
from typing import Any

from client_files.text import EditableText
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.section import read_section
from vectora_shared.config.wording import Path
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError

Version = tuple[int, int, int]
# lai_weekly_v5, lai_weekly_v2_1, lai_weekly_v5_test
_VERSIONED_ID = re.compile(r"(?P<stem>.+?)[_-]v(?P<numbers>\d+(?:[_.]\d+)*)(?:[_.-].*)?", re.IGNORECASE)
_OBJECTIVE = re.compile(r"\W*(?:OBJECTI[FV]E?S?|GOALS?|PURPOSE)\b[^:]*:(?P<text>.*)", re.IGNORECASE)
LONGEST_PURPOSE = 300


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
        match = re.match(r"\d{4}-\d{2}-\d{2}", str(self.value("metadata", field) or ""))
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
        raise ConfigurationError(f"{name} cannot be read: {error.strerror or error}.") from error
    text = EditableText(name, content)
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
    return OldFile(name, path, text, found, stem, _version(text.value(("metadata", "template_version")), numbers))


def _refuse_current(text: EditableText, content: bytes) -> None:
    marks = [("client_profile", "version"), ("metadata", "config_version")]
    if not all(isinstance(text.value(mark), str) for mark in marks):
        return
    if text.value(("metadata", "template_version")) is not None:
        return
    version = text.value(marks[0])
    try:
        read_section(ClientConfig, parse_yaml(text.name, content))
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{text.name} already has the current form (version {version}), with errors to correct:\n{error}"
        ) from error
    raise ConfigurationError(f"{text.name} already has the current form (version {version}): nothing to migrate.")


def _version(written: Any, numbers_of_id: str) -> Version:
    """Return the version from the template's version, else from the id, else 1.0.0."""
    match = re.match(r"[vV]?(\d{1,6}(?:\.\d{1,6})*)", str(written if written is not None else "").strip())
    numbers = match[1].split(".") if match else [number[:6] for number in re.split(r"[_.]", numbers_of_id) if number]
    parts = [int(number) for number in numbers[:3]] or [1]
    padded = (*parts, 0, 0)
    return (padded[0], padded[1], padded[2])


def purpose_of(file: OldFile) -> tuple[str, Path | None]:
    """Return the purpose that the authors recorded, in one line, and the field that has it."""
    notes = file.value("metadata", "creation_notes")
    if isinstance(notes, str) and (objective := _objective(notes)):
        return objective, ("metadata", "creation_notes")
    author = file.value("metadata", "created_by")
    if isinstance(author, str) and author.strip():
        return _one_line(author), ("metadata", "created_by")
    return "the file does not state its purpose.", None


def _objective(notes: str) -> str | None:
    """Return the line that begins with OBJECTIF or objective, or the lines below it up to a blank one."""
    lines = [line.strip() for line in notes.splitlines()]
    for index, line in enumerate(lines):
        if match := _OBJECTIVE.fullmatch(line):
            below = lines[index + 1 :]
            end = below.index("") if "" in below else len(below)
            parts = [part for part in (match["text"].strip(), *map(_without_bullet, below[:end])) if part]
            return _one_line("; ".join(parts)) if parts else None
    return None


def _without_bullet(line: str) -> str:
    return re.sub(r"^[^\w(\"']+", "", line)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_PURPOSE else line[: LONGEST_PURPOSE - 3].rstrip() + "..."

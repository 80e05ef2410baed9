"""Next semantic version of a client's file, with its entry in the changelog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from client_files.next_version import EarlierFile, chosen_bump
from client_files.text import EditableText, Quoted
from client_files.write import edited
from vectora_shared.config.changes import Bump, bumped
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.section import read_file


@dataclass(frozen=True)
class BumpedFile:
    """The versions of a file before and after a bump."""

    client_id: str
    before: str
    after: str
    file: str
    bump: Bump


def bump_file(
    path: Path, bump: Bump | None, message: str, today: date, earlier: Sequence[EarlierFile] = ()
) -> BumpedFile:
    """Raise the version of the file at `path`; concurrent bumps wait for each other, and each one counts.

    Without `bump`, the changes since the `earlier` files decide how far. Changes nothing else in the file.

    Raises ConfigurationError, with nothing written, when the file cannot be read, would not be valid, or was changed
    meanwhile, or when `bump` is lower than the changes require.
    """
    with edited(path) as edit:
        result, content = _bump(str(path), edit.read(), bump, message, today, earlier)
        edit.write(content)
    return result


def _bump(
    name: str, content: bytes, wish: Bump | None, message: str, today: date, earlier: Sequence[EarlierFile]
) -> tuple[BumpedFile, bytes]:
    current = read_file(ClientConfig, name, content)
    text = EditableText(name, content)
    bump = chosen_bump(name, current, content, wish, earlier)
    before = current.client_profile.version
    after = bumped(before, bump)
    text.set(("client_profile", "version"), Quoted(after))
    text.set(("metadata", "config_version"), Quoted(after))
    entry = {"version": Quoted(after), "date": Quoted(today.isoformat()), "changes": message}
    text.insert_entry(("metadata", "changelog"), entry)
    changed = text.encoded()
    client = read_file(ClientConfig, name, changed)
    return BumpedFile(client.client_profile.client_id, before, after, name, bump), changed

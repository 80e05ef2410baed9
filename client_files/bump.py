"""The next semantic version of a client's file, with its line in the changelog; nothing else in the file changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from client_files.text import EditableText, Quoted
from client_files.write import edited
from vectora_shared.config.changes import Bump, bumped
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.section import read_section
from vectora_shared.config.yaml_file import parse_yaml


@dataclass(frozen=True)
class Bumped:
    client_id: str
    before: str
    after: str
    file: str


def bump_file(path: Path, bump: Bump, message: str, today: date) -> Bumped:
    """Raise the version of the file at `path`; two at a time wait for each other, and both count.

    Raises ConfigurationError, with nothing written, when the file cannot be read, would not be valid, or was changed
    meanwhile.
    """
    with edited(path) as edit:
        done, content = _bumped(str(path), edit.read(), bump, message, today)
        edit.write(content)
    return done


def _bumped(name: str, content: bytes, bump: Bump, message: str, today: date) -> tuple[Bumped, bytes]:
    text = EditableText(name, content)
    before = _current_version(name, content)
    after = bumped(before, bump)
    text.set(("client_profile", "version"), Quoted(after))
    text.set(("metadata", "config_version"), Quoted(after))
    entry = {"version": Quoted(after), "date": Quoted(today.isoformat()), "changes": message}
    text.insert_entry(("metadata", "changelog"), entry)
    changed = text.encoded()
    client = read_section(ClientConfig, parse_yaml(name, changed))
    return Bumped(client.client_profile.client_id, before, after, name), changed


def _current_version(name: str, content: bytes) -> str:
    """The version in the file's profile; a file whose three versions differ is refused as it is."""
    return read_section(ClientConfig, parse_yaml(name, content)).client_profile.version

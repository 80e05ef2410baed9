"""The next semantic version of a client's file, with its line in the changelog; nothing else in the file changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from client_files.text import EditableText, Quoted
from client_files.write import write_whole
from vectora_core.config.changes import Bump, bumped
from vectora_core.config.client import ClientConfig
from vectora_core.config.yaml_file import parse_yaml, read_section
from vectora_core.errors import ConfigurationError


@dataclass(frozen=True)
class Bumped:
    client_id: str
    before: str
    after: str
    file: str


def bump_file(path: Path, bump: Bump, message: str, today: date) -> Bumped:
    """Raises ConfigurationError, with nothing written, when the file cannot be read or would not be valid."""
    name = str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.strerror or error}.") from error
    text = EditableText(name, content)
    before = _current_version(name, content)
    after = bumped(before, bump)
    text.set(("client_profile", "version"), Quoted(after))
    text.set(("metadata", "config_version"), Quoted(after))
    entry = {"version": Quoted(after), "date": Quoted(today.isoformat()), "changes": message}
    text.insert_entry(("metadata", "changelog"), entry)
    changed = text.encoded()
    client = read_section(ClientConfig, parse_yaml(name, changed))
    write_whole(path, changed)
    return Bumped(client.client_profile.client_id, before, after, name)


def _current_version(name: str, content: bytes) -> str:
    """The version in the file's profile; a file whose three versions differ is refused as it is."""
    return read_section(ClientConfig, parse_yaml(name, content)).client_profile.version

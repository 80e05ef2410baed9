"""Validation of client files against their schemas, a base commit and the deployed files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from vectora_shared.config.changes import version_problem
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import Canonical
from vectora_shared.config.content import Content, ContentWithFile, FolderContent
from vectora_shared.config.loading import client_configuration, load_canonical, validate_all
from vectora_shared.config.section import read_section
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError
from vectora_shared.keys import client_key


@dataclass(frozen=True)
class Validation:
    """`clients` are the valid ones' files, by id; `problems` are sentences, `notes` say what could not be checked."""

    clients: dict[str, CheckedFile]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def versions(self) -> dict[str, str]:
        return {client_id: file.config.client_profile.version for client_id, file in self.clients.items()}


@dataclass(frozen=True)
class CheckedFile:
    config: ClientConfig
    body: bytes


def validated_file(content: Content) -> Validation:
    try:
        configurations = validate_all(content)
    except ConfigurationError as error:
        return Validation({}, tuple(str(error).splitlines()))
    clients = {each.client.client_profile.client_id: each.client for each in configurations}
    checked = {name: CheckedFile(client, content.read(client_key(name))) for name, client in clients.items()}
    return Validation(checked, ())


def validated_files(files: list[Path], config: Path) -> Validation:
    canonical = load_canonical(FolderContent(config))
    clients: dict[str, CheckedFile] = {}
    problems: list[str] = []
    for path in files:
        try:
            checked = _checked_file(path, config, canonical)
            clients[checked.config.client_profile.client_id] = checked
        except ConfigurationError as error:
            problems += str(error).splitlines()
    return Validation(clients, tuple(problems))


def _checked_file(path: Path, config: Path, canonical: Canonical) -> CheckedFile:
    """Raises ConfigurationError whose sentences name the file as it was given."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}): name a client file.") from error
    client_id = read_section(ClientConfig, parse_yaml(str(path), body)).client_profile.client_id
    # Elsewhere it may have any name; in config/clients it will have its client's.
    key = client_key(client_id)
    try:
        content = ContentWithFile(FolderContent(config), key, body)
        return CheckedFile(client_configuration(content, client_id, canonical).client, body)
    except ConfigurationError as error:
        raise ConfigurationError(re.sub(rf"^{re.escape(key)}", str(path), str(error), flags=re.MULTILINE)) from error


Compared = tuple[list[str], list[str]]


def unmoved(found: Validation, before: dict[str, bytes], where: str) -> list[str]:
    """Sentences on files that differ from `before` under a version that does not say so."""
    changed = {name: file for name, file in found.clients.items() if before.get(name, file.body) != file.body}
    problems = (_unmoved_version(name, before[name], file.config, where) for name, file in changed.items())
    return [problem for problem in problems if problem]


def _unmoved_version(client_id: str, before: bytes, later: ClientConfig, where: str) -> str | None:
    try:
        earlier = read_section(ClientConfig, parse_yaml(client_key(client_id), before))
    except ConfigurationError:
        # Written for an earlier schema: what changed is not known, that it changed is.
        version = later.client_profile.version
        same = f'version: "{version}"'.encode() in before
        return f"{client_key(client_id)} differs from {where}, both have version {version}: bump it." if same else None
    return version_problem(earlier, later, where)

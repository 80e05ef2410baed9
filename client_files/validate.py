"""Validation of client files against their schemas, a base commit and the deployed files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client_files.history import History
from vectora_shared.config.changes import version_problem
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import Canonical
from vectora_shared.config.content import Content, ContentWithFile, FolderContent, why_unreadable
from vectora_shared.config.loading import client_configuration, client_ids, load_canonical, validate_all
from vectora_shared.config.section import read_file, read_section
from vectora_shared.config.yaml_file import parse_yaml_with_problems
from vectora_shared.errors import ConfigurationError
from vectora_shared.keys import IDENTIFIER, client_key


@dataclass(frozen=True)
class ValidFile:
    """A client file that matches its schema and the canonical files."""

    config: ClientConfig
    body: bytes


@dataclass(frozen=True)
class Validation:
    """The valid client files by client id, and the problems of the others, one sentence each."""

    clients: dict[str, ValidFile]
    problems: tuple[str, ...]

    @property
    def versions(self) -> dict[str, str]:
        return {client_id: file.config.client_profile.version for client_id, file in self.clients.items()}


@dataclass(frozen=True)
class VersionCheck:
    """Problems with version numbers, and notes on what was not compared, one sentence each."""

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def validate_folder(content: Content) -> Validation:
    """Validate all client files and canonical files of a configuration."""
    try:
        configurations = validate_all(content)
    except ConfigurationError as error:
        return Validation({}, tuple(str(error).splitlines()))
    clients = {each.client.client_profile.client_id: each.client for each in configurations}
    return Validation(
        {client_id: ValidFile(client, content.read(client_key(client_id))) for client_id, client in clients.items()}, ()
    )


def validate_files(files: list[Path], config: Path) -> Validation:
    """Validate single client files with the canonical files of the folder `config`."""
    clients: dict[str, ValidFile] = {}
    problems: list[str] = []
    canonical = None
    try:
        canonical = load_canonical(FolderContent(config))
    except ConfigurationError as error:
        problems += str(error).splitlines()
    for path in files:
        try:
            valid = _validate_file(path, config, canonical)
            clients[valid.config.client_profile.client_id] = valid
        except ConfigurationError as error:
            problems += str(error).splitlines()
    return Validation(clients, tuple(problems))


def check_versions_since(branch: str, found: Validation, history: History) -> VersionCheck:
    """Check that client files which differ from the base commit of `branch` have a new version.

    Raises VectoraError when there is no such branch.
    """
    commit = history.base_commit(branch)
    if commit is None:
        return VersionCheck(notes=(history.why_no_base(branch),))
    before = dict(history.clients_of_commit(commit))
    return VersionCheck(_version_problems(found, before, f"{branch} ({commit[:10]})"))


def check_versions_deployed(env: str, found: Validation, deployed: Content) -> VersionCheck:
    """Check that client files which differ from the deployed ones have a new version."""
    before = {client_id: deployed.read(client_key(client_id)) for client_id in client_ids(deployed)}
    new = tuple(f"{client_id} is new in {env}." for client_id in found.clients if client_id not in before)
    return VersionCheck(_version_problems(found, before, f"what {env} has"), new)


def _validate_file(path: Path, config: Path, canonical: Canonical | None) -> ValidFile:
    """Return a valid file; raise ConfigurationError whose sentences name it as it was given.

    Without valid canonical files, names are not looked up.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{why_unreadable(path, error)}.") from error
    file = parse_yaml_with_problems(str(path), body)
    client_id = _client_id_in(file.data)
    if canonical is None or client_id is None:
        return ValidFile(read_section(ClientConfig, file), body)
    # The file may have any name here; in config/clients it is named after its client.
    key = client_key(client_id)
    try:
        content = ContentWithFile(FolderContent(config), key, body)
        return ValidFile(client_configuration(content, client_id, canonical).client, body)
    except ConfigurationError as error:
        raise ConfigurationError(re.sub(rf"^{re.escape(key)}", str(path), str(error), flags=re.MULTILINE)) from error


def _client_id_in(data: Any) -> str | None:
    """Return the client id that a file's data has, which may be invalid otherwise."""
    profile = data.get("client_profile") if isinstance(data, dict) else None
    client_id = profile.get("client_id") if isinstance(profile, dict) else None
    return client_id if isinstance(client_id, str) and IDENTIFIER.fullmatch(client_id) else None


def _version_problems(found: Validation, before: dict[str, bytes], where: str) -> tuple[str, ...]:
    changed = {name: file for name, file in found.clients.items() if before.get(name, file.body) != file.body}
    problems = (_version_problem(name, before[name], file.config, where) for name, file in changed.items())
    return tuple(problem for problem in problems if problem)


def _version_problem(client_id: str, before: bytes, later: ClientConfig, where: str) -> str | None:
    try:
        earlier = read_file(ClientConfig, client_key(client_id), before)
    except ConfigurationError:
        # The earlier file has an earlier schema: it differs, but its changes cannot be classified.
        version = later.client_profile.version
        same = f'version: "{version}"'.encode() in before
        return f"{client_key(client_id)} differs from {where}, both have version {version}: bump it." if same else None
    return version_problem(earlier, later, where)

"""A client's file in config/, an environment, git's history or at a path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cli.paths import CONFIG, ROOT
from cli.target import open_target
from client_files.history import History
from vectora_ops.settings import ENVIRONMENT_NAMES
from vectora_ops.unknown_names import unknown_name
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.content import BucketContent, Content, FolderContent
from vectora_shared.config.loading import client_ids
from vectora_shared.config.section import read_file
from vectora_shared.errors import ConfigurationError, UnknownWordError, VectoraError
from vectora_shared.keys import client_key

IN_CONFIG = "file"
VERSION = re.compile(r"\d+\.\d+\.\d+")


@dataclass(frozen=True)
class ClientFile:
    """Content of a client's file; `name` is the location it was read from, for people."""

    name: str
    body: bytes

    def config(self, client_id: str) -> ClientConfig:
        """Return the parsed file; raise ConfigurationError with every error in it."""
        try:
            return read_file(ClientConfig, client_key(client_id), self.body)
        except ConfigurationError as error:
            raise ConfigurationError(f"{self.name} is not valid. {error}") from error


def known_client(content: Content, client_id: str, where: str) -> str:
    """Return `client_id` if it has a file; otherwise raise ConfigurationError with the closest name."""
    known = client_ids(content)
    if client_id in known:
        return client_id
    raise ConfigurationError(unknown_name("client", client_id, known, where=f"in {where}"))


def folder_content(folder: Path) -> FolderContent:
    """Return the content of a configuration folder; raise ConfigurationError when it does not exist."""
    if not folder.is_dir():
        raise ConfigurationError(f"There is no folder {folder}: give one with clients/ and canonical/.")
    return FolderContent(folder)


def deployed_content(env: str) -> BucketContent:
    """Return the content of the environment's config bucket."""
    target = open_target(env)
    return BucketContent(target.account.client("s3"), target.names.bucket("config"))


def read_client_file(client_id: str, location: str) -> ClientFile:
    """Return the file at a location: file (config/), an environment, a version in git's history, or a path.

    Raises VectoraError when there is no such file.
    """
    if location in ENVIRONMENT_NAMES:
        deployed = deployed_content(location)
        return ClientFile(location, deployed.read(client_key(known_client(deployed, client_id, location))))
    if location == IN_CONFIG:
        content = FolderContent(CONFIG)
        return ClientFile("config/", content.read(client_key(known_client(content, client_id, "config/"))))
    if VERSION.fullmatch(location):
        return _version_in_history(client_id, location)
    try:
        return ClientFile(location, Path(location).read_bytes())
    except OSError as error:
        advice = f"A version such as 7.0.0 and a path are locations too ({error.strerror})."
        raise UnknownWordError(
            unknown_name("location", location, (IN_CONFIG, *ENVIRONMENT_NAMES), advice=advice)
        ) from error


def _version_in_history(client_id: str, version: str) -> ClientFile:
    """Return the file of the newest commit in which it has the version."""
    path = f"config/{client_key(client_id)}"
    found = []
    history = History(ROOT)
    for commit in history.commits_of(path):
        body = history.file(commit, path)
        written = re.search(rb"^\s+version:\s*[\"']?(\d+\.\d+\.\d+)", body, re.MULTILINE) if body else None
        if body and written and written[1].decode("ascii") == version:
            return ClientFile(version, body)
        if written:
            found.append(written[1].decode("ascii"))
    versions = f"its versions: {', '.join(dict.fromkeys(found))}" if found else "no commit has the file"
    raise VectoraError(f"No commit has version {version} of {path}; {versions}.")

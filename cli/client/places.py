"""Where a client's file is read from: the working tree, a file, git's history, or what an environment has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cli.place import ROOT, place
from client_files.history import History
from vectora_ops.settings import ENVIRONMENT_NAMES
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.content import BucketContent, Content, FolderContent
from vectora_shared.config.loading import client_ids
from vectora_shared.config.section import read_section
from vectora_shared.config.wording import did_you_mean
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError, VectoraError
from vectora_shared.keys import client_key

CONFIG = ROOT / "config"
HERE = "file"
VERSION = re.compile(r"\d+\.\d+\.\d+")


@dataclass(frozen=True)
class ClientText:
    """A client's file from one place; `name` says which, for people."""

    name: str
    body: bytes

    def config(self, client_id: str) -> ClientConfig:
        """Raises ConfigurationError naming every mistake in it."""
        try:
            return read_section(ClientConfig, parse_yaml(client_key(client_id), self.body))
        except ConfigurationError as error:
            raise ConfigurationError(f"{self.name} is not valid. {error}") from error


def known_client(content: Content, client_id: str, where: str) -> str:
    """`client_id` when there is such a file; raises ConfigurationError with the nearest name otherwise."""
    known = client_ids(content)
    if client_id in known:
        return client_id
    hint = did_you_mean(client_id, known) or f"there are {', '.join(known) or 'none'}. "
    raise ConfigurationError(f"There is no client '{client_id}' in {where}: {hint.rstrip()}")


def deployed_content(env: str) -> BucketContent:
    """What the environment's config bucket holds."""
    here = place(env)
    return BucketContent(here.account.client("s3"), here.names.bucket("config"))


def client_text(client_id: str, where: str) -> ClientText:
    """`where` is file, an environment, a version in git's history, or the path of a file.

    Raises VectoraError when there is no such file.
    """
    if where in ENVIRONMENT_NAMES:
        content = deployed_content(where)
        return ClientText(where, content.read(client_key(known_client(content, client_id, where))))
    if where == HERE:
        content_here = FolderContent(CONFIG)
        return ClientText("config/", content_here.read(client_key(known_client(content_here, client_id, "config/"))))
    if VERSION.fullmatch(where):
        return _of_version(client_id, where)
    try:
        return ClientText(where, Path(where).read_bytes())
    except OSError as error:
        raise VectoraError(
            f"'{where}' is no environment, no version and no file ({error.strerror}): say file, "
            f"{', '.join(ENVIRONMENT_NAMES)}, a version such as 7.0.0, or a path."
        ) from error


def _of_version(client_id: str, version: str) -> ClientText:
    """The newest commit's file that has the version."""
    path = f"config/{client_key(client_id)}"
    seen = []
    history = History(ROOT)
    for commit in history.git("log", "--format=%H", "--", path).split():
        body = history.file(commit, path)
        found = re.search(rb"^\s+version:\s*[\"']?(\d+\.\d+\.\d+)", body, re.MULTILINE) if body else None
        if body and found and found[1].decode("ascii") == version:
            return ClientText(version, body)
        if found:
            seen.append(found[1].decode("ascii"))
    had = f"versions there: {', '.join(dict.fromkeys(seen))}" if seen else "the file is in no commit"
    raise VectoraError(f"No commit has version {version} of {path}; {had}.")

"""Where a client's file is read from: the working tree, a file, git's history, or what an environment has."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cli.place import ROOT, place
from vectora_core.config.client import ClientConfig
from vectora_core.config.content import BucketContent, Content, FolderContent, client_ids
from vectora_core.config.yaml_file import did_you_mean, parse_yaml, read_section
from vectora_core.errors import ConfigurationError, VectoraError
from vectora_core.keys import client_key
from vectora_ops.settings import ENVIRONMENT_NAMES

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
    for commit in git("log", "--format=%H", "--", path).split():
        body = git_file(commit, path)
        found = re.search(rb"^\s+version:\s*[\"']?(\d+\.\d+\.\d+)", body, re.MULTILINE) if body else None
        if body and found and found[1].decode("ascii") == version:
            return ClientText(version, body)
        if found:
            seen.append(found[1].decode("ascii"))
    had = f"versions there: {', '.join(dict.fromkeys(seen))}" if seen else "the file is in no commit"
    raise VectoraError(f"No commit has version {version} of {path}; {had}.")


def base_commit(branch: str) -> str | None:
    """Where the working tree left `branch`, or the commit before on the branch itself; None without git's history.

    Raises VectoraError when there is no such branch.
    """
    if not is_repository():
        return None
    for name in (branch, f"origin/{branch}"):
        if resolved := _git_or_none("merge-base", "HEAD", name):
            base = resolved.strip()
            break
    else:
        raise VectoraError(f"git knows no branch or commit '{branch}' that this checkout came from: fetch it (--base).")
    head = git("rev-parse", "HEAD").strip()
    unchanged = not git("status", "--porcelain", "--", "config/clients").strip()
    if base == head and unchanged:
        before = _git_or_none("rev-parse", "--verify", "--quiet", "HEAD^")
        return before.strip() if before else None
    return base


def is_repository() -> bool:
    """Whether this checkout has its own history; a build's source has none, and may lie within another's."""
    top = _git_or_none("rev-parse", "--show-toplevel")
    return top is not None and Path(top.strip()).resolve() == ROOT


def clients_of_commit(commit: str) -> Iterator[tuple[str, bytes]]:
    """Every client file of a commit, by client id."""
    for path in git("ls-tree", "--name-only", commit, "config/clients/").splitlines():
        if path.endswith(".yaml") and (body := git_file(commit, path)) is not None:
            yield Path(path).stem, body


def git_file(commit: str, path: str) -> bytes | None:
    result = _run("show", f"{commit}:{path}")
    return result.stdout if result and result.returncode == 0 else None


def git(*arguments: str) -> str:
    """What git prints; raises VectoraError with git's reason."""
    result = _run(*arguments)
    if result is None:
        raise VectoraError("git is missing: install it (on Debian and Ubuntu: apt-get install git).")
    if result.returncode:
        raise VectoraError(f"git {arguments[0]} failed: {result.stderr.decode('utf-8', 'replace').strip()}")
    return result.stdout.decode("utf-8", "replace")


def _git_or_none(*arguments: str) -> str | None:
    result = _run(*arguments)
    return result.stdout.decode("utf-8", "replace") if result and result.returncode == 0 else None


def _run(*arguments: str) -> subprocess.CompletedProcess[bytes] | None:
    try:
        return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        return None

"""The rehearsal's git repository, made from this checkout, and the tools of the pipeline's build image."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from checkout.git import MISSING, environment_of_git
from vectora_shared.errors import VectoraError

# Files that .gitignore excludes, and files of this machine or of another git repository.
NOT_COPIED = (".git", ".venv*", "node_modules", "build", "cdk.out*", "__pycache__", ".*_cache", ".rehearsal")
BRANCH = "main"
# Files that `make` installs tools from; the build of a commit that changes one of them installs its own tools.
LOCKS = (
    "requirements.txt",
    "requirements-dev.txt",
    "package-lock.json",
    "tools/cdk",
    "tools/node-for-jsii",
    "tools/setup.py",
)
PLATFORM = {"lambda-platform": "host"}
ROOT = Path(__file__).resolve().parent.parent
AWS_CLI = "rehearsal.aws_cli"
CACHES = ("build", ".mypy_cache", ".ruff_cache")
# Prefixes of the host's variables that configure the registries of pip and npm.
REGISTRY_PREFIXES = ("npm_config_", "pip_")
AUTHOR = {f"GIT_{who}_{what}": "rehearsal@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def copy_checkout(root: Path, folder: Path) -> None:
    """Copy the files of the checkout at `root`, committed or not, without tools and results.

    Links are followed, so that a change of the copy never changes what a link leads to.
    """
    ignored = shutil.ignore_patterns(*NOT_COPIED)
    shutil.copytree(root, folder, ignore=ignored, ignore_dangling_symlinks=True)


class Repository:
    """A git repository in `folder`; its first commit has the files of the checkout at `root`, committed or not."""

    def __init__(self, root: Path, folder: Path, prepare: Callable[[Path], None] = lambda folder: None) -> None:
        """Create the repository, whose files `prepare` may change; raise VectoraError when git is missing or fails."""
        self.folder = folder
        copy_checkout(root, folder)
        prepare(folder)
        self._git("init", "--quiet", "--initial-branch", BRANCH)
        self.head = self._commit("This checkout")

    def push(self, message: str, change: Callable[[Path], None]) -> str:
        """Commit the changes that `change` makes to the files; return the commit's id."""
        change(self.folder)
        self.head = self._commit(message)
        return self.head

    def _commit(self, message: str) -> str:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--no-verify", "--message", message)
        return self._git("rev-parse", "HEAD")

    def _git(self, *arguments: str) -> str:
        environment = {**environment_of_git(), **AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        try:
            result = subprocess.run(
                ["git", "-C", str(self.folder), *arguments],
                env=environment,
                capture_output=True,
                encoding="utf-8",
                check=False,
            )
        except FileNotFoundError as error:
            raise VectoraError(MISSING) from error
        if result.returncode:
            raise VectoraError(f"git {arguments[0]} failed in the rehearsal's repository: {result.stderr.strip()}")
        return result.stdout.strip()


class BuildImage:
    """Tools of the build image: those of the checkout at `root`, for commits with the same lock files."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __call__(self, source: Path, home: Path) -> Mapping[str, str]:
        """Link the tools into a build's source folder, and return the variables that the build needs for them."""
        # The user's defaults (CDK guide, "Runtime context", ~/.cdk.json), because functions run on this machine's
        # Python.
        (home / ".cdk.json").write_text(json.dumps({"context": PLATFORM}), encoding="utf-8")
        tools = self._root / ".venv" / "bin"
        commands = _aws_cli(home, tools / "python")
        if self._has_same_locks(source):
            self._link_tools(source)
        return {
            "PATH": os.pathsep.join([str(commands), str(tools), os.environ.get("PATH", os.defpath)]),
            **_registry_settings(),
            "npm_config_cache": str(self._root / "build" / "npm-cache"),
            "npm_config_prefer_offline": "true",
            "npm_config_fund": "false",
            "npm_config_audit": "false",
            "npm_config_update_notifier": "false",
            # A rehearsal sends no data about itself.
            "CDK_DISABLE_CLI_TELEMETRY": "true",
        }

    def _has_same_locks(self, source: Path) -> bool:
        return all(
            (source / name).is_file() and (source / name).read_bytes() == (self._root / name).read_bytes()
            for name in LOCKS
        )

    def _link_tools(self, source: Path) -> None:
        environment = source / ".venv"
        environment.mkdir()
        for entry in (self._root / ".venv").iterdir():
            if entry.name != ".ready":
                (environment / entry.name).symlink_to(entry)
        for name in CACHES:
            # Created in a fresh clone too, so that the second build finds the first one's caches.
            (self._root / name).mkdir(exist_ok=True)
        for name in ("node_modules", *CACHES):
            (source / name).symlink_to(self._root / name)
        # Touched last, because make compares its time with the lock files'.
        (environment / ".ready").touch()


def _aws_cli(home: Path, python: Path) -> Path:
    """Write the command `aws` for the builds, and return its folder: this machine may have none, or another version."""
    folder = home / "aws-cli"
    folder.mkdir()
    command = folder / "aws"
    path = os.pathsep.join([str(ROOT), str(ROOT / "lambda_src")])
    # -P: the build's folder has modules of the same names.
    program = f'#!/bin/sh\nPYTHONPATH="{path}" exec "{python}" -P -m {AWS_CLI} "$@"\n'
    command.write_text(program, encoding="utf-8")
    command.chmod(0o755)
    return folder


def _registry_settings() -> dict[str, str]:
    """Return this machine's settings of the package registries, which a build's own home lacks."""
    passed = {name: value for name, value in os.environ.items() if name.lower().startswith(REGISTRY_PREFIXES)}
    settings = Path.home() / ".npmrc"
    if settings.exists():
        passed["npm_config_userconfig"] = str(settings)
    if authorities := os.environ.get("NODE_EXTRA_CA_CERTS"):
        passed["npm_config_cafile"] = authorities
    return passed

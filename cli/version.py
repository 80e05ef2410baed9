"""Option `--version`: version and commit of this checkout."""

from __future__ import annotations

import shutil

from checkout.git import Git
from cli.output import print_lines
from cli.paths import ROOT
from stacks.assets.version import version_of
from vectora_shared.errors import VectoraError


def show_version() -> None:
    """Print the version, and in a checkout of git its commit, with a note when files differ from it."""
    try:
        commit = _commit()
    except VectoraError:
        # The version is known without git.
        commit = ""
    print_lines(f"Vectora Inbox {version_of(ROOT)}{commit}")


def _commit() -> str:
    git = Git(ROOT)
    if shutil.which("git") is None or not git.is_repository:
        return ""
    commit = git.answer("rev-parse", "--short=12", "HEAD")
    changed = ", with changes that are not committed" if git.output("status", "--porcelain").strip() else ""
    return f", commit {commit}{changed}" if commit else ""

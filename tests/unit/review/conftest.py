"""A small checkout with the files that a review reads, in a git repository of its own."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from change_review.model import Review
from change_review.review import Limits, review_checkout
from checkout.git import environment_of_git
from tests.repository import ROOT

TODAY = date(2026, 11, 26)
IDENTITY = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")


@dataclass(frozen=True)
class Checkout:
    """A repository whose branch main has one commit; `git` runs a command in it."""

    root: Path

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.root), *IDENTITY, *arguments]
        done = subprocess.run(command, env=environment_of_git(), capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace text in a file; it has to be there."""
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text
        (self.root / path).write_text(text.replace(old, new), encoding="utf-8")

    def commit(self, subject: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)
        return self.git("rev-parse", "HEAD")

    def review(self, base: str = "main", data: Path | None = None) -> Review:
        return review_checkout(self.root, base, Limits(today=TODAY, data=data))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root = tmp_path / "checkout"
    for folder in ("config", "tests/stacks/templates"):
        shutil.copytree(ROOT / folder, root / folder)
    (root / "docs" / "reference").mkdir(parents=True)
    for name in ("operator-policy.json", "approver-policy.json"):
        shutil.copy(ROOT / "docs" / "reference" / name, root / "docs" / "reference" / name)
    made = Checkout(root)
    made.git("init", "--quiet", "--initial-branch", "main")
    made.commit("First")
    made.git("switch", "--quiet", "--create", "change")
    return made

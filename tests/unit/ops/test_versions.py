"""The version of a release is that of its tag, or the newest in CHANGELOG.md."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from stacks.assets.version import is_older, version_of
from tests.repository import ROOT
from vectora_shared.errors import ConfigurationError

AUTHOR = {f"GIT_{who}_{what}": "somebody@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def changelog(root: Path, text: str) -> Path:
    (root / "CHANGELOG.md").write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("# Changelog\n\n## [1.2.3] - 2026-01-30\n\n## [1.2.2]\n", "1.2.3"),
        ("## [Unreleased]\n\n### Added\n\n## [2.0.0-rc.1] - unreleased\n", "2.0.0-rc.1"),
        ("## [10.20.30]\r\n", "10.20.30"),
    ],
)
def test_the_newest_heading_of_the_changelog_names_the_version(tmp_path: Path, text: str, version: str) -> None:
    assert version_of(changelog(tmp_path, text)) == version


@pytest.mark.parametrize(
    "heading", ["## 1.2.3", "## [1.2]", "## [v1.2.3]", "## [01.2.3]", "## [1.2.3", "## Changes", '## [1.2.3"]']
)
def test_a_heading_without_a_version_is_refused_with_its_line(tmp_path: Path, heading: str) -> None:
    with pytest.raises(ConfigurationError, match=r"CHANGELOG.md, line 3: .* names no version: write '## \[1\.2\.3\]'"):
        version_of(changelog(tmp_path, f"# Changelog\n\n{heading}\n\n## [1.0.0]\n"))


def test_a_changelog_without_a_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is missing: add it"):
        version_of(tmp_path)
    with pytest.raises(ConfigurationError, match="has no version heading"):
        version_of(changelog(tmp_path, "# Changelog\n\n## [Unreleased]\n"))


def test_the_tag_of_the_commit_wins(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        environment = {**os.environ, **AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", "-C", str(tmp_path), *arguments], env=environment, check=True, capture_output=True)

    changelog(tmp_path, "## [1.0.0]\n")
    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "one")
    for tag in ("v1.9.0", "v1.10.0", "v1.10.0-rc.1", "v2", "release-9.0.0"):
        git("tag", tag)
    assert version_of(tmp_path) == "1.10.0"
    git("commit", "--quiet", "--allow-empty", "--message", "two")
    assert version_of(tmp_path) == "1.0.0"


def test_without_git_the_changelog_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert version_of(changelog(tmp_path, "## [1.2.3]\n")) == "1.2.3"


def test_versions_are_compared_by_semantic_versioning() -> None:
    ordered = ["0.9.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.2.0", "1.10.0"]
    for position, version in enumerate(ordered):
        assert [is_older(version, other) for other in ordered] == [False] * (position + 1) + [True] * (
            len(ordered) - position - 1
        )
    assert not is_older("unknown", "1.0.0")


def test_this_checkout_has_a_version_that_pyproject_does_not_repeat() -> None:
    assert version_of(ROOT)
    assert "\nversion =" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")

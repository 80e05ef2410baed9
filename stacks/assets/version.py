"""Version of a checkout: the tag of its commit, otherwise the newest heading of CHANGELOG.md."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from checkout.git import Git
from vectora_shared.errors import ConfigurationError

CHANGELOG = "CHANGELOG.md"
UNRELEASED = "## [unreleased]"
# Semantic versioning 2.0.0, without build metadata.
_NUMBER = r"(?:0|[1-9]\d*)"
_VERSION = rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-[0-9A-Za-z.-]+)?"
_HEADING = re.compile(rf"## \[({_VERSION})\](?:\s|$)")
_TAG = re.compile(rf"v({_VERSION})")


def version_of(root: Path) -> str:
    """Return the version of the checkout at `root`.

    Raises ConfigurationError when CHANGELOG.md is missing or its newest heading names no version, and VectoraError when
    git does not read the repository.
    """
    return _newest(_tagged(root)) or _version_in_changelog(root / CHANGELOG)


def is_older(version: str, other: str) -> bool:
    """Return whether `version` comes before `other`; a version that cannot be read comes before none."""
    if not (re.fullmatch(_VERSION, version) and re.fullmatch(_VERSION, other)):
        return False
    return _precedence(version) < _precedence(other)


def _tagged(root: Path) -> list[str]:
    """Return the versions that tags of the checked-out commit name; none without git or outside a repository.

    Raises VectoraError when git does not read the repository: another version would be another release.
    """
    git = Git(root)
    if shutil.which("git") is None or not git.is_repository or not git.answer("rev-parse", "--verify", "-q", "HEAD"):
        return []
    tags = git.output("for-each-ref", "--points-at=HEAD", "--format=%(refname:strip=2)", "refs/tags")
    matches = (_TAG.fullmatch(tag) for tag in tags.splitlines())
    return [match[1] for match in matches if match]


def _newest(versions: list[str]) -> str | None:
    return max(versions, key=_precedence, default=None)


def _precedence(version: str) -> tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]:
    """Return what versions are compared by: a pre-release comes before its release (semantic versioning, rule 11)."""
    numbers, _, suffix = version.partition("-")
    parts = tuple(
        (not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in (suffix.split(".") if suffix else ())
    )
    return tuple(map(int, numbers.split("."))), not suffix, parts


def _version_in_changelog(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(f"{path} is missing: add it, with a heading such as '## [1.2.3]'.") from error
    headings = ((number, line) for number, line in enumerate(lines, 1) if line.startswith("## "))
    for number, heading in headings:
        if heading.strip().lower() == UNRELEASED:
            continue
        if match := _HEADING.match(heading):
            return match[1]
        raise ConfigurationError(
            f"{CHANGELOG}, line {number}: the newest heading '{heading.strip()}' names no version: write '## [1.2.3]'."
        )
    raise ConfigurationError(f"{CHANGELOG} has no version heading: add one such as '## [1.2.3]' above its entries.")

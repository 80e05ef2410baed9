"""This checkout compared with the releases of the environments."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from checkout.git import Git
from stacks.assets.packages import files_below, files_digest
from stacks.assets.release import Releases, write_atomically
from stacks.assets.version import is_older, version_of
from vectora_shared.errors import ConfigurationError, VectoraError

State = Literal["same", "behind", "ahead", "differs", "unknown"]
CACHE = Path("build") / "release.json"
# Everything that a synthesis reads in the checkout.
INPUTS = (
    "app.py",
    "cdk.json",
    "checkout",
    "config",
    "constructs",
    "lambda_src",
    "package-lock.json",
    "package.json",
    "requirements.txt",
    "stacks",
)
LIBRARIES = ("aws-cdk-lib", "constructs", "jsii", "pydantic", "PyYAML")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The relation of an environment's release to this checkout; `commits` is their distance, where git knows it."""

    state: State
    commits: int | None = None
    reason: str = ""

    @property
    def sentence(self) -> str:
        """The comparison in some words, for people."""
        known = {
            "same": "same as this checkout",
            "behind": "behind this checkout",
            "ahead": "ahead of this checkout",
            "differs": "differs from this checkout",
            "unknown": "not compared with this checkout",
        }[self.state]
        details = f"{self.commits} commit{'' if self.commits == 1 else 's'}" if self.commits else self.reason
        return f"{known} ({details})" if details else known


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """The release of the checkout at `root`; `problem` says why its digests are not known."""

    root: Path
    version: str
    releases: Releases | None
    problem: str = ""

    def compare(self, env: str, *, digest: str | None, version: str | None, commit: str | None) -> Comparison:
        """Compare with the release of `env`: by its digest, then by its commit, then by its version."""
        if digest is None:
            return Comparison(state="unknown", reason="no release is recorded")
        if self.releases is None:
            return Comparison(state="unknown", reason=self.problem)
        if digest == self.releases.digests.get(env):
            return Comparison(state="same")
        return self._by_commit(commit) or self._by_version(version or "")

    def _by_commit(self, commit: str | None) -> Comparison | None:
        git = Git(self.root)
        if commit is None or not re.fullmatch(r"[0-9a-f]{7,40}", commit):
            return None
        try:
            if not git.is_repository:
                return None
            if git.answer("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}") is None:
                return Comparison(state="differs", reason=f"commit {commit[:12]} is not in this repository: git fetch")
            here = _count(git, f"{commit}..HEAD")
            there = _count(git, f"HEAD..{commit}")
            is_changed = bool(git.output("status", "--porcelain").strip())
        except VectoraError as error:
            return Comparison(state="differs", reason=str(error))
        if here and there:
            return Comparison(state="differs", reason=f"{here} commits only here, {there} only there")
        if here:
            return Comparison(state="behind", commits=here)
        if there:
            return Comparison(state="ahead", commits=there)
        if is_changed:
            return Comparison(state="behind", commits=0, reason="changes that are not committed")
        return Comparison(state="differs", commits=0, reason="same commit, synthesized with other tools")

    def _by_version(self, version: str) -> Comparison:
        if is_older(version, self.version):
            return Comparison(state="behind", reason=f"version {version}, here {self.version}")
        if is_older(self.version, version):
            return Comparison(state="ahead", reason=f"version {version}, here {self.version}")
        return Comparison(state="differs", reason="which of them is newer is not known")


def read_checkout(root: Path, on_synthesis: Callable[[], None]) -> Checkout:
    """Return the checkout with its digests, synthesized once for each change of its files.

    `on_synthesis` is called before a synthesis, which takes seconds. Raises ConfigurationError without a version.
    """
    try:
        version = version_of(root)
    except ConfigurationError:
        raise
    except VectoraError as error:
        return Checkout(root=root, version="unknown", releases=None, problem=str(error))
    inputs = _inputs_digest(root)
    if releases := _cached(root, inputs):
        return Checkout(root=root, version=version, releases=releases)
    if shutil.which("node") is None:
        return Checkout(root=root, version=version, releases=None, problem="Node.js is missing: run make setup")
    on_synthesis()
    try:
        releases = _synthesized(root)
    except VectoraError as error:
        return Checkout(root=root, version=version, releases=None, problem=str(error))
    _cache(root, inputs, releases)
    return Checkout(root=root, version=version, releases=releases)


def _count(git: Git, commits: str) -> int:
    return int(git.output("rev-list", "--count", commits))


def _inputs_digest(root: Path) -> str:
    files = [file for name in INPUTS for file in files_below(root, root / name)]
    libraries = [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES]
    return "-".join((files_digest(root, files), *libraries, sys.version.split()[0]))


def _cached(root: Path, inputs: str) -> Releases | None:
    """Return what was synthesized before; None when anything has changed since."""
    try:
        cached = json.loads((root / CACHE).read_text(encoding="utf-8"))
        return Releases(**cached["releases"]) if cached["inputs"] == inputs else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _cache(root: Path, inputs: str, releases: Releases) -> None:
    document = {"inputs": inputs, "releases": asdict(releases)}
    try:
        (root / CACHE).parent.mkdir(exist_ok=True)
        write_atomically(root / CACHE, json.dumps(document, indent=2) + "\n")
    except OSError:
        # The next call synthesizes again.
        return


def _synthesized(root: Path) -> Releases:
    """Synthesize in a process of its own, whose failure is not the command's; raises VectoraError with its reason."""
    command = [sys.executable, str(root / "tools" / "release.py"), "--synthesize"]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["no reason given"]
        raise VectoraError(f"the synthesis failed: {lines[-1]}")
    return Releases(**json.loads(result.stdout))

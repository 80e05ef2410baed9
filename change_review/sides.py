"""Files of both sides: a commit in git, read as data, and the working tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from checkout.git import Git
from vectora_shared.errors import ConfigurationError, VectoraError

# Everything that a review reads. Nothing of it is run.
PATHS = (
    "config",
    "docs/reference/approver-policy.json",
    "docs/reference/operator-policy.json",
    "tests/stacks/templates",
)
LARGEST_FILE = 16 * 1024 * 1024


@dataclass(frozen=True)
class Files:
    """Files of one side by path; `name` is that of the side for people."""

    name: str
    by_path: Mapping[str, bytes]

    def read(self, path: str) -> bytes | None:
        """Return a file's content, None when the side does not have it."""
        return self.by_path.get(path)

    def below(self, folder: str) -> dict[str, bytes]:
        """Return the files below a folder by their path in it."""
        return {path.removeprefix(folder): body for path, body in self.by_path.items() if path.startswith(folder)}


@dataclass(frozen=True)
class ConfigurationOf:
    """Configuration content of a side by key, such as `clients/lai_weekly.yaml`."""

    files: Files

    def read(self, key: str) -> bytes:
        found = self.files.read(f"config/{key}")
        if found is None:
            raise ConfigurationError(f"{self.files.name} has no config/{key}.")
        return found

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.files.below("config/") if key.startswith(prefix))


@dataclass(frozen=True)
class Repository:
    """Repository at `root`, of which a commit and the working tree are compared."""

    root: Path

    @cached_property
    def _git(self) -> Git:
        return Git(self.root)

    def base_commit(self, base: str) -> str:
        """Return the commit that the working tree and `base` have in common.

        Raises VectoraError when `base` names no commit here, or when a shallow clone does not have the common one.
        """
        git = self._git
        if not git.is_repository:
            raise VectoraError(f"{self.root} has no git history, so nothing is compared: clone the repository.")
        head = git.answer("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if head is None:
            raise VectoraError(f"HEAD in {self.root} names no commit, so nothing is compared: commit first.")
        for name in (base, f"origin/{base}"):
            # Without --end-of-options, a name that begins with a dash would be an option.
            commit = git.answer("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            if commit and (found := git.answer("merge-base", head, commit)):
                common = found.splitlines()[0]
                if common in (head, commit) or not self._is_shallow:
                    return common
                # Where histories are cut, git answers with an older commit, or with none.
                raise VectoraError(f"The commit that this checkout shares with {base} is not sure: {self._advice}.")
        raise VectoraError(
            f"git finds no branch or commit '{base}' that this checkout is based on: {self._advice}, or give another "
            "(--base)."
        )

    @property
    def _is_shallow(self) -> bool:
        return self._git.output("rev-parse", "--is-shallow-repository").strip() == "true"

    @property
    def _advice(self) -> str:
        if self._is_shallow:
            return "fetch the whole history, of which this clone has only the end (git fetch --unshallow)"
        return "fetch it"

    def files_of(self, commit: str) -> Files:
        """Return the files of a commit as they are stored; a link counts as missing."""
        git = self._git
        listed = git.output("ls-tree", "-r", "-z", commit, "--", *PATHS).split("\0")
        blobs: list[tuple[str, str]] = []
        for entry in filter(None, listed):
            mode, _, rest = entry.partition(" ")
            digest, _, path = rest.partition(" ")[2].partition("\t")
            if mode.startswith("100"):
                blobs.append((path, digest))
        answer = git.output_bytes("cat-file", "--batch", text="".join(f"{digest}\n" for _, digest in blobs))
        found: dict[str, bytes] = {}
        for path, _ in blobs:
            first, _, answer = answer.partition(b"\n")
            if first.endswith(b" missing"):
                raise VectoraError(f"git has lost the content of {path} in commit {commit[:10]}: fetch it again.")
            size = int(first.rpartition(b" ")[2])
            found[path], answer = answer[:size], answer[size + 1 :]
        return Files(f"commit {commit[:10]}", found)

    def working_files(self) -> Files:
        """Return the files of the working tree; links that lead out of the repository count as missing."""
        found: dict[str, bytes] = {}
        for name in PATHS:
            top = self.root / name
            for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
                if path.is_file() and path.resolve().is_relative_to(self.root.resolve()):
                    if path.stat().st_size > LARGEST_FILE:
                        raise VectoraError(f"{path} has more than {LARGEST_FILE} bytes: it is none of this project's.")
                    found[path.relative_to(self.root).as_posix()] = path.read_bytes()
        return Files("the working tree", found)

    def changed_paths(self, commit: str) -> tuple[str, ...]:
        """Return the paths that differ between a commit and the working tree, also those that are not tracked."""
        tracked = self._git.output("diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", commit, "--")
        untracked = self._git.output("ls-files", "--others", "--exclude-standard", "-z")
        return tuple(sorted({path for path in (*tracked.split("\0"), *untracked.split("\0")) if path}))

    def name_of_head(self) -> str:
        """Return the working tree's commit with its subject, and whether it has changes that are not committed."""
        if not self._git.is_repository:
            return "this checkout"
        head = self._git.output("log", "-1", "--format=%h %s").strip()
        is_clean = not self._git.output("status", "--porcelain").strip()
        return head if is_clean else f"the working tree after {head}"

    def author(self) -> str:
        """Return the address of the person who works here; empty when git has none."""
        return self._git.answer("config", "user.email") or ""

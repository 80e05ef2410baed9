"""Client files in the git history."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vectora_shared.errors import VectoraError


@dataclass(frozen=True)
class History:
    """History of the repository whose working tree is `root`."""

    root: Path

    def base_commit(self, branch: str) -> str | None:
        """Return the commit to compare the working tree with.

        That is the merge base with `branch`; on the branch itself, without an uncommitted change of a client file, the
        commit before the last. None when the checkout has no history or no such commit.

        Raises VectoraError when there is no such branch.
        """
        if not self.is_repository():
            return None
        for name in (branch, f"origin/{branch}"):
            if resolved := self._git_or_none("merge-base", "HEAD", name):
                base = resolved.strip()
                break
        else:
            raise VectoraError(
                f"git finds no branch or commit '{branch}' that this checkout is based on: fetch it, or give another "
                "(--base)."
            )
        head = self.git("rev-parse", "HEAD").strip()
        unchanged = not self.git("status", "--porcelain", "--", "config/clients").strip()
        if base == head and unchanged:
            before = self._git_or_none("rev-parse", "--verify", "--quiet", "HEAD^")
            return before.strip() if before else None
        return base

    def is_repository(self) -> bool:
        """Return whether `root` is the top of a repository.

        The source of a build has no history of its own, and may be inside another repository.
        """
        top = self._git_or_none("rev-parse", "--show-toplevel")
        return top is not None and Path(top.strip()).resolve() == self.root

    def clients_of_commit(self, commit: str) -> Iterator[tuple[str, bytes]]:
        """Yield the id and the file of every client of a commit."""
        for path in self.git("ls-tree", "--name-only", commit, "config/clients/").splitlines():
            if path.endswith(".yaml") and (body := self.file(commit, path)) is not None:
                yield Path(path).stem, body

    def file(self, commit: str, path: str) -> bytes | None:
        """Return a file as of a commit, None when the commit does not have it."""
        result = self._run("show", f"{commit}:{path}")
        return result.stdout if result and result.returncode == 0 else None

    def git(self, *arguments: str) -> str:
        """Return the output of a git command; raise VectoraError with git's reason when it fails."""
        result = self._run(*arguments)
        if result is None:
            raise VectoraError("git is missing: install it (on Debian and Ubuntu: apt-get install git).")
        if result.returncode:
            raise VectoraError(f"git {arguments[0]} failed: {result.stderr.decode('utf-8', 'replace').strip()}")
        return result.stdout.decode("utf-8", "replace")

    def _git_or_none(self, *arguments: str) -> str | None:
        result = self._run(*arguments)
        return result.stdout.decode("utf-8", "replace") if result and result.returncode == 0 else None

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes] | None:
        try:
            return subprocess.run(["git", "-C", str(self.root), *arguments], capture_output=True, check=False)
        except FileNotFoundError:
            return None

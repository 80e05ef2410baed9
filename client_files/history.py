"""Client files in the git history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checkout.git import Git
from client_files.next_version import EarlierFile
from vectora_shared.errors import VectoraError

CLIENTS = "config/clients/"


@dataclass(frozen=True)
class History:
    """History of the repository whose working tree is `root`."""

    root: Path

    @property
    def git(self) -> Git:
        return Git(self.root)

    def base_commit(self, branch: str) -> str | None:
        """Return the commit to compare the working tree with.

        That is the merge base with `branch`; on the branch itself, without an uncommitted change of a client file, the
        commit before the last. None when the checkout has no history or no such commit, as in a shallow clone of the
        branch itself, where only merged commits would be compared.

        Raises VectoraError when git does not read the history, or when there is no such branch.
        """
        git = self.git
        if not self._has_commits():
            return None
        head = git.answer("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if head is None:
            raise VectoraError(
                f"HEAD in {self.root} names no commit of this repository, so versions cannot be compared with "
                f"{branch}: check out a branch (git switch)."
            )
        base = self._merge_base(head, branch)
        unchanged = not git.output("status", "--porcelain", "--", CLIENTS).strip()
        return self._commit_before(head) if base == head and unchanged else base

    def earlier_files(self, path: Path, branch: str) -> tuple[EarlierFile, ...]:
        """Return what a client's file at `path` was in the last commit, and in the base commit of `branch`.

        Returns no file when `path` is outside the repository. Raises VectoraError as `base_commit` does.
        """
        root, target = self.root.resolve(), path.resolve()
        if not target.is_relative_to(root) or not self._has_commits():
            return ()
        inside = target.relative_to(root).as_posix()
        places = {"the last commit": "HEAD"}
        if base := self.base_commit(branch):
            places[f"{branch} ({base[:10]})"] = base
        found = {name: self.file(commit, inside) for name, commit in places.items()}
        return tuple(EarlierFile(name, body) for name, body in found.items() if body is not None)

    def clients_of_commit(self, commit: str) -> Iterator[tuple[str, bytes]]:
        """Yield the id and the file of every client of a commit."""
        for path in self.git.output("ls-tree", "-z", "--name-only", commit, CLIENTS).split("\0"):
            if path.endswith(".yaml") and (body := self.file(commit, path)) is not None:
                yield Path(path).stem, body

    def commits_of(self, path: str) -> list[str]:
        """Return the commits that changed a file, the newest first."""
        return self.git.output("rev-list", "HEAD", "--", path).split()

    def file(self, commit: str, path: str) -> bytes | None:
        """Return a file as of a commit, through links inside the repository; None when the commit does not have it."""
        # git-cat-file, Batch output: "<object> SP missing LF", or for links that lead to no file, "dangling SP <size>"
        # and the like. The command's own failure is another case, such as an object that was not fetched.
        answer = self.git.output_bytes("cat-file", "--batch", "--follow-symlinks", text=f"{commit}:{path}\n")
        first, _, rest = answer.partition(b"\n")
        words = first.split(b" ")
        if len(words) == 3 and words[1] == b"blob":
            return rest[: int(words[2])]
        if first.endswith(b" missing") and self.git.output("ls-tree", "-z", commit, "--", path):
            raise VectoraError(
                f"git has lost the content of {path} in commit {commit[:10]}: fetch it again, or clone the repository."
            )
        return None

    def _has_commits(self) -> bool:
        """Return False before the first commit of a repository, and outside one; True also when HEAD is damaged."""
        if not self.git.is_repository:
            return False
        has_branches = bool(self.git.output("for-each-ref", "--count=1").strip())
        return has_branches or self.git.answer("symbolic-ref", "--quiet", "HEAD") is None

    def _merge_base(self, head: str, branch: str) -> str:
        for name in (branch, f"origin/{branch}"):
            # Without --end-of-options, a name that begins with a dash would be an option.
            commit = self.git.answer("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            if commit and (found := self.git.answer("merge-base", head, commit)):
                base = found.splitlines()[0]
                if base not in (head, commit) and (hint := self._hint_if_shallow()):
                    # Where histories are cut, git answers with an older commit, or with none.
                    raise VectoraError(
                        f"The last commit that this checkout shares with {branch} is not sure: fetch{hint}."
                    )
                return base
        raise VectoraError(
            f"git finds no branch or commit '{branch}' that this checkout is based on: fetch it"
            f"{self._hint_if_shallow()}, or give another (--base)."
        )

    def _commit_before(self, head: str) -> str | None:
        """Return the parent of a commit, None when this checkout does not have it."""
        return self.git.answer("rev-parse", "--verify", "--quiet", f"{head}^") or None

    def why_no_base(self, branch: str) -> str:
        """Return why `base_commit` has found no commit."""
        hint = self._hint_if_shallow() if self._has_commits() else ""
        advice = f": to compare them, fetch{hint}" if hint else ""
        return f"There is no earlier commit here: versions were not compared with {branch}{advice}."

    def _hint_if_shallow(self) -> str:
        is_shallow = self.git.output("rev-parse", "--is-shallow-repository").strip() == "true"
        return " the whole history, of which this clone has only the end (git fetch --unshallow)" if is_shallow else ""

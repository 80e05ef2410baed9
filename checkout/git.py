"""Commands of git in a checkout, independent of the variables of other repositories."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vectora_shared.errors import VectoraError

MISSING = "git is missing: install it (on Debian and Ubuntu: apt-get install git)."
# Variables that lead git to another repository or index (git rev-parse --local-env-vars); a hook sets some of them.
# Those with settings stay: they may state that the owner of the checkout is trusted.
_OF_ANOTHER_REPOSITORY = frozenset(
    """
    GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR GIT_DIR GIT_GRAFT_FILE GIT_IMPLICIT_WORK_TREE GIT_INDEX_FILE
    GIT_INTERNAL_SUPER_PREFIX GIT_NAMESPACE GIT_OBJECT_DIRECTORY GIT_PREFIX GIT_SHALLOW_FILE GIT_WORK_TREE
    """.split()  # noqa: SIM905
)
# English reasons, no lock of the index for a command that only reads, and no question for a password.
_OURS = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


def environment_of_git() -> dict[str, str]:
    """Return the variables of this process without those that lead git to another repository."""
    return {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_REPOSITORY}


@dataclass(frozen=True)
class Git:
    """The repository whose working tree is `root`; every error of git is a VectoraError with git's reason."""

    root: Path

    @cached_property
    def is_repository(self) -> bool:
        """True when `root` is the top of a repository: a build's source has no history, also inside another one.

        Raises VectoraError when there is one that git does not read.
        """
        if not os.path.lexists(self.root / ".git"):
            return False
        top = self.output("rev-parse", "--show-toplevel").rstrip("\n")
        if not Path(top).samefile(self.root):
            raise VectoraError(
                f"git takes {top} for the top of the checkout in {self.root}: repair {self.root / '.git'}, or clone "
                "the repository again."
            )
        return True

    def output(self, *arguments: str) -> str:
        """Return the output of a command."""
        return self.output_bytes(*arguments).decode("utf-8", "replace")

    def output_bytes(self, *arguments: str, text: str = "") -> bytes:
        """Return the output of a command that reads `text`, as bytes."""
        result = self._run(arguments, text)
        if result.returncode:
            raise self._failure(arguments, result)
        return result.stdout

    def answer(self, *arguments: str) -> str | None:
        """Return the output of a command that ends with status 1 when the answer is no, and None then."""
        result = self._run(arguments, "")
        if result.returncode not in (0, 1):
            raise self._failure(arguments, result)
        return None if result.returncode else result.stdout.decode("utf-8", "replace").strip()

    def _run(self, arguments: tuple[str, ...], text: str) -> subprocess.CompletedProcess[bytes]:
        command = ["git", "-C", str(self.root), *arguments]
        try:
            return subprocess.run(
                command, env=environment_of_git() | _OURS, input=text.encode(), capture_output=True, check=False
            )
        except FileNotFoundError as error:
            raise VectoraError(MISSING) from error
        except OSError as error:
            raise VectoraError(f"git cannot be run ({error.strerror}): install it again.") from error

    def _failure(self, arguments: tuple[str, ...], result: subprocess.CompletedProcess[bytes]) -> VectoraError:
        # git's reason and its advice are on several lines.
        lines = (line.strip() for line in result.stderr.decode("utf-8", "replace").splitlines())
        reason = " ".join(line.removeprefix("fatal: ") for line in lines if line)
        return VectoraError(
            f"git {arguments[0]} failed in {self.root}: {reason or f'it ended with status {result.returncode}'}"
        )

"""Verdicts of checks, stored by all that they read: what passed is not checked again before something changes.

A build system such as Bazel or Gradle does the same. A fresh clone has no verdicts: CI and CodeBuild run every check.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERDICTS = Path("build") / "checked"
# The rehearsal has three commits, and a developer some branches.
KEPT = 40
# Results and tools; the tools are identified by the names of their packages.
OMITTED = ("build", "node_modules", "cdk.out", "__pycache__")
OMITTED_BEGINNINGS = (".venv", ".git", ".hypothesis", "cdk.out")
# Of any tool, as in .gitignore: a check that runs beside this one may write its cache meanwhile.
CACHE = re.compile(r"^\..+_cache$")


def main() -> int:
    """Run the command of the arguments, unless it passed before for the same content; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="Example: python -m tools.checked types -- mypy")
    parser.add_argument("name", help="name of the check")
    parser.add_argument("command", nargs="+", help="command that exits with 0 if the check passes")
    options = parser.parse_args()
    return check(ROOT, options.name, options.command)


def check(root: Path, name: str, command: Sequence[str]) -> int:
    """Run a check of the checkout at `root`, unless it passed before for the same content; return its exit code."""
    verdicts, digest = root / VERDICTS / name, digest_of(root, command)
    if digest in _known(verdicts):
        print(f"{name}: passed before, and nothing that it reads has changed since.")
        return 0
    code = subprocess.run(command, cwd=root, check=False).returncode
    # A file that changed during the check may have been read before or after.
    if code == 0 and digest_of(root, command) == digest:
        _store(verdicts, digest)
    return code


def digest_of(root: Path, command: Sequence[str]) -> str:
    """Return the digest of the command, of this Python with its packages, and of every file of the checkout."""
    found = hashlib.sha256(repr((list(command), sys.version, _packages())).encode("utf-8"))
    for file in _files(root):
        content = file.read_bytes()
        found.update(f"{file.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()


def _packages() -> list[str]:
    """Return the packages beside this Python with their versions."""
    return sorted(each.name for each in Path(sys.prefix).glob("lib/*/site-packages/*.dist-info"))


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(each for each in folders if not _is_omitted(each))
        for name in sorted(files):
            file = Path(folder) / name
            if file.is_file() and not _is_omitted(name):
                yield file


def _is_omitted(name: str) -> bool:
    # .gitignore and .gitattributes are read.
    if name.startswith((".gitig", ".gitat")):
        return False
    return name in OMITTED or name.startswith(OMITTED_BEGINNINGS) or CACHE.match(name) is not None


def _known(verdicts: Path) -> list[str]:
    return verdicts.read_text(encoding="ascii").split() if verdicts.exists() else []


def _store(verdicts: Path, digest: str) -> None:
    verdicts.parent.mkdir(parents=True, exist_ok=True)
    kept = [*(each for each in _known(verdicts) if each != digest), digest][-KEPT:]
    new = verdicts.with_suffix(f".{os.getpid()}")
    new.write_text("\n".join(kept) + "\n", encoding="ascii")
    new.replace(verdicts)


if __name__ == "__main__":
    sys.exit(main())

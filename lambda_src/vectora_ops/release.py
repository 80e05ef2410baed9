"""A release is identified by a digest of its content: the same files give the same digest on every machine."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# Everything that decides what is deployed; tests, documents, the rehearsal and the operator's command do not.
RELEASE_PATHS = (
    "app.py",
    "cdk.json",
    "requirements.txt",
    "stacks",
    "constructs",
    "lambda_src",
    "config",
    "pyproject.toml",
)


@dataclass(frozen=True)
class Release:
    """`digest` is 64 hex digits."""

    version: str
    digest: str

    def as_json(self) -> str:
        return json.dumps({"digest": self.digest, "version": self.version}, sort_keys=True)


def files_below(root: Path, folder: Path) -> list[Path]:
    """Files of the commit below `folder` (or `folder` itself when it is a file), sorted by their path in `root`."""
    files = [folder] if folder.is_file() else [path for path in folder.rglob("*") if path.is_file()]
    kept = [path for path in files if not _is_left_out(path.relative_to(root))]
    return sorted(kept, key=lambda path: path.relative_to(root).as_posix())


def _is_left_out(path: Path) -> bool:
    return path.suffix == ".pyc" or any(part == "__pycache__" or part.startswith(".") for part in path.parts)


def content_digest(root: Path, files: Iterable[Path]) -> str:
    """SHA-256 over the names (relative to `root`) and bytes of `files`, in the order given."""
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def release_of(root: Path) -> Release:
    """The release that the working tree at `root` would deploy."""
    files = [file for name in RELEASE_PATHS for file in files_below(root, root / name)]
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return Release(version=version, digest=content_digest(root, files))

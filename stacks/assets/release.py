"""A release is identified by a digest of its content: the same files give the same digest on every machine."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from stacks.assets.packages import content_digest, files_below

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


def release_of(root: Path) -> Release:
    """The release that the working tree at `root` would deploy."""
    files = [file for name in RELEASE_PATHS for file in files_below(root, root / name)]
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return Release(version=version, digest=content_digest(root, files))

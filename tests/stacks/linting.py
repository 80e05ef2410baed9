"""Findings of cfn-lint, stored by the content of the template: the same template has the same findings."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cfnlint.api

REGION = "eu-west-3"


def findings(template: Mapping[str, Any], folder: Path, release: str | None = None) -> list[str]:
    """Return the findings for a template, from `folder` when this release of cfn-lint has seen that very template."""
    text = json.dumps(template)
    known = "\0".join((release or version("cfn-lint"), REGION, text))
    file = folder / f"{hashlib.sha256(known.encode()).hexdigest()}.json"
    try:
        stored: list[str] = json.loads(file.read_bytes())
    except (OSError, ValueError):
        stored = [str(finding) for finding in cfnlint.api.lint(text, regions=[REGION])]
        folder.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(stored), encoding="utf-8")
        new.replace(file)
    return stored

"""The committed config/environments.yaml, and settings that are loaded from an edited copy of it."""

from __future__ import annotations

from pathlib import Path

from tests.repository import ROOT
from vectora_ops.settings import Settings, load_settings

VALID = (ROOT / "config" / "environments.yaml").read_text(encoding="utf-8")


def load_text(folder: Path, text: str) -> Settings:
    """Return the settings of a repository in `folder` whose config/environments.yaml is `text`."""
    (folder / "config").mkdir()
    (folder / "config" / "environments.yaml").write_text(text, encoding="utf-8")
    return load_settings(folder)

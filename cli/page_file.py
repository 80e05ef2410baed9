"""File of an HTML page that a command writes."""

from __future__ import annotations

from pathlib import Path

from cli.paths import display_path
from vectora_shared.errors import VectoraError


def write_page(path: Path, page: str) -> str:
    """Write a page and return its path for people; raises VectoraError when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise VectoraError(
            f"{display_path(path)} cannot be written ({error.strerror}): give another file to --html."
        ) from error
    return display_path(path)

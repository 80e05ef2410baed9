"""Extraction of functions' code and layers: each archive once, for all workers of the emulator.

A worker starts with links to the extracted files instead of hundreds of copies, and finds the bytecode that an earlier
worker compiled. On AWS code and layers are read-only, so no function notices.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-not-found]

FOLDER = "vectora-extracted"


class SharedArchive(zipfile.ZipFile):
    """An archive whose extraction links to files that are shared by all archives with the same bytes."""

    def extractall(self, path: Any = None, *_: Any, **__: Any) -> None:
        """Link the archive's top-level entries into the folder `path`."""
        for entry in self._extracted().iterdir():
            (Path(path) / entry.name).symlink_to(entry)

    def namelist(self) -> list[str]:
        """Return the names that ministack has to check before the extraction: none, when these bytes are extracted."""
        return [] if self._folder.exists() else super().namelist()

    @cached_property
    def _folder(self) -> Path:
        return Path(tempfile.gettempdir()) / FOLDER / _digest(Path(str(self.filename)))

    def _extracted(self) -> Path:
        folder = self._folder
        if not folder.exists():
            folder.parent.mkdir(exist_ok=True)
            new = Path(tempfile.mkdtemp(dir=folder.parent))
            # By names, because zipfile would read them from namelist above.
            super().extractall(new, super().namelist())
            _move(new, folder)
        return folder


def _digest(archive: Path) -> str:
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def _move(new: Path, folder: Path) -> None:
    """Give `new` its final name; another worker that starts at the same time may have done so."""
    try:
        new.rename(folder)
    except OSError:
        if not folder.exists():
            raise
        shutil.rmtree(new)


def register() -> None:
    """Let the emulator's workers extract archives by links."""
    lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": SharedArchive})

"""Extraction of functions' code and layers: each archive once, for all workers of the emulator.

A worker starts with links to the extracted files instead of hundreds of copies, and finds the bytecode that an earlier
worker compiled. On AWS code and layers are read-only, so no function notices.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
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

    def _extracted(self) -> Path:
        shared = Path(tempfile.gettempdir()) / FOLDER
        folder = shared / _digest(Path(str(self.filename)))
        if not folder.exists():
            shared.mkdir(exist_ok=True)
            new = Path(tempfile.mkdtemp(dir=shared))
            super().extractall(new)
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

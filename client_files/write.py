"""Writing a client file: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from vectora_core.errors import ConfigurationError


def write_whole(path: Path, content: bytes) -> None:
    """Raises ConfigurationError when the folder is missing or may not be written; the old file is there then."""
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        beside = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.chmod(mode)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror or error}.") from error

"""Entry point of the emulator's process, which adds this package to ministack and starts it."""

from __future__ import annotations

import sys
from pathlib import Path

# The interpreter runs with -P. The repository's root comes last, so that no folder of it hides a package.
sys.path.append(str(Path(__file__).resolve().parent.parent.parent))

from ministack import app  # type: ignore[import-not-found]

from rehearsal.inside.registration import register

if __name__ == "__main__":
    register()
    app.main()

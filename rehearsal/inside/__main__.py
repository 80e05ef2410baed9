"""Entry point of the emulator's process: registers what this package adds to ministack, then starts it."""

from __future__ import annotations

import sys
from pathlib import Path

# The interpreter is started with -P. The repository's root comes last, so that none of its folders hides a package.
sys.path.append(str(Path(__file__).resolve().parent.parent.parent))

from ministack import app  # type: ignore[import-not-found]

from rehearsal.inside.registration import register

if __name__ == "__main__":
    register()
    app.main()

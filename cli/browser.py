"""The browser that shows a page: that of Windows in WSL, else the default browser of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import webbrowser
from pathlib import Path

# wslu: opens a file or an address of the Linux system with the program that Windows has for it.
WSL_OPENER = "wslview"
WSL_VARIABLE = "WSL_DISTRO_NAME"
KERNEL = Path("/proc/version")
# It starts a program of Windows and returns.
OPENER_SECONDS = 30


def open_page(path: Path) -> bool:
    """Open a file in the browser; return whether a browser was started.

    The caller prints the path in any case: a browser that starts may still show nothing.
    """
    page = path.resolve()
    return _opened_by_windows(page) or webbrowser.open(page.as_uri())


def is_wsl() -> bool:
    """Return whether this is the Windows Subsystem for Linux; a login by SSH or cron has no variable of it."""
    if os.environ.get(WSL_VARIABLE):
        return True
    try:
        return "microsoft" in KERNEL.read_text(encoding="utf-8", errors="replace").casefold()
    except OSError:
        return False


def _opened_by_windows(page: Path) -> bool:
    opener = shutil.which(WSL_OPENER) if is_wsl() else None
    if opener is None:
        return False
    try:
        done = subprocess.run(
            [opener, str(page)], stdin=subprocess.DEVNULL, capture_output=True, timeout=OPENER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0

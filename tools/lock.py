"""Command of `make lock` that resolves the hash-locked requirements, for every platform and without an index URL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# In dependency order: earlier files constrain later ones.
LOCKS = (
    "lambda_src/requirements",
    "requirements",
    "requirements-dev",
    "requirements-emulator",
    "requirements-bench",
    "requirements-audit",
)
OPTIONS = ("--quiet", "--universal", "--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate")


def main() -> None:
    uv = Path(sys.executable).parent / "uv"
    for name in LOCKS:
        print(f"Locking {name}.txt ...", flush=True)
        command = [str(uv), "pip", "compile", *OPTIONS, "--python-version", "3.11", f"{name}.in", "-o", f"{name}.txt"]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            sys.exit(f"{name}.in cannot be resolved: see uv's message above.")


if __name__ == "__main__":
    main()

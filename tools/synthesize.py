"""`cdk synth` of all stacks, whose assembly is stored by all that it depends on: what was synthesized is copied.

The same content gives the same assembly, byte for byte, and its templates passed the checks of the synthesis when it
was stored. A fresh clone has no assemblies: CI and CodeBuild synthesize.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from stacks.assets.version import version_of
from tools.checked import digest_of
from vectora_shared.errors import VectoraError

ROOT = Path(__file__).resolve().parent.parent
ASSEMBLIES = Path("build") / "assemblies"
# Of about 20 MB each: those of a rehearsal, and of some branches.
KEPT = 6
# The user's defaults of the CDK CLI, with context (CDK guide, "Runtime context").
DEFAULTS = ".cdk.json"
CLI_VERSION = Path("node_modules") / "aws-cdk" / "package.json"
# Where the CLI keeps its own cache.
OWN_FOLDER = "CDK_HOME"


def main() -> int:
    """Write the assembly of this checkout; other arguments go to the CDK CLI. Return the CLI's exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="Example: python -m tools.synthesize --context env=dev"
    )
    parser.add_argument(
        "--output", type=Path, default=ROOT / "cdk.out", help="folder of the assembly; default: cdk.out"
    )
    options, arguments = parser.parse_known_args()
    try:
        return synthesize(ROOT, command_of(arguments), options.output)
    except VectoraError as error:
        sys.exit(str(error))


def command_of(arguments: Sequence[str]) -> list[str]:
    """Return the command that synthesizes, without its folder."""
    return [str(Path(sys.executable).parent / "cdk"), "synth", "--quiet", *arguments]


def synthesize(root: Path, command: Sequence[str], output: Path) -> int:
    """Write the assembly of the checkout at `root` into the folder `output`; return the exit code of `command`.

    The command gets `--output`, and is not run when it succeeded before for the same content.
    """
    digest = inputs_digest(root, command, os.environ)
    stored = root / ASSEMBLIES / digest
    if stored.is_dir():
        print("synth: this content was synthesized before; its assembly is copied.")
        os.utime(stored)
        shutil.copytree(stored, output, dirs_exist_ok=True)
        return 0
    stored.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=stored.parent, prefix=".partial-") as partial:
        assembly = Path(partial) / "assembly"
        code = subprocess.run([*command, "--output", str(assembly)], cwd=root, check=False).returncode
        if code:
            return code
        shutil.copytree(assembly, output, dirs_exist_ok=True)
        # A file that changed during the synthesis may have been read before or after.
        if inputs_digest(root, command, os.environ) == digest:
            _store(assembly, stored)
    return 0


def inputs_digest(root: Path, command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the digest of all that an assembly depends on: content, version, tools, and settings of the CDK CLI."""
    defaults, cli = Path(environment.get("HOME") or Path.home()) / DEFAULTS, root / CLI_VERSION
    settings = {name: value for name, value in environment.items() if name.startswith("CDK_") and name != OWN_FOLDER}
    parts = (
        # Without the folder of the tools, which differs from one checkout to the next.
        digest_of(root, [Path(command[0]).name, *command[1:]]),
        version_of(root),
        platform.platform(),
        sorted(settings.items()),
        *(file.read_bytes() if file.is_file() else b"" for file in (defaults, cli)),
    )
    return hashlib.sha256(repr(parts).encode("utf-8")).hexdigest()


def _store(assembly: Path, stored: Path) -> None:
    """Store an assembly, unless another process did so meanwhile, and remove those that were not used for longest."""
    with contextlib.suppress(OSError):
        assembly.rename(stored)
    last_used = {each: each.stat().st_mtime for each in stored.parent.iterdir() if not each.name.startswith(".")}
    for each in sorted(last_used, key=last_used.__getitem__)[:-KEPT]:
        shutil.rmtree(each, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

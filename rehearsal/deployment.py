"""Deployments of one environment by the real CDK CLI to a local AWS, for tests and benchmarks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rehearsal.certificates import Authority
from rehearsal.emulator import Emulator
from rehearsal.gaps.complete import complete_by_api
from rehearsal.operators import operator
from rehearsal.proxy import Proxy
from rehearsal.publishers import ALL_WELL, Publishers
from vectora_ops.names import STACK_LAYERS, Names
from vectora_ops.settings import load_settings
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_sources
from vectora_shared.errors import VectoraError

# The emulator runs functions on this machine's Python, so layers are built for it.
HOST_PLATFORM = "lambda-platform=host"
# Runs a command of the CDK CLI on the assembly, such as deploy, and returns its output.
Cdk = Callable[..., str]


def run_cdk(root: Path, *arguments: str, environment: dict[str, str]) -> str:
    """Run the CDK CLI and return its output; raise VectoraError with the output when it fails."""
    result = subprocess.run(
        [root / ".venv" / "bin" / "cdk", *arguments],
        cwd=root,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    if result.returncode:
        raise VectoraError(f"cdk {arguments[0]} failed: {result.stdout}")
    return result.stdout


def synthesize(root: Path, env: str, assembly: Path) -> None:
    """Synthesize the stacks of `env` for this machine into the folder `assembly`."""
    context = ("--context", f"env={env}", "--context", HOST_PLATFORM)
    run_cdk(root, "synth", "--quiet", *context, "--output", str(assembly), environment={})


@contextmanager
def bootstrapped_account(root: Path, assembly: Path, region: str, env: str = "dev") -> Iterator[tuple[Emulator, Cdk]]:
    """Start a local AWS whose account has the bootstrap of `env` and the operator role, with healthy publishers.

    The context yields the emulator and a function that runs the CDK CLI as the operator.
    """
    authority = Authority()
    sources = load_sources(FolderContent(root / "config")).sources
    python = root / ".venv-emulator" / "bin" / "python"
    with (
        Proxy() as proxy,
        Publishers(proxy, authority, sources, scenario=ALL_WELL, day=datetime.now(UTC).date()),
        Emulator(python, authority, region=region, proxy=proxy) as emulator,
    ):
        run_cdk(root, "bootstrap", "--context", f"env={env}", "--app", "", environment=emulator.environment())
        environment = emulator.environment(operator(emulator, root))

        def cdk(command: str, *arguments: str) -> str:
            return run_cdk(root, command, "--app", str(assembly), *arguments, environment=environment)

        yield emulator, cdk


def complete(emulator: Emulator, root: Path, env: str) -> None:
    """Apply properties that the emulator's CloudFormation drops, such as the vault's Object Lock."""
    names: Names = load_settings(root).names(env)
    for layer in STACK_LAYERS:
        complete_by_api(emulator.session(), names.stack(layer))

"""Environment dev, deployed by the real CDK CLI to a local AWS that enforces permissions."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rehearsal.certificates import Authority
from rehearsal.emulator import Emulator
from rehearsal.gaps import complete_by_api
from rehearsal.press import ALL_WELL, Press
from vectora_core.config.content import FolderContent, load_sources
from vectora_ops.names import STACK_LAYERS

ROOT = Path(__file__).resolve().parents[2]
EMULATOR_PYTHON = ROOT / ".venv-emulator" / "bin" / "python"
REGION = "eu-west-3"
Cdk = Callable[..., str]


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `cdk synth --context env=dev` makes for this machine; synthesized once for all tests."""
    folder = tmp_path_factory.mktemp("cdk") / "cdk.out"
    context = ("--context", "env=dev", "--context", "lambda-platform=host")
    _run_cdk("synth", "--quiet", *context, "--output", str(folder), environment={})
    return folder


def _run_cdk(*arguments: str, environment: dict[str, str]) -> str:
    result = subprocess.run(
        [Path(sys.executable).parent / "cdk", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


@contextmanager
def _bootstrapped(assembly: Path) -> Iterator[tuple[Emulator, Cdk]]:
    authority = Authority()
    sources = load_sources(FolderContent(ROOT / "config")).sources
    with (
        Press(authority, sources, scenario=ALL_WELL, day=datetime.now(UTC).date()) as press,
        Emulator(EMULATOR_PYTHON, authority, region=REGION, worker_environment=press.worker_environment()) as emulator,
    ):

        def cdk(command: str, *arguments: str) -> str:
            return _run_cdk(command, "--app", str(assembly), *arguments, environment=emulator.environment())

        cdk("bootstrap")
        yield emulator, cdk


def complete(emulator: Emulator) -> None:
    """Apply what the emulator's CloudFormation drops, such as the vault's Object Lock, as the rehearsal does."""
    for layer in STACK_LAYERS:
        complete_by_api(emulator.session(), f"vectora-inbox-{layer}-dev")


@pytest.fixture
def empty_account(assembly: Path) -> Iterator[tuple[Emulator, Cdk]]:
    """A bootstrapped account of its own, with nothing deployed."""
    with _bootstrapped(assembly) as account:
        yield account


@pytest.fixture(scope="session")
def deployed(assembly: Path) -> Iterator[tuple[Emulator, Cdk]]:
    """dev as `cdk deploy --context env=dev` leaves it; tests that share it leave it as it was."""
    with _bootstrapped(assembly) as account:
        account[1]("deploy")
        complete(account[0])
        yield account

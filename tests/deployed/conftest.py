"""Environment dev, deployed by the real CDK CLI to a local AWS that enforces permissions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.__main__ import app
from rehearsal.deployment import Cdk, bootstrapped_account, complete, synthesize
from rehearsal.emulator import Emulator
from rehearsal.operators import operator
from stacks.assets.packages import Packages
from tests.repository import ROOT

REGION = "eu-west-3"
Vectora = Callable[..., Result]


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the assembly of `cdk synth --context env=dev`, synthesized once for all tests."""
    folder = tmp_path_factory.mktemp("cdk") / "cdk.out"
    synthesize(ROOT, "dev", folder)
    # Commands that synthesize this checkout need its packages, and the local AWS's network reaches no package index.
    Packages(ROOT, "lambda").dependencies_layer()
    return folder


@pytest.fixture
def empty_account(assembly: Path) -> Iterator[tuple[Emulator, Cdk]]:
    """Yield a bootstrapped account with nothing deployed."""
    with bootstrapped_account(ROOT, assembly, REGION) as account:
        yield account


@pytest.fixture(scope="session")
def deployed(assembly: Path) -> Iterator[tuple[Emulator, Cdk]]:
    """Yield dev after `cdk deploy --context env=dev`; tests that share it restore its state."""
    with bootstrapped_account(ROOT, assembly, REGION) as account:
        account[1]("deploy")
        complete(account[0], ROOT, "dev")
        yield account


@pytest.fixture
def vectora(deployed: tuple[Emulator, Any], monkeypatch: pytest.MonkeyPatch) -> Vectora:
    """Return the command with an operator's credentials of the local AWS in its environment variables."""
    for name, value in deployed[0].environment(operator(deployed[0], ROOT)).items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str, typed: str | None = None) -> Result:
        result = CliRunner().invoke(app, arguments, input=typed)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call

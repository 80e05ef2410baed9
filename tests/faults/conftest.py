"""A small environment on an emulator of its own, fresh for every test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.certificates import Authority
from rehearsal.emulator import ACCOUNT, Emulator
from vectora_ops.account import Account

FOLDER = Path(__file__).resolve().parent
sys.path.append(str(FOLDER))

from small_environment import REGION, SmallEnvironment  # noqa: E402

EMULATOR_PYTHON = FOLDER.parents[1] / ".venv-emulator" / "bin" / "python"


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator(EMULATOR_PYTHON, Authority(), region=REGION, enforce_iam=False) as running:
        yield running


@pytest.fixture
def account(emulator: Emulator) -> Account:
    emulator.reset()
    return Account(ACCOUNT, REGION, emulator.session(), str(emulator.ca_bundle))


@pytest.fixture
def small(account: Account) -> SmallEnvironment:
    return SmallEnvironment.build(account)


@pytest.fixture
def unlocked(account: Account) -> SmallEnvironment:
    """Its vault has no Object Lock, so that what was just stored can be pruned."""
    return SmallEnvironment.build(account, locked=False)

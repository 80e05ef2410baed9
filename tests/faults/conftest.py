"""Fixtures of fault tests: a small environment on an emulator, new for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.certificates import Authority
from rehearsal.emulator import ACCOUNT, Emulator
from rehearsal.promotion_in_process import with_promotion
from tests.faults.small_environment import NAMES, REGION, SmallEnvironment
from vectora_ops.account import Account

EMULATOR_PYTHON = Path(__file__).resolve().parents[2] / ".venv-emulator" / "bin" / "python"


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator(EMULATOR_PYTHON, Authority(), region=REGION) as running:
        yield running


@pytest.fixture
def account(emulator: Emulator) -> Account:
    emulator.reset()
    return with_promotion(Account(ACCOUNT, REGION, emulator.session()), NAMES)


@pytest.fixture
def small(account: Account) -> SmallEnvironment:
    return SmallEnvironment.build(account)


@pytest.fixture
def unlocked(account: Account) -> SmallEnvironment:
    """An environment whose vault has no Object Lock, so that new objects can be pruned."""
    return SmallEnvironment.build(account, locked=False)

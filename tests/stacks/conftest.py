"""Fixtures with the templates of each environment, synthesized once."""

from __future__ import annotations

from functools import cache

import pytest

from tests.stacks.deployed import Environment, Templates
from tools.templates import synthesize


@cache
def _synthesized(env: str) -> Templates:
    return synthesize(env)


@pytest.fixture(scope="session")
def dev() -> Templates:
    return _synthesized("dev")


@pytest.fixture(scope="session")
def stage() -> Templates:
    return _synthesized("stage")


@pytest.fixture(scope="session")
def prod() -> Templates:
    return _synthesized("prod")


@pytest.fixture(scope="session", params=["dev", "stage", "prod"])
def environment(request: pytest.FixtureRequest) -> Environment:
    """Return each environment in turn: its name and its templates."""
    return request.param, _synthesized(request.param)

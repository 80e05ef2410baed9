"""Templates of the three environments, synthesized once for all tests of the stacks."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tools.templates import synthesize

Templates = dict[str, dict[str, Any]]


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
def environment(request: pytest.FixtureRequest) -> tuple[str, Templates]:
    return request.param, _synthesized(request.param)

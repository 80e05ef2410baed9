from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.watch.world import World
from tests.unit.watch.world import world as made


@pytest.fixture
def world() -> Iterator[World]:
    with made() as found:
        yield found

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.newsletter.curated_items import curated
from vectora_core.items import CuratedItem

MakeCurated = Callable[..., CuratedItem]


@pytest.fixture
def make_curated() -> MakeCurated:
    return curated

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from vectora_core.analysis.lexicon import Lexicon
from vectora_core.items import IngestedItem
from vectora_shared.config.configuration import Configuration

CONFIG = Path(__file__).parents[3] / "config"
MakeItem = Callable[..., IngestedItem]


@pytest.fixture(scope="session")
def lexicon(configuration: Configuration) -> Lexicon:
    return Lexicon(configuration)


@pytest.fixture
def make_item() -> MakeItem:
    def make(
        title: str,
        content: str = "",
        source: str = "press_sector__fiercepharma",
        published_at: date | None = date(2026, 2, 1),
        item_id: str | None = None,
    ) -> IngestedItem:
        return IngestedItem(
            item_id=item_id or f"{source}_{title}",
            source_key=source,
            source_type=source.split("__")[0],
            title=title,
            content=content,
            url="https://example.org/news",
            published_at=published_at,
            ingested_at=datetime(2026, 2, 2, tzinfo=UTC),
        )

    return make

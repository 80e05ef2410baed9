from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from vectora_core.analysis.lexicon import Lexicon
from vectora_core.config.content import Configuration, FolderContent, load_configuration
from vectora_core.items import IngestedItem

CONFIG = Path(__file__).parents[3] / "config"
MakeItem = Callable[..., IngestedItem]


class MemoryBucket:
    """A bucket that keeps its objects in memory and remembers the order of writes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.objects: dict[str, bytes] = {}

    def read_json(self, key: str) -> Any | None:
        return json.loads(self.objects[key]) if key in self.objects else None

    def write_json(self, key: str, document: Any) -> None:
        self.objects[key] = json.dumps(document, ensure_ascii=False, indent=2).encode("utf-8")

    def write(self, key: str, body: bytes, content_type: str) -> None:
        self.objects[key] = body

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))


@pytest.fixture
def content() -> FolderContent:
    return FolderContent(CONFIG)


@pytest.fixture(scope="session")
def configuration() -> Configuration:
    return load_configuration(FolderContent(CONFIG), "lai_weekly")


@pytest.fixture(scope="session")
def lexicon(configuration: Configuration) -> Lexicon:
    return Lexicon(configuration)


@pytest.fixture
def data() -> MemoryBucket:
    return MemoryBucket("data")


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

"""The engine with migrated client files: news is matched, scored and part of the newsletter."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from client_files.migration.migrate import Migration
from vectora_core.day_event import DayEvent
from vectora_core.newsletter.publish import publish
from vectora_core.normalize.request import NormalizeEvent
from vectora_core.normalize.run import normalize
from vectora_shared.config.content import ContentWithFile, FolderContent
from vectora_shared.keys import client_key
from vectora_shared.runtime import parse_event

CONFIG = Path(__file__).parents[3] / "config"
OLD = Path(__file__).parent / "old"
NOW = datetime(2026, 2, 2, 7, tzinfo=UTC)
RELEVANT = {
    "partnership": "Camurus and Acme sign license agreement for a long-acting injectable of octreotide",
    "regulatory": "FDA approves once-monthly long-acting injectable risperidone for schizophrenia",
    "clinical_update": "Phase 3 trial of a six-month long-acting injectable meets its primary endpoint",
}
UNRELEVANT = "Nanexa hires a senior accountant: open position in Uppsala"


def item(title: str) -> dict[str, Any]:
    return {
        "item_id": f"press_sector__fiercepharma_20260201_{title}",
        "source_key": "press_sector__fiercepharma",
        "source_type": "press_sector",
        "title": title,
        "content": "",
        "url": "https://example.org/news",
        "published_at": "2026-02-01",
        "ingested_at": "2026-02-02T06:00:00+00:00",
        "language": "en",
        "content_hash": "sha256:00",
        "metadata": {"author": "", "tags": [], "word_count": 3},
    }


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("lai_weekly_v3", set(RELEVANT)),
        ("lai_weekly_v4", set(RELEVANT)),
        ("lai_weekly_v5_test", set(RELEVANT)),
        ("lai_weekly_v6", set(RELEVANT)),
        ("lai_weekly_v7", set(RELEVANT)),
        ("lai_weekly_v17", set(RELEVANT)),
        ("tech_weekly_template", set(RELEVANT)),
    ],
)
def test_a_newsletter_is_produced_with_a_migrated_file(
    migrated: Callable[..., Migration], data: Any, newsletters: Any, name: str, events: set[str]
) -> None:
    migration = migrated(OLD / f"{name}.yaml")
    client_id = migration.client_id
    content = ContentWithFile(FolderContent(CONFIG), client_key(client_id), migration.body)
    news = [item(title) for title in (*RELEVANT.values(), UNRELEVANT)]
    data.write_json(f"ingested/{client_id}/2026/02/02/items.json", news)
    scored = normalize(
        parse_event(NormalizeEvent, {"client_id": client_id}),
        content=content,
        data=data,
        model=None,
        model_id="",
        clock=lambda: NOW,
    )
    assert (scored["items_normalized"], scored["items_matched"]) == (4, 3)
    letter = publish(
        DayEvent(client_id=client_id),
        content=content,
        data=data,
        newsletters=newsletters,
        model_id="",
        clock=lambda: NOW,
    )
    document = json.loads(newsletters.objects[f"{client_id}/2026/02/02/newsletter.json"])
    titles = {found["title"] for section in document["sections"] for found in section["items"]}
    assert letter["total_items"] == len(events)
    assert titles == {RELEVANT[event] for event in events}

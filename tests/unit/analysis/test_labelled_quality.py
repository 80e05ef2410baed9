"""Quality of the newsletter on items with the labels that its owner would give: little noise, nothing lost."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from vectora_core.items import CuratedItem
from vectora_core.newsletter.selection import select
from vectora_core.normalize.request import Model, NormalizeEvent
from vectora_core.normalize.run import normalize
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.content import FolderContent

LABELLED = ("labelled_items.yaml", "labelled_headlines.yaml")
DAY = date(2026, 2, 2)
INGESTED = "ingested/lai_weekly/2026/02/02/items.json"
CURATED = "curated/lai_weekly/2026/02/02/items.json"
SECTOR_PRESS = {"fiercebiotech", "fiercepharma", "endpoints_news"}
MODEL_ID = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"


class Labelled(NamedTuple):
    keep: bool
    source: str
    title: str
    content: str

    def document(self) -> dict[str, Any]:
        kind = "press_sector" if self.source in SECTOR_PRESS else "press_corporate"
        return {
            "item_id": self.title,
            "source_key": f"{kind}__{self.source}",
            "source_type": kind,
            "title": self.title,
            "content": self.content,
            "url": "https://example.org/news",
            "published_at": DAY.isoformat(),
            "ingested_at": "2026-02-02T06:00:00Z",
        }


def labelled(file: str, half: str) -> list[Labelled]:
    entries = yaml.safe_load(Path(__file__).with_name(file).read_text(encoding="utf-8"))[half]
    return [Labelled(label == "keep", source, title, text) for label, _why, source, title, text in entries]


class OpinionatedModel:
    """A model whose only useful answer is the relevance, which `opinion` decides."""

    def __init__(self, keep: set[str], right: float, wrong: float) -> None:
        self._keep = keep
        self._right = right
        self._wrong = wrong

    def converse(self, **request: Any) -> Any:
        text = request["messages"][0]["content"][0]["text"]
        title = text.split("<title>")[1].split("</title>")[0].replace("&amp;", "&")
        reply = {
            "summary": title,
            "companies": [],
            "molecules": [],
            "technologies": [],
            "trademarks": [],
            "indications": [],
            "event_type": "regulatory" if title in self._keep else "other",
            "event_confidence": 0.8,
            "lai_relevance_score": self._right if title in self._keep else self._wrong,
            "anti_lai_detected": False,
            "pure_player_context": False,
        }
        tool = {"toolUse": {"toolUseId": "1", "name": "record_analysis", "input": reply}}
        return {"output": {"message": {"content": [tool]}}, "usage": {"inputTokens": 10, "outputTokens": 5}}


def without_size_limits(client: ClientConfig) -> ClientConfig:
    sections = tuple(section.model_copy(update={"max_items": 1000}) for section in client.newsletter_layout.sections)
    return client.model_copy(
        update={
            "newsletter_selection": client.newsletter_selection.model_copy(update={"max_items_total": 1000}),
            "newsletter_layout": client.newsletter_layout.model_copy(update={"sections": sections}),
        }
    )


def in_newsletter(
    items: list[Labelled], data: Any, content: FolderContent, configuration: Configuration, model: Model | None
) -> set[str]:
    data.write_json(INGESTED, [item.document() for item in items])
    normalize(
        NormalizeEvent(client_id="lai_weekly"),
        content=content,
        data=data,
        model=model,
        model_id=MODEL_ID,
        clock=lambda: datetime(2026, 2, 2, 7, tzinfo=UTC),
    )
    curated = [CuratedItem.model_validate(entry) for entry in data.read_json(CURATED)]
    selection = select(curated, without_size_limits(configuration.client))
    return {item.title for item in selection.items} | set(selection.duplicates)


@pytest.mark.parametrize("file", LABELLED)
@pytest.mark.parametrize("half", ["tuning", "held_out"])
@pytest.mark.parametrize("analyzer", ["lexicon", "expert", "hesitant"])
def test_the_newsletter_has_little_noise_and_loses_nothing(
    file: str, half: str, analyzer: str, data: Any, content: FolderContent, configuration: Configuration
) -> None:
    items = labelled(file, half)
    keep = {item.title for item in items if item.keep}
    opinions = {"expert": (9.0, 1.0), "hesitant": (5.0, 4.0)}
    model = None
    if analyzer in opinions:
        model = Model(OpinionatedModel(keep, *opinions[analyzer]), concurrency=4, fallback="none")
    shown = in_newsletter(items, data, content, configuration, model)
    noise = shown - keep
    assert keep - shown == set()
    assert len(noise) <= len(shown) / 10, sorted(noise)


@pytest.mark.parametrize("file", LABELLED)
def test_there_are_enough_labelled_items_of_both_kinds(file: str) -> None:
    items = labelled(file, "tuning") + labelled(file, "held_out")
    assert len(items) >= 120
    assert min(sum(item.keep for item in items), sum(not item.keep for item in items)) >= 50
    assert len({item.title for item in items}) == len(items)

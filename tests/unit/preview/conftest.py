"""Edited configurations, news and the engine's newsletters for tests of previews."""

from __future__ import annotations

import copy
import hashlib
import html
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import pytest
import yaml

from client_files.preview.inputs import news_of_day
from client_files.preview.model import News, Preview, PreviewSection
from tests.repository import ROOT
from tests.unit.conftest import MemoryBucket
from vectora_core.day_event import DayEvent
from vectora_core.items import CuratedItem, IngestedItem
from vectora_core.newsletter.publish import publish
from vectora_core.normalize.request import Model, NormalizeEvent
from vectora_core.normalize.run import normalize
from vectora_core.text.names import occurs
from vectora_core.text.words import fold
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_configuration

LABELLED = ROOT / "tests/unit/analysis/labelled_items.yaml"
CLIENT_KEY = "clients/lai_weekly.yaml"
DAY = date(2026, 2, 2)
INGESTED = "ingested/lai_weekly/2026/02/02/items.json"
CURATED = "curated/lai_weekly/2026/02/02/items.json"
NEWSLETTER = "lai_weekly/2026/02/02/newsletter.json"
EVENTS = ("partnership", "regulatory", "clinical_update", "corporate_move", "other")
Edit = Callable[[dict[str, Any]], None]


class EditedContent:
    """The repository's configuration with some files edited."""

    def __init__(self, files: Mapping[str, Any]) -> None:
        self._files = files
        self._folder = FolderContent(ROOT / "config")

    def read(self, key: str) -> bytes:
        # JSON is YAML.
        return json.dumps(self._files[key]).encode("utf-8") if key in self._files else self._folder.read(key)

    def keys(self, prefix: str) -> list[str]:
        return self._folder.keys(prefix)


def document_of(key: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "config" / key).read_text(encoding="utf-8"))
    return document


CLIENT = document_of(CLIENT_KEY)


def edited_content(edit: Edit, key: str = CLIENT_KEY) -> EditedContent:
    document = copy.deepcopy(CLIENT if key == CLIENT_KEY else document_of(key))
    edit(document)
    return EditedContent({key: document})


def unchanged(_document: dict[str, Any]) -> None:
    """Leave the document as it is."""


class TextModel:
    """Model with a deterministic answer to each text: the names in it, and the rest from its hash."""

    def __init__(self, configuration: Configuration) -> None:
        scopes = configuration.scopes
        self._spellings = {
            kind: sorted({*names, *(alias for aliases in known.aliases.values() for alias in aliases)})
            for kind, known in (
                ("companies", scopes.companies),
                ("molecules", scopes.molecules),
                ("trademarks", scopes.trademarks),
                ("indications", scopes.indications),
            )
            for names in [{name for scope in known.scopes.values() for name in scope.names}]
        }
        self._replies: dict[str, Any] = {}

    def converse(self, **request: Any) -> Any:
        message = request["messages"][0]["content"][0]["text"]
        if message not in self._replies:
            self._replies[message] = self._reply(message)
        block = {"toolUse": {"toolUseId": "1", "name": "record_analysis", "input": self._replies[message]}}
        return {"output": {"message": {"content": [block]}}, "usage": {"inputTokens": 1, "outputTokens": 1}}

    def _reply(self, message: str) -> dict[str, Any]:
        found = re.search(r"<title>(.*?)</title>.*<content>\n(.*)\n\s*</content>", message, re.DOTALL)
        assert found
        title, content = (html.unescape(part) for part in found.groups())
        text = fold(f"{title}. {content}")
        digest = hashlib.sha256(text.encode("utf-8")).digest()
        names = {
            kind: [spelling for spelling in spellings if occurs(fold(spelling), text)]
            for kind, spellings in self._spellings.items()
        }
        return {
            **names,
            "summary": title,
            "companies": [*names["companies"], "A company that the text does not name"],
            "technologies": [word for word in ("depot", "Long-Acting Injectable") if occurs(word, text)],
            "event_type": EVENTS[digest[0] % len(EVENTS)],
            "event_confidence": 0.8,
            "lai_relevance_score": digest[1] % 11,
            "anti_lai_detected": digest[2] % 8 == 0,
            "pure_player_context": False,
        }


class Issue(NamedTuple):
    """Result of the engine for a day: the newsletter's sections, and the curated items."""

    sections: list[tuple[str, list[tuple[str, str, float, str]]]]
    curated: list[CuratedItem]


def run_engine(ingested: Sequence[Any], content: Any, model: TextModel | None = None) -> Issue:
    data, newsletters = MemoryBucket("data"), MemoryBucket("newsletters")
    data.write_json(INGESTED, ingested)
    normalize(
        NormalizeEvent(client_id="lai_weekly"),
        content=content,
        data=data,  # type: ignore[arg-type]
        model=Model(model, concurrency=2, fallback="lexicon") if model else None,
        model_id="some.model-v1:0",
        clock=lambda: datetime(2026, 2, 2, 7, tzinfo=UTC),
    )
    publish(
        DayEvent(client_id="lai_weekly"),
        content=content,
        data=data,  # type: ignore[arg-type]
        newsletters=newsletters,  # type: ignore[arg-type]
        model_id="some.model-v1:0",
        clock=lambda: datetime(2026, 2, 2, 7, tzinfo=UTC),
    )
    sections = [
        (
            section["section_id"],
            [(each["item_id"], each["title"], each["score"], each["event_type"]) for each in section["items"]],
        )
        for section in newsletters.read_json(NEWSLETTER)["sections"]  # type: ignore[index]
    ]
    return Issue(sections, [CuratedItem.model_validate(each) for each in data.read_json(CURATED) or ()])


def sections_of(sections: Iterable[PreviewSection]) -> list[tuple[str, list[tuple[str, str, float, str]]]]:
    """Return the sections of a preview in the form of `run_engine`."""
    return [
        (section.section_id, [(each.item_id, each.title, each.score, each.event) for each in section.items])
        for section in sections
    ]


def news_of(ingested: Sequence[Any], curated: Sequence[CuratedItem], *, calls_model: bool = False) -> News:
    return news_of_day([IngestedItem.model_validate(each) for each in ingested], curated, DAY, calls_model=calls_model)


def entry(title: str, text: str = "", source: str = "press_sector__fiercepharma", days_old: int = 1) -> dict[str, Any]:
    """Return an ingested item; its id is the title's first word."""
    return {
        "item_id": title.partition(":")[0].lower(),
        "source_key": source,
        "source_type": source.split("__")[0],
        "title": title,
        "content": text,
        "url": "https://example.org/news",
        "published_at": (DAY - timedelta(days=days_old)).isoformat(),
        "ingested_at": "2026-02-02T06:00:00Z",
    }


def labelled_entries(every: int) -> list[dict[str, Any]]:
    """Return news in the style of the eight sources, some with remains of web pages in the text."""
    halves = yaml.safe_load(LABELLED.read_text(encoding="utf-8"))
    rows = [row for half in halves.values() for row in half][::every]
    return [_labelled_entry(index, *row[2:]) for index, row in enumerate(rows)]


def _labelled_entry(index: int, source: str, title: str, text: str) -> dict[str, Any]:
    kind = "press_sector" if source in {"fiercebiotech", "fiercepharma", "endpoints_news"} else "press_corporate"
    printed = DAY - timedelta(days=index % 40)
    glued = f"PRESS RELEASES{printed:%d %B, %Y}{title}{text}READ MOREAnother story" if index % 3 == 0 else text
    made = entry(title, glued, f"{kind}__{source}", days_old=index % 25)
    return {**made, "item_id": f"{source}_{index:03}"}


def changes_of(result: Preview) -> list[tuple[str, str, str]]:
    return [(change.kind, change.item_id, change.why) for change in result.changes]


@pytest.fixture(scope="session")
def deployed() -> Configuration:
    return load_configuration(EditedContent({}), "lai_weekly")


@pytest.fixture(scope="session")
def client(deployed: Configuration) -> ClientConfig:
    return deployed.client

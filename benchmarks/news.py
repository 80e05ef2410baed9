"""News items of the benchmarks, made of the names in the canonical scopes and of everyday words."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

from vectora_core.items import CuratedItem, IngestedItem
from vectora_shared.config.configuration import Configuration
from vectora_shared.storage import Bucket

NOW = datetime(2026, 2, 2, 6, tzinfo=UTC)
DAYS = 60
SOURCE = "press_corporate__nanexa"
# The longest text in the data of the previous system has 500 characters.
TEXT_CHARACTERS = 600
_EVENTS = (
    "signs licence agreement for",
    "announces positive phase 3 results of",
    "publishes interim report on",
    "submits new drug application for",
    "receives approval of",
    "doses first patient with",
    "expands manufacturing contract for",
    "presents data of",
)
_SENTENCES = """
the company said today that its once-monthly formulation was well tolerated in patients and met the primary endpoint of
the study while analysts expected higher revenue from product sales during the third quarter of the year according to a
statement from management which reported progress with regulatory authorities in europe and the united states where a
subcutaneous injection depot tablet vaccine implant microsphere platform supports development of long acting treatment
for schizophrenia diabetes obesity opioid dependence under license
"""
_WORDS = _SENTENCES.split()


class MemoryBucket(Bucket):
    """A bucket in memory."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._objects: dict[str, bytes] = {}

    def read_json(self, key: str) -> Any | None:
        """Return the document at `key`, or None when there is none."""
        return json.loads(self._objects[key]) if key in self._objects else None

    def write(self, key: str, body: bytes, content_type: str) -> None:
        """Store an object."""
        self._objects[key] = body

    def keys(self, prefix: str) -> list[str]:
        """Return all keys below `prefix`, sorted."""
        return sorted(key for key in self._objects if key.startswith(prefix))


class Press:
    """Writer of news; the same seed gives the same news."""

    def __init__(self, configuration: Configuration, seed: int = 1) -> None:
        self._random = random.Random(seed)  # noqa: S311
        scopes = configuration.scopes
        kinds = (scopes.companies, scopes.molecules, scopes.trademarks, scopes.indications)
        names = [[name for scope in kind.scopes.values() for name in scope.names] for kind in kinds]
        self._companies, self._molecules, self._trademarks, self._indications = names

    def ingested(self, count: int) -> list[IngestedItem]:
        """Return items of one news page: every second text is followed by that of another item."""
        stories = [(self._title(number), self._day(), self._text()) for number in range(count)]
        items = []
        for number, (title, day, text) in enumerate(stories):
            other_title, other_day, other_text = self._random.choice(stories)
            content = f"PRESS RELEASES{day:%d %B, %Y}{title}Lund, {text}"
            more = f"{other_day:%d %B, %Y}{other_title}{other_text}" if number % 2 else "READ MORE"
            items.append(self._item(number, title, day, f"{content}{more}"[:TEXT_CHARACTERS]))
        return items

    def _title(self, number: int) -> str:
        product = self._random.choice([*self._molecules, *self._trademarks])
        company, event = self._random.choice(self._companies), self._random.choice(_EVENTS)
        return f"{company} {event} {product} in {self._random.choice(self._indications)}, part {number}"

    def _day(self) -> date:
        return NOW.date() - timedelta(days=self._random.randrange(1, DAYS))

    def _text(self) -> str:
        names = [*self._companies, *self._molecules, *self._trademarks, *self._indications]
        words = [self._random.choice(names if self._random.random() < 0.06 else _WORDS) for _ in range(60)]
        ends = range(0, len(words), 15)
        return " ".join(f"{word}." if number in ends else word for number, word in enumerate(words, start=1))

    def _item(self, number: int, title: str, day: date, content: str) -> IngestedItem:
        return IngestedItem(
            item_id=f"{SOURCE}_{day:%Y%m%d}_{number:06x}",
            source_key=SOURCE,
            source_type=SOURCE.split("__")[0],
            title=title,
            content=content,
            url=f"https://example.com/news/{number}",
            published_at=day if number % 5 else None,
            ingested_at=NOW,
        )

    def reports(self, curated: CuratedItem, count: int) -> list[CuratedItem]:
        """Return reports like `curated`, with titles of words of which few are frequent; a third repeat another one."""
        words = ["".join(self._random.choices("abcdefghijklmnop", k=6)) for _ in range(3000)]
        frequencies = [1 / (rank + 3) for rank in range(len(words))]
        titles: list[list[str]] = []
        for _ in range(count):
            if titles and self._random.random() < 0.3:
                title = [*self._random.choice(titles)]
                title[self._random.randrange(len(title))] = self._random.choice(words)
            else:
                title = self._random.choices(words, frequencies, k=self._random.randint(5, 13))
            titles.append(title)
        return [
            curated.model_copy(
                update={"item_id": f"report_{number:06}", "title": " ".join(title), "published_at": self._day()}
            )
            for number, title in enumerate(titles)
        ]

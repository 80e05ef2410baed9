"""Event types, identified by the words of a title or, if it has none of them, of the first sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vectora_core.items import EventClassification
from vectora_core.text.words import ItemText
from vectora_shared.config.canonical import EventDefinitions
from vectora_shared.config.values import EventType

TITLE_CONFIDENCE = 0.9
LEAD_CONFIDENCE = 0.7
NO_CONFIDENCE = 0.3


@dataclass(frozen=True)
class _Match:
    event: EventType
    rank: tuple[bool, int]


class EventReader:
    """Reader of event types by the patterns of their definitions."""

    def __init__(self, definitions: EventDefinitions) -> None:
        self._patterns = {
            event: re.compile("|".join(f"(?:{pattern})" for pattern in definition.patterns), re.IGNORECASE)
            for event, definition in definitions.events.items()
            if definition.patterns
        }
        self._leading = {event for event, definition in definitions.events.items() if definition.leading}

    def read(self, text: ItemText) -> TextEvents:
        """Return the events of an item; its title is searched now, its first sentences when they are needed."""
        return TextEvents(self, text, tuple(self.matches(text.title)))

    def matches(self, folded: str) -> list[_Match]:
        """Return the first match of each event type in the folded text."""
        found = ((event, pattern.search(folded)) for event, pattern in self._patterns.items())
        return [_Match(event, (event not in self._leading, match.start())) for event, match in found if match]


@dataclass(frozen=True)
class TextEvents:
    """Events in an item's text."""

    reader: EventReader
    text: ItemText
    title_matches: tuple[_Match, ...]

    @property
    def in_title(self) -> frozenset[EventType]:
        return frozenset(match.event for match in self.title_matches)

    def classify(self) -> EventClassification:
        """Return the event type of the item: a leading type first, else the one that the text names first."""
        if self.title_matches:
            return _classification(self.title_matches, TITLE_CONFIDENCE)
        if in_lead := self.reader.matches(self.text.lead):
            return _classification(in_lead, LEAD_CONFIDENCE)
        return EventClassification(primary_type="other", confidence=NO_CONFIDENCE)


def _classification(matches: Sequence[_Match], confidence: float) -> EventClassification:
    return EventClassification(primary_type=min(matches, key=lambda match: match.rank).event, confidence=confidence)

"""Event types, identified by the words of a title or, if it has none of them, of the first sentences."""

from __future__ import annotations

import re
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

    def classify(self, text: ItemText) -> EventClassification:
        """Return the event type of an item: a leading type first, else the one that the text names first."""
        for part, confidence in ((text.title, TITLE_CONFIDENCE), (text.lead, LEAD_CONFIDENCE)):
            if matches := self._matches(part):
                return EventClassification(
                    primary_type=min(matches, key=lambda match: match.rank).event, confidence=confidence
                )
        return EventClassification(primary_type="other", confidence=NO_CONFIDENCE)

    def events_in(self, text: str) -> frozenset[EventType]:
        """Return all event types whose patterns match the folded text."""
        return frozenset(match.event for match in self._matches(text))

    def _matches(self, text: str) -> list[_Match]:
        found = ((event, pattern.search(text)) for event, pattern in self._patterns.items())
        return [_Match(event, (event not in self._leading, match.start())) for event, match in found if match]

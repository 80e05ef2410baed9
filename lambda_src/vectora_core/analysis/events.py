"""Event types recognised by the words of a title or, where it says nothing, of the first sentences."""

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
    def __init__(self, definitions: EventDefinitions) -> None:
        self._patterns = {
            event: re.compile("|".join(f"(?:{pattern})" for pattern in definition.patterns), re.IGNORECASE)
            for event, definition in definitions.events.items()
            if definition.patterns
        }
        self._leading = {event for event, definition in definitions.events.items() if definition.leading}

    def classify(self, parts: ItemText) -> EventClassification:
        for text, confidence in ((parts.title, TITLE_CONFIDENCE), (parts.lead, LEAD_CONFIDENCE)):
            if matches := self._matches(text):
                return EventClassification(
                    primary_type=min(matches, key=lambda match: match.rank).event, confidence=confidence
                )
        return EventClassification(primary_type="other", confidence=NO_CONFIDENCE)

    def events_in(self, text: str) -> frozenset[EventType]:
        """Every type that the folded text speaks of."""
        return frozenset(match.event for match in self._matches(text))

    def _matches(self, text: str) -> list[_Match]:
        found = ((event, pattern.search(text)) for event, pattern in self._patterns.items())
        return [_Match(event, (event not in self._leading, match.start())) for event, match in found if match]

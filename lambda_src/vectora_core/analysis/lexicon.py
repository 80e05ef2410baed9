"""Analysis by the canonical scopes alone: at no cost, without a network, and repeatable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from vectora_core.analysis.events import LEAD_CONFIDENCE, EventReader, TextEvents
from vectora_core.analysis.signals import DomainReader, Signals, Weigher
from vectora_core.items import (
    Entities,
    EventClassification,
    IngestedItem,
    NormalizationMetadata,
    NormalizedContent,
)
from vectora_core.text.words import TITLE_SEPARATORS, ItemText, collapse_spaces, item_text, leading_sentences
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.values import EventType

SUMMARY_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Reading:
    """Folded text of an item, its events, and its signals for each domain."""

    text: ItemText
    events: TextEvents
    signals: tuple[Signals, ...]


class Lexicon:
    """Readers of a client's domains and events; created once per run."""

    def __init__(self, configuration: Configuration) -> None:
        self.domains = [
            DomainReader(domain, configuration.scopes)
            for domain in configuration.client.watch_domains
            if domain.enabled
        ]
        self.events = EventReader(configuration.events)
        self.evidence = configuration.evidence
        # An item is read once for its analysis and its matching. Readings are kept as long as their items at most.
        self._readings: WeakKeyDictionary[IngestedItem, Reading] = WeakKeyDictionary()
        self._companies = {source.source_key: source.company for source in configuration.sources.sources}

    def source_company(self, source_key: str) -> str | None:
        """Return the company whose own news the source publishes, or None."""
        return self._companies.get(source_key)

    def own_company(self, source_key: str) -> tuple[str, ...]:
        """Return that company in the spelling of the domains' scopes: every item of the source counts as naming it."""
        company = self.source_company(source_key)
        names = [domain.companies.canonical(company) for domain in self.domains] if company else []
        return tuple(dict.fromkeys(name for name in names if name))

    def analyze(self, item: IngestedItem, fallback_reason: str | None = None) -> NormalizedContent:
        """Return the analysis, without a headline and why the news matters; `fallback_reason` says why not the model's.

        A list of names does not show why news matters, and a shorter title would only lose words.
        """
        reading = self._read(item)
        self._readings[item] = reading
        signals = reading.signals
        event = _of_source_type(reading.events.classify(), item.source_type)
        strengths = [Weigher(self.evidence, found, event.primary_type).assessment.strength for found in signals]
        return NormalizedContent(
            summary=_summary(item),
            entities=self._entities(reading, item.source_key),
            event_classification=event,
            lai_relevance_score=round(10 * max(strengths, default=0.0), 1),
            anti_lai_detected=bool(signals) and all(found.other_route for found in signals),
            pure_player_context=any(found.core_subject for found in signals),
            normalization_metadata=NormalizationMetadata(analyzer="lexicon", fallback_reason=fallback_reason),
        )

    def take_reading(self, item: IngestedItem) -> Reading:
        """Return the reading of an item; that of its analysis, if this lexicon made it, which is then released."""
        return self._readings.pop(item, None) or self._read(item)

    def _read(self, item: IngestedItem) -> Reading:
        text = item_text(item.title, item.content)
        company = self.source_company(item.source_key)
        return Reading(text, self.events.read(text), tuple(domain.read(text, company) for domain in self.domains))

    def _entities(self, reading: Reading, source_key: str) -> Entities:
        found = [
            domain.entities_in(reading.text, signals)
            for domain, signals in zip(self.domains, reading.signals, strict=True)
        ]
        return Entities(
            companies=_distinct([*(name for each in found for name in each.companies), *self.own_company(source_key)]),
            molecules=_distinct(name for each in found for name in each.molecules),
            technologies=_distinct(name for each in found for name in each.technologies),
            trademarks=_distinct(name for each in found for name in each.trademarks),
            indications=_distinct(name for each in found for name in each.indications),
        )


# News of these sources is of one kind, unless its own words say another.
_EVENT_OF_SOURCE_TYPE: dict[str, EventType] = {
    "regulator": "regulatory",
    "registry": "clinical_update",
    "literature": "scientific_publication",
}


def _of_source_type(event: EventClassification, source_type: str) -> EventClassification:
    """Return the event type, or that of the source's type when the item's words name none."""
    usual = _EVENT_OF_SOURCE_TYPE.get(source_type)
    if event.primary_type != "other" or usual is None:
        return event
    return EventClassification(primary_type=usual, confidence=LEAD_CONFIDENCE)


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _summary(item: IngestedItem) -> str:
    """Return the first sentences, or the title if there are none."""
    text = collapse_spaces(item.content)
    title = collapse_spaces(item.title)
    if text.startswith(title):
        text = text[len(title) :].lstrip(TITLE_SEPARATORS)
    summary = leading_sentences(text, SUMMARY_CHARACTERS)
    if len(summary) > SUMMARY_CHARACTERS:
        summary = summary[:SUMMARY_CHARACTERS].rsplit(" ", 1)[0] + " …"
    return summary or title

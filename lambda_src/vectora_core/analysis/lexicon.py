"""Analysis by the canonical scopes alone: free, without a network, and always the same for the same text."""

from __future__ import annotations

from vectora_core.analysis.events import EventReader
from vectora_core.analysis.signals import DomainReader, Weigher
from vectora_core.items import Entities, IngestedItem, NormalizationMetadata, NormalizedContent
from vectora_core.text.words import ItemText, item_text, sentences
from vectora_shared.config.configuration import Configuration

SUMMARY_CHARACTERS = 300


class Lexicon:
    """The readers of a client's domains and events; made once a run."""

    def __init__(self, configuration: Configuration) -> None:
        self.domains = [
            DomainReader(domain, configuration.scopes)
            for domain in configuration.client.watch_domains
            if domain.enabled
        ]
        self.events = EventReader(configuration.events)
        self.evidence = configuration.evidence
        self._companies = {source.source_key: source.company for source in configuration.sources.sources}

    def source_company(self, source_key: str) -> str | None:
        """The company whose own news the source carries."""
        return self._companies.get(source_key)

    def own_company(self, source_key: str) -> tuple[str, ...]:
        """That company in the spelling of the domains' scopes; it counts as mentioned in all the source publishes."""
        company = self.source_company(source_key)
        names = [domain.companies.canonical(company) for domain in self.domains] if company else []
        return tuple(dict.fromkeys(name for name in names if name))

    def analyze(self, item: IngestedItem, fallback_reason: str | None = None) -> NormalizedContent:
        parts = item_text(item.title, item.content)
        company = self.source_company(item.source_key)
        event = self.events.classify(parts)
        signals = [domain.read(parts, company) for domain in self.domains]
        strengths = [Weigher(self.evidence, found, event.primary_type).assessment.strength for found in signals]
        return NormalizedContent(
            summary=_summary(item),
            entities=self._entities(parts, item.source_key),
            event_classification=event,
            lai_relevance_score=round(10 * max(strengths, default=0.0), 1),
            anti_lai_detected=bool(signals) and all(found.other_route for found in signals),
            pure_player_context=any(found.core_subject for found in signals),
            normalization_metadata=NormalizationMetadata(analyzer="lexicon", fallback_reason=fallback_reason),
        )

    def _entities(self, parts: ItemText, source_key: str) -> Entities:
        text = parts.full_text
        companies = [name for domain in self.domains for name in domain.companies.names_in(text)]
        return Entities(
            companies=_each_once([*companies, *self.own_company(source_key)]),
            molecules=_each_once([name for domain in self.domains for name in domain.molecules.names_in(text)]),
            technologies=_each_once([name for domain in self.domains for name in domain.technologies_in(parts)]),
            trademarks=_each_once([name for domain in self.domains for name in domain.trademarks.names_in(text)]),
            indications=_each_once([name for domain in self.domains for name in domain.indications.names_in(text)]),
        )


def _each_once(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _summary(item: IngestedItem) -> str:
    """The first sentences as they stand; the title where there are none."""
    text = " ".join(item.content.split())
    title = " ".join(item.title.split())
    if text.startswith(title):
        text = text[len(title) :].lstrip(" .:-|")
    summary = ""
    for sentence in sentences(text):
        if summary and len(summary) + len(sentence) > SUMMARY_CHARACTERS:
            break
        summary = f"{summary} {sentence}".strip()
    if len(summary) > SUMMARY_CHARACTERS:
        summary = summary[:SUMMARY_CHARACTERS].rsplit(" ", 1)[0] + " …"
    return summary or title

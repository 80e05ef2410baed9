"""Matching of items to watch domains, and exclusion of unwanted kinds of news."""

from __future__ import annotations

from vectora_core.analysis.lexicon import Lexicon, Reading
from vectora_core.analysis.signals import PRODUCT_NEWS, DomainReader, Signals, Weigher
from vectora_core.items import DomainRelevance, IngestedItem, MatchedEntities, MatchingResults, NormalizedContent
from vectora_core.text.patterns import AnyOf
from vectora_core.text.words import ItemText
from vectora_shared.config.client import WatchDomain
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.scopes import ExclusionScope


class _Exclusion:
    """One kind of unwanted news, with its compiled patterns."""

    def __init__(self, scope: ExclusionScope) -> None:
        self.scope = scope
        self._title = AnyOf(scope.title_patterns)
        self._sure_title = AnyOf(scope.sure_title_patterns)
        self._text = AnyOf(scope.text_patterns)

    def surely_in_title(self, text: ItemText) -> bool:
        return self._sure_title.matches(text.title)

    def in_title(self, text: ItemText) -> bool:
        return self._title.matches(text.title)

    def in_text(self, text: ItemText) -> bool:
        return self._text.matches(text.lead)


class Matcher:
    """Matcher of items to the client's watch domains."""

    def __init__(self, configuration: Configuration, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._evidence = configuration.evidence
        self._min_score = configuration.client.matching_config.min_domain_score
        scopes = configuration.scopes.exclusions.scopes
        self._exclusions = {
            reader.domain.id: [_Exclusion(scopes[name]) for name in reader.domain.exclusion_scopes]
            for reader in lexicon.domains
        }

    def match(self, item: IngestedItem, analysis: NormalizedContent) -> MatchingResults:
        reading = self._lexicon.take_reading(item)
        relevance: dict[str, DomainRelevance] = {}
        matched: list[str] = []
        reasons: list[str] = []
        for reader, signals in zip(self._lexicon.domains, reading.signals, strict=True):
            result = self._relevance(reader, signals, analysis)
            found = self._exclusion_reasons(reader.domain, reading, signals)
            relevance[reader.domain.id] = result
            reasons += found
            if result.score >= self._min_score and not found:
                matched.append(reader.domain.id)
        return MatchingResults(
            matched_domains=tuple(matched),
            domain_relevance=relevance,
            exclusion_applied=bool(reasons),
            exclusion_reasons=tuple(dict.fromkeys(reasons)),
        )

    def _relevance(self, reader: DomainReader, signals: Signals, analysis: NormalizedContent) -> DomainRelevance:
        """Combine the relevance by the words with that of the analysis; they are equal if the lexicon analyzed."""
        assessment = Weigher(self._evidence, signals, analysis.event_classification.primary_type).assessment
        opinion = analysis.lai_relevance_score / 10
        score = self._combined(assessment.strength, opinion, decisive=signals.title.decisive or signals.lead.decisive)
        if analysis.anti_lai_detected and not signals.title.decisive:
            score = min(score, self._evidence.other_route_at_most)
        confidence = max(
            self._evidence.least_confidence, self._evidence.agreement_confidence - abs(assessment.strength - opinion)
        )
        return DomainRelevance(
            score=round(score, 3),
            confidence=round(confidence, 3),
            reasoning=f"{assessment.reason}; relevance {analysis.lai_relevance_score:g} of 10 by the analysis",
            matched_entities=_in_scopes(reader, analysis),
        )

    def _combined(self, strength: float, opinion: float, *, decisive: bool) -> float:
        if strength < self._min_score and opinion < self._evidence.analysis_admits_from:
            return min(strength, opinion)
        if opinion <= self._evidence.analysis_refuses_to and not decisive:
            return opinion
        return (strength + opinion) / 2

    def _exclusion_reasons(self, domain: WatchDomain, reading: Reading, signals: Signals) -> list[str]:
        text, title_events = reading.text, reading.events.in_title
        product_news = (signals.product_in_title or signals.core_subject) and bool(title_events & PRODUCT_NEWS)
        title_says_nothing = not signals.product_in_title and not title_events
        core_name = bool(signals.title.core_companies or signals.title.core_trademarks)
        return [
            exclusion.scope.reason
            for exclusion in self._exclusions[domain.id]
            if not (core_name and exclusion.scope.core_names_prevail)
            and (
                exclusion.surely_in_title(text)
                or (not product_news and exclusion.in_title(text))
                or (title_says_nothing and exclusion.in_text(text))
            )
        ]


def _in_scopes(reader: DomainReader, analysis: NormalizedContent) -> MatchedEntities:
    entities = analysis.entities
    return MatchedEntities(
        companies=tuple(name for name in entities.companies if reader.companies.canonical(name)),
        molecules=tuple(name for name in entities.molecules if reader.molecules.canonical(name)),
        technologies=tuple(name for name in entities.technologies if reader.technologies.canonical(name)),
        trademarks=tuple(name for name in entities.trademarks if reader.trademarks.canonical(name)),
    )

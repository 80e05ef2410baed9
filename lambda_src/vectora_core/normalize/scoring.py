"""Scores of items, by the numbers in canonical/scoring/scoring.yaml and the client's file."""

from __future__ import annotations

from datetime import date
from typing import Literal

from vectora_core.analysis.signals import names_of
from vectora_core.items import MatchingResults, NormalizedContent, ScoreBreakdown, ScoringResults
from vectora_shared.config.configuration import BONUS_SCOPE_KINDS, Configuration, ScopeKind
from vectora_shared.config.scoring import ScoringRules

ScoringMode = Literal["balanced", "strict", "broad"]


class Scorer:
    """Scorer of the items of one run."""

    def __init__(self, configuration: Configuration, mode: ScoringMode, today: date) -> None:
        client = configuration.client.scoring_config
        self._rules: ScoringRules = configuration.scoring
        self._mode = mode
        self._today = today
        self._base = {**self._rules.base_by_event, **client.event_type_weight_overrides}
        bonuses = {**self._rules.bonuses.scopes, **client.client_specific_bonuses}
        self._scope_bonuses = [
            (name, kind, names_of(getattr(configuration.scopes, kind), bonus.scope), bonus.bonus)
            for name, bonus in bonuses.items()
            if (kind := _kind_of(configuration, bonus.scope))
        ]

    def score(self, analysis: NormalizedContent, matching: MatchingResults, published: date | None) -> ScoringResults:
        """Return the score; `published` is the day of the news, and None counts as older than the last step."""
        base = self._base[analysis.event_classification.primary_type]
        domain_factor = self._domain_factor(analysis, matching)
        recency = self._recency(published)
        bonuses = self._bonuses(analysis)
        penalties = self._penalties(analysis, matching)
        weighted = base * domain_factor * recency
        raw = weighted + sum(bonuses.values()) + sum(penalties.values())
        final = min(max(raw * getattr(self._rules.modes, self._mode), self._rules.floor), self._rules.cap)
        return ScoringResults(
            base_score=base,
            bonuses=bonuses,
            penalties=penalties,
            final_score=round(final, 2),
            score_breakdown=ScoreBreakdown(
                base_score=base,
                domain_relevance_factor=round(domain_factor, 4),
                recency_factor=recency,
                weighted_base=round(weighted, 4),
                total_bonus=round(sum(bonuses.values()), 4),
                total_penalty=round(sum(penalties.values()), 4),
                raw_score=round(raw, 4),
                scoring_mode=self._mode,
            ),
        )

    def _domain_factor(self, analysis: NormalizedContent, matching: MatchingResults) -> float:
        numbers = self._rules.domain_factor
        if not matching.matched_domains:
            return numbers.unmatched
        best = max(
            (matching.domain_relevance[domain] for domain in matching.matched_domains), key=lambda found: found.score
        )
        boost = numbers.trademark_boost if analysis.entities.trademarks else 0.0
        factor = numbers.score_weight * best.score + numbers.confidence_weight * best.confidence + boost
        return min(factor, numbers.maximum)

    def _recency(self, published: date | None) -> float:
        if published is None:
            return self._rules.recency.older
        age = (self._today - published).days
        return next(
            (step.factor for step in self._rules.recency.steps if age <= step.max_age_days), self._rules.recency.older
        )

    def _bonuses(self, analysis: NormalizedContent) -> dict[str, float]:
        bonuses = {
            name: bonus
            for name, kind, names, bonus in self._scope_bonuses
            if any(names.canonical(entity) for entity in getattr(analysis.entities, kind))
        }
        event = analysis.event_classification.primary_type
        if event in self._rules.bonuses.events:
            bonuses[f"{event.removesuffix('_update')}_event"] = self._rules.bonuses.events[event]
        high = self._rules.bonuses.high_relevance
        if analysis.lai_relevance_score >= high.from_relevance:
            bonuses["high_lai_relevance"] = high.bonus
        return bonuses

    def _penalties(self, analysis: NormalizedContent, matching: MatchingResults) -> dict[str, float]:
        rules = self._rules.penalties
        entities = analysis.entities
        named = entities.companies or entities.molecules or entities.technologies or entities.trademarks
        applies = {
            "anti_lai_route": (analysis.anti_lai_detected, rules.anti_lai_route),
            "low_lai_score": (
                analysis.lai_relevance_score <= rules.low_relevance.to_relevance,
                rules.low_relevance.penalty,
            ),
            "no_entities_penalty": (not named, rules.no_entities),
            "exclusion_penalty": (matching.exclusion_applied, rules.exclusion_term),
        }
        return {name: -penalty for name, (condition, penalty) in applies.items() if condition}


def _kind_of(configuration: Configuration, scope: str) -> ScopeKind | None:
    return next((kind for kind in BONUS_SCOPE_KINDS if scope in getattr(configuration.scopes, kind).scopes), None)

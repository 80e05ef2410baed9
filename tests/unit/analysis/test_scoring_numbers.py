"""All numbers of the previous system's scoring, as canonical content has them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from vectora_core.items import (
    DomainRelevance,
    Entities,
    EventClassification,
    MatchedEntities,
    MatchingResults,
    NormalizationMetadata,
    NormalizedContent,
    ScoringResults,
)
from vectora_core.normalize.scoring import Scorer, ScoringMode
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.values import EventType

TODAY = date(2026, 2, 2)
DOMAIN = "tech_lai_ecosystem"
NAMED = Entities(companies=("Acme",))


def analysis(
    event: EventType = "other", relevance: float = 5, entities: Entities = NAMED, anti_lai: bool = False
) -> NormalizedContent:
    return NormalizedContent(
        summary="",
        entities=entities,
        event_classification=EventClassification(primary_type=event, confidence=1),
        lai_relevance_score=relevance,
        anti_lai_detected=anti_lai,
        pure_player_context=False,
        normalization_metadata=NormalizationMetadata(analyzer="lexicon"),
    )


def matched(score: float = 1, confidence: float = 1) -> MatchingResults:
    relevance = DomainRelevance(score=score, confidence=confidence, reasoning="", matched_entities=MatchedEntities())
    return MatchingResults(matched_domains=(DOMAIN,), domain_relevance={DOMAIN: relevance})


def score(
    configuration: Configuration,
    of: NormalizedContent,
    matching: MatchingResults | None = None,
    published: date | None = TODAY,
    mode: ScoringMode = "balanced",
) -> ScoringResults:
    return Scorer(configuration, mode, TODAY).score(of, matching or MatchingResults(), published)


@pytest.mark.parametrize(
    ("event", "base"),
    [
        ("partnership", 8),
        ("regulatory", 7),
        ("clinical_update", 6),
        ("safety_signal", 6),
        ("corporate_move", 5),
        ("scientific_publication", 4),
        ("manufacturing_supply", 4),
        ("financial_results", 3),
        ("other", 2),
    ],
)
def test_each_event_type_has_its_base(configuration: Configuration, event: EventType, base: float) -> None:
    assert score(configuration, analysis(event)).base_score == base


@pytest.mark.parametrize(
    ("matching", "trademarks", "factor"),
    [
        (MatchingResults(), (), 0.05),
        (matched(1, 1), (), 0.9),
        (matched(0.5, 0.4), (), 0.42),
        (matched(0.5, 0.4), ("Nobrand",), 0.62),
        (matched(1, 1), ("Nobrand",), 1.0),
    ],
)
def test_the_domain_factor_weighs_score_and_confidence(
    configuration: Configuration, matching: MatchingResults, trademarks: tuple[str, ...], factor: float
) -> None:
    of = analysis(entities=Entities(companies=("Acme",), trademarks=trademarks))
    breakdown = score(configuration, of, matching).score_breakdown
    assert breakdown.domain_relevance_factor == pytest.approx(factor)


@pytest.mark.parametrize(
    ("age", "factor"),
    [
        (0, 1.0), (1, 1.0), (2, 0.98), (3, 0.98), (4, 0.95), (7, 0.95), (14, 0.92), (15, 0.88), (30, 0.88),
        (60, 0.82), (90, 0.75), (180, 0.65), (181, 0.5), (4000, 0.5),
    ],
)  # fmt: skip
def test_older_news_counts_less(configuration: Configuration, age: int, factor: float) -> None:
    result = score(configuration, analysis(), published=TODAY - timedelta(days=age))
    assert result.score_breakdown.recency_factor == factor


def test_undated_news_counts_as_the_oldest(configuration: Configuration) -> None:
    assert score(configuration, analysis(), published=None).score_breakdown.recency_factor == 0.5


@pytest.mark.parametrize(
    ("of", "bonuses"),
    [
        (analysis(entities=Entities(companies=("Nanexa", "Camurus"))), {"pure_player_company": 5.0}),
        (analysis(entities=Entities(trademarks=("Uzedy",))), {"trademark_mention": 4.0}),
        (analysis(entities=Entities(molecules=("olanzapine",))), {"key_molecule": 2.5}),
        (analysis(entities=Entities(companies=("Teva Pharmaceuticals",))), {"hybrid_company": 1.5}),
        (analysis("partnership"), {"partnership_event": 3.0}),
        (analysis("regulatory"), {"regulatory_event": 2.5}),
        (analysis("clinical_update"), {"clinical_event": 2.0}),
        (analysis(relevance=8), {"high_lai_relevance": 2.5}),
        (analysis(relevance=7.9), {}),
    ],
)
def test_each_bonus_is_given_once(
    configuration: Configuration, of: NormalizedContent, bonuses: dict[str, float]
) -> None:
    assert score(configuration, of).bonuses == bonuses


@pytest.mark.parametrize(
    ("of", "matching", "penalties"),
    [
        (analysis(anti_lai=True), MatchingResults(), {"anti_lai_route": -5.0}),
        (analysis(relevance=2), MatchingResults(), {"low_lai_score": -3.0}),
        (analysis(relevance=2.1), MatchingResults(), {}),
        (analysis(entities=Entities(indications=("HIV",))), MatchingResults(), {"no_entities_penalty": -2.0}),
        (analysis(), MatchingResults(exclusion_applied=True), {"exclusion_penalty": -3.0}),
    ],
)
def test_each_penalty_is_subtracted_once(
    configuration: Configuration, of: NormalizedContent, matching: MatchingResults, penalties: dict[str, float]
) -> None:
    assert score(configuration, of, matching).penalties == penalties


def test_a_real_item_of_december_2025_has_the_score_of_the_previous_system(configuration: Configuration) -> None:
    entities = Entities(companies=("Nanexa", "Moderna"), technologies=("PharmaShell",), trademarks=("PharmaShell",))
    result = score(configuration, analysis("partnership", 8, entities))
    assert result.final_score == 14.9
    assert result.score_breakdown.weighted_base == pytest.approx(0.4)


@pytest.mark.parametrize(("mode", "factor"), [("balanced", 1.0), ("strict", 0.75), ("broad", 1.25)])
def test_the_mode_scales_the_score(configuration: Configuration, mode: ScoringMode, factor: float) -> None:
    of = analysis("partnership")
    expected = (8 * 0.9 + 3) * factor
    assert score(configuration, of, matched(), mode=mode).final_score == pytest.approx(expected, abs=0.01)


def test_a_score_never_falls_below_the_floor(configuration: Configuration) -> None:
    of = analysis(relevance=0, entities=Entities(), anti_lai=True)
    assert score(configuration, of).final_score == 0


def test_a_score_never_rises_above_the_cap(configuration: Configuration) -> None:
    rules: Any = configuration.scoring.model_copy(update={"cap": 4.0})
    capped = Configuration(**{**vars(configuration), "scoring": rules})
    assert score(capped, analysis("partnership", 9), matched()).final_score == 4.0

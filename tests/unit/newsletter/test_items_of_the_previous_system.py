"""Curated items of the previous system: words as confidence, and without the metadata of the analysis."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from vectora_core.items import CuratedItem

OLD_ITEM: dict[str, Any] = {
    "item_id": "press_corporate__medincell_20251219_0a1b2c",
    "source_key": "press_corporate__medincell",
    "source_type": "press_corporate",
    "title": "MedinCell starts a trial",
    "content": "MedinCell starts a trial of its depot.",
    "url": "https://example.org/trial",
    "published_at": "2025-12-19",
    "ingested_at": "2025-12-19T20:15:27.113209",
    "metadata": {"author": "", "tags": [], "word_count": 12},
    "normalized_at": "2025-12-19T20:21:34.183614Z",
    "normalized_content": {
        "summary": "MedinCell starts a trial.",
        "entities": {"companies": ["MedinCell", ""], "molecules": None, "technologies": []},
        "event_classification": {"primary_type": "clinical_update", "confidence": "high"},
        "lai_relevance_score": 8,
        "anti_lai_detected": False,
        "pure_player_context": True,
        "extracted_date": "",
        "date_confidence": None,
    },
    "matching_results": {
        "matched_domains": ["tech_lai_ecosystem"],
        "domain_relevance": {"tech_lai_ecosystem": {"score": 0.8, "confidence": "Medium"}},
    },
    "scoring_results": {
        "base_score": 6,
        "bonuses": {"pure_player_company": 5.0, "pure_player_details": {"count": 1}},
        "penalties": {},
        "final_score": 11.0,
        "score_breakdown": {
            "base_score": 6,
            "domain_relevance_factor": 1,
            "recency_factor": 1,
            "weighted_base": 6,
            "total_bonus": 5,
            "total_penalty": 0,
            "raw_score": 11,
            "scoring_mode": "balanced",
        },
    },
}


def old_item(**content: Any) -> dict[str, Any]:
    return {**OLD_ITEM, "normalized_content": {**OLD_ITEM["normalized_content"], **content}}


def test_an_item_of_the_previous_system_is_read() -> None:
    item = CuratedItem.model_validate(OLD_ITEM)
    content = item.normalized_content
    assert (content.event_classification.confidence, content.date_confidence) == (0.9, 0.0)
    assert item.matching_results.domain_relevance["tech_lai_ecosystem"].confidence == 0.6
    assert content.entities.companies == ("MedinCell",)
    assert content.entities.molecules == ()
    assert content.normalization_metadata.analyzer == "bedrock"
    assert content.extracted_date is None
    assert item.scoring_results.bonuses == {"pure_player_company": 5.0}
    assert CuratedItem.model_validate(item.model_dump(mode="json")) == item


@pytest.mark.parametrize(("written", "read"), [("high", 0.9), (" MEDIUM ", 0.6), ("low", 0.3), ("0.4", 0.4), (1, 1.0)])
def test_a_confidence_may_be_a_word_or_a_number(written: Any, read: float) -> None:
    item = CuratedItem.model_validate(old_item(event_classification={"primary_type": "other", "confidence": written}))
    assert item.normalized_content.event_classification.confidence == read


@pytest.mark.parametrize("written", ["certain", 2, -0.1, [0.5]])
def test_any_other_confidence_is_refused(written: Any) -> None:
    with pytest.raises(ValidationError):
        CuratedItem.model_validate(old_item(event_classification={"primary_type": "other", "confidence": written}))


@pytest.mark.parametrize(
    ("written", "read"), [("2025-12-01T10:00:00Z", date(2025, 12, 1)), ("2025-13-01", None), ("soon", None)]
)
def test_a_date_in_the_text_is_read_or_unknown(written: str, read: date | None) -> None:
    assert CuratedItem.model_validate(old_item(extracted_date=written)).normalized_content.extracted_date == read


def test_an_event_type_that_is_no_longer_one_is_other() -> None:
    item = CuratedItem.model_validate(
        old_item(event_classification={"primary_type": "nda_submission", "confidence": 1})
    )
    assert item.normalized_content.event_classification.primary_type == "other"

"""Curated items of the tests."""

from __future__ import annotations

from datetime import UTC, date, datetime

from vectora_core.items import CuratedItem
from vectora_shared.config.values import EventType

DOMAIN = "tech_lai_ecosystem"
CAMURUS = {"companies": ["Camurus"], "trademarks": ["Buvidal"]}


def curated(
    title: str,
    event: EventType = "regulatory",
    *,
    score: float = 10.0,
    published: date | None = date(2026, 2, 1),
    source: str = "press_sector__fiercepharma",
    matched: bool = True,
    relevance: float = 0.9,
    summary: str = "A short summary.",
    url: str = "https://example.org/news",
    analyzer: str = "bedrock",
    fallback_reason: str | None = None,
    content: str = "",
    guid: str = "",
    entities: dict[str, list[str]] | None = None,
) -> CuratedItem:
    """Return an item with its analysis, matched to a domain."""
    found = {"score": relevance, "confidence": 0.9, "reasoning": "", "matched_entities": {}}
    return CuratedItem.model_validate(
        {
            "item_id": f"{source}_{title}",
            "source_key": source,
            "source_type": source.split("__")[0],
            "title": title,
            "content": content,
            "metadata": {"guid": guid},
            "url": url,
            "published_at": published,
            "ingested_at": datetime(2026, 2, 2, tzinfo=UTC),
            "normalized_at": datetime(2026, 2, 2, tzinfo=UTC),
            "normalized_content": {
                "summary": summary,
                "entities": CAMURUS if entities is None else entities,
                "event_classification": {"primary_type": event, "confidence": 0.9},
                "lai_relevance_score": 9,
                "anti_lai_detected": False,
                "pure_player_context": True,
                "normalization_metadata": {
                    "analyzer": analyzer,
                    "input_tokens": 100,
                    "output_tokens": 10,
                    "fallback_reason": fallback_reason,
                },
            },
            "matching_results": {
                "matched_domains": [DOMAIN] if matched else [],
                "domain_relevance": {DOMAIN: found},
            },
            "scoring_results": {
                "base_score": 7,
                "bonuses": {},
                "penalties": {},
                "final_score": score,
                "score_breakdown": {
                    "base_score": 7,
                    "domain_relevance_factor": 1,
                    "recency_factor": 1,
                    "weighted_base": 7,
                    "total_bonus": 0,
                    "total_penalty": 0,
                    "raw_score": score,
                    "scoring_mode": "balanced",
                },
            },
        }
    )

"""Report of a normalize-score run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from vectora_core.items import CuratedItem
from vectora_core.normalize.request import NormalizeEvent
from vectora_shared.config.canonical import Pricing
from vectora_shared.config.configuration import Configuration


def run_report(
    event: NormalizeEvent,
    configuration: Configuration,
    ingested: int,
    curated: Sequence[CuratedItem],
    model_id: str,
    day: date,
    started: datetime,
    finished: datetime,
) -> dict[str, Any]:
    """Return the report: counts, analyzers, tokens, cost and warnings."""
    metadata = [item.normalized_content.normalization_metadata for item in curated]
    input_tokens = sum(entry.input_tokens for entry in metadata)
    output_tokens = sum(entry.output_tokens for entry in metadata)
    cost = _cost(configuration.pricing, model_id, input_tokens, output_tokens)
    matched = sum(bool(item.matching_results.matched_domains) for item in curated)
    reasons = Counter(entry.fallback_reason for entry in metadata if entry.fallback_reason)
    exclusions = Counter(reason for item in curated for reason in item.matching_results.exclusion_reasons)
    analyzers = Counter(entry.analyzer for entry in metadata)
    warnings = []
    if curated and not matched:
        warnings.append(f"0 of {len(curated)} items matched a watch domain.")
    if reasons:
        warnings.append(
            f"{sum(reasons.values())} of {len(curated)} items were analyzed by the lexicon instead of the model."
        )
    if cost is None:
        warnings.append(f"The cost is unknown: canonical/models/pricing.yaml has no price for {model_id}.")
    return {
        "client_id": event.client_id,
        "client_version": configuration.client.client_profile.version,
        "target_date": day.isoformat(),
        "scoring_mode": event.scoring_mode,
        "items_ingested": ingested,
        "items_normalized": len(curated),
        "items_matched": matched,
        "items_excluded": sum(item.matching_results.exclusion_applied for item in curated),
        "exclusion_reasons": dict(sorted(exclusions.items())),
        "analyzers": {"bedrock": analyzers["bedrock"], "lexicon": analyzers["lexicon"]},
        "fallback_reasons": dict(sorted(reasons.items())),
        "model_id": model_id,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cost_usd": cost,
        "duration_ms": round((finished - started).total_seconds() * 1000),
        "warnings": warnings,
    }


def _cost(pricing: Pricing, model_id: str, input_tokens: int, output_tokens: int) -> float | None:
    if not input_tokens and not output_tokens:
        return 0.0
    price = pricing.models.get(model_id)
    if price is None:
        return None
    dollars = input_tokens * price.input_usd_per_million_tokens + output_tokens * price.output_usd_per_million_tokens
    return round(dollars / 1_000_000, 6)

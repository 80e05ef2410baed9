"""Report of a normalize-score run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from vectora_core.analysis.reply_store import Reuse
from vectora_core.analysis.usage import NO_TOKENS, Usage, cost_usd
from vectora_core.items import CuratedItem, NormalizationMetadata
from vectora_core.normalize.request import NormalizeEvent
from vectora_shared.config.canonical import ModelPrice
from vectora_shared.config.configuration import Configuration


@dataclass(frozen=True)
class _Bill:
    """Tokens of the run, their cost, and what the run would have cost more without stored analyses and prompt cache."""

    usage: Usage
    reuse: Reuse
    price: ModelPrice | None

    @property
    def cost_usd(self) -> float | None:
        return cost_usd(self.usage, self.price)

    @property
    def saved_usd(self) -> dict[str, float | None]:
        """Savings by cause; None for those of tokens without a price."""
        full = cost_usd(self.usage.without_cache, self.price)
        paid = self.cost_usd
        cached = round(full - paid, 6) if full is not None and paid is not None else None
        return {"stored_analyses": cost_usd(self.reuse.usage, self.price), "prompt_cache": cached}


def run_report(
    event: NormalizeEvent,
    configuration: Configuration,
    ingested: int,
    curated: Sequence[CuratedItem],
    reuse: Reuse,
    model_id: str,
    day: date,
    started: datetime,
    finished: datetime,
) -> dict[str, Any]:
    """Return the report: counts, analyzers, tokens, cost and warnings."""
    metadata = [item.normalized_content.normalization_metadata for item in curated]
    usage = sum((_usage(entry) for entry in metadata), start=NO_TOKENS)
    bill = _Bill(usage, reuse, configuration.pricing.models.get(model_id))
    reasons = Counter(entry.fallback_reason for entry in metadata if entry.fallback_reason)
    exclusions = Counter(reason for item in curated for reason in item.matching_results.exclusion_reasons)
    analyzers = Counter(entry.analyzer for entry in metadata)
    return {
        "client_id": event.client_id,
        "client_version": configuration.client.client_profile.version,
        "target_date": day.isoformat(),
        "draft": event.draft,
        "scoring_mode": event.scoring_mode,
        "items_ingested": ingested,
        "items_normalized": len(curated),
        "items_matched": sum(bool(item.matching_results.matched_domains) for item in curated),
        "items_excluded": sum(item.matching_results.exclusion_applied for item in curated),
        "exclusion_reasons": dict(sorted(exclusions.items())),
        "analyzers": {"bedrock": analyzers["bedrock"], "lexicon": analyzers["lexicon"]},
        "analyses_reused": sum(entry.reused for entry in metadata),
        "fallback_reasons": dict(sorted(reasons.items())),
        "model_id": model_id,
        **vars(usage),
        "cost_usd": bill.cost_usd,
        "saved_usd": bill.saved_usd,
        "duration_ms": round((finished - started).total_seconds() * 1000),
        "warnings": list(_warnings(curated, bill, model_id)),
    }


def _usage(entry: NormalizationMetadata) -> Usage:
    return Usage(entry.input_tokens, entry.output_tokens, entry.cache_read_tokens, entry.cache_write_tokens)


def _warnings(curated: Sequence[CuratedItem], bill: _Bill, model_id: str) -> Iterator[str]:
    metadata = [item.normalized_content.normalization_metadata for item in curated]
    by_lexicon = sum(entry.fallback_reason is not None for entry in metadata)
    calls = sum(entry.output_tokens > 0 for entry in metadata)
    cache = bill.price.prompt_cache if bill.price else None
    if curated and not any(item.matching_results.matched_domains for item in curated):
        yield f"0 of {len(curated)} items matched a watch domain."
    if by_lexicon:
        yield f"{by_lexicon} of {len(curated)} items were analyzed by the lexicon instead of the model."
    if bill.cost_usd is None:
        yield f"The cost is unknown: canonical/models/pricing.yaml has no price for {model_id}."
    if cache and calls > 1 and not bill.usage.cached_tokens:
        yield (
            f"The model did not cache the prompt of {calls} calls: it needs at least {cache.minimum_tokens} tokens "
            "before the item. See docs/cost-and-sizing.md."
        )
    for problem in bill.reuse.problems:
        yield f"Stored analyses in analyses/: {problem}. The model was called instead."

"""Manifest of a newsletter: its metrics, its items and its warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from vectora_core.items import CuratedItem
from vectora_core.newsletter.candidates import Candidates
from vectora_core.newsletter.headlines import Names
from vectora_core.newsletter.reports import published_day
from vectora_core.newsletter.selection import Selection, select
from vectora_shared.config.client import ClientConfig

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """The run that makes a newsletter, with the reports of its earlier steps."""

    client: ClientConfig
    day: date
    draft: bool
    started: datetime
    ingestion: Report
    normalization: Report
    model_id: str


def manifest_of(
    run: Run, candidates: Candidates, selection: Selection, names: Names, files: Sequence[str], finished: datetime
) -> dict[str, Any]:
    """Return the content of manifest.json."""
    selected, ingestion, normalization = selection.items, run.ingestion, run.normalization
    in_period = items_in_period(candidates, run.client, names)
    metadata = [item.normalized_content.normalization_metadata for item in candidates.curated]
    analyzers = Counter(entry.analyzer for entry in metadata)
    fallbacks = Counter(entry.fallback_reason for entry in metadata if entry.fallback_reason)
    return {
        "generation_date": run.started.isoformat(),
        "target_date": run.day.isoformat(),
        "draft": run.draft,
        "status": "success" if selected else "empty",
        "total_items": len(selected),
        "files": list(files),
        "client_id": run.client.client_profile.client_id,
        "client_version": run.client.client_profile.version,
        "model_id": run.model_id,
        "metrics": {
            "items": {
                "ingested": ingestion.get("items_total", normalization.get("items_ingested")),
                "normalized": len(candidates.curated),
                "matched": selection.matched,
                # Of the matched items, these four and the selected ones are all.
                "below_score": selection.below_score,
                "duplicates": len(selection.duplicates),
                "withdrawn": len(selection.withdrawn),
                "without_room": selection.without_room,
                "in_period": len(in_period),
                "selected": len(selected),
                "held_back": len(candidates.held_back),
            },
            "tokens": {
                "input": sum(entry.input_tokens for entry in metadata),
                "output": sum(entry.output_tokens for entry in metadata),
                "cache_read": sum(entry.cache_read_tokens for entry in metadata),
                "cache_write": sum(entry.cache_write_tokens for entry in metadata),
            },
            "analyses_reused": sum(entry.reused for entry in metadata),
            "cost_usd": normalization.get("cost_usd"),
            "saved_usd": normalization.get("saved_usd"),
            # Of an issue without news, that of what it would have: gates judge its configuration by it.
            "noise_estimate": noise_estimate(selected or in_period, run.client.matching_config.sure_domain_score),
            "durations_ms": {
                "ingest": ingestion.get("duration_ms"),
                "normalize_score": normalization.get("duration_ms"),
                "newsletter": round((finished - run.started).total_seconds() * 1000),
            },
        },
        "analyzers": {"bedrock": analyzers["bedrock"], "lexicon": analyzers["lexicon"]},
        "fallback_reasons": dict(sorted(fallbacks.items())),
        "items": [_item_entry(item) for item in selected],
        "notices": {
            item.item_id: selection.notices[item.item_id] for item in selected if item.item_id in selection.notices
        },
        "held_back": [item.item_id for item in candidates.held_back],
        "doubles": dict(selection.duplicates),
        "warnings": _warnings(run, candidates, selection),
    }


def items_in_period(candidates: Candidates, client: ClientConfig, names: Names) -> tuple[CuratedItem, ...]:
    """Return the items that the issue would have if no earlier issue had published any."""
    return select([*candidates.items, *candidates.published], client, names=names).items


def noise_estimate(selected: Sequence[CuratedItem], sure_domain_score: float) -> float:
    """Return the share of selected items that are doubtful; 0 for an empty issue.

    An item is doubtful if its best domain score is below the client's sure_domain_score, or if the analysis says that
    it is about another route of administration. This only estimates the noise: the owner's labels measure it.
    """
    doubtful = [
        item
        for item in selected
        if item.normalized_content.anti_lai_detected
        or max(
            (item.matching_results.domain_relevance[name].score for name in item.matching_results.matched_domains),
            # A notice about news of an earlier issue is shown even if it matches nothing.
            default=sure_domain_score,
        )
        < sure_domain_score
    ]
    return round(len(doubtful) / len(selected), 4) if selected else 0.0


def _item_entry(item: CuratedItem) -> dict[str, Any]:
    metadata = item.normalized_content.normalization_metadata
    return {
        "item_id": item.item_id,
        "analyzer": metadata.analyzer,
        "fallback_reason": metadata.fallback_reason,
        "score": item.scoring_results.final_score,
        "domain_score": max((found.score for found in item.matching_results.domain_relevance.values()), default=0.0),
    }


def _warnings(run: Run, candidates: Candidates, selection: Selection) -> list[str]:
    warnings = [*run.ingestion.get("warnings", ()), *run.normalization.get("warnings", ()), *candidates.warnings]
    if not run.ingestion:
        warnings.append("There is no report of the ingestion of that day.")
    if not run.normalization:
        warnings.append("There is no report of normalize-score of that day: cost and duration are unknown.")
    if candidates.items and not selection.matched and not run.normalization:
        warnings.append(f"0 of {len(candidates.items)} items matched a watch domain.")
    if selection.without_room:
        warnings.append(f"{selection.without_room} matched items did not fit into the newsletter.")
    if candidates.held_back:
        count = len(candidates.held_back)
        words = "1 item is of a coming day: it is" if count == 1 else f"{count} items are of a coming day: they are"
        warnings.append(f"{words} held back until then.")
    undated = sum(published_day(item) is None for item in selection.items)
    if undated:
        warnings.append(f"{undated} of {len(selection.items)} selected items are undated.")
    return warnings

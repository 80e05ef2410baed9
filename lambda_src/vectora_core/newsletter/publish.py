"""Publication of an issue and its manifest; the manifest comes last and marks the issue as complete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import Field

from vectora_core.item_files import Clock, newest_day, read_items
from vectora_core.items import CuratedItem
from vectora_core.newsletter.formats import as_html, as_markdown
from vectora_core.newsletter.issue import issue_of
from vectora_core.newsletter.selection import Selection, published, select
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.content import Content
from vectora_shared.config.loading import load_configuration
from vectora_shared.config.values import Identifier
from vectora_shared.keys import curated_prefix, ingested_prefix, items_key, newsletter_key, report_key
from vectora_shared.runtime import Event
from vectora_shared.storage import Bucket

Report = Mapping[str, Any]


class NewsletterEvent(Event):
    client_id: Identifier
    target_date: date | None = Field(default=None, description="day of the curated items; the newest when omitted")


def publish(
    event: NewsletterEvent, *, content: Content, data: Bucket, newsletters: Bucket, model_id: str, clock: Clock
) -> dict[str, Any]:
    """Write the day's newsletter from its curated items, and return the response body."""
    started = clock()
    configuration = load_configuration(content, event.client_id)
    day = event.target_date or newest_day(data, curated_prefix(event.client_id), "normalize-score")
    curated = read_items(data, items_key(curated_prefix(event.client_id), day), CuratedItem, "normalize-score")
    selection = select(curated, configuration.client)
    issue = issue_of(selection, configuration, day, started)
    document = issue.document()

    keys = {name: newsletter_key(event.client_id, day, f"newsletter.{name}") for name in ("md", "html", "json")}
    newsletters.write(keys["md"], as_markdown(issue).encode("utf-8"), "text/markdown")
    newsletters.write(keys["html"], as_html(issue).encode("utf-8"), "text/html")
    newsletters.write_json(keys["json"], document)

    manifest = _manifest(
        client=configuration.client,
        day=day,
        started=started,
        finished=clock(),
        curated=curated,
        selection=selection,
        ingestion=data.read_json(report_key(ingested_prefix(event.client_id), day)) or {},
        normalization=data.read_json(report_key(curated_prefix(event.client_id), day)) or {},
        files=list(keys.values()),
        model_id=model_id,
    )
    manifest_key = newsletter_key(event.client_id, day, "manifest.json")
    newsletters.write_json(manifest_key, manifest)
    return {
        "client_id": event.client_id,
        "target_date": day.isoformat(),
        "status": manifest["status"],
        "total_items": manifest["total_items"],
        "items_by_section": document["metrics"]["items_by_section"],
        "bucket": newsletters.name,
        "files": {**keys, "manifest": manifest_key},
        "metrics": manifest["metrics"],
        "warnings": manifest["warnings"],
    }


def _manifest(
    *,
    client: ClientConfig,
    day: date,
    started: datetime,
    finished: datetime,
    curated: Sequence[CuratedItem],
    selection: Selection,
    ingestion: Report,
    normalization: Report,
    files: Sequence[str],
    model_id: str,
) -> dict[str, Any]:
    selected = selection.items
    metadata = [item.normalized_content.normalization_metadata for item in curated]
    analyzers = Counter(entry.analyzer for entry in metadata)
    fallbacks = Counter(entry.fallback_reason for entry in metadata if entry.fallback_reason)
    return {
        "generation_date": started.isoformat(),
        "target_date": day.isoformat(),
        "status": "success" if selected else "empty",
        "total_items": len(selected),
        "files": list(files),
        "client_id": client.client_profile.client_id,
        "client_version": client.client_profile.version,
        "model_id": model_id,
        "metrics": {
            "items": {
                "ingested": ingestion.get("items_total", normalization.get("items_ingested")),
                "normalized": len(curated),
                "matched": selection.matched,
                "selected": len(selected),
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
            "noise_estimate": noise_estimate(selected, client.matching_config.sure_domain_score),
            "durations_ms": {
                "ingest": ingestion.get("duration_ms"),
                "normalize_score": normalization.get("duration_ms"),
                "newsletter": round((finished - started).total_seconds() * 1000),
            },
        },
        "analyzers": {"bedrock": analyzers["bedrock"], "lexicon": analyzers["lexicon"]},
        "fallback_reasons": dict(sorted(fallbacks.items())),
        "items": [_item_entry(item) for item in selected],
        "doubles": selection.duplicates,
        "warnings": _warnings(curated, selection, ingestion, normalization),
    }


def noise_estimate(selected: Sequence[CuratedItem], sure_domain_score: float) -> float:
    """Return the share of selected items that are doubtful; 0 for an empty issue.

    An item is doubtful if its best domain score is below the client's sure_domain_score, or if the analysis says that
    it is about another route of administration. This only estimates the noise: the owner's labels measure it.
    """
    doubtful = [
        item
        for item in selected
        if item.normalized_content.anti_lai_detected
        or max(item.matching_results.domain_relevance[name].score for name in item.matching_results.matched_domains)
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
        "domain_score": max(found.score for found in item.matching_results.domain_relevance.values()),
    }


def _warnings(
    curated: Sequence[CuratedItem], selection: Selection, ingestion: Report, normalization: Report
) -> list[str]:
    warnings = [*ingestion.get("warnings", ()), *normalization.get("warnings", ())]
    if not ingestion:
        warnings.append("There is no report of the ingestion of that day.")
    if not normalization:
        warnings.append("There is no report of normalize-score of that day: cost and duration are unknown.")
    if curated and not selection.matched and not normalization:
        warnings.append(f"0 of {len(curated)} items matched a watch domain.")
    if selection.without_room:
        warnings.append(f"{selection.without_room} matched items did not fit into the newsletter.")
    undated = sum(published(item) is None for item in selection.items)
    if undated:
        warnings.append(f"{undated} of {len(selection.items)} selected items are undated.")
    return warnings

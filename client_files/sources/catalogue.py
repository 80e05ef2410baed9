"""List of the catalogue's sources: who reads them, and how the last run found them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from client_files.buckets import keys_below
from vectora_core.subscriptions import subscribed_sources
from vectora_shared.config.content import Content
from vectora_shared.config.loading import client_ids, load_client, load_sources
from vectora_shared.keys import day_of_items_key, ingested_prefix, report_key
from vectora_shared.storage import Bucket


@dataclass(frozen=True)
class LastResult:
    """Result of a source in the newest run of a client."""

    client_id: str
    day: date
    status: str
    found: int
    kept: int
    message: str


@dataclass(frozen=True)
class ListedSource:
    """A source of the catalogue."""

    source_key: str
    source_type: str
    ingestion_mode: str
    language: str
    url: str
    enabled: bool
    bouquets: tuple[str, ...]
    clients: tuple[str, ...]
    last_results: tuple[LastResult, ...] = ()


def list_sources(content: Content, data: Bucket | None = None) -> tuple[ListedSource, ...]:
    """Return the sources in the order of the catalogue, with the clients' newest results in the data bucket if given.

    Raise ConfigurationError when the catalogue or a client's file is invalid.
    """
    catalog = load_sources(content)
    ids = client_ids(content)
    readers = {
        client_id: {source.source_key for source in subscribed_sources(load_client(content, client_id), catalog)}
        for client_id in ids
    }
    results = {client_id: _newest_results(data, client_id) for client_id in ids} if data else {}
    return tuple(
        ListedSource(
            source_key=source.source_key,
            source_type=source.source_type,
            ingestion_mode=source.ingestion_mode,
            language=source.language,
            url=source.url,
            enabled=source.enabled,
            bouquets=tuple(each.bouquet_id for each in catalog.bouquets if source.source_key in each.source_keys),
            clients=tuple(client_id for client_id in ids if source.source_key in readers[client_id]),
            last_results=tuple(
                found for client_id in ids if (found := results.get(client_id, {}).get(source.source_key))
            ),
        )
        for source in catalog.sources
    )


def _newest_results(data: Bucket, client_id: str) -> Mapping[str, LastResult]:
    prefix = ingested_prefix(client_id)
    days = [day for key in keys_below(data, prefix) if (day := day_of_items_key(key, prefix))]
    if not days:
        return {}
    newest = max(days)
    report: Any = data.read_json(report_key(prefix, newest))
    sources = report.get("sources", ()) if isinstance(report, dict) else ()
    return {
        str(source["source_key"]): LastResult(
            client_id=client_id,
            day=newest,
            status=str(source.get("status", "")),
            found=int(source.get("items_found", 0)),
            kept=int(source.get("items_kept", 0)),
            message=str(source.get("message", "")),
        )
        for source in sources
        if isinstance(source, dict) and "source_key" in source
    }


def as_document(sources: tuple[ListedSource, ...]) -> Any:
    """Return the list as plain data for JSON."""
    return [asdict(source) for source in sources]

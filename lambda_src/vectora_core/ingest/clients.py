"""Ingestion of one client, or of every active client."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from vectora_core.ingest.collector import PageReader
from vectora_core.ingest.full_text import FullTexts
from vectora_core.ingest.request import IngestRequest
from vectora_core.ingest.run import ingest_client
from vectora_core.ingest.samples import PageReaderWithSamples
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.content import Content
from vectora_shared.config.loading import client_ids, load_client, load_configuration, load_sources
from vectora_shared.errors import InvalidEventError, VectoraError
from vectora_shared.keys import CLIENTS_PREFIX
from vectora_shared.storage import Bucket

logger = logging.getLogger("vectora")


def ingest(
    request: IngestRequest,
    *,
    content: Content,
    data: Bucket,
    fetcher: PageReader,
    now: datetime,
    full_texts: FullTexts | None = None,
) -> dict[str, Any]:
    """Run the ingestion and return the response body: the report of the requested client, or of all active ones.

    Raise VectoraError naming the clients that failed, after ingesting the others.
    """

    def report(client: ClientConfig) -> dict[str, Any]:
        return ingest_client(
            client,
            load_sources(content),
            data,
            request,
            fetcher=PageReaderWithSamples(fetcher, content),
            now=now,
            mentions_watched_term=_watched_terms(content, client, request),
            full_texts=full_texts,
        ).model_dump(mode="json")

    if request.client_id:
        return report(load_client(content, request.client_id))
    return {"clients": _each_active_client(content, report)}


def _each_active_client(content: Content, report: Callable[[ClientConfig], dict[str, Any]]) -> list[dict[str, Any]]:
    reports: list[dict[str, Any]] = []
    failures: list[VectoraError] = []
    for client_id in client_ids(content):
        try:
            client = load_client(content, client_id)
            if client.client_profile.active:
                reports.append(report(client))
        except VectoraError as error:
            logger.error("%s: %s", client_id, error)
            failures.append(type(error)(f"{client_id}: {error}"))
    if failures:
        done = ", ".join(entry["client_id"] for entry in reports) or "none"
        # An event that fits no client is invalid. If it fits some, the runs of the other clients have failed.
        kind = (
            InvalidEventError if all(isinstance(failure, InvalidEventError) for failure in failures) else VectoraError
        )
        raise kind(f"Ingestion failed for some clients (done: {done}). " + " ".join(map(str, failures)))
    if not reports:
        raise VectoraError(f"No client below {CLIENTS_PREFIX} is active: set client_profile.active to true in one.")
    return reports


def _watched_terms(content: Content, client: ClientConfig, request: IngestRequest) -> Callable[[str], bool]:
    """Return a function that finds the client's technologies, companies and trademarks, for the strict mode."""
    if request.ingestion_mode != "strict":
        return lambda text: True
    from vectora_core.analysis.signals import DomainReader
    from vectora_core.text.names import NameSearch
    from vectora_core.text.words import fold

    scopes = load_configuration(content, client.client_profile.client_id).scopes
    readers = [DomainReader(domain, scopes) for domain in client.watch_domains if domain.enabled]
    search = NameSearch(
        [names for reader in readers for names in (reader.technologies, reader.companies, reader.trademarks)]
    )
    return lambda text: any(search.find(fold(text)).values())

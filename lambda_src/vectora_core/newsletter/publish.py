"""Publication of an issue or a draft; its manifest comes last and marks it as complete."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from vectora_core.day_event import DayEvent
from vectora_core.item_files import Clock, newest_day
from vectora_core.newsletter.archive import write_archive
from vectora_core.newsletter.candidates import STAGE, Period, read_candidates
from vectora_core.newsletter.formats import as_html, as_markdown, as_text
from vectora_core.newsletter.issue import issue_of
from vectora_core.newsletter.manifest import Report, Run, manifest_of
from vectora_core.newsletter.selection import select
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.content import Content
from vectora_shared.config.loading import load_configuration
from vectora_shared.keys import curated_prefix, ingested_prefix, newsletter_key, report_key
from vectora_shared.storage import Bucket


def publish(
    event: DayEvent, *, content: Content, data: Bucket, newsletters: Bucket, model_id: str, clock: Clock
) -> dict[str, Any]:
    """Write the issue of a day, or a draft of it, and return the response body."""
    started = clock()
    client_id, draft = event.client_id, event.draft
    configuration = load_configuration(content, client_id)
    ingested, curated = (prefix(client_id, draft=draft) for prefix in (ingested_prefix, curated_prefix))
    day = event.target_date or newest_day(data, curated, STAGE)
    run = Run(
        client=configuration.client,
        day=day,
        draft=draft,
        started=started,
        ingestion=data.read_json(report_key(ingested, day)) or {},
        normalization=data.read_json(report_key(curated, day)) or {},
        model_id=model_id,
    )
    period = _period(run.ingestion, configuration.client, day)
    pages = [source.url for source in configuration.sources.sources]
    candidates = read_candidates(data, newsletters, client_id, day, period, pages=pages, draft=draft)
    selection = select(candidates.items, configuration.client, candidates.published)
    issue = issue_of(selection, configuration, day, started, period=period, ingestion=run.ingestion, draft=draft)
    document = issue.document()

    def key(file_name: str) -> str:
        return newsletter_key(client_id, day, file_name, draft=draft)

    keys = {name: key(f"newsletter.{name}") for name in ("md", "txt", "html", "json")}
    newsletters.write(keys["md"], as_markdown(issue).encode("utf-8"), "text/markdown")
    newsletters.write(keys["txt"], as_text(issue).encode("utf-8"), "text/plain")
    newsletters.write(keys["html"], as_html(issue).encode("utf-8"), "text/html")
    newsletters.write_json(keys["json"], document)

    manifest = manifest_of(run, candidates, selection, list(keys.values()), clock())
    newsletters.write_json(key("manifest.json"), manifest)
    if not draft:
        profile = configuration.client.client_profile
        write_archive(newsletters, client_id, issue.name, issue.language, profile.archive_url)
    return {
        "client_id": client_id,
        "target_date": day.isoformat(),
        "draft": draft,
        "status": manifest["status"],
        "total_items": manifest["total_items"],
        "items_by_section": document["metrics"]["items_by_section"],
        "bucket": newsletters.name,
        "files": {**keys, "manifest": key("manifest.json")},
        "metrics": manifest["metrics"],
        "warnings": manifest["warnings"],
    }


def _period(ingestion: Report, client: ClientConfig, day: date) -> Period:
    """Return the period that the run's ingestion read; the client's own one when its report has none."""
    try:
        return Period(date.fromisoformat(ingestion["from_date"]), date.fromisoformat(ingestion["to_date"]))
    except (KeyError, TypeError, ValueError):
        # Reports of earlier releases have none.
        return Period(day - timedelta(days=client.pipeline.default_period_days), day)

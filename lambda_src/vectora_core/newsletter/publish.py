"""Publication of an issue or a draft; its manifest comes last and marks it as complete."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal

from vectora_core.day_event import DayEvent
from vectora_core.item_files import Clock, newest_day
from vectora_core.newsletter.archive import write_archive
from vectora_core.newsletter.candidates import STAGE, Period, read_candidates
from vectora_core.newsletter.formats import as_html, as_markdown, as_text
from vectora_core.newsletter.headlines import Names
from vectora_core.newsletter.issue import issue_of
from vectora_core.newsletter.mail import as_eml
from vectora_core.newsletter.manifest import Report, Run, manifest_of
from vectora_core.newsletter.selection import select
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.content import Content
from vectora_shared.config.loading import load_configuration
from vectora_shared.keys import curated_prefix, ingested_prefix, newsletter_key, report_key
from vectora_shared.storage import Bucket

# Only a newsletter that is ready is delivered (newsletter_workflow.py).
Readiness = Literal["ready", "draft", "empty", "no readers"]


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
    period = period_of(run.ingestion, configuration.client, day)
    pages = [source.url for source in configuration.sources.sources]
    candidates = read_candidates(data, newsletters, client_id, day, period, pages=pages, draft=draft)
    names = Names.of(configuration)
    selection = select(candidates.items, configuration.client, candidates.published, names)
    issue = issue_of(selection, configuration, day, started, period=period, ingestion=run.ingestion, draft=draft)
    document = issue.document()

    def key(file_name: str) -> str:
        return newsletter_key(client_id, day, file_name, draft=draft)

    keys = {name: key(f"newsletter.{name}") for name in ("md", "txt", "html", "eml", "json")}
    text, html = as_text(issue), as_html(issue)
    mail = as_eml(issue, configuration.client.delivery, text=text, html=html)
    newsletters.write(keys["md"], as_markdown(issue).encode("utf-8"), "text/markdown")
    newsletters.write(keys["txt"], text.encode("utf-8"), "text/plain")
    newsletters.write(keys["html"], html.encode("utf-8"), "text/html")
    newsletters.write(keys["eml"], mail, "message/rfc822")
    newsletters.write_json(keys["json"], document)

    manifest = manifest_of(run, candidates, selection, names, list(keys.values()), clock())
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
        "delivery": delivery_of(configuration.client, draft=draft, items=manifest["total_items"]),
        "metrics": manifest["metrics"],
        "warnings": manifest["warnings"],
    }


def delivery_of(client: ClientConfig, *, draft: bool, items: int) -> Readiness:
    """Return whether the newsletter is for readers; the workflow delivers it if the environment sends newsletters."""
    if draft:
        return "draft"
    if client.delivery is None:
        return "no readers"
    # A message without news teaches readers to ignore the next one.
    return "ready" if items else "empty"


def period_of(ingestion: Report, client: ClientConfig, day: date) -> Period:
    """Return the period that the run's ingestion read; the client's own one when its report has none."""
    try:
        return Period(date.fromisoformat(ingestion["from_date"]), date.fromisoformat(ingestion["to_date"]))
    except (KeyError, TypeError, ValueError):
        # Reports of earlier releases have none.
        return Period(day - timedelta(days=client.pipeline.default_period_days), day)

"""Newsletter of a day as an edited configuration would make it, in every format and without writing to AWS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from client_files.preview.compare import curated_with
from client_files.preview.model import News
from vectora_core.newsletter.candidates import read_candidates
from vectora_core.newsletter.formats import as_html, as_markdown, as_text
from vectora_core.newsletter.headlines import Names
from vectora_core.newsletter.issue import Issue, issue_of
from vectora_core.newsletter.publish import period_of
from vectora_core.newsletter.selection import select
from vectora_shared.config.configuration import Configuration
from vectora_shared.keys import ingested_prefix, report_key
from vectora_shared.storage import Bucket

RENDERERS = {"html": as_html, "md": as_markdown, "txt": as_text}


@dataclass(frozen=True)
class Buckets:
    """Buckets of the environment that the news comes from."""

    data: Bucket
    newsletters: Bucket


def preview_letter(news: News, edited: Configuration, buckets: Buckets) -> Issue:
    """Return the draft of the news' day; news of earlier days keeps the matching and score that it has.

    Raises VectoraError when the day was not curated.
    """
    client_id = edited.client.client_profile.client_id
    ingestion = buckets.data.read_json(report_key(ingested_prefix(client_id), news.day)) or {}
    period = period_of(ingestion, edited.client, news.day)
    pages = [source.url for source in edited.sources.sources]
    candidates = read_candidates(
        buckets.data, buckets.newsletters, client_id, news.day, period, pages=pages, draft=False
    )
    own = {item.item_id for item in candidates.curated}
    new = {item.item_id for item in candidates.items}
    today = [item for item in curated_with(news, edited) if item.item_id in new or item.item_id not in own]
    earlier = [item for item in candidates.items if item.item_id not in own]
    return issue_of(
        select([*today, *earlier], edited.client, candidates.published, Names.of(edited)),
        edited,
        news.day,
        datetime.now(UTC),
        period=period,
        ingestion=ingestion,
        draft=True,
    )

"""Function ingest-v2: collects recent news of a client's sources in the items file of the run's day."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from vectora_core.ingest.clients import ingest
from vectora_core.ingest.fetch import Fetcher, FetchLimits
from vectora_core.ingest.full_text import ARTICLE_LIMITS, MEDIA_TYPES, FullTexts
from vectora_core.ingest.pacing import PacedPageReader
from vectora_core.ingest.request import IngestRequest
from vectora_shared.aws import s3_client
from vectora_shared.config.content import BucketContent
from vectora_shared.errors import VectoraError
from vectora_shared.runtime import Response, environment, parse_event, respond
from vectora_shared.storage import Bucket


def lambda_handler(event: dict[str, Any], context: Any) -> Response:
    return respond(lambda: _run(event, context))


def _run(event: dict[str, Any], context: Any) -> dict[str, Any]:
    request = parse_event(IngestRequest, event)
    s3 = s3_client()
    contact = os.environ.get("USER_AGENT_CONTACT", "")
    return ingest(
        request,
        content=BucketContent(s3, environment("CONFIG_BUCKET")),
        data=Bucket(s3, environment("DATA_BUCKET")),
        # The time limit of one source includes all attempts.
        fetcher=PacedPageReader(
            Fetcher(FetchLimits(deadline_seconds=_seconds("SOURCE_DEADLINE_SECONDS", 60, lowest=1)), contact=contact)
        ),
        now=datetime.now(UTC),
        full_texts=FullTexts(
            Fetcher(ARTICLE_LIMITS, media_types=MEDIA_TYPES, contact=contact),
            # 0 reads no article.
            _seconds("FULL_TEXT_SECONDS", 180, lowest=0),
            seconds_left=lambda: _seconds_left(context),
        ),
    )


def _seconds(name: str, default: int, *, lowest: int) -> int:
    value = environment(name, str(default))
    if not value.isdecimal() or not lowest <= int(value) <= 600:
        raise VectoraError(f"Environment variable {name} is '{value}': it must be from {lowest} to 600.")
    return int(value)


def _seconds_left(context: Any) -> float | None:
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return remaining() / 1000 if remaining else None

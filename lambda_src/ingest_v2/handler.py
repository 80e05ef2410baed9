"""Function ingest-v2: collects recent news of a client's sources in the items file of the run's day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from vectora_core.ingest.clients import ingest
from vectora_core.ingest.fetch import Fetcher, FetchLimits
from vectora_core.ingest.request import IngestRequest
from vectora_shared.aws import s3_client
from vectora_shared.config.content import BucketContent
from vectora_shared.errors import VectoraError
from vectora_shared.runtime import Response, environment, parse_event, respond
from vectora_shared.storage import Bucket


def lambda_handler(event: dict[str, Any], context: Any) -> Response:
    return respond(lambda: _run(event))


def _run(event: dict[str, Any]) -> dict[str, Any]:
    request = parse_event(IngestRequest, event)
    s3 = s3_client()
    return ingest(
        request,
        content=BucketContent(s3, environment("CONFIG_BUCKET")),
        data=Bucket(s3, environment("DATA_BUCKET")),
        fetcher=Fetcher(FetchLimits(deadline_seconds=_deadline_seconds())),
        now=datetime.now(UTC),
    )


def _deadline_seconds() -> int:
    """Return the time limit of one source, including all attempts."""
    value = environment("SOURCE_DEADLINE_SECONDS", "60")
    if not value.isdecimal() or not 1 <= int(value) <= 600:
        raise VectoraError(f"Environment variable SOURCE_DEADLINE_SECONDS is '{value}': it must be from 1 to 600.")
    return int(value)

"""Function newsletter-v2: makes the newsletter and its manifest from curated items."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from vectora_core.day_event import DayEvent
from vectora_core.newsletter.publish import publish
from vectora_shared.aws import s3_client
from vectora_shared.config.content import BucketContent
from vectora_shared.run_metrics import metrics_of_issue, publish_of_run
from vectora_shared.runtime import Response, environment, parse_event, respond
from vectora_shared.storage import Bucket


def lambda_handler(event: dict[str, Any], context: Any) -> Response:
    return respond(lambda: _run(event))


def _run(event: dict[str, Any]) -> dict[str, Any]:
    request = parse_event(DayEvent, event)
    s3 = s3_client()
    result = publish(
        request,
        content=BucketContent(s3, environment("CONFIG_BUCKET")),
        data=Bucket(s3, environment("DATA_BUCKET")),
        newsletters=Bucket(s3, environment("NEWSLETTERS_BUCKET")),
        model_id=environment("BEDROCK_MODEL_ID"),
        clock=lambda: datetime.now(UTC),
    )
    publish_of_run(metrics_of_issue(result), result)
    return result

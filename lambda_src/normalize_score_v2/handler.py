"""Function normalize-score-v2: makes curated items, matched and scored, from ingested items."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vectora_core.analysis.bedrock import bedrock_client
from vectora_core.normalize.request import Model, NormalizeEvent
from vectora_core.normalize.run import normalize
from vectora_shared.aws import s3_client
from vectora_shared.config.content import BucketContent
from vectora_shared.errors import VectoraError
from vectora_shared.run_metrics import metrics_of_analysis, publish_of_run
from vectora_shared.runtime import Response, environment, parse_event, respond
from vectora_shared.storage import Bucket

if TYPE_CHECKING:
    from vectora_core.analysis.bedrock import Fallback, RetryMode

# Reserved for matching, scoring and writing after the last model call.
RESERVED_SECONDS = 30.0


def lambda_handler(event: dict[str, Any], context: Any) -> Response:
    return respond(lambda: _run(event, context))


def _run(event: dict[str, Any], context: Any) -> dict[str, Any]:
    request = parse_event(NormalizeEvent, event)
    s3 = s3_client()
    result = normalize(
        request,
        content=BucketContent(s3, environment("CONFIG_BUCKET")),
        data=Bucket(s3, environment("DATA_BUCKET")),
        model=_model(),
        model_id=environment("BEDROCK_MODEL_ID"),
        clock=lambda: datetime.now(UTC),
        seconds_left=lambda: _seconds_left(context),
    )
    publish_of_run(metrics_of_analysis(result), result)
    return result


def _model() -> Model | None:
    if _choice("ANALYZER", "bedrock", "lexicon") == "lexicon":
        return None
    concurrency = _count("MODEL_CONCURRENCY", 4)
    retry_mode: RetryMode = (
        "standard" if _choice("MODEL_RETRY_MODE", "adaptive", "standard") == "standard" else "adaptive"
    )
    client = bedrock_client(
        environment("BEDROCK_REGION"),
        concurrency=concurrency,
        max_attempts=_count("MODEL_MAX_ATTEMPTS", 8),
        retry_mode=retry_mode,
    )
    fallback: Fallback = "none" if _choice("ANALYZER_FALLBACK", "lexicon", "none") == "none" else "lexicon"
    return Model(client=client, concurrency=concurrency, fallback=fallback)


def _seconds_left(context: Any) -> float | None:
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return max(remaining() / 1000 - RESERVED_SECONDS, 0.0) if remaining else None


def _choice(name: str, default: str, other: str) -> str:
    value = environment(name, default)
    if value not in (default, other):
        raise VectoraError(f"Environment variable {name} is '{value}': it must be '{default}' or '{other}'.")
    return value


def _count(name: str, default: int) -> int:
    value = environment(name, str(default))
    if not value.isdecimal() or not 1 <= int(value) <= 64:
        raise VectoraError(f"Environment variable {name} is '{value}': it must be a whole number from 1 to 64.")
    return int(value)

"""News items as they travel through the engine: ingested, then curated (normalized, matched, scored)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from vectora_shared.config.values import EventType


def _in_utc(moment: datetime) -> datetime:
    # The running system wrote UTC without saying so.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


UtcDatetime = Annotated[datetime, AfterValidator(_in_utc)]
AnalyzerName = Literal["bedrock", "lexicon"]


class Record(BaseModel):
    """A stored record: immutable; keys written by other releases are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class ItemMetadata(Record):
    author: str = ""
    tags: tuple[str, ...] = ()
    word_count: int = 0
    undated: bool = False  # the source gave no date; published_at is then null


class IngestedItem(Record):
    """One piece of news as a source published it, in plain text."""

    item_id: str  # {source_key}_{YYYYMMDD}_{6 hex of the title's hash}
    source_key: str
    source_type: str
    title: str
    content: str
    url: str
    published_at: date | None
    ingested_at: UtcDatetime
    language: str = "en"
    content_hash: str = ""  # sha256:...
    metadata: ItemMetadata = ItemMetadata()


class Entities(Record):
    """Names found in the text, in the spelling of the canonical scopes where they stand there."""

    companies: tuple[str, ...] = ()
    molecules: tuple[str, ...] = ()
    technologies: tuple[str, ...] = ()
    trademarks: tuple[str, ...] = ()
    indications: tuple[str, ...] = ()


class EventClassification(Record):
    primary_type: EventType
    confidence: Annotated[float, Field(ge=0, le=1)]


class NormalizationMetadata(Record):
    """Who analyzed the item and at what price; `fallback_reason` says why the model did not."""

    analyzer: AnalyzerName
    model_id: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    fallback_reason: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_the_running_system(cls, value: Any) -> Any:
        # It knew no other analyzer than the model, and named it in another key.
        if isinstance(value, dict) and "analyzer" not in value and "bedrock_model" in value:
            return {"analyzer": "bedrock", "model_id": value["bedrock_model"]}
        return value


class NormalizedContent(Record):
    summary: str
    entities: Entities
    event_classification: EventClassification
    lai_relevance_score: Annotated[float, Field(ge=0, le=10)]
    anti_lai_detected: bool
    pure_player_context: bool
    extracted_date: date | None = None
    date_confidence: Annotated[float, Field(ge=0, le=1)] = 0.0
    normalization_metadata: NormalizationMetadata


class MatchedEntities(Record):
    companies: tuple[str, ...] = ()
    molecules: tuple[str, ...] = ()
    technologies: tuple[str, ...] = ()
    trademarks: tuple[str, ...] = ()


class DomainRelevance(Record):
    score: Annotated[float, Field(ge=0, le=1)]
    confidence: Annotated[float, Field(ge=0, le=1)]
    reasoning: str
    matched_entities: MatchedEntities


class MatchingResults(Record):
    matched_domains: tuple[str, ...] = ()
    domain_relevance: dict[str, DomainRelevance] = {}
    exclusion_applied: bool = False
    exclusion_reasons: tuple[str, ...] = ()


class ScoreBreakdown(Record):
    base_score: float
    domain_relevance_factor: float
    recency_factor: float
    weighted_base: float
    total_bonus: float
    total_penalty: float
    raw_score: float
    scoring_mode: str


def _only_numbers(value: Any) -> Any:
    # The running system wrote explanations between the numbers.
    return (
        {key: entry for key, entry in value.items() if not isinstance(entry, dict)}
        if isinstance(value, dict)
        else value
    )


Points = Annotated[dict[str, float], BeforeValidator(_only_numbers)]


class ScoringResults(Record):
    base_score: float
    bonuses: Points
    penalties: Points  # negative numbers
    final_score: float
    score_breakdown: ScoreBreakdown


class CuratedItem(IngestedItem):
    """An ingested item with what the engine made of it."""

    normalized_at: UtcDatetime
    normalized_content: NormalizedContent
    matching_results: MatchingResults
    scoring_results: ScoringResults


# From this confidence the date found in the text goes before the one that the source claimed.
CONFIDENT_DATE = 0.7


def news_date(item: IngestedItem, analysis: NormalizedContent) -> date | None:
    """The day of the news: as confidently found in the text, else as published, else unknown."""
    if analysis.extracted_date and analysis.date_confidence >= CONFIDENT_DATE:
        return analysis.extracted_date
    return item.published_at

"""Models of news items: ingested, then curated (normalized, matched and scored)."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from vectora_core.old_items import OLD_MODEL, as_confidence, as_day, as_event_type, as_names, only_numbers
from vectora_shared.config.values import EventType


def _in_utc(moment: datetime) -> datetime:
    # The previous system wrote UTC times without a time zone.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Confidence = Annotated[float, BeforeValidator(as_confidence), Field(ge=0, le=1)]
Names = Annotated[tuple[str, ...], BeforeValidator(as_names)]
Points = Annotated[dict[str, float], BeforeValidator(only_numbers)]
UtcDatetime = Annotated[datetime, AfterValidator(_in_utc)]
AnalyzerName = Literal["bedrock", "lexicon"]


class Record(BaseModel):
    """A stored record: immutable; keys written by other releases are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class ItemMetadata(Record):
    author: str = ""
    tags: tuple[str, ...] = ()
    # Of title and content when ingested; of the content, by white space, once normalization has cut it.
    word_count: int = 0
    undated: bool = False  # the source gave no date; published_at is then null
    full_text: bool = False  # the content is the article page's, because the source gave too little text
    # The publisher's own identifier (RSS: guid, Atom: id, RDF: rdf:about); unique within the source at most.
    guid: str = ""
    # The address is not the item's own: that of the source, of its site, or of several entries with different titles.
    shared_url: bool = False


class IngestedItem(Record):
    """One piece of news as a source published it, in plain text."""

    # {source_key}_{YYYYMMDD}_{6 hex of the title}, and for a further notice under it _{6 hex of address and text}
    item_id: str
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
    """Names found in the text, in the spelling of the canonical scopes if they are there."""

    companies: Names = ()
    molecules: Names = ()
    technologies: Names = ()
    trademarks: Names = ()
    indications: Names = ()


class EventClassification(Record):
    primary_type: Annotated[EventType, BeforeValidator(as_event_type)]
    confidence: Confidence


class NormalizationMetadata(Record):
    """Analyzer of the item and the tokens that it used; `fallback_reason` says why the model did not analyze it.

    `input_tokens` are those beside the model's prompt cache. A reused analysis used none.
    """

    analyzer: AnalyzerName
    model_id: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reused: bool = False  # the reply was stored, by an earlier run or by that of another client
    fallback_reason: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_old_keys(cls, value: Any) -> Any:
        if isinstance(value, dict) and "analyzer" not in value:
            return {"analyzer": OLD_MODEL, "model_id": value.get("bedrock_model")}
        return value


class NormalizedContent(Record):
    summary: str
    headline: str = ""  # shorter than the title, by the model; empty if it gave none
    why_it_matters: str = ""  # one line, by the model; empty if it gave none
    entities: Entities
    event_classification: EventClassification
    lai_relevance_score: Annotated[float, Field(ge=0, le=10)]
    anti_lai_detected: bool
    pure_player_context: bool
    extracted_date: Annotated[date | None, BeforeValidator(as_day)] = None
    date_confidence: Confidence = 0.0
    normalization_metadata: NormalizationMetadata = NormalizationMetadata(analyzer=OLD_MODEL)


class MatchedEntities(Record):
    companies: Names = ()
    molecules: Names = ()
    technologies: Names = ()
    trademarks: Names = ()


class DomainRelevance(Record):
    score: Annotated[float, Field(ge=0, le=1)]
    confidence: Confidence
    reasoning: str = ""
    matched_entities: MatchedEntities = MatchedEntities()


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


class ScoringResults(Record):
    base_score: float
    bonuses: Points
    penalties: Points  # negative numbers
    final_score: float
    score_breakdown: ScoreBreakdown


class CuratedItem(IngestedItem):
    """An ingested item with its analysis, matching and score."""

    normalized_at: UtcDatetime
    normalized_content: NormalizedContent
    matching_results: MatchingResults
    scoring_results: ScoringResults


# From this confidence on, the date found in the text takes precedence over the date that the source gave.
CONFIDENT_DATE = 0.7


def content_hash(content: str) -> str:
    """Return the hash of an item's content, as items record it."""
    return "sha256:" + hashlib.sha256(content.encode("utf-8")).hexdigest()


def news_date(item: IngestedItem, analysis: NormalizedContent) -> date | None:
    """Return the day of the news: the date in its text if that is certain, else the published date, else None."""
    if analysis.extracted_date and analysis.date_confidence >= CONFIDENT_DATE:
        return analysis.extracted_date
    return item.published_at

"""Normalize and score: each ingested item is analyzed, matched to the client's domains and scored."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from vectora_core.analysis.analyzer import SecondsLeft, analyze_concurrently
from vectora_core.analysis.bedrock import BedrockAnalyzer, ConverseClient, Fallback
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.config.canonical import Identifier, Pricing
from vectora_core.config.content import Configuration, Content, load_configuration
from vectora_core.errors import VectoraError
from vectora_core.items import CuratedItem, IngestedItem, NormalizedContent
from vectora_core.keys import curated_prefix, day_of_items_key, ingested_prefix, items_key, report_key
from vectora_core.matching import Matcher
from vectora_core.runtime import Event
from vectora_core.scoring import Scorer, ScoringMode
from vectora_core.storage import Bucket

Clock = Callable[[], datetime]
ItemT = TypeVar("ItemT", bound=IngestedItem)
# From this confidence the date found in the text goes before the one that the source claimed.
CONFIDENT_DATE = 0.7
_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DATE = rf"(?:{_MONTH} \d{{1,2}},? \d{{4}}|\d{{1,2}} {_MONTH},? \d{{4}})"
_GLUED_DATES = re.compile(rf"(?<=[\w)]){_DATE}+$")
# Blanks are counted: without end they would be tried from each of them on.
_DATES_AROUND = re.compile(rf"^(?:{_DATE}\s{{0,8}})+|(?:\s{{0,8}}{_DATE})+$")
_END_OF_STORY = re.compile(r"read\s+more(?![a-z])|download attachment", re.IGNORECASE)


class NormalizeEvent(Event):
    client_id: Identifier
    target_date: date | None = Field(default=None, description="day of the ingested items; the newest when omitted")
    scoring_mode: ScoringMode = "balanced"


@dataclass(frozen=True)
class Story:
    """What analysis starts from: an item with nothing but its own story, and the date that its text shows."""

    item: IngestedItem
    shown_date: date | None
    date_confidence: float


@dataclass(frozen=True)
class Model:
    """The model that analyzes, and how hard it may be asked."""

    client: ConverseClient
    concurrency: int
    fallback: Fallback


def normalize(
    event: NormalizeEvent,
    *,
    content: Content,
    data: Bucket,
    model: Model | None,
    model_id: str,
    clock: Clock,
    seconds_left: SecondsLeft = lambda: None,
) -> dict[str, Any]:
    """Write the day's curated items and their report; `model` None analyzes by the lexicon alone."""
    started = clock()
    configuration = load_configuration(content, event.client_id)
    day = event.target_date or newest_day(data, ingested_prefix(event.client_id), "ingestion")
    input_key = items_key(ingested_prefix(event.client_id), day)
    ingested = read_items(data, input_key, IngestedItem, "ingestion")
    stories = stories_of(ingested)

    lexicon = Lexicon(configuration)
    analyses = _analyses([story.item for story in stories], configuration, lexicon, model, model_id, seconds_left)
    curated = curated_items(stories, analyses, configuration, lexicon, event.scoring_mode, day, clock())

    prefix = curated_prefix(event.client_id)
    report = _report(event, configuration, len(ingested), curated, model_id, day, started, clock())
    data.write_json(report_key(prefix, day), report)
    data.write_json(items_key(prefix, day), [item.model_dump(mode="json") for item in curated])
    return {
        **report,
        "input_key": input_key,
        "output_key": items_key(prefix, day),
        "report_key": report_key(prefix, day),
    }


def newest_day(data: Bucket, prefix: str, stage: str) -> date:
    days = [day for key in data.keys(prefix) if (day := day_of_items_key(key))]
    if not days:
        raise VectoraError(f"s3://{data.name}/{prefix} has no items: run {stage} first.")
    return max(days)


def read_items(data: Bucket, key: str, model: type[ItemT], stage: str) -> list[ItemT]:
    """Raises VectoraError when there is no such file or an entry of it is not an item."""
    document = data.read_json(key)
    if document is None:
        raise VectoraError(f"s3://{data.name}/{key} is missing: run {stage} for that day first.")
    return items_in(document, f"s3://{data.name}/{key}", model, f"run {stage} for that day again.")


def items_in(document: Any, origin: str, model: type[ItemT], advice: str) -> list[ItemT]:
    """Raises VectoraError when the document is not a list of items."""
    if not isinstance(document, list):
        raise VectoraError(f"{origin} is not a list of items: {advice}")
    items = []
    for position, entry in enumerate(document):
        try:
            items.append(model.model_validate(entry))
        except ValidationError as error:
            detail = error.errors()[0]
            where = ".".join(map(str, detail["loc"]))
            raise VectoraError(
                f"{origin}: entry {position} is no item ('{where}': {detail['msg']}): {advice}"
            ) from error
    return items


def without_doubles(items: Iterable[ItemT]) -> list[ItemT]:
    """Each item_id once, in order; of two the one with the richer text stays."""
    best: dict[str, ItemT] = {}
    for item in items:
        known = best.get(item.item_id)
        if known is None or len(item.content) > len(known.content):
            best[item.item_id] = item
    return list(best.values())


def stories_of(ingested: Iterable[IngestedItem]) -> list[Story]:
    """Each item once, cut down to its story."""
    items = without_doubles(ingested)
    # Dates are read before the text is cut down to the story: pages print them beside it.
    dates = [_date_in(item) for item in items]
    return [Story(item, *found) for item, found in zip(own_stories(items), dates, strict=True)]


def own_stories(items: Sequence[IngestedItem]) -> list[IngestedItem]:
    """The items with nothing but their own story: pages were read with other stories and dates glued to them."""
    titles: dict[str, list[str]] = {}
    for item in items:
        titles.setdefault(item.source_key, []).append(_clean_title(item.title))
    return [_own_story(item, titles[item.source_key]) for item in items]


def _own_story(item: IngestedItem, titles_of_source: Sequence[str]) -> IngestedItem:
    title = _clean_title(item.title)
    start = item.content.find(title)
    content = item.content
    if item.source_type == "press_corporate" and title and start >= 0:
        text = content[start + len(title) :]
        others = (re.search(re.escape(other), text) for other in titles_of_source if other != title)
        ends = [found.start() for found in (*others, _END_OF_STORY.search(text)) if found]
        content = _DATES_AROUND.sub("", text[: min(ends, default=len(text))].strip()).strip()
    if (title, content) == (item.title, item.content):
        return item
    return item.model_copy(
        update={
            "title": title,
            "content": content,
            "content_hash": "sha256:" + hashlib.sha256(content.encode("utf-8")).hexdigest(),
            "metadata": item.metadata.model_copy(update={"word_count": len(content.split())}),
        }
    )


def _clean_title(title: str) -> str:
    return _GLUED_DATES.sub("", title.strip())


def _date_in(item: IngestedItem) -> tuple[date | None, float]:
    from vectora_core.ingest.dates import date_in_text

    return date_in_text(item.title, item.content, today=item.ingested_at.date())


def _analyses(
    items: Sequence[IngestedItem],
    configuration: Configuration,
    lexicon: Lexicon,
    model: Model | None,
    model_id: str,
    seconds_left: SecondsLeft,
) -> list[NormalizedContent]:
    if model is None:
        return [lexicon.analyze(item) for item in items]
    analyzer = BedrockAnalyzer(model.client, model_id, configuration, lexicon, model.fallback)
    return analyze_concurrently(items, analyzer, model.concurrency, seconds_left)


def curated_items(
    stories: Sequence[Story],
    analyses: Sequence[NormalizedContent],
    configuration: Configuration,
    lexicon: Lexicon,
    mode: ScoringMode,
    day: date,
    now: datetime,
) -> list[CuratedItem]:
    """The stories with their analyses, matched and scored."""
    matcher = Matcher(configuration, lexicon)
    scorer = Scorer(configuration, mode, day)
    curated = []
    for story, analysis in zip(stories, analyses, strict=True):
        dated = analysis.model_copy(
            update={"extracted_date": story.shown_date, "date_confidence": story.date_confidence}
        )
        matching = matcher.match(story.item, dated)
        curated.append(
            CuratedItem(
                **story.item.model_dump(),
                normalized_at=now,
                normalized_content=dated,
                matching_results=matching,
                scoring_results=scorer.score(dated, matching, news_date(story.item, dated)),
            )
        )
    return curated


def news_date(item: IngestedItem, analysis: NormalizedContent) -> date | None:
    """The day of the news: as confidently found in the text, else as published, else unknown."""
    if analysis.extracted_date and analysis.date_confidence >= CONFIDENT_DATE:
        return analysis.extracted_date
    return item.published_at


def _report(
    event: NormalizeEvent,
    configuration: Configuration,
    ingested: int,
    curated: Sequence[CuratedItem],
    model_id: str,
    day: date,
    started: datetime,
    finished: datetime,
) -> dict[str, Any]:
    metadata = [item.normalized_content.normalization_metadata for item in curated]
    input_tokens = sum(entry.input_tokens for entry in metadata)
    output_tokens = sum(entry.output_tokens for entry in metadata)
    cost = _cost(configuration.pricing, model_id, input_tokens, output_tokens)
    matched = sum(bool(item.matching_results.matched_domains) for item in curated)
    reasons = Counter(entry.fallback_reason for entry in metadata if entry.fallback_reason)
    exclusions = Counter(reason for item in curated for reason in item.matching_results.exclusion_reasons)
    analyzers = Counter(entry.analyzer for entry in metadata)
    warnings = []
    if curated and not matched:
        warnings.append(f"0 of {len(curated)} items matched a watch domain.")
    if reasons:
        warnings.append(
            f"{sum(reasons.values())} of {len(curated)} items were analyzed by the lexicon instead of the model."
        )
    if cost is None:
        warnings.append(f"The cost is unknown: canonical/models/pricing.yaml has no price for {model_id}.")
    return {
        "client_id": event.client_id,
        "client_version": configuration.client.client_profile.version,
        "target_date": day.isoformat(),
        "scoring_mode": event.scoring_mode,
        "items_ingested": ingested,
        "items_normalized": len(curated),
        "items_matched": matched,
        "items_excluded": sum(item.matching_results.exclusion_applied for item in curated),
        "exclusion_reasons": dict(sorted(exclusions.items())),
        "analyzers": {"bedrock": analyzers["bedrock"], "lexicon": analyzers["lexicon"]},
        "fallback_reasons": dict(sorted(reasons.items())),
        "model_id": model_id,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cost_usd": cost,
        "duration_ms": round((finished - started).total_seconds() * 1000),
        "warnings": warnings,
    }


def _cost(pricing: Pricing, model_id: str, input_tokens: int, output_tokens: int) -> float | None:
    if not input_tokens and not output_tokens:
        return 0.0
    price = pricing.models.get(model_id)
    if price is None:
        return None
    dollars = input_tokens * price.input_usd_per_million_tokens + output_tokens * price.output_usd_per_million_tokens
    return round(dollars / 1_000_000, 6)

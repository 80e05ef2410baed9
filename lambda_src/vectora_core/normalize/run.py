"""Run of stage normalize-score: each ingested item is analyzed, matched to the client's domains and scored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from vectora_core.analysis.analyzer import SecondsLeft, analyze_concurrently
from vectora_core.analysis.bedrock import BedrockAnalyzer
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.analysis.reply_store import ReplyStore, Reuse
from vectora_core.item_files import Clock, newest_day, read_items
from vectora_core.items import CuratedItem, IngestedItem, NormalizedContent, news_date
from vectora_core.normalize.matching import Matcher
from vectora_core.normalize.report import run_report
from vectora_core.normalize.request import Model, NormalizeEvent
from vectora_core.normalize.scoring import Scorer, ScoringMode
from vectora_core.normalize.stories import Story, stories_of
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.content import Content
from vectora_shared.config.loading import load_configuration
from vectora_shared.keys import curated_prefix, ingested_prefix, items_key, report_key
from vectora_shared.storage import Bucket


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
    """Write the day's curated items and their report; without a model, the lexicon analyzes all items."""
    started = clock()
    configuration = load_configuration(content, event.client_id)
    source = ingested_prefix(event.client_id, draft=event.draft)
    day = event.target_date or newest_day(data, source, "ingestion")
    input_key = items_key(source, day)
    ingested = read_items(data, input_key, IngestedItem, "ingestion")
    stories = stories_of(ingested)

    lexicon = Lexicon(configuration)
    store = ReplyStore(data) if configuration.client.pipeline.reuse_analyses else None
    items = [story.item for story in stories]
    analyses = _analyses(items, configuration, lexicon, model, model_id, store, seconds_left)
    curated = curated_items(stories, analyses, configuration, lexicon, event.scoring_mode, day, clock())

    prefix = curated_prefix(event.client_id, draft=event.draft)
    reuse = store.reuse if store else Reuse()
    report = run_report(event, configuration, len(ingested), curated, reuse, model_id, day, started, clock())
    data.write_json(report_key(prefix, day), report)
    data.write_json(items_key(prefix, day), [item.model_dump(mode="json") for item in curated])
    return {
        **report,
        "input_key": input_key,
        "output_key": items_key(prefix, day),
        "report_key": report_key(prefix, day),
    }


def _analyses(
    items: Sequence[IngestedItem],
    configuration: Configuration,
    lexicon: Lexicon,
    model: Model | None,
    model_id: str,
    store: ReplyStore | None,
    seconds_left: SecondsLeft,
) -> list[NormalizedContent]:
    if model is None:
        return [lexicon.analyze(item) for item in items]
    analyzer = BedrockAnalyzer(model.client, model_id, configuration, lexicon, model.fallback, store)
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
    """Return the stories with their analyses, matched and scored."""
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

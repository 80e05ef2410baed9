"""Reports of each story: one of them is shown, the others are named beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from vectora_core.items import CuratedItem, news_date
from vectora_core.newsletter.headline_facts import headline_of
from vectora_core.newsletter.headlines import Headlines, Names
from vectora_core.newsletter.known_stories import KnownStories
from vectora_core.notices import Notices
from vectora_shared.config.client import Deduplication
from vectora_shared.config.values import EventType


@dataclass(frozen=True)
class Story:
    """The report that is shown, and those of other sources."""

    item: CuratedItem
    others: tuple[CuratedItem, ...] = ()


@dataclass(frozen=True)
class Stories:
    """Stories that no earlier issue published; `duplicates` are all further reports with that of their story."""

    stories: tuple[Story, ...]
    duplicates: Mapping[str, str]


def published_day(item: CuratedItem) -> date | None:
    return news_date(item, item.normalized_content)


def event_of(item: CuratedItem) -> EventType:
    return item.normalized_content.event_classification.primary_type


def stories_of_reports(
    items: Iterable[CuratedItem],
    published: Sequence[CuratedItem],
    notices: Notices,
    rules: Deduplication,
    names: Names,
    critical: Collection[EventType],
) -> Stories:
    """Return the stories of the items, each with its reports.

    Of several reports, show a correction, then the company's own, then the earliest, then the one with the most text.
    A report of a story that `published` has is a duplicate, unless it corrects it.
    """
    ordered = sorted(items, key=lambda item: _preference(item, notices))
    everything = (*published, *ordered)
    headlines = Headlines(everything, names)
    facts = {id(item): headline_of(item, headlines.core(item)) for item in everything}
    known = KnownStories(facts.values(), rules)
    for place, item in enumerate(published):
        known.add(item.item_id, facts[id(item)], published_day(item), place)
    reports: dict[str, list[CuratedItem]] = {}
    duplicates: dict[str, str] = {}
    for place, item in enumerate(ordered, start=len(published)):
        headline, day = facts[id(item)], published_day(item)
        first = notices.corrected_by.get(item.item_id)
        if first is None and item.item_id not in notices.after_publication:
            first = known.find(headline, day)
        if first is None:
            known.add(item.item_id, headline, day, place)
            reports[item.item_id] = [item]
            continue
        duplicates[item.item_id] = first
        if item.item_id not in notices.corrected_by:
            known.join(first, headline, day, place)
            reports.get(first, []).append(item)
    stories = tuple(_story(found, critical) for found in reports.values())
    return Stories(stories, duplicates)


def _preference(item: CuratedItem, notices: Notices) -> tuple[object, ...]:
    return (
        item.item_id not in notices.kinds,
        item.item_id in notices.corrected_by,
        item.source_type != "press_corporate",
        item.source_type != "regulator",
        published_day(item) or date.max,
        -len(item.content),
        -item.scoring_results.final_score,
        item.item_id,
    )


def _story(reports: Sequence[CuratedItem], critical: Collection[EventType]) -> Story:
    """Return the story of reports of which the first is shown, with one report of each other source.

    A critical event stays critical when only another report says so.
    """
    shown = reports[0]
    others: dict[str, CuratedItem] = {}
    for report in reports[1:]:
        if report.source_key != shown.source_key:
            others.setdefault(report.source_key, report)
    if event_of(shown) not in critical:
        event = next(
            (report.normalized_content.event_classification for report in reports if event_of(report) in critical), None
        )
        if event:
            content = shown.normalized_content.model_copy(update={"event_classification": event})
            shown = shown.model_copy(update={"normalized_content": content})
    return Story(shown, tuple(others.values()))

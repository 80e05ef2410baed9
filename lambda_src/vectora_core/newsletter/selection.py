"""Selection of curated items for the sections of a newsletter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from vectora_core.items import CuratedItem, news_date
from vectora_core.newsletter.known_stories import KnownStories, title_words
from vectora_shared.config.client import ClientConfig, Deduplication, LayoutSection, NewsletterSelection
from vectora_shared.config.values import EventType


@dataclass(frozen=True)
class FilledSection:
    section: LayoutSection
    items: tuple[CuratedItem, ...]


@dataclass(frozen=True)
class Selection:
    sections: tuple[FilledSection, ...]  # by priority, without empty ones
    matched: int
    duplicates: dict[str, str]  # item_id of another report of a story: item_id of the selected report
    without_room: int
    over_limit: frozenset[str]  # item_ids that fit into a section, but not into the newsletter

    @property
    def items(self) -> tuple[CuratedItem, ...]:
        return tuple(item for filled in self.sections for item in filled.items)


def select(items: Sequence[CuratedItem], client: ClientConfig, published: Sequence[CuratedItem] = ()) -> Selection:
    """Select the matched items for the client's sections, each story once.

    Another report of a story of `published` items is a duplicate of it.
    """
    rules = client.newsletter_selection
    matched = [item for item in items if item.matching_results.matched_domains]
    wanted = [item for item in matched if reaches_score(item, rules)]
    stories, duplicates = _without_duplicates(wanted, published, rules.deduplication, rules.critical_event_types)
    sections = _filled(stories, client.newsletter_layout.sections)
    kept = _within_limit(sections, rules.max_items_total, rules.critical_event_types)
    return Selection(
        sections=kept,
        matched=len(matched),
        duplicates=duplicates,
        without_room=len(stories) - sum(len(filled.items) for filled in kept),
        over_limit=_ids(sections) - _ids(kept),
    )


def reaches_score(item: CuratedItem, rules: NewsletterSelection) -> bool:
    return item.scoring_results.final_score >= rules.min_score


def takes(section: LayoutSection, item: CuratedItem) -> bool:
    """Return whether the section accepts the item's event type, regardless of its maximum number of items."""
    return bool({"*", event_of(item)} & set(section.filter_event_types))


def published_day(item: CuratedItem) -> date | None:
    return news_date(item, item.normalized_content)


def event_of(item: CuratedItem) -> EventType:
    return item.normalized_content.event_classification.primary_type


def _without_duplicates(
    items: Iterable[CuratedItem],
    known_items: Sequence[CuratedItem],
    rules: Deduplication,
    critical: Sequence[EventType],
) -> tuple[list[CuratedItem], dict[str, str]]:
    """Return one item per story that is not known, and the item_ids of the others with that of the story's first item.

    Prefer items of a critical event type, then news of the company itself, then the highest score.
    """
    preferred = sorted(
        items,
        key=lambda item: (
            event_of(item) not in critical,
            item.source_type != "press_corporate",
            -item.scoring_results.final_score,
            item.item_id,
        ),
    )
    titles = {item.title: title_words(item.title) for item in (*known_items, *preferred)}
    known = KnownStories(titles.values(), rules)
    for place, item in enumerate(known_items):
        known.add(item.item_id, titles[item.title], published_day(item), place)
    taken: list[CuratedItem] = []
    duplicates: dict[str, str] = {}
    for item in preferred:
        words, day = titles[item.title], published_day(item)
        first = known.find(words, day)
        if first is None:
            known.add(item.item_id, words, day, len(known_items) + len(taken))
            taken.append(item)
        else:
            duplicates[item.item_id] = first
    return taken, duplicates


def _filled(items: Iterable[CuratedItem], layout: Iterable[LayoutSection]) -> list[FilledSection]:
    """Return the sections by priority, each item in the first one that accepts its event type and has room."""
    left = list(items)
    sections = []
    for section in sorted(layout, key=lambda section: section.priority):
        accepted = [item for item in left if takes(section, item)]
        ordered = _ordered(accepted, section)[: section.max_items]
        chosen = {item.item_id for item in ordered}
        left = [item for item in left if item.item_id not in chosen]
        sections.append(FilledSection(section, tuple(ordered)))
    return sections


def _ordered(items: Iterable[CuratedItem], section: LayoutSection) -> list[CuratedItem]:
    by_score = sorted(items, key=lambda item: (-item.scoring_results.final_score, item.item_id))
    if section.sort_by == "score_desc":
        return by_score
    return sorted(by_score, key=lambda item: published_day(item) or date.min, reverse=True)


def _within_limit(
    sections: Sequence[FilledSection], limit: int, critical: Sequence[EventType]
) -> tuple[FilledSection, ...]:
    """Return the sections with at most `limit` items: critical event types first, then the highest scores."""
    items = [item for filled in sections for item in filled.items]
    ranked = sorted(
        items, key=lambda item: (event_of(item) not in critical, -item.scoring_results.final_score, item.item_id)
    )
    kept = {item.item_id for item in ranked[:limit]}
    trimmed = (
        FilledSection(filled.section, tuple(item for item in filled.items if item.item_id in kept))
        for filled in sections
    )
    return tuple(filled for filled in trimmed if filled.items)


def _ids(sections: Iterable[FilledSection]) -> frozenset[str]:
    return frozenset(item.item_id for filled in sections for item in filled.items)

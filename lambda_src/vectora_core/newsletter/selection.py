"""Selection of curated items for the sections of a newsletter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from vectora_core.items import CuratedItem
from vectora_core.newsletter.headlines import NO_NAMES, Names
from vectora_core.newsletter.reports import event_of, published_day, stories_of_reports
from vectora_core.notices import Notices, notices_of
from vectora_core.text.rubrics import Notice
from vectora_shared.config.client import ClientConfig, LayoutSection, NewsletterSelection
from vectora_shared.config.values import EventType


@dataclass(frozen=True)
class FilledSection:
    section: LayoutSection
    items: tuple[CuratedItem, ...]


@dataclass(frozen=True)
class Selection:
    sections: tuple[FilledSection, ...]  # by priority, without empty ones
    matched: int
    below_score: int
    duplicates: Mapping[str, str]  # item_id of another report of a story: item_id of the selected report
    without_room: int
    over_limit: frozenset[str]  # item_ids that fit into a section, but not into the newsletter
    also_reported: Mapping[str, tuple[CuratedItem, ...]]  # by item_id: one report of each other source
    notices: Mapping[str, Notice]  # by item_id: corrections, and withdrawals of what an earlier issue published
    withdrawn: frozenset[str]  # item_ids of withdrawn news, and of the notices about it

    @property
    def items(self) -> tuple[CuratedItem, ...]:
        return tuple(item for filled in self.sections for item in filled.items)


def select(
    items: Sequence[CuratedItem],
    client: ClientConfig,
    published: Sequence[CuratedItem] = (),
    names: Names = NO_NAMES,
) -> Selection:
    """Select the matched items for the client's sections, each story once.

    Another report of a story of `published` items is a duplicate of it. A notice about one of them is shown even if it
    does not match. `names` are those of papers and companies, which headlines have around them.
    """
    rules = client.newsletter_selection
    notices = notices_of(items, published)
    matched = [item for item in items if item.matching_results.matched_domains or _is_owed(item, notices)]
    valid = [item for item in matched if item.item_id not in notices.withdrawn]
    wanted = [item for item in valid if reaches_score(item, rules) or _is_owed(item, notices)]
    found = stories_of_reports(wanted, published, notices, rules.deduplication, names, rules.critical_event_types)
    stories = [story.item for story in found.stories]
    sections = _filled(stories, client.newsletter_layout.sections)
    kept = _within_limit(sections, rules.max_items_total, rules.critical_event_types)
    return Selection(
        sections=kept,
        matched=len(matched),
        below_score=len(valid) - len(wanted),
        duplicates=found.duplicates,
        without_room=len(stories) - sum(len(filled.items) for filled in kept),
        over_limit=_ids(sections) - _ids(kept),
        also_reported={story.item.item_id: story.others for story in found.stories if story.others},
        notices=notices.kinds,
        withdrawn=frozenset(item.item_id for item in matched) & notices.withdrawn,
    )


def _is_owed(item: CuratedItem, notices: Notices) -> bool:
    """Return whether readers must see the item because an earlier issue has the news that it is about."""
    return item.item_id in notices.after_publication


def reaches_score(item: CuratedItem, rules: NewsletterSelection) -> bool:
    return item.scoring_results.final_score >= rules.min_score


def takes(section: LayoutSection, item: CuratedItem) -> bool:
    """Return whether the section accepts the item's event type, regardless of its maximum number of items."""
    return bool({"*", event_of(item)} & set(section.filter_event_types))


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

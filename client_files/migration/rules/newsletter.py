"""Rules for newsletter_selection and newsletter_layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from client_files.migration.draft import Draft, display_value, is_whole
from client_files.migration.known_names import closest_hint
from client_files.text import Flow
from vectora_shared.config.values import EVENT_TYPES
from vectora_shared.config.wording import Path

SORT_ORDERS = ("score_desc", "date_desc")
CATCH_ALL = "*"
LAST_PRIORITY = 999
MOST_ITEMS = 200
USUAL_ITEMS = 20
NO_EVENT_TYPE = "there is no event type of this name"
_SECTIONS: Path = ("newsletter_layout", "sections")
_UNCHANGED_IN_SECTIONS = ("id", "title", "max_items", "sort_by")


def apply_newsletter_rules(draft: Draft) -> None:
    _selection(draft)
    _layout(draft)


def _selection(draft: Draft) -> None:
    at = "newsletter_selection"
    _most_items(draft, (at, "max_items_total"))
    old, new = (at, "min_score_threshold"), (at, "min_score")
    if draft.get(*old) is not None and draft.get(*new) is None:
        draft.carry(old, new, "min_score is its new name")
        draft.rename_key(old, "min_score")
    elif draft.get(*old) is not None:
        draft.decisions.drop_below(old, "min_score is there too, and takes precedence")
    draft.carry_known_names((at, "critical_event_types"), EVENT_TYPES, NO_EVENT_TYPE)
    enabled: Path = (at, "deduplication", "enabled")
    threshold: Path = (at, "deduplication", "similarity_threshold")
    if draft.get(*enabled) is False:
        reason = "deduplication was off: at 1.0 only equal titles are duplicates"
        draft.decisions.drop_below(threshold, reason)
        draft.change(enabled, 1.0, reason, threshold)


def _most_items(draft: Draft, path: Path) -> None:
    if draft.get(*path) is not None:
        return
    old: Path = ("scoring_config", "selection_overrides", "max_items_total")
    value = draft.get(*old)
    if is_whole(value):
        draft.change(old, value, "newsletter_selection had no number, so this one was in force", path)
        return
    limits = [section.get("max_items") for section in draft.entries(*_SECTIONS)]
    numbers = [limit for limit in limits if is_whole(limit)]
    total = min(sum(numbers), MOST_ITEMS) if numbers else USUAL_ITEMS
    draft.add(path, total, "the file has no number: the sum of its sections' limits")


def _layout(draft: Draft) -> None:
    sections = draft.entries(*_SECTIONS)
    if not sections:
        draft.problem(_SECTIONS, "is missing: a newsletter needs at least one section.")
    for index, section in enumerate(sections):
        path: Path = (*_SECTIONS, index)
        for field in _UNCHANGED_IN_SECTIONS:
            draft.carry((*path, field))
        _section_defaults(draft, path, section)
        _event_filter(draft, (*path, "filter_event_types"), section.get("filter_event_types"))
    _priorities(draft, sections)


def _section_defaults(draft: Draft, path: Path, section: dict[str, Any]) -> None:
    if section.get("title") is None and isinstance(section.get("id"), str):
        title = str(section["id"]).replace("_", " ").title()
        draft.add((*path, "title"), title, "the section has none: made from its id", after="id")
    if section.get("max_items") is None:
        draft.add((*path, "max_items"), MOST_ITEMS, "the section has no limit: only that of the newsletter applies")
    sort_by = section.get("sort_by")
    if sort_by is None:
        draft.add((*path, "sort_by"), "score_desc", "the section has no order: highest score first")
    elif isinstance(sort_by, str) and sort_by not in SORT_ORDERS:
        reason = "relevance is part of the score" if sort_by.startswith("relevance") else "there is no such order"
        draft.change((*path, "sort_by"), "score_desc", f"{reason}: highest score first")


def _event_filter(draft: Draft, path: Path, value: Any) -> None:
    known = (*EVENT_TYPES, CATCH_ALL)
    if value is None or value == []:
        reason = "a section without a filter accepted every event type"
        if value is None:
            draft.add(path, Flow([CATCH_ALL]), reason)
        else:
            draft.change(path, Flow([CATCH_ALL]), reason)
    elif isinstance(value, str):
        draft.change(path, Flow([value]), "a list is required")
        if value not in known:
            draft.problem(path, f"is '{value}', which is no event type: {closest_hint(value, known)}")
    elif isinstance(value, list):
        draft.carry_known_names(path, known, NO_EVENT_TYPE, needs_one=True)
    else:
        draft.problem(path, f"has the value {display_value(value)}: a list of event types is required.")


def _priorities(draft: Draft, sections: Sequence[dict[str, Any]]) -> None:
    """Keep given priorities; the other sections follow the section before them, and catch-alls come last."""
    taken: set[int] = set()
    waiting: list[int] = []
    for index, section in enumerate(sections):
        given = section.get("priority")
        if given is None or (is_whole(given) and given in taken):
            waiting.append(index)
            continue
        draft.carry((*_SECTIONS, index, "priority"))
        if is_whole(given):
            taken.add(given)
    waiting.sort(key=lambda index: _is_catch_all(sections[index]))
    priorities: dict[int, Any] = dict(enumerate(section.get("priority") for section in sections))
    for index in waiting:
        priorities[index] = _new_priority(index, sections[index], priorities, taken)
        taken.add(priorities[index])
        path: Path = (*_SECTIONS, index, "priority")
        if sections[index].get("priority") is None:
            by = "catch-alls come last" if _is_catch_all(sections[index]) else "by position"
            draft.add(path, priorities[index], f"the section has none: {by}")
        else:
            draft.change(path, priorities[index], "another section has the same priority")


def _new_priority(index: int, section: dict[str, Any], priorities: dict[int, Any], taken: set[int]) -> int:
    if _is_catch_all(section):
        return _free(max(taken, default=0) + 1, taken)
    earlier = [number for position, number in priorities.items() if position < index and is_whole(number)]
    return _free(max(earlier, default=0) + 1, taken)


def _is_catch_all(section: dict[str, Any]) -> bool:
    kinds = section.get("filter_event_types")
    return not kinds or kinds == CATCH_ALL or (isinstance(kinds, list) and CATCH_ALL in kinds)


def _free(start: int, taken: set[int]) -> int:
    """Return the first free number from `start` on, or the last free one below if there is none."""
    above = (number for number in range(max(start, 1), LAST_PRIORITY + 1) if number not in taken)
    below = (number for number in range(LAST_PRIORITY, 0, -1) if number not in taken)
    return next(above, None) or next(below, LAST_PRIORITY)

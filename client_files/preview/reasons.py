"""Reasons why an item enters, leaves or moves in a preview."""

from __future__ import annotations

from client_files.preview.model import Side, score_of, short_title, title_of
from vectora_core.items import CuratedItem
from vectora_core.newsletter.reports import event_of
from vectora_core.newsletter.selection import reaches_score, takes


def why_it_comes(item_id: str, old: Side, new: Side) -> str:
    before, now = old.items.get(item_id), new.items[item_id]
    if before is None:
        return f"matches: {_best_reason(now)}"
    if not before.matching_results.matched_domains:
        return _why_it_matches_now(before, now, old, new)
    if not reaches_score(before, old.client.newsletter_selection):
        needed = new.client.newsletter_selection.min_score
        return f"score {score_of(now):g} reaches the {needed:g} now required (min_score)"
    if item_id in old.selection.duplicates:
        first = old.items[old.selection.duplicates[item_id]]
        return f'no longer a duplicate of "{short_title(title_of(first))}"'
    if not any(takes(section, before) for section in old.layout.values()):
        return f"a section now accepts {event_of(now)} news"
    return "the newsletter now has room"


def _why_it_matches_now(before: CuratedItem, now: CuratedItem, old: Side, new: Side) -> str:
    was, excluded_as = _best_score(before), before.matching_results.exclusion_reasons
    if was >= _needed(old) and excluded_as and not now.matching_results.exclusion_reasons:
        return f"no longer excluded as {', '.join(excluded_as)}"
    if was < _needed(old) and was >= _needed(new):
        return f"domain score {_best_score(now):g} reaches the {_needed(new):g} now required"
    return f"matches now: {_best_reason(now)}"


def why_it_is_missing(item_id: str, side: Side) -> str:
    item, rules = side.items[item_id], side.client.newsletter_selection
    event = event_of(item)
    if not item.matching_results.matched_domains:
        return _why_it_matches_nothing(item, side)
    if not reaches_score(item, rules):
        return f"score {score_of(item):g} is below min_score {rules.min_score:g}"
    if item_id in side.selection.withdrawn:
        return "withdrawn by its source"
    if item_id in side.selection.duplicates:
        return f'duplicate of "{short_title(title_of(side.items[side.selection.duplicates[item_id]]))}"'
    if item_id in side.selection.over_limit:
        return f"no room: the newsletter has {count_of_items(rules.max_items_total)} at most"
    taking = [section for section in side.layout.values() if takes(section, item)]
    if not taking:
        return f"no section accepts {event} news"
    sections = " and ".join(f"{section.id} (at most {count_of_items(section.max_items)})" for section in taking)
    return f"no room in {sections}"


def _why_it_matches_nothing(item: CuratedItem, side: Side) -> str:
    results = item.matching_results
    if results.exclusion_reasons and _best_score(item) >= _needed(side):
        return f"excluded as {', '.join(results.exclusion_reasons)}"
    if not results.domain_relevance:
        return "no watch domain is enabled"
    return (
        f"no longer matches: best domain score {_best_score(item):g} of the {_needed(side):g} required "
        f"({_best_reason(item)})"
    )


def why_it_moves(item_id: str, old: Side, new: Side) -> str:
    item, before, after = new.items[item_id], old.placements[item_id], new.placements[item_id]
    was, now = old.layout[before.section_id], new.layout[after.section_id]
    if was.id == now.id:
        if was.sort_by != now.sort_by:
            return f"{now.id} is now sorted by {now.sort_by}"
        return (
            previous_score(before.score, after.score) if before.score != after.score else "the items around it changed"
        )
    if event_of(old.items[item_id]) != event_of(item):
        return f"now {event_of(item)} news, was {event_of(old.items[item_id])}"
    section = new.layout.get(was.id)
    if section is None:
        return f"section {was.id} was removed"
    if not takes(section, item):
        return f"{was.id} no longer accepts {event_of(item)} news"
    return f"{now.id} now has a higher priority" if now.priority < section.priority else f"no room in {was.id}"


def previous_score(before: float, after: float) -> str:
    return f"score {after:g}, was {before:g}"


def _best_score(item: CuratedItem) -> float:
    return max((found.score for found in item.matching_results.domain_relevance.values()), default=0.0)


def _best_reason(item: CuratedItem) -> str:
    """Return the reason of the best score, of the domains that the item matches or else of all."""
    relevance = item.matching_results.domain_relevance
    found = [relevance[name] for name in item.matching_results.matched_domains] or [*relevance.values()]
    return max(found, key=lambda entry: entry.score).reasoning


def _needed(side: Side) -> float:
    return side.client.matching_config.min_domain_score


def count_of_items(count: int) -> str:
    return f"{count} item" if count == 1 else f"{count} items"

"""Comparison of two newsletters: the same day's news, selected with two configurations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import get_args

from client_files.preview.model import ItemChange, Kind, News, OtherBaseline, Placement, Preview, Side, title_of
from client_files.preview.notes import notes_of
from client_files.preview.reasons import count_of_items, previous_score, why_it_comes, why_it_is_missing, why_it_moves
from client_files.preview.stored_answers import StoredAnswers
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.items import CuratedItem
from vectora_core.newsletter.headlines import Names
from vectora_core.newsletter.selection import select
from vectora_core.normalize.run import curated_items
from vectora_shared.config.configuration import Configuration, Scopes


def preview(news: News, edited: Configuration, baseline: Configuration | OtherBaseline) -> Preview:
    """Compare the day's newsletter of the configuration `edited` with that of `baseline`.

    Items that the lexicon analyzed are analyzed again. For items that the model analyzed, the stored answers are
    processed again.
    """
    known = baseline.scopes if isinstance(baseline, Configuration) else edited.scopes
    old = _baseline_side(news, edited, baseline, known)
    new = _side(news, edited, known)
    changes = _changes(old, new)
    return Preview(
        client_id=edited.client.client_profile.client_id,
        day=news.day,
        scoring_mode=news.mode,
        items=len(news.stories),
        before=old.sections,
        after=new.sections,
        changes=changes,
        summary=_summary(changes, len(old.placements)),
        notes=tuple(notes_of(news, edited, baseline)),
    )


def _baseline_side(news: News, edited: Configuration, baseline: Configuration | OtherBaseline, known: Scopes) -> Side:
    if isinstance(baseline, Configuration):
        return _side(news, baseline, known)
    return _selected(edited, tuple(news.stored.values()) if baseline == "stored results" else ())


def curated_with(news: News, configuration: Configuration) -> list[CuratedItem]:
    """Return the day's news, matched and scored with a configuration; model answers have its scopes' spelling."""
    return _curated(news, configuration, configuration.scopes)


def _side(news: News, configuration: Configuration, known: Scopes) -> Side:
    return _selected(configuration, _curated(news, configuration, known))


def _curated(news: News, configuration: Configuration, known: Scopes) -> list[CuratedItem]:
    lexicon = Lexicon(configuration)
    analyzer = StoredAnswers(news.answered, known, configuration, lexicon)
    analyses = [analyzer.analyze(story.item) for story in news.stories]
    # The time of analysis is not compared.
    analyzed_at = datetime.combine(news.day, datetime.min.time(), UTC)
    return curated_items(news.stories, analyses, configuration, lexicon, news.mode, news.day, analyzed_at)


def _selected(configuration: Configuration, items: Sequence[CuratedItem]) -> Side:
    selection = select(items, configuration.client, names=Names.of(configuration))
    return Side(configuration.client, {item.item_id: item for item in items}, selection)


def _changes(old: Side, new: Side) -> tuple[ItemChange, ...]:
    """Return the items that come, go, move and are rescored, each group in the order of the newsletter."""
    before, after = old.placements, new.placements
    come = [_change("comes", each, old, new, why_it_comes(each, old, new)) for each in after if each not in before]
    go = [_change("goes", each, old, new, why_it_is_missing(each, new)) for each in before if each not in after]
    both = [each for each in after if each in before]
    settled = _settled(before, after)
    move = [_change("moves", each, old, new, why_it_moves(each, old, new)) for each in both if each not in settled]
    rescored = [
        _change("is rescored", each, old, new, previous_score(before[each].score, after[each].score))
        for each in both
        if each in settled and before[each].score != after[each].score
    ]
    return (*come, *go, *move, *rescored)


def _change(kind: Kind, item_id: str, old: Side, new: Side, why: str) -> ItemChange:
    title = title_of(new.items[item_id])
    return ItemChange(kind, item_id, title, why, old.placements.get(item_id), new.placements.get(item_id))


def _settled(before: Mapping[str, Placement], after: Mapping[str, Placement]) -> Collection[str]:
    """Return the items that keep their section and their order; making room for another item is no move."""
    sections: dict[str, list[str]] = {}
    for item_id, placement in after.items():
        if item_id in before and before[item_id].section_id == placement.section_id:
            sections.setdefault(placement.section_id, []).append(item_id)
    return {item_id for ids in sections.values() for item_id in _longest_in_order(ids, before, after)}


def _longest_in_order(
    ids: Sequence[str], before: Mapping[str, Placement], after: Mapping[str, Placement]
) -> tuple[str, ...]:
    """Return the longest subsequence with the earlier order; of several, the one with most unchanged scores."""
    best: list[tuple[int, int, tuple[str, ...]]] = []
    for index, item_id in enumerate(ids):
        fits = (best[other] for other in range(index) if before[ids[other]].position < before[item_id].position)
        count, unchanged, chain_before = max(fits, key=lambda found: found[:2], default=(0, 0, ()))
        same_score = before[item_id].score == after[item_id].score
        best.append((count + 1, unchanged + same_score, (*chain_before, item_id)))
    return max(best, key=lambda found: found[:2])[2]


def _summary(changes: Sequence[ItemChange], before: int) -> str:
    kinds = [change.kind for change in changes]
    come, go, move, rescored = (kinds.count(kind) for kind in get_args(Kind))
    stay = before - go - move
    staying = f"; {stay} of {before} {'stays as it is' if stay == 1 else 'stay as they are'}" if before else ""
    scores = f", {rescored} of them with another score" if rescored else ""
    return (
        f"{count_of_items(come)} {'comes' if come == 1 else 'come'}, {go} {'goes' if go == 1 else 'go'}, "
        f"{move} {'moves' if move == 1 else 'move'}{staying}{scores}."
    )

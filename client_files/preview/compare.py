"""What an edit of the configuration does to a newsletter: the same day's news, made by two configurations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import get_args

from client_files.preview.model import Instead, ItemChange, Kind, News, Place, Preview, Side, is_by_model, title_of
from client_files.preview.notes import notes_of
from client_files.preview.reasons import count_of_items, previous_score, why_it_comes, why_it_is_missing, why_it_moves
from client_files.preview.stored_answers import StoredAnswers
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.item_files import without_repeated_ids
from vectora_core.items import CuratedItem, IngestedItem
from vectora_core.newsletter.selection import select
from vectora_core.normalize.run import curated_items
from vectora_core.normalize.stories import Story, stories_of
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import Configuration, Scopes


def news_of_day(
    ingested: Sequence[IngestedItem], curated: Sequence[CuratedItem], day: date, *, asks_model: bool
) -> News:
    """What a run of normalize-score for that day starts from."""
    return News(day, tuple(stories_of(ingested)), _by_id(curated), asks_model)


def news_of_curated(curated: Sequence[CuratedItem], day: date) -> News:
    """The same from curated items alone, whose text is cut down to the story already."""
    stored = _by_id(curated)
    asks_model = any(is_by_model(item) for item in stored.values())
    items = [(_as_ingested(item), item.normalized_content) for item in stored.values()]
    if any("extracted_date" not in content.model_fields_set for _, content in items):
        # The running system neither cut texts nor looked for dates: its curated items hold the ingested text.
        return News(day, tuple(stories_of(item for item, _ in items)), stored, asks_model)
    stories = (Story(item, content.extracted_date, content.date_confidence) for item, content in items)
    return News(day, tuple(stories), stored, asks_model)


def preview(news: News, edited: Configuration, before: Configuration | Instead) -> Preview:
    """The newsletter of the day by `edited`, beside the one by `before`.

    Items that the lexicon analyzed are analyzed anew; of items that the model analyzed its stored answer is kept, and
    put through the engine again.
    """
    known = before.scopes if isinstance(before, Configuration) else edited.scopes
    old = _side_before(news, edited, before, known)
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
        summary=_summary(changes, len(old.places)),
        notes=tuple(notes_of(news, edited, before)),
    )


def _as_ingested(item: CuratedItem) -> IngestedItem:
    return IngestedItem.model_validate(item.model_dump())


def _by_id(curated: Sequence[CuratedItem]) -> dict[str, CuratedItem]:
    return {item.item_id: item for item in without_repeated_ids(curated)}


def _side_before(news: News, edited: Configuration, before: Configuration | Instead, known: Scopes) -> Side:
    if isinstance(before, Configuration):
        return _side(news, before, known)
    return _selected(edited.client, tuple(news.stored.values()) if before == "stored results" else ())


def _side(news: News, configuration: Configuration, known: Scopes) -> Side:
    lexicon = Lexicon(configuration)
    analyzer = StoredAnswers(news.answered, known, configuration, lexicon)
    analyses = [analyzer.analyze(story.item) for story in news.stories]
    # When it was made is not compared.
    made = datetime.combine(news.day, datetime.min.time(), UTC)
    return _selected(
        configuration.client,
        curated_items(news.stories, analyses, configuration, lexicon, news.mode, news.day, made),
    )


def _selected(client: ClientConfig, items: Sequence[CuratedItem]) -> Side:
    return Side(client, {item.item_id: item for item in items}, select(items, client))


def _changes(old: Side, new: Side) -> tuple[ItemChange, ...]:
    """What comes, what goes, what moves, what is rescored; each in the order of the newsletter."""
    before, after = old.places, new.places
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
    return ItemChange(kind, item_id, title, why, old.places.get(item_id), new.places.get(item_id))


def _settled(before: Mapping[str, Place], after: Mapping[str, Place]) -> Collection[str]:
    """The items of both newsletters that keep section and order; what only made room for another has not moved."""
    sections: dict[str, list[str]] = {}
    for item_id, place in after.items():
        if item_id in before and before[item_id].section_id == place.section_id:
            sections.setdefault(place.section_id, []).append(item_id)
    return {item_id for ids in sections.values() for item_id in _most_in_order(ids, before, after)}


def _most_in_order(ids: Sequence[str], before: Mapping[str, Place], after: Mapping[str, Place]) -> tuple[str, ...]:
    """The most of them that stood in this order before; rather those whose score is the same."""
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

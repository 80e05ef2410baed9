"""What an edit of the configuration does to a newsletter: the same day's news, made by two configurations."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain
from typing import Any, Literal, cast, get_args

from vectora_core.analysis.bedrock import BedrockAnalyzer, ModelReply, UnusableReplyError, Usage
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.analysis.text import fold, occurs, parts_of
from vectora_core.config.canonical import Source, spelling_key
from vectora_core.config.client import ClientConfig, LayoutSection
from vectora_core.config.content import Configuration, Scopes
from vectora_core.errors import VectoraError
from vectora_core.items import CuratedItem, IngestedItem, NormalizedContent
from vectora_core.newsletter.selection import Selection, event_of, reaches_score, select, takes
from vectora_core.normalize import Story, curated_items, stories_of, without_doubles
from vectora_core.scoring import ScoringMode

Kind = Literal["comes", "goes", "moves", "is rescored"]
# What the edit is compared with when it is not a configuration: what the items' file says, or an empty newsletter.
Instead = Literal["stored results", "nothing"]
TITLE_CHARACTERS = 60


@dataclass(frozen=True)
class News:
    """A day's news as the engine has it before analysis, and what it made of it the last time, by item_id."""

    day: date
    stories: tuple[Story, ...]
    stored: Mapping[str, CuratedItem]
    asks_model: bool  # whether a run would, where this news is from

    @property
    def mode(self) -> ScoringMode:
        """How the day was scored; as the workflow does where nothing tells."""
        modes = {item.scoring_results.score_breakdown.scoring_mode for item in self.stored.values()}
        known = sorted(modes & set(get_args(ScoringMode)))
        return cast(ScoringMode, known[0]) if len(known) == 1 else "balanced"

    @property
    def answered(self) -> Mapping[str, NormalizedContent]:
        """The model's stored answers by item_id, as far as a run would ask it for them."""
        items = [self.stored.get(story.item.item_id) for story in self.stories] if self.asks_model else []
        return {item.item_id: item.normalized_content for item in items if item and _is_by_model(item)}


@dataclass(frozen=True)
class PreviewItem:
    item_id: str
    title: str
    score: float
    event: str


@dataclass(frozen=True)
class PreviewSection:
    section_id: str
    title: str
    items: tuple[PreviewItem, ...]


@dataclass(frozen=True)
class Place:
    """Where an item stands in a newsletter, counted from 1."""

    section_id: str
    position: int
    score: float


@dataclass(frozen=True)
class ItemChange:
    """`before` is None for what comes, `after` for what goes."""

    kind: Kind
    item_id: str
    title: str
    why: str
    before: Place | None
    after: Place | None


@dataclass(frozen=True)
class Preview:
    """Both newsletters and what is different; `notes` say what does not show in a preview of this edit."""

    client_id: str
    day: date
    scoring_mode: ScoringMode
    items: int
    before: tuple[PreviewSection, ...]
    after: tuple[PreviewSection, ...]
    changes: tuple[ItemChange, ...]
    summary: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Side:
    """A newsletter, with the items that are not in it."""

    client: ClientConfig
    items: Mapping[str, CuratedItem]
    selection: Selection

    @property
    def places(self) -> dict[str, Place]:
        """By item_id, in the order of the newsletter."""
        return {
            item.item_id: Place(filled.section.id, position, item.scoring_results.final_score)
            for filled in self.selection.sections
            for position, item in enumerate(filled.items, start=1)
        }

    @property
    def sections(self) -> tuple[PreviewSection, ...]:
        return tuple(
            PreviewSection(filled.section.id, filled.section.title, tuple(_preview_item(item) for item in filled.items))
            for filled in self.selection.sections
        )

    @property
    def layout(self) -> dict[str, LayoutSection]:
        return {section.id: section for section in self.client.newsletter_layout.sections}


def news_of_day(
    ingested: Sequence[IngestedItem], curated: Sequence[CuratedItem], day: date, *, asks_model: bool
) -> News:
    """What a run of normalize-score for that day starts from."""
    return News(day, tuple(stories_of(ingested)), _by_id(curated), asks_model)


def news_of_curated(curated: Sequence[CuratedItem], day: date) -> News:
    """The same from curated items alone, whose text is cut down to the story already."""
    stored = _by_id(curated)
    asks_model = any(_is_by_model(item) for item in stored.values())
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
        notes=tuple(_notes(news, edited, before)),
    )


def shortened(title: str) -> str:
    return title if len(title) <= TITLE_CHARACTERS else title[: TITLE_CHARACTERS - 1].rstrip() + "…"


def _is_by_model(item: CuratedItem) -> bool:
    return item.normalized_content.normalization_metadata.analyzer == "bedrock"


def _as_ingested(item: CuratedItem) -> IngestedItem:
    return IngestedItem.model_validate(item.model_dump())


def _by_id(curated: Sequence[CuratedItem]) -> dict[str, CuratedItem]:
    return {item.item_id: item for item in without_doubles(curated)}


def _side_before(news: News, edited: Configuration, before: Configuration | Instead, known: Scopes) -> _Side:
    if isinstance(before, Configuration):
        return _side(news, before, known)
    return _selected(edited.client, tuple(news.stored.values()) if before == "stored results" else ())


def _side(news: News, configuration: Configuration, known: Scopes) -> _Side:
    lexicon = Lexicon(configuration)
    analyzer = _StoredAnswers(news.answered, known, configuration, lexicon)
    analyses = [analyzer.analyze(story.item) for story in news.stories]
    # When it was made is not compared.
    made = datetime.combine(news.day, datetime.min.time(), UTC)
    return _selected(
        configuration.client,
        curated_items(news.stories, analyses, configuration, lexicon, news.mode, news.day, made),
    )


def _selected(client: ClientConfig, items: Sequence[CuratedItem]) -> _Side:
    return _Side(client, {item.item_id: item for item in items}, select(items, client))


def _preview_item(item: CuratedItem) -> PreviewItem:
    return PreviewItem(item.item_id, _title(item), item.scoring_results.final_score, event_of(item))


def _title(item: IngestedItem) -> str:
    return " ".join(item.title.split())


class _NoModel:
    """A preview asks nobody and costs nothing."""

    def converse(self, **_request: Any) -> Any:
        raise VectoraError("A preview does not ask the model.")


class _StoredAnswers(BedrockAnalyzer):
    """The engine's analyzer, with a model that repeats itself; where it never answered, the lexicon does."""

    def __init__(
        self,
        answered: Mapping[str, NormalizedContent],
        known: Scopes,
        configuration: Configuration,
        lexicon: Lexicon,
    ) -> None:
        super().__init__(_NoModel(), "", configuration, lexicon, "lexicon")
        self._answered = answered
        self._known = known

    def _ask(self, item: IngestedItem) -> tuple[ModelReply, Usage]:
        answered = self._answered.get(item.item_id)
        if answered is None:
            raise UnusableReplyError("no stored answer", Usage())
        return _reply(item, answered, self._known), Usage()


def _reply(item: IngestedItem, analysis: NormalizedContent, known: Scopes) -> ModelReply:
    """What the model answered, as far as its analysis tells: names in the spelling of the text."""
    text = parts_of(item.title, item.content).everything
    names = analysis.entities
    return ModelReply.model_construct(
        summary=analysis.summary,
        companies=_as_in_text(names.companies, known.companies.aliases, text),
        molecules=_as_in_text(names.molecules, known.molecules.aliases, text),
        technologies=_as_in_text(names.technologies, {}, text),
        trademarks=_as_in_text(names.trademarks, known.trademarks.aliases, text),
        indications=_as_in_text(names.indications, known.indications.aliases, text),
        event_type=analysis.event_classification.primary_type,
        event_confidence=analysis.event_classification.confidence,
        lai_relevance_score=analysis.lai_relevance_score,
        anti_lai_detected=analysis.anti_lai_detected,
        pure_player_context=analysis.pure_player_context,
    )


def _as_in_text(names: Sequence[str], aliases: Mapping[str, tuple[str, ...]], text: str) -> list[str]:
    """The engine spells the model's names as the scopes do, and adds the source's company, which the text may lack."""
    found = (_spelling_in(text, (name, *aliases.get(name, ()))) for name in names)
    return [name for name in found if name]


def _spelling_in(text: str, spellings: Sequence[str]) -> str | None:
    as_they_are = (spelling for spelling in spellings if occurs(fold(spelling), text))
    loosely = (found[0] for spelling in spellings if (found := _loosely(spelling).search(text)))
    return next(chain(as_they_are, loosely), None)


def _loosely(spelling: str) -> re.Pattern[str]:
    """Finds what `spelling_key` does not tell apart from the spelling."""
    characters = r"[\s-]*".join(map(re.escape, spelling_key(fold(spelling))))
    return re.compile(rf"(?<![A-Za-z0-9]){characters}(?![A-Za-z0-9])", re.IGNORECASE)


def _changes(old: _Side, new: _Side) -> tuple[ItemChange, ...]:
    """What comes, what goes, what moves, what is rescored; each in the order of the newsletter."""
    before, after = old.places, new.places
    come = [_change("comes", each, old, new, _why_it_comes(each, old, new)) for each in after if each not in before]
    go = [_change("goes", each, old, new, _why_it_is_missing(each, new)) for each in before if each not in after]
    both = [each for each in after if each in before]
    settled = _settled(before, after)
    move = [_change("moves", each, old, new, _why_it_moves(each, old, new)) for each in both if each not in settled]
    rescored = [
        _change("is rescored", each, old, new, _score_was(before[each].score, after[each].score))
        for each in both
        if each in settled and before[each].score != after[each].score
    ]
    return (*come, *go, *move, *rescored)


def _change(kind: Kind, item_id: str, old: _Side, new: _Side, why: str) -> ItemChange:
    title = _title(new.items[item_id])
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


def _why_it_comes(item_id: str, old: _Side, new: _Side) -> str:
    before, now = old.items.get(item_id), new.items[item_id]
    if before is None:
        return f"matches: {_best_reason(now)}"
    if not before.matching_results.matched_domains:
        return _why_it_matches_now(before, now, old, new)
    if not reaches_score(before, old.client.newsletter_selection):
        return f"score {_score(now):g} reaches the {new.client.newsletter_selection.min_score:g} needed now (min_score)"
    if item_id in old.selection.doubles:
        first = old.items[old.selection.doubles[item_id]]
        return f'no longer a double of "{shortened(_title(first))}"'
    if not any(takes(section, before) for section in old.layout.values()):
        return f"a section takes {event_of(now)} news now"
    return "there is room now"


def _why_it_matches_now(before: CuratedItem, now: CuratedItem, old: _Side, new: _Side) -> str:
    was, left_out = _best_score(before), before.matching_results.exclusion_reasons
    if was >= _needed(old) and left_out and not now.matching_results.exclusion_reasons:
        return f"no longer left out as {', '.join(left_out)}"
    if was < _needed(old) and was >= _needed(new):
        return f"domain score {_best_score(now):g} reaches the {_needed(new):g} needed now"
    return f"matches now: {_best_reason(now)}"


def _why_it_is_missing(item_id: str, side: _Side) -> str:
    item, rules = side.items[item_id], side.client.newsletter_selection
    event = event_of(item)
    if not item.matching_results.matched_domains:
        return _why_it_matches_nothing(item, side)
    if not reaches_score(item, rules):
        return f"score {_score(item):g} is below min_score {rules.min_score:g}"
    if item_id in side.selection.doubles:
        return f'double of "{shortened(_title(side.items[side.selection.doubles[item_id]]))}"'
    if item_id in side.selection.over_limit:
        return f"no room: the newsletter has {_items(rules.max_items_total)} at the most"
    taking = [section for section in side.layout.values() if takes(section, item)]
    if not taking:
        return f"no section takes {event} news"
    return f"no room in {' and '.join(f'{section.id} (at most {_items(section.max_items)})' for section in taking)}"


def _why_it_matches_nothing(item: CuratedItem, side: _Side) -> str:
    results = item.matching_results
    if results.exclusion_reasons and _best_score(item) >= _needed(side):
        return f"left out as {', '.join(results.exclusion_reasons)}"
    if not results.domain_relevance:
        return "no watch domain is enabled"
    return (
        f"no longer matches: best domain score {_best_score(item):g} of the {_needed(side):g} needed "
        f"({_best_reason(item)})"
    )


def _why_it_moves(item_id: str, old: _Side, new: _Side) -> str:
    item, before, after = new.items[item_id], old.places[item_id], new.places[item_id]
    was, now = old.layout[before.section_id], new.layout[after.section_id]
    if was.id == now.id:
        if was.sort_by != now.sort_by:
            return f"{now.id} is sorted by {now.sort_by} now"
        return _score_was(before.score, after.score) if before.score != after.score else "others change around it"
    if event_of(old.items[item_id]) != event_of(item):
        return f"{event_of(item)} news now, was {event_of(old.items[item_id])}"
    section = new.layout.get(was.id)
    if section is None:
        return f"there is no section {was.id} any more"
    if not takes(section, item):
        return f"{was.id} no longer takes {event_of(item)} news"
    return f"{now.id} takes it first now" if now.priority < section.priority else f"no room in {was.id}"


def _score(item: CuratedItem) -> float:
    return item.scoring_results.final_score


def _score_was(before: float, after: float) -> str:
    return f"score {after:g}, was {before:g}"


def _best_score(item: CuratedItem) -> float:
    return max((found.score for found in item.matching_results.domain_relevance.values()), default=0.0)


def _best_reason(item: CuratedItem) -> str:
    """Of the domains that it matches, else of all."""
    relevance = item.matching_results.domain_relevance
    found = [relevance[name] for name in item.matching_results.matched_domains] or [*relevance.values()]
    return max(found, key=lambda entry: entry.score).reasoning


def _needed(side: _Side) -> float:
    return side.client.matching_config.min_domain_score


def _summary(changes: Sequence[ItemChange], before: int) -> str:
    kinds = [change.kind for change in changes]
    come, go, move, rescored = (kinds.count(kind) for kind in get_args(Kind))
    stay = before - go - move
    staying = f"; {stay} of {before} {'stays as it is' if stay == 1 else 'stay as they are'}" if before else ""
    scores = f", {rescored} of them with another score" if rescored else ""
    return (
        f"{_items(come)} {'comes' if come == 1 else 'come'}, {go} {'goes' if go == 1 else 'go'}, "
        f"{move} {'moves' if move == 1 else 'move'}{staying}{scores}."
    )


def _items(count: int) -> str:
    return f"{count} item" if count == 1 else f"{count} items"


def _notes(news: News, edited: Configuration, before: Configuration | Instead) -> Iterator[str]:
    """What the reader would otherwise believe to see here."""
    if before == "nothing":
        yield "The client is new there: it is compared with an empty newsletter."
    elif before == "stored results":
        yield (
            "Compared with the matching and scoring that the file holds, in the sections and limits of the edited "
            "configuration: edits of those do not show, unless the configuration before them is given (--baseline)."
        )
    elif isinstance(before, Configuration):
        if before == edited:
            yield "Both configurations say the same."
        yield from _source_notes(news, before, edited)
        yield from _client_notes(before.client, edited.client)
        yield from _prompt_notes(news, before, edited)
    yield from _model_notes(news)
    if isinstance(before, Configuration):
        yield from _spelling_notes(news, before, edited)


def _source_notes(news: News, before: Configuration, edited: Configuration) -> Iterator[str]:
    read_before, read_now = _sources(before), _sources(edited)
    of_source = [story.item.source_key for story in news.stories]
    if added := [key for key in read_now if key not in read_before and key not in of_source]:
        yield f"There is no news of {', '.join(added)} yet: what comes of it shows after the first ingestion."
    if removed := [key for key in read_before if key not in read_now]:
        there = _items(sum(of_source.count(key) for key in removed))
        yield (
            f"No longer read, from the next ingestion on: {', '.join(removed)}. What was ingested of them "
            f"({there} here) stays, here as in the engine."
        )
    if reread := [
        key for key in read_now if key in read_before and _is_read_otherwise(read_before[key], read_now[key])
    ]:
        yield f"How {', '.join(reread)} is read changed: that applies from the next ingestion on and does not show."


def _sources(configuration: Configuration) -> dict[str, Source]:
    """What an ingestion reads, by source_key."""
    config = configuration.client.source_config
    bouquets = [each for each in configuration.sources.bouquets if each.bouquet_id in config.source_bouquets_enabled]
    chosen = {*config.sources_extra_enabled, *(key for bouquet in bouquets for key in bouquet.source_keys)}
    sources = configuration.sources.sources
    return {source.source_key: source for source in sources if source.source_key in chosen and source.enabled}


def _is_read_otherwise(one: Source, other: Source) -> bool:
    """Whether ingestion treats them differently; the company belongs to analysis, and shows."""
    return one.model_copy(update={"company": None, "notes": None}) != other.model_copy(
        update={"company": None, "notes": None}
    )


def _client_notes(before: ClientConfig, edited: ClientConfig) -> Iterator[str]:
    if before.source_config.content_filters != edited.source_config.content_filters:
        yield "exclude_titles apply from the next ingestion on: items that were ingested stay."
    old, new = before.pipeline.default_period_days, edited.pipeline.default_period_days
    if old != new:
        yield f"default_period_days ({new}, was {old}) applies from the next ingestion on: the items here are the same."
    was, now = before.client_profile, edited.client_profile
    if was.frequency != now.frequency:
        yield f"frequency ({now.frequency}, was {was.frequency}) changes when newsletters are made, not this one."
    if was.active != now.active:
        made = "makes this newsletter now" if now.active else "no longer makes this newsletter"
        yield f"The schedule {made} (active), which does not show in its items."


def _prompt_notes(news: News, before: Configuration, edited: Configuration) -> Iterator[str]:
    prompts = [side.prompts[side.client.pipeline.analysis_prompt] for side in (before, edited)]
    types = [[(name, event.description) for name, event in side.events.events.items()] for side in (before, edited)]
    if prompts[0] != prompts[1] or (news.answered and types[0] != types[1]):
        yield "What the model is told (prompt, event types) changed: a preview does not ask it, so that does not show."


def _model_notes(news: News) -> Iterator[str]:
    if not news.asks_model:
        return
    answered, count = len(news.answered), len(news.stories)
    if answered:
        yield f"{answered} of {_items(count)} with the model's stored answers: a run asks it anew."
    if count > answered:
        yield f"{count - answered} of {_items(count)} by the lexicon, as no answer is stored: a run asks the model."


def _spelling_notes(news: News, before: Configuration, edited: Configuration) -> Iterator[str]:
    """Names that the model answered are stored in the scopes' spelling: which word it used is lost."""
    if not news.answered:
        return
    kinds = ("companies", "molecules", "trademarks", "indications")
    if any(getattr(before.scopes, kind).aliases != getattr(edited.scopes, kind).aliases for kind in kinds):
        yield "Aliases changed: the model's names are taken in the spelling of the text, which is approximate."
    lexicons = Lexicon(before), Lexicon(edited)
    keys = {story.item.source_key for story in news.stories if story.item.item_id in news.answered}
    changed = sorted(key for key in keys if lexicons[0].own_company(key) != lexicons[1].own_company(key))
    if changed:
        yield (
            f"Whether the model named the company of {', '.join(changed)} is not stored: it counts as named where the "
            "text names it, which is approximate."
        )

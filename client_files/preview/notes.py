"""Notes of a preview: effects of an edit that it cannot show."""

from __future__ import annotations

from collections.abc import Iterator

from client_files.preview.model import News, OtherBaseline
from client_files.preview.reasons import count_of_items
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.subscriptions import subscribed_sources
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.sources import Source


def notes_of(news: News, edited: Configuration, before: Configuration | OtherBaseline) -> Iterator[str]:
    """Yield a note for each effect of the edit that the preview cannot show."""
    if before == "nothing":
        yield "The client is new there: its newsletter is compared with an empty one."
    elif before == "stored results":
        yield (
            "Compared with the matching and scoring in the file, with the sections and limits of the edited "
            "configuration. To see the effect of edited sections and limits, give the earlier configuration "
            "(--baseline)."
        )
    elif isinstance(before, Configuration):
        if before == edited:
            yield "Both configurations are equal."
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
        yield f"There is no news of {', '.join(added)} yet: its items show after the first ingestion."
    if removed := [key for key in read_before if key not in read_now]:
        there = count_of_items(sum(of_source.count(key) for key in removed))
        yield (
            f"Not read from the next ingestion on: {', '.join(removed)}. Items already ingested from them "
            f"({there} here) stay."
        )
    if reread := [
        key for key in read_now if key in read_before and _is_read_otherwise(read_before[key], read_now[key])
    ]:
        yield f"How {', '.join(reread)} is read changed: this applies from the next ingestion on, and does not show."


def _sources(configuration: Configuration) -> dict[str, Source]:
    """Return the sources that an ingestion reads, by source_key."""
    subscribed = subscribed_sources(configuration.client, configuration.sources)
    return {source.source_key: source for source in subscribed if source.enabled}


def _is_read_otherwise(one: Source, other: Source) -> bool:
    """Return whether ingestion reads the source differently; the company is part of analysis, which shows."""
    return one.model_copy(update={"company": None, "notes": None}) != other.model_copy(
        update={"company": None, "notes": None}
    )


def _client_notes(before: ClientConfig, edited: ClientConfig) -> Iterator[str]:
    if before.source_config.content_filters != edited.source_config.content_filters:
        yield "exclude_titles apply from the next ingestion on: items already ingested stay."
    old, new = before.pipeline.default_period_days, edited.pipeline.default_period_days
    if old != new:
        yield f"default_period_days ({new}, was {old}) applies from the next ingestion on: the items here are the same."
    was, now = before.client_profile, edited.client_profile
    if was.frequency != now.frequency:
        yield f"frequency ({now.frequency}, was {was.frequency}) changes when newsletters are produced, not this one."
    if was.active != now.active:
        change = "starts" if now.active else "stops"
        yield f"The schedule {change} producing this newsletter (active), which does not show in its items."


def _prompt_notes(news: News, before: Configuration, edited: Configuration) -> Iterator[str]:
    prompts = [side.prompts[side.client.pipeline.analysis_prompt] for side in (before, edited)]
    types = [[(name, event.description) for name, event in side.events.events.items()] for side in (before, edited)]
    if prompts[0] != prompts[1] or (news.answered and types[0] != types[1]):
        yield "The model's input (prompt, event types) changed: a preview calls no model, so this does not show."


def _model_notes(news: News) -> Iterator[str]:
    if not news.calls_model:
        return
    answered, count = len(news.answered), len(news.stories)
    if answered:
        yield (
            f"{answered} of {count_of_items(count)} with the model's stored answers: "
            "a run calls it again only for changed requests."
        )
    if count > answered:
        yield f"{count - answered} of {count_of_items(count)} by the lexicon: no stored answer; a run calls the model."


def _spelling_notes(news: News, before: Configuration, edited: Configuration) -> Iterator[str]:
    """Yield notes on names: stored answers have the scopes' spelling, not the word that the model used."""
    if not news.answered:
        return
    kinds = ("companies", "molecules", "trademarks", "indications")
    if any(getattr(before.scopes, kind).aliases != getattr(edited.scopes, kind).aliases for kind in kinds):
        yield "Aliases changed: the model's names are used in the spelling of the text, which is approximate."
    lexicons = Lexicon(before), Lexicon(edited)
    keys = {story.item.source_key for story in news.stories if story.item.item_id in news.answered}
    changed = sorted(key for key in keys if lexicons[0].own_company(key) != lexicons[1].own_company(key))
    if changed:
        yield (
            f"Stored answers do not say whether the model named the company of {', '.join(changed)}: it counts as "
            "named if the text names it, which is approximate."
        )

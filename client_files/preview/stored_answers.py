"""Stored model answers, replayed instead of model calls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from vectora_core.analysis.bedrock import BedrockAnalyzer, ModelReply, UnusableReplyError, Usage
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.items import IngestedItem, NormalizedContent
from vectora_core.text.words import fold, item_text, occurs
from vectora_shared.config.configuration import Configuration, Scopes
from vectora_shared.config.values import spelling_key
from vectora_shared.errors import VectoraError


class _NoModel:
    """A preview asks nobody and costs nothing."""

    def converse(self, **_request: Any) -> Any:
        raise VectoraError("A preview does not ask the model.")


class StoredAnswers(BedrockAnalyzer):
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

    def _call_model(self, item: IngestedItem) -> tuple[ModelReply, Usage]:
        answered = self._answered.get(item.item_id)
        if answered is None:
            raise UnusableReplyError("no stored answer", Usage())
        return _reply(item, answered, self._known), Usage()


def _reply(item: IngestedItem, analysis: NormalizedContent, known: Scopes) -> ModelReply:
    """What the model answered, as far as its analysis tells: names in the spelling of the text."""
    text = item_text(item.title, item.content).full_text
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

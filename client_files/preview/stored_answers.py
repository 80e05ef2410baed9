"""Stored model answers, replayed instead of model calls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from vectora_core.analysis.bedrock import Answer, BedrockAnalyzer
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.analysis.reply import ModelReply, UnusableReplyError
from vectora_core.analysis.usage import Usage
from vectora_core.items import IngestedItem, NormalizedContent
from vectora_core.text.names import occurs
from vectora_core.text.words import fold, item_text
from vectora_shared.config.configuration import Configuration, Scopes
from vectora_shared.config.values import spelling_key
from vectora_shared.errors import VectoraError


class _NoModel:
    """A client that refuses every call, so that a preview costs nothing."""

    def converse(self, **_request: Any) -> Any:
        raise VectoraError("A preview does not call the model.")


class StoredAnswers(BedrockAnalyzer):
    """The engine's analyzer with the model's stored answers; the lexicon analyzes items that have none."""

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

    def _answer(self, item: IngestedItem) -> Answer:
        answered = self._answered.get(item.item_id)
        if answered is None:
            raise UnusableReplyError("no stored answer", Usage())
        return Answer(_reply(item, answered, self._known))


def _reply(item: IngestedItem, analysis: NormalizedContent, known: Scopes) -> ModelReply:
    """Return the model's answer, reconstructed from the stored analysis with names as the text spells them."""
    text = item_text(item.title, item.content).full_text
    names = analysis.entities
    return ModelReply.model_construct(
        summary=analysis.summary,
        companies=_names_in_text(names.companies, known.companies.aliases, text),
        molecules=_names_in_text(names.molecules, known.molecules.aliases, text),
        technologies=_names_in_text(names.technologies, {}, text),
        trademarks=_names_in_text(names.trademarks, known.trademarks.aliases, text),
        indications=_names_in_text(names.indications, known.indications.aliases, text),
        event_type=analysis.event_classification.primary_type,
        event_confidence=analysis.event_classification.confidence,
        lai_relevance_score=analysis.lai_relevance_score,
        anti_lai_detected=analysis.anti_lai_detected,
        pure_player_context=analysis.pure_player_context,
        headline=analysis.headline,
        why_it_matters=analysis.why_it_matters,
    )


def _names_in_text(names: Sequence[str], aliases: Mapping[str, tuple[str, ...]], text: str) -> list[str]:
    """Return the names as the text spells them, without those that it does not have.

    The engine stores names in the spelling of the scopes, and adds the source's company.
    """
    found = (_spelling_in(text, (name, *aliases.get(name, ()))) for name in names)
    return [name for name in found if name]


def _spelling_in(text: str, spellings: Sequence[str]) -> str | None:
    exact = (spelling for spelling in spellings if occurs(fold(spelling), text))
    similar = (found[0] for spelling in spellings if (found := _similar_spelling(spelling).search(text)))
    return next(chain(exact, similar), None)


def _similar_spelling(spelling: str) -> re.Pattern[str]:
    """Return a pattern for all spellings that have the same `spelling_key`."""
    characters = r"[\s-]*".join(map(re.escape, spelling_key(fold(spelling))))
    return re.compile(rf"(?<![A-Za-z0-9]){characters}(?![A-Za-z0-9])", re.IGNORECASE)

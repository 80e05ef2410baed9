"""Answers of the model: the input of the tool that a Converse request forces."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from vectora_core.analysis.lexicon import Lexicon
from vectora_core.analysis.reply import ModelReply
from vectora_core.items import IngestedItem
from vectora_core.text.words import collapse_spaces, sentences
from vectora_shared.config.canonical import Prompt
from vectora_shared.config.configuration import Configuration


class Answer(Protocol):
    """A function that returns the forced tool's input for one Converse request."""

    def __call__(self, request: Mapping[str, Any], /) -> dict[str, Any]: ...


class LexiconAnswer:
    """The lexicon's analysis of the item in the prompt, in the form of a model's reply."""

    def __init__(self, configurations: Sequence[Configuration]) -> None:
        self._readers = [
            (_inverse(configuration.prompts[configuration.client.pipeline.analysis_prompt]), Lexicon(configuration))
            for configuration in configurations
        ]

    def __call__(self, request: Mapping[str, Any], /) -> dict[str, Any]:
        """Return the analysis; raise ValueError when the message was not made from a client's prompt."""
        message = "".join(block.get("text", "") for block in request["messages"][-1]["content"])
        for prompt, lexicon in self._readers:
            if found := prompt.fullmatch(message):
                values = {name: html.unescape(text) for name, text in found.groupdict().items()}
                return _as_reply(lexicon, values["source"], values["title"], values["content"])
        raise ValueError("the message does not fit the user_template of any client's prompt")


def _inverse(prompt: Prompt) -> re.Pattern[str]:
    """Return a pattern for the values that `vectora_core.analysis.model_request.user_message` put into the template."""
    parts = re.split(r"\{([a-z]+)\}", prompt.user_template)
    pattern = "".join(f"(?P<{part}>.*?)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return re.compile(pattern, re.DOTALL)


def _as_reply(lexicon: Lexicon, source: str, title: str, content: str) -> dict[str, Any]:
    item = IngestedItem(
        item_id="rehearsal",
        source_key=source,
        source_type="",
        title=title,
        content=content,
        url="",
        published_at=None,
        ingested_at=datetime.now(UTC),
    )
    analysis = lexicon.analyze(item)
    # As the prompt asks: neither for news of little relevance.
    is_relevant = analysis.lai_relevance_score >= 3
    reply = ModelReply(
        summary=analysis.summary or title,
        companies=list(analysis.entities.companies),
        molecules=list(analysis.entities.molecules),
        technologies=list(analysis.entities.technologies),
        trademarks=list(analysis.entities.trademarks),
        indications=list(analysis.entities.indications),
        event_type=analysis.event_classification.primary_type,
        event_confidence=analysis.event_classification.confidence,
        lai_relevance_score=analysis.lai_relevance_score,
        anti_lai_detected=analysis.anti_lai_detected,
        pure_player_context=analysis.pure_player_context,
        headline=title if is_relevant else "",
        why_it_matters=next(iter(sentences(collapse_spaces(content))[1:]), "") if is_relevant else "",
    )
    return reply.model_dump(mode="json")

"""Models of the conditions under which an ambiguous spelling is a name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from pydantic import Field

from vectora_shared.config.section import Section
from vectora_shared.config.values import Distinct, Identifier, Term, not_defined
from vectora_shared.config.wording import Path


class NameCondition(Section):
    """Conditions under which one spelling is the name."""

    is_not: Distinct[Term] = Field(
        default=(),
        description='Phrases that contain the spelling and mean something else, such as "Merck KGaA" for "Merck".',
    )
    unless: Distinct[Term] = Field(
        default=(),
        description="Words or phrases of other news; an item with one of them in its title or first sentences does not "
        "mean the name, unless it has another spelling of the name.",
    )
    needs: Distinct[Identifier] = Field(
        default=(),
        description="Contexts of this file. The spelling counts in items that have a word of one of them in the title "
        "or first sentences, or another spelling of the name, or another name that needs nothing.",
    )


Contexts = Mapping[str, Sequence[str]]
Conditions = Mapping[str, NameCondition]


def condition_problems(
    spellings: Sequence[str], contexts: Contexts, conditions: Conditions
) -> Iterator[tuple[Path, str]]:
    """Yield the problems of the conditions for these spellings, each with its path."""
    for spelling, condition in conditions.items():
        path: Path = ("conditions", spelling)
        if spelling not in spellings:
            yield path, not_defined(spelling, spellings, "a name or alias of this file")
        if not (condition.is_not or condition.unless or condition.needs):
            yield path, "has neither is_not, unless nor needs: add one of them, or remove it"
        yield from _problems_of_phrases(path, spelling, condition, spellings)
        for index, context in enumerate(condition.needs):
            if context not in contexts:
                yield (*path, "needs", index), not_defined(context, list(contexts), "a context of this file")
            elif word := next((word for word in contexts[context] if _has(spelling, word)), None):
                yield (
                    (*path, "needs", index),
                    f"names '{context}', whose word '{word}' is part of '{spelling}': it would always be fulfilled",
                )
    used = {context for condition in conditions.values() for context in condition.needs}
    for context in contexts:
        if context not in used:
            yield ("contexts", context), "is needed by no condition: name it under needs, or remove it"


def _problems_of_phrases(
    path: Path, spelling: str, condition: NameCondition, spellings: Sequence[str]
) -> Iterator[tuple[Path, str]]:
    for index, phrase in enumerate(condition.is_not):
        where: Path = (*path, "is_not", index)
        if not _has(phrase, spelling):
            yield where, f"is '{phrase}', which does not contain '{spelling}' as a whole word: write it under unless"
        elif same := next((name for name in spellings if _words(name) == _words(phrase)), None):
            yield where, f"is '{phrase}', which is the name '{same}' of this file: remove one of them"
    for index, phrase in enumerate(condition.unless):
        if _has(spelling, phrase):
            yield (
                (*path, "unless", index),
                f"is '{phrase}', which is part of '{spelling}': the name would never be found",
            )


def _has(text: str, part: str) -> bool:
    """Return whether all words of the part follow each other in the text."""
    words, searched = _words(text), _words(part)
    return any(words[start : start + len(searched)] == searched for start in range(len(words) - len(searched) + 1))


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[str, ...]:
    """Return the words of a text; each phrase is compared with all spellings of its file."""
    return tuple(word for word in re.split(r"[^\w&']+", text.casefold()) if word)

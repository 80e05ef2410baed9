"""Types of values that several configuration models use."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import AfterValidator, Field

from vectora_shared.config.characters import spelling_problem
from vectora_shared.config.patterns import pattern_problem
from vectora_shared.config.section import MisfitError, NotationError
from vectora_shared.config.wording import Path, did_you_mean
from vectora_shared.keys import IDENTIFIER

EventType = Literal[
    "partnership",
    "regulatory",
    "clinical_update",
    "safety_signal",
    "corporate_move",
    "scientific_publication",
    "manufacturing_supply",
    "financial_results",
    "other",
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
EARLIEST_YEAR = 2000
EntryT = TypeVar("EntryT")


def _valid_pattern(pattern: str) -> str:
    if re.match(r"r['\"]", pattern):
        raise ValueError("starts with Python's r-prefix, which YAML keeps as text: remove the prefix and its quotes")
    # Matching removes such characters from the news, so that a pattern with one finds nothing.
    if problem := spelling_problem(pattern):
        raise ValueError(problem)
    try:
        with warnings.catch_warnings():
            # "[[" and the like: a later Python reads them as an operation on sets of characters.
            warnings.simplefilter("error", FutureWarning)
            compiled = re.compile(pattern)
    except FutureWarning as error:
        raise ValueError(
            f"has a character in brackets that Python will read differently ({error}): escape it"
        ) from error
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression ({error})") from error
    if compiled.search(""):
        raise ValueError("matches every text, even an empty one: make it more specific")
    if problem := pattern_problem(pattern):
        raise ValueError(problem)
    return pattern


def _one_term(term: str) -> str:
    if problem := spelling_problem(term):
        raise ValueError(problem)
    if not term.strip() or term != term.strip() or "  " in term or "\n" in term:
        raise ValueError("a term is a non-empty text without leading, trailing or double spaces")
    return term


def _one_line(text: str) -> str:
    if not text.strip() or len(text.splitlines()) > 1:
        raise ValueError("a text of one line is expected, and not an empty one")
    return text


def _calendar_date(text: str) -> str:
    """Return a date; raise NotationError when the calendar has no such day.

    A year before 2000 is a mistyped one: no configuration is that old.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise NotationError(f"is no day of the calendar ({error}): write one as YYYY-MM-DD") from error
    if day.year < EARLIEST_YEAR:
        raise NotationError(f"is before {EARLIEST_YEAR}: write all four digits of the year")
    return text


def _selector(text: str) -> str:
    if problem := spelling_problem(text):
        raise ValueError(problem)
    return _one_line(text)


def _distinct(entries: tuple[EntryT, ...]) -> tuple[EntryT, ...]:
    for index, entry in enumerate(entries):
        if entry in entries[:index]:
            raise MisfitError(((index,), f"is '{entry}' once more: remove one of them"))
    return entries


def require_unique(path: Path, values: Sequence[Any], key: str) -> None:
    """Raise MisfitError when two entries of the list at `path` have the same `key`; it names the second one."""
    for index, value in enumerate(values):
        if value in values[:index]:
            raise MisfitError(((*path, index, key), f"is {value!r} as in an entry before: each has its own {key}"))


SemanticVersion = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})$")]
# A pattern first: Python's fromisoformat also reads 20260202 and 2026-W06-1, and \d is any digit of Unicode.
IsoDate = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_calendar_date)]
# In ASCII characters; others are written in Punycode or percent encoding.
WebAddress = Annotated[str, Field(pattern=r'^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!"$->@-~]*)?$', max_length=500)]
# Model or inference profile of Bedrock (botocore, bedrock-runtime: ConversationalModelId). An ARN has another account's
# or region's meaning, which permissions do not cover.
ModelId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){1,4}(:[a-z0-9-]{1,63}){0,3}$")]
SourceKey = Annotated[str, Field(pattern=r"^[a-z0-9]+(_+[a-z0-9]+)*$")]
Pattern = Annotated[str, AfterValidator(_valid_pattern), Field(json_schema_extra={"format": "regex"})]
Term = Annotated[str, AfterValidator(_one_term), Field(min_length=1)]
Text = Annotated[str, AfterValidator(_one_line), Field(min_length=1)]
Selector = Annotated[str, AfterValidator(_selector), Field(min_length=1)]
# A list without duplicates.
Distinct = Annotated[tuple[EntryT, ...], AfterValidator(_distinct), Field(json_schema_extra={"uniqueItems": True})]
Identifier = Annotated[str, Field(pattern=f"^{IDENTIFIER.pattern}$")]
Positive = Annotated[float, Field(ge=0, le=1000)]
Share = Annotated[float, Field(ge=0, le=1)]


def not_defined(name: str, known: Sequence[str], what: str) -> str:
    """Return the problem of a name that is not among those defined."""
    return f"names '{name}', which is not {what}: {did_you_mean(name, known)}otherwise add it"


def spelling_key(name: str) -> str:
    """Return a key that is equal for the spellings that matching treats as one name.

    They differ only in case, hyphens, spaces and trade mark signs.
    """
    return re.sub(r"[\s\-®™©]+", "", name).casefold()


def require_every_event_type(key: str, defined: dict[EventType, Any]) -> None:
    """Raise MisfitError when an event type is missing from the mapping at `key`."""
    if missing := [name for name in EVENT_TYPES if name not in defined]:
        raise MisfitError(((key,), f"lacks {', '.join(missing)}: every event type is needed"))

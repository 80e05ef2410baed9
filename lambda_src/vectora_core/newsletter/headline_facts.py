"""Facts of a headline by which reports of one event are recognized, and two events are told apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from vectora_core.items import CuratedItem
from vectora_core.newsletter import headline_words as vocabulary
from vectora_core.newsletter.headline_words import PLAIN_WORDS, STOP_WORDS, pattern_of
from vectora_core.text.words import fold

Words = frozenset[str]
NOTHING: Words = frozenset()

# A text longer than this one mentions other news too.
_LEAD_CHARACTERS = 400
_WORD = re.compile(r"[A-Za-z0-9&]+(?:[-'][A-Za-z0-9]+)*")
_PHASE = re.compile(
    r"\b(?:phase|phases|fas|ph)\.?[\s-]?((?:[1-4]|i{1,3}|iv)(?:[ab])?(?:\s?/\s?(?:[1-4]|i{1,3}|iv)[ab]?)*)\b"
)
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}
_PERIOD = re.compile(
    r"\b(q[1-4]|h[12]|[12]h|(?:first|second|third|fourth)[\s-](?:quarter|half)|half-?[\s-]?year|full-?[\s-]?year|nine-?[\s-]?months?|"
    r"year-?[\s-]?end|annual|interim|six months)\b"
)
_SAME_PERIOD = {
    "first quarter": "q1", "second quarter": "q2", "third quarter": "q3", "fourth quarter": "q4", "first half": "h1",
    "second half": "h2", "1h": "h1", "2h": "h2", "half year": "h1", "halfyear": "h1", "six months": "h1",
    "year end": "annual", "yearend": "annual", "full year": "annual", "fullyear": "annual", "nine months": "q3", "nine month": "q3",
}  # fmt: skip
_SCALES = {"k": 3, "t": 3, "m": 6, "b": 9}
_MONEY = re.compile(
    r"(?:us)?([$€£]|usd|eur|sek|gbp|jpy|krw)\s?(\d+(?:[.,]\d+)*)\s?(k|mn|mln|m|million|bn|b|billion|trillion)?\b"
    r"|\b(\d+(?:[.,]\d+)*)\s?(mn|mln|m|million|millions|miljoner|bn|b|billion|billions|miljarder|milliards?)\s?"
    r"(dollars?|usd|euros?|eur|sek|kronor|kr|won|yen|pounds?)?\b|\bm(?:usd|eur|sek)\s?(\d+(?:[.,]\d+)*)"
)
_CURRENCIES = {
    "usd": "$",
    "dollar": "$",
    "dollars": "$",
    "eur": "€",
    "euro": "€",
    "euros": "€",
    "gbp": "£",
    "pound": "£",
}
_PERCENT = re.compile(r"\b(\d+(?:[.,]\d+)?)\s?(?:%|percent\b|per cent\b|procent\b|pour cent\b)")
_DOSE = re.compile(r"\b(\d+(?:[.,]\d+)?)\s?(mg|mcg|µg|ml|g)\b")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Facts:
    """What is known of an event from its headline; an empty fact is unknown."""

    places: Words = NOTHING
    phases: Words = NOTHING
    intervals: Words = NOTHING
    forms: Words = NOTHING
    periods: Words = NOTHING
    money: Words = NOTHING
    numbers: Words = NOTHING  # percentages, doses, years and other numbers
    deal_kinds: Words = NOTHING
    outcomes: Words = NOTHING
    directions: Words = NOTHING
    # Without these, it is another event: the first of several, one that has happened.
    ordinals: Words = NOTHING
    marks: Words = NOTHING

    def contradict(self, other: Facts) -> bool:
        """Return whether two headlines with these facts cannot be about one event."""
        if (self.ordinals, self.marks) != (other.ordinals, other.marks):
            return True
        nested = ("places", "phases", "intervals", "forms", "periods", "numbers")
        if any(not _are_nested(getattr(self, name), getattr(other, name)) for name in nested):
            return True
        disjoint = ("money", "deal_kinds", "outcomes", "directions")
        return any(_are_apart(getattr(self, name), getattr(other, name)) for name in disjoint)

    def shared(self, other: Facts) -> int:
        """Return the number of kinds of facts that both headlines tell alike."""
        names = ("places", "phases", "intervals", "forms", "periods", "money", "numbers")
        return sum(bool(getattr(self, name) & getattr(other, name)) for name in names)


@dataclass(frozen=True)
class Headline:
    """A headline as it is compared with others; `support` is what its item tells beside it."""

    words: Words  # of the headline, without those that only join others
    numbers: Words  # all of its numbers
    names: Words  # words that name a company or product, also the company whose source it is
    details: Words  # further words that distinguish an event
    event: str | None
    event_type: str
    facts: Facts
    named_support: Words = field(default=NOTHING, compare=False)
    support: Words = field(default=NOTHING, compare=False)

    def contradicts(self, other: Headline) -> bool:
        """Return whether the two are of different events."""
        if self.facts.contradict(other.facts) or (self.event and other.event and self.event != other.event):
            return True
        names, other_names = self._names_beside(other), other._names_beside(self)
        details, other_details = self._details_beside(other), other._details_beside(self)
        if (self.names - other.names) and (other.names - self.names) and (names or other_names):
            return True
        return bool((names | details) and (other_names | other_details))

    def shared_names(self, other: Headline) -> Words:
        """Return the names that both tell, in the headline or beside it."""
        return (self.names & other.names) | (self.names & other.named_support) | (other.names & self.named_support)

    def _names_beside(self, other: Headline) -> Words:
        return self.names - other.names - other.named_support - other.details

    def _details_beside(self, other: Headline) -> Words:
        beside = self.details - other.details - other.names - other.support
        return frozenset(word for word in beside if not any(_are_alike(word, each) for each in other.details))


def headline_of(item: CuratedItem, core: str) -> Headline:
    """Return the facts of an item, of whose title `core` is what remains without outlets and rubrics."""
    entities = item.normalized_content.entities
    known = _names((*entities.companies, *entities.trademarks, *entities.molecules))
    own = _names((item.source_key.partition("__")[2].replace("_", " "),)) if _is_own_news(item) else NOTHING
    lead = _words(fold(f"{item.normalized_content.summary} {item.content[:_LEAD_CHARACTERS]}"))
    return _headline(
        core, own, item.normalized_content.event_classification.primary_type, known | own, lead | known | own
    )


def _headline(core: str, own: Words, event_type: str, named_support: Words, support: Words) -> Headline:
    folded = fold(core)
    text = folded.casefold()
    rest, facts = _facts(text)
    plain = _words(rest) - STOP_WORDS
    amounts = facts.money | facts.numbers | facts.phases
    known = plain - PLAIN_WORDS - _recognized(text)
    capitals = _capital_words(folded)
    names = known & capitals
    return Headline(
        words=plain | amounts,
        numbers=facts.money | facts.numbers | frozenset(f"phase {phase}" for phase in facts.phases) | _codes(plain),
        names=names | own,
        details=known - names,
        event=_event(text),
        event_type=event_type,
        facts=facts,
        named_support=named_support,
        support=support,
    )


def _facts(text: str) -> tuple[str, Facts]:
    """Return the text without its amounts, and the facts."""
    phases = frozenset(_arabic(part) for found in _PHASE.findall(text) for part in re.split(r"\s?/\s?", found))
    rest = _PHASE.sub(" ", text)
    periods = frozenset(_period(found) for found in _PERIOD.findall(rest))
    ordinals = _found(vocabulary.ORDINALS, re.sub(r"\b(?:first|second|third|fourth)[\s-](?:quarter|half)", " ", rest))
    money = frozenset(_money(match) for match in _MONEY.finditer(rest))
    rest = _MONEY.sub(" ", rest)
    numbers = {f"{_plain_number(number)}%" for number in _PERCENT.findall(rest)}
    rest = _PERCENT.sub(" ", rest)
    numbers |= {f"{_plain_number(number)}{unit}" for number, unit in _DOSE.findall(rest)}
    rest = _DOSE.sub(" ", rest)
    intervals = _found(vocabulary.INTERVALS, rest)
    numbers |= {
        _plain_number(word) for word in _words(re.sub(r"\b\d+-?month\w*", " ", rest)) if _NUMBER.fullmatch(word)
    }
    return rest, Facts(
        places=_found(vocabulary.PLACES, text),
        phases=phases,
        intervals=intervals,
        forms=_found(vocabulary.FORMS, rest),
        periods=periods,
        money=money,
        numbers=frozenset(numbers),
        deal_kinds=_found(vocabulary.DEAL_KINDS, rest),
        outcomes=_found(vocabulary.OUTCOMES, rest),
        directions=_found(vocabulary.DIRECTIONS, rest),
        ordinals=ordinals,
        marks=_found(vocabulary.MARKS, rest),
    )


def _are_nested(one: Words, other: Words) -> bool:
    return not one or not other or one <= other or other <= one


def _are_apart(one: Words, other: Words) -> bool:
    return bool(one) and bool(other) and not one & other


def _are_alike(one: str, other: str) -> bool:
    """Return whether two words differ in their ending only, such as injection and injections."""
    shorter = min(len(one), len(other))
    return shorter >= 5 and one[: shorter - 1] == other[: shorter - 1] and abs(len(one) - len(other)) <= 3


def _is_own_news(item: CuratedItem) -> bool:
    return item.source_type == "press_corporate"


def _names(names: tuple[str, ...]) -> Words:
    return frozenset().union(*(_words(fold(name)) for name in names)) - PLAIN_WORDS - STOP_WORDS


def _words(text: str) -> Words:
    """Return the words in lower case; a code has one spelling with and without hyphens, a compound is its words."""
    found: set[str] = set()
    for match in _WORD.findall(text):
        word = re.sub(r"'s?$", "", match.casefold())
        if any(sign.isdigit() for sign in word) and any(sign.isalpha() for sign in word):
            found.add(re.sub(r"[-']", "", word))
        else:
            found.update(_singular(part) for part in re.split(r"[-']", word) if part)
    return frozenset(found)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _capital_words(folded: str) -> Words:
    """Return the words that are written as names, in lower case."""
    return frozenset().union(
        *(_words(match) for match in _WORD.findall(folded) if any(sign.isupper() or sign.isdigit() for sign in match))
    )


def _codes(words: Words) -> Words:
    return frozenset(word for word in words if any(sign.isdigit() for sign in word))


def _event(text: str) -> str | None:
    return next((event for event, terms in vocabulary.EVENTS if pattern(terms).search(text)), None)


def _found(kinds: Mapping[str, tuple[str, ...]], text: str) -> Words:
    return frozenset(kind for kind, terms in kinds.items() if pattern(terms).search(text))


def _recognized(text: str) -> Words:
    """Return the words that are facts or the event."""
    return frozenset().union(*(_words(match[0]) for match in _any_term().finditer(text))) | frozenset().union(
        *(_words(match[0]) for match in _PERIOD.finditer(text))
    )


@cache
def pattern(terms: tuple[str, ...]) -> re.Pattern[str]:
    return pattern_of(terms)


@cache
def _any_term() -> re.Pattern[str]:
    tables = (
        vocabulary.PLACES, vocabulary.INTERVALS, vocabulary.FORMS, vocabulary.DEAL_KINDS, vocabulary.OUTCOMES,
        vocabulary.DIRECTIONS, vocabulary.ORDINALS, vocabulary.MARKS, dict(vocabulary.EVENTS),
    )  # fmt: skip
    listed = [*(terms for table in tables for terms in table.values()), *(terms for _, terms in vocabulary.EVENTS)]
    # Of two words with others between them, those between are no part of the event.
    single = {part for terms in listed for term in terms for part in term.split(" ... ")}
    return pattern_of(sorted(single, key=lambda term: (-len(term), term)))


def _arabic(phase: str) -> str:
    bare = phase.strip().rstrip("ab")
    return _ROMAN.get(bare, bare)


def _period(found: str) -> str:
    plain = re.sub(r"[\s-]+", " ", found)
    return _SAME_PERIOD.get(plain, plain)


def _plain_number(number: str) -> str:
    """Return a number without separators of thousands, and with a decimal point."""
    bare = re.sub(r"[.,](?=\d{3}(?!\d))", "", number).replace(",", ".")
    return f"{float(bare):g}" if re.fullmatch(r"\d+(?:\.\d+)?", bare) else number


def _money(match: re.Match[str]) -> str:
    sign, amount, scale, bare, bare_scale, unit, prefixed = match.groups()
    if prefixed:
        sign, amount, scale = match[0][1:4], prefixed, "m"
    number = _plain_number(amount or bare or "0")
    exponent = _exponent(scale or bare_scale or "")
    currency = _CURRENCIES.get(sign or unit or "", sign or unit or "")
    return (
        f"{currency}{float(number) * 10**exponent:.12g}" if re.fullmatch(r"[\d.]+", number) else f"{currency}{number}"
    )


def _exponent(scale: str) -> int:
    # "milliards" and "miljarder" are billions.
    if scale.startswith(("milliard", "miljard")):
        return 9
    return 12 if scale == "trillion" else _SCALES.get(scale[:1], 0)

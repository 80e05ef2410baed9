"""Facts of headlines: those that reports of one event share, and those that distinguish two events."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache

from vectora_core.items import CuratedItem
from vectora_core.newsletter import headline_words as vocabulary
from vectora_core.newsletter.headline_words import PLAIN_WORDS, STOP_WORDS, pattern_of
from vectora_core.text.words import fold

Words = frozenset[str]
NOTHING: Words = frozenset()

# A text longer than this one mentions other news too.
_LEAD_CHARACTERS = 400
_WORD = re.compile(r"[A-Za-z0-9&]+(?:[-'][A-Za-z0-9]+)*|[^\W\d_A-Za-z]+")
# Scripts that write words without spaces, Korean with its letters as `fold` leaves them.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]")
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
    "year end": "annual", "yearend": "annual", "full year": "annual", "fullyear": "annual",
    "nine months": "q3", "nine month": "q3",
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
_YEAR = re.compile(r"20\d\d")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Facts:
    """Facts of an event, as far as its headline has them; an empty fact is unknown."""

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

    @cached_property
    def evidence(self) -> Words:
        """Facts that show, if another headline has them too, that it may be about the same event."""
        names = ("places", "phases", "intervals", "forms", "periods", "money", "numbers")
        return frozenset(f"{name} {value}" for name in names for value in getattr(self, name))


@dataclass(frozen=True)
class Beside:
    """Names and text of an item beside its headline; read only when headlines are compared."""

    known_names: tuple[str, ...]
    text: str

    @cached_property
    def names(self) -> Words:
        """Words of the companies and products that the analysis found."""
        return _names(self.known_names)

    @cached_property
    def words(self) -> Words:
        """Words of the beginning of the text, and the names."""
        return self.names | _words(fold(self.text))


NOTHING_BESIDE = Beside((), "")


@dataclass(frozen=True)
class Headline:
    """A headline as it is compared with others."""

    words: Words  # of the headline, without those that only join others
    numbers: Words  # all of its numbers
    names: Words  # words that name a company or product, also the company whose source it is
    details: Words  # further words that distinguish an event
    event: str | None
    facts: Facts
    beside: Beside = field(default=NOTHING_BESIDE, compare=False)

    def contradicts(self, other: Headline) -> bool:
        """Return whether the two are of different events."""
        if self.facts.contradict(other.facts) or (self.event and other.event and self.event != other.event):
            return True
        names, other_names = self._names_beside(other), other._names_beside(self)
        details, other_details = self._details_beside(other), other._details_beside(self)
        if (self.names - other.names) and (other.names - self.names) and (names or other_names):
            return True
        if self.facts.money & other.facts.money and self.names & other.names:
            # One amount of one company is one event, in any words.
            return bool(names) and bool(other_names)
        return bool((names | details) and (other_names | other_details))

    @cached_property
    def all_names(self) -> Words:
        """Names in the headline and beside it."""
        return self.names | self.beside.names

    def shared_names(self, other: Headline) -> Words:
        """Return the names that both have, in the headline or beside it."""
        return (self.names & other.names) | (self.names & other.beside.names) | (other.names & self.beside.names)

    def _names_beside(self, other: Headline) -> Words:
        return self.names - other.names - other.beside.names - other.details

    def _details_beside(self, other: Headline) -> Words:
        beside = self.details - other.details - other.names
        if not beside:
            return beside
        return frozenset(
            word for word in beside - other.beside.words if not any(_are_alike(word, each) for each in other.details)
        )


def headline_of(item: CuratedItem, core: str) -> Headline:
    """Return the facts of an item, of whose title `core` is what remains without outlets and rubrics."""
    content = item.normalized_content
    found = content.entities
    source = (item.source_key.partition("__")[2].replace("_", " "),) if _is_own_news(item) else ()
    beside = Beside(
        (*found.companies, *found.trademarks, *found.molecules, *source),
        f"{content.summary} {item.content[:_LEAD_CHARACTERS]}",
    )
    own = _names(source)
    folded = fold(core)
    text = folded.casefold()
    plain = _words(folded)
    if not any(map(_may_be_fact, plain)):
        # Most words of most headlines are no terms; all others are looked up in one table after the other.
        rest, facts, event, recognized = plain, Facts(), None, NOTHING
    else:
        without_amounts, facts = _facts(text)
        rest, event, recognized = _words(without_amounts), _event(text), _recognized(text)
        if event == "financial report" and not facts.periods and any(map(_YEAR.fullmatch, facts.numbers)):
            facts = replace(facts, periods=frozenset({"annual"}))
    rest -= STOP_WORDS
    known = rest - PLAIN_WORDS - recognized
    names = known & _capital_words(folded)
    return Headline(
        words=rest | facts.money | facts.numbers | facts.phases,
        numbers=facts.money | facts.numbers | frozenset(f"phase {phase}" for phase in facts.phases) | _codes(rest),
        names=names | own,
        details=known - names,
        event=event,
        facts=facts,
        beside=beside,
    )


def names_in(title: str) -> Words:
    """Return the words that are written as names and are no known terms."""
    folded = fold(title)
    return (_capital_words(folded) - PLAIN_WORDS - STOP_WORDS) - _recognized(folded.casefold())


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
        # A form of products, not of deals.
        marks=_found(vocabulary.MARKS, re.sub(r"extended[\s-]release", " ", rest)),
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


@lru_cache(maxsize=2000)
def _names(names: tuple[str, ...]) -> Words:
    return frozenset().union(*(_words(fold(name)) for name in names)) - PLAIN_WORDS - STOP_WORDS


def _words(text: str) -> Words:
    """Return the words in lower case; a code has one spelling with and without hyphens, a compound is its words."""
    return frozenset().union(*map(_parts_of, _WORD.findall(text)))


@lru_cache(maxsize=20_000)
def _parts_of(word: str) -> Words:
    if _UNSPACED.match(word):
        return frozenset(word[start : start + 2] for start in range(max(1, len(word) - 1)))
    bare = re.sub(r"'s?$", "", word.casefold())
    if any(sign.isdigit() for sign in bare) and any(sign.isalpha() for sign in bare):
        return frozenset({re.sub(r"[-']", "", bare)})
    return frozenset(_singular(part) for part in re.split(r"[-']", bare) if part)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _capital_words(folded: str) -> Words:
    """Return the words that are written as names, in lower case."""
    return frozenset().union(*(_parts_of(word) for word in _WORD.findall(folded) if not word.islower()))


@lru_cache(maxsize=20_000)
def _may_be_fact(word: str) -> bool:
    """Return whether a word is a number or part of a term."""
    return not word.isalpha() or _part_of_a_term().fullmatch(word) is not None


@cache
def _part_of_a_term() -> re.Pattern[str]:
    parts = {part for term in _single_terms() for part in re.split(r"[ -]", term) if part not in ("*", "")}
    plurals = {_singular(part) for part in parts}
    return pattern_of(sorted({*parts, *plurals, "phase", "fas", "ph", "million", "billion", "percent", "procent"}))


def _codes(words: Words) -> Words:
    return frozenset(word for word in words if not word.isalpha())


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
    return pattern_of(sorted(_single_terms(), key=lambda term: (-len(term), term)))


def _single_terms() -> frozenset[str]:
    """Return all terms; of two words with others between them, those between are no part of the event."""
    tables = (
        vocabulary.PLACES, vocabulary.INTERVALS, vocabulary.FORMS, vocabulary.DEAL_KINDS, vocabulary.OUTCOMES,
        vocabulary.DIRECTIONS, vocabulary.ORDINALS, vocabulary.MARKS,
    )  # fmt: skip
    listed = [*(terms for table in tables for terms in table.values()), *(terms for _, terms in vocabulary.EVENTS)]
    return frozenset(part for terms in listed for term in terms for part in term.split(" ... "))


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

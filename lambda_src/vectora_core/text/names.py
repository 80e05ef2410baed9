"""Names in texts, and what the text around a spelling says about its meaning."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from vectora_core.text.terms import Terms, TermSearch, term_pattern
from vectora_core.text.words import fold
from vectora_shared.config.values import spelling_key

# A surname follows, also if it is the name of a company: "Dr LAI", "Mme Janssen". English, French, German, Swedish.
_TITLES_OF_PERSONS = frozenset(
    (
        *("dr", "drs", "dra", "docteur", "prof", "professor", "professeur", "sir", "dame", "mr", "mrs", "ms", "mme"),
        *("mlle", "herr", "frau", "hr", "fru", "judge", "justice", "senator", "sen"),
    )
)
_LONGEST_TITLE = 16
# Less than this share of small letters: the case of a word means nothing.
_SMALL_LETTERS_OF_CAPITALS = 0.1


class NameMatch(NamedTuple):
    """One occurrence of a name in a text."""

    name: str  # in the spelling of the scope
    start: int


@dataclass(frozen=True)
class NameRule:
    """Meaning of an ambiguous spelling, by the text around it."""

    is_not: tuple[str, ...] = ()  # phrases with the spelling that are something else
    unless: tuple[str, ...] = ()  # words that show that the item is about something else
    needs: tuple[str, ...] = ()  # words of which one shows that the item is about the name


class Surroundings:
    """Folded text that decides about ambiguous names: an item's title and first sentences."""

    def __init__(self, *folded: str) -> None:
        self._folded = folded
        self._seen: dict[NameFinder, _Seen] = {}

    def seen_by(self, finder: NameFinder) -> _Seen:
        """Return what the finder sees in the text, which is searched once."""
        if finder not in self._seen:
            self._seen[finder] = finder.look_around(". ".join(self._folded))
        return self._seen[finder]


class _Seen(NamedTuple):
    words: frozenset[tuple[str, ...]]  # lists of words, of which one occurs
    names: frozenset[str]  # names in a spelling that is not ambiguous


class NameFinder:
    """Finder of names as whole words, regardless of case, accents and hyphens; the longest name wins.

    Names that are matched in one spelling only are also found in capitals where the whole text is in capitals.
    """

    def __init__(
        self,
        names: Iterable[str],
        aliases: Mapping[str, tuple[str, ...]] | None = None,
        case_sensitive: Collection[str] = (),
        rules: Mapping[str, NameRule] | None = None,
        *,
        plural: bool = False,
        surnames: bool = True,
    ) -> None:
        """Initialize with the rules of ambiguous spellings; `surnames` says whether the names may also be surnames."""
        spellings = {spelling: name for name in names for spelling in (name, *((aliases or {}).get(name, ())))}
        spellings |= {_with_and(spelling): name for spelling, name in spellings.items()}
        exact = {fold(spelling): name for spelling, name in spellings.items() if spelling in case_sensitive}
        loose = {fold(spelling): name for spelling, name in spellings.items() if spelling not in case_sensitive}
        capitals = {spelling.upper(): name for spelling, name in exact.items() if spelling.upper() not in exact}
        rules = {spelling: rule for spelling, rule in (rules or {}).items() if spelling in spellings}
        self._plural = plural
        self._surnames = surnames
        self._exact_keys = {_exact_key(spelling): name for spelling, name in (exact | capitals).items()}
        self._loose_keys = {_loose_key(spelling): name for spelling, name in loose.items()}
        self._only_in_capitals = frozenset(map(_exact_key, capitals))
        self._rules = {_loose_key(fold(spelling)): rule for spelling, rule in rules.items()}
        self._plain = {spelling: name for spelling, name in loose.items() if _loose_key(spelling) not in self._rules}
        self.terms = (
            Terms(tuple(loose), ignore_case=True, plural=plural),
            Terms((*exact, *capitals), ignore_case=False),
            Terms(tuple(fold(phrase) for rule in rules.values() for phrase in rule.is_not), ignore_case=True),
        )

    def find(self, folded: str) -> list[NameMatch]:
        """Return every occurrence of a name, in the order of the text."""
        return self._alone.find(folded)[self]

    def names_in(self, folded: str) -> tuple[str, ...]:
        """Return each name once, in the order of the text."""
        return distinct_names(self.find(folded))

    def canonical(self, spelling: str) -> str | None:
        """Return the name that this spelling stands for, or None."""
        folded = fold(spelling)
        return self._exact_keys.get(_exact_key(folded)) or self._loose_keys.get(_loose_key(folded))

    def canonical_in(self, spelling: str, folded: str) -> str | None:
        """Return the name that this spelling stands for in the text, or None."""
        name = self.canonical(spelling)
        return name if name is None or self._rule_of(fold(spelling)) is None or name in self.names_in(folded) else None

    def named(self, found: Sequence[Sequence[re.Match[str]]], around: Surroundings) -> list[NameMatch]:
        """Return the names that the matches of the kinds of terms stand for, in the order of the text."""
        loose, exact, others = found
        if not loose and not exact:
            return []
        named = [(self._loose_name(match[0]), match) for match in loose]
        if exact:
            named += [(self._exact_keys[_exact_key(match[0])], match) for match in self._in_this_case(exact)]
        if self._surnames:
            named = [(name, match) for name, match in named if not _is_surname(match)]
        if others:
            named = [(name, match) for name, match in named if not _overlaps(match, others)]
        if self._rules:
            named = self._without_ambiguous(named, around)
        found_names = [NameMatch(name, match.start()) for name, match in named]
        return sorted(found_names, key=_start) if loose and exact else found_names

    def look_around(self, folded: str) -> _Seen:
        """Return the words that ambiguous names need or exclude, and the plain names, that occur in the text."""
        lists, search = self._around
        *words, plain = search.find(folded)
        return _Seen(
            frozenset(each for each, matches in zip(lists, words, strict=True) if matches),
            frozenset(self._loose_keys[_loose_key(match[0])] for match in plain),
        )

    def _in_this_case(self, exact: Sequence[re.Match[str]]) -> Sequence[re.Match[str]]:
        """Return the matches without names in capitals, unless the whole text is in capitals."""
        plain = [match for match in exact if _exact_key(match[0]) not in self._only_in_capitals]
        return exact if len(plain) < len(exact) and in_capitals(exact[0].string) else plain

    def _without_ambiguous(
        self, named: list[tuple[str, re.Match[str]]], around: Surroundings
    ) -> list[tuple[str, re.Match[str]]]:
        """Return the matches without those whose rule finds that they mean something else."""
        rules = [self._rule_of(match[0]) for _, match in named]
        if not any(rules):
            return named
        plain = {name for (name, _), rule in zip(named, rules, strict=True) if rule is None}
        return [
            pair
            for pair, rule in zip(named, rules, strict=True)
            if rule is None or self._admits(rule, pair[0], plain, around)
        ]

    def _admits(self, rule: NameRule, name: str, plain: set[str], around: Surroundings) -> bool:
        if not rule.unless and not rule.needs:
            return True
        seen = around.seen_by(self)
        if name in plain or name in seen.names:
            return True
        return rule.unless not in seen.words and (not rule.needs or bool(plain) or rule.needs in seen.words)

    def _rule_of(self, found: str) -> NameRule | None:
        key = _loose_key(found)
        return self._rules.get(key) or (self._rules.get(key.removesuffix("s")) if self._plural else None)

    @cached_property
    def _around(self) -> tuple[list[tuple[str, ...]], TermSearch]:
        lists = list(
            dict.fromkeys(words for rule in self._rules.values() for words in (rule.unless, rule.needs) if words)
        )
        ambiguous = {
            name for key, name in (*self._loose_keys.items(), *self._exact_by_loose_key()) if key in self._rules
        }
        plain = [spelling for spelling, name in self._plain.items() if name in ambiguous]
        groups = [Terms(tuple(map(fold, words)), ignore_case=True, plural=True) for words in lists]
        return lists, TermSearch([*groups, Terms(tuple(plain), ignore_case=True)])

    def _exact_by_loose_key(self) -> Iterable[tuple[str, str]]:
        return ((_loose_key(key), name) for key, name in self._exact_keys.items())

    @cached_property
    def _alone(self) -> NameSearch:
        return NameSearch([self])

    def _loose_name(self, found: str) -> str:
        key = _loose_key(found)
        if self._plural and key not in self._loose_keys:
            key = key.removesuffix("s")
        return self._loose_keys[key]


class NameSearch:
    """Search for the names of several finders, with one pass over the text."""

    def __init__(self, finders: Sequence[NameFinder]) -> None:
        self._finders = finders
        self._search = TermSearch([terms for finder in finders for terms in finder.terms])

    def find(self, folded: str, around: Surroundings | None = None) -> dict[NameFinder, list[NameMatch]]:
        """Return what each finder finds by itself; ambiguous names are read in the light of the text around."""
        found = self._search.find(folded)
        around = around or Surroundings(folded)
        return {
            finder: finder.named(kinds, around)
            for finder, *kinds in zip(self._finders, found[::3], found[1::3], found[2::3], strict=True)
        }


def distinct_names(found: Iterable[NameMatch]) -> tuple[str, ...]:
    """Return each name once, in the order of the matches."""
    return tuple(dict.fromkeys(match.name for match in found))


def in_capitals(text: str) -> bool:
    """Return whether the text is written in capitals, so that the case of its words says nothing."""
    capitals = sum(map(str.isupper, text))
    return capitals > 0 and sum(map(str.islower, text)) <= _SMALL_LETTERS_OF_CAPITALS * capitals


def occurs(name: str, folded: str) -> bool:
    """Return whether the name occurs in the folded text, as whole words."""
    # A name without letters or digits, such as "-", would be found between any two words.
    return bool(re.search(r"\w", name)) and bool(term_pattern([fold(name)], re.IGNORECASE, plural=False).search(folded))


def _start(match: NameMatch) -> int:
    return match.start


def _with_and(spelling: str) -> str:
    return spelling.replace(" & ", " and ")


def _is_surname(match: re.Match[str]) -> bool:
    start = match.start()
    before = match.string[max(0, start - _LONGEST_TITLE) : start]
    if not before.endswith(" "):
        return False
    return before[:-1].rpartition(" ")[2].strip("(\"'.").lower() in _TITLES_OF_PERSONS


def _overlaps(match: re.Match[str], others: Sequence[re.Match[str]]) -> bool:
    return any(other.start() < match.end() and match.start() < other.end() for other in others)


def _exact_key(text: str) -> str:
    return re.sub(r"[\s-]+", "", text)


@lru_cache(maxsize=10_000)
def _loose_key(text: str) -> str:
    # For regular expressions that ignore case, the dotless letter of Turkish is an i; for `casefold`, it is not.
    return spelling_key(text).replace("\u0131", "i")

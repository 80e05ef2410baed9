"""One search of a text for the terms of many lists."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_NO_MATCH = "(?!)"
_WORD_STARTS = "(?<![A-Za-z0-9])"
_WORD_ENDS = "(?![A-Za-z0-9])"
# Regardless of case, these characters include others such as the dotless i; a tree for all groups must not.
_ASCII_WORD_STARTS = f"(?-i:{_WORD_STARTS})"
_ASCII_WORD_ENDS = f"(?-i:{_WORD_ENDS})"
_SEPARATORS = re.compile(r"[\s-]+")
_SEPARATOR = r"[\s-]?"
_DEPTH = 16
# Only of these letters, the lower case is always equal to the letter for regular expressions that ignore case.
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


@dataclass(frozen=True)
class Terms:
    """Folded terms of one kind: whole words, of which the longest term that fits at a place is found there."""

    spellings: tuple[str, ...]
    ignore_case: bool
    plural: bool = False

    @property
    def flags(self) -> re.RegexFlag:
        """Flags of the regular expressions for the terms."""
        return re.IGNORECASE if self.ignore_case else re.NOFLAG


class TermSearch:
    """Search for the terms of several groups, as if each group was searched for by itself.

    A regular expression in the form of a tree finds all places where a term of any group may start: a tree compares
    a place with the common beginning of many terms once, a list of terms compares it with each of them. Only at these
    places, the list of the few terms of a group that start with this character says which one it is.
    """

    def __init__(self, groups: Sequence[Terms]) -> None:
        ordered = [_longest_first(group.spellings) for group in groups]
        self._starts = re.compile(
            f"{_ASCII_WORD_STARTS}(?={_tree(term for terms in ordered for term in terms)})", re.IGNORECASE
        )
        self._groups = len(groups)
        initials = {_initial(term) for terms in ordered for term in terms}
        # Places are looked up by their first character. Other alphabets have characters that are equal to several
        # others regardless of case; there, all terms are tried.
        self._elsewhere = _Patterns(groups, ordered, None)
        self._by_initial = {initial: _Patterns(groups, ordered, initial) for initial in initials if initial}
        self._without_initial = _Patterns(groups, ordered, "")

    def find(self, folded: str) -> list[list[re.Match[str]]]:
        """Return the matches of each group; those of one group do not overlap."""
        found: list[list[re.Match[str]]] = [[] for _ in range(self._groups)]
        ends = [0] * self._groups
        for place in self._starts.finditer(folded):
            start = place.start()
            for group, pattern in self._patterns_for(folded[start]).compiled:
                if start >= ends[group] and (match := pattern.match(folded, start)):
                    found[group].append(match)
                    ends[group] = match.end()
        return found

    def _patterns_for(self, character: str) -> _Patterns:
        if not character.isascii():
            return self._elsewhere
        return self._by_initial.get(character.lower(), self._without_initial)


class _Patterns:
    """Patterns of the groups, with the terms that may start with one character."""

    def __init__(self, groups: Sequence[Terms], ordered: Sequence[Sequence[str]], initial: str | None) -> None:
        self._groups = groups
        self._ordered = ordered
        self._initial = initial
        self._compiled: list[tuple[int, re.Pattern[str]]] | None = None

    @property
    def compiled(self) -> list[tuple[int, re.Pattern[str]]]:
        """The number of each group that has such terms, with its pattern; compiled when first used."""
        if self._compiled is None:
            chosen = (
                [term for term in terms if self._initial is None or _initial(term) in (self._initial, "")]
                for terms in self._ordered
            )
            self._compiled = [
                (number, term_pattern(terms, group.flags, plural=group.plural))
                for number, (group, terms) in enumerate(zip(self._groups, chosen, strict=True))
                if terms
            ]
        return self._compiled


def term_pattern(terms: Iterable[str], flags: re.RegexFlag, *, plural: bool) -> re.Pattern[str]:
    """Return the plain regular expression for whole terms, of which the first one in the given order wins."""
    alternatives = "|".join(_SEPARATOR.join(map(re.escape, _SEPARATORS.split(term))) for term in terms)
    if not alternatives:
        return re.compile(_NO_MATCH)
    return re.compile(rf"{_WORD_STARTS}(?:{alternatives}){'s?' if plural else ''}{_WORD_ENDS}", flags)


def _longest_first(terms: Iterable[str]) -> list[str]:
    """Return the terms, without those such as "™" that have no characters once folded: they would be everywhere."""
    return sorted((term for term in terms if _SEPARATORS.sub("", term)), key=len, reverse=True)


def _initial(term: str) -> str:
    """Return the character that a term starts with in every case and spelling, or an empty text if it has several."""
    first = term[0]
    return first.lower() if first.isascii() and not _SEPARATORS.match(first) else ""


@dataclass
class _Node:
    """A node of the tree: its branches by the regular expression of their first character."""

    branches: dict[str, _Node] = field(default_factory=dict)
    is_end: bool = False
    is_cut: bool = False


def _tree(terms: Iterable[str]) -> str:
    """Return a regular expression that matches wherever a term starts, and at few other places.

    Terms are cut after some characters, so that a tree of terms that start with each other is not too deep to compile.
    """
    root = _Node()
    for term in terms:
        node, steps = root, _steps(term)
        for step in steps[:_DEPTH]:
            node = node.branches.setdefault(step, _Node())
        node.is_end = True
        node.is_cut = node.is_cut or len(steps) > _DEPTH
    return _expression(root) if root.branches else _NO_MATCH


def _steps(term: str) -> list[str]:
    """Return the regular expressions of a term's characters; equal ones are shared, so letters are in lower case."""
    words = ([re.escape(character) for character in word] for word in _SEPARATORS.split(term.translate(_LOWER)))
    return [step for number, word in enumerate(words) for step in (*([_SEPARATOR] if number else ()), *word)]


def _expression(node: _Node) -> str:
    if node.is_cut:
        return ""
    alternatives = [step + _expression(branch) for step, branch in node.branches.items()]
    if node.is_end:
        alternatives.append(f"s?{_ASCII_WORD_ENDS}")
    return alternatives[0] if len(alternatives) == 1 else f"(?:{'|'.join(alternatives)})"

"""Problems of regular expressions that are searched for in folded news."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

# The parser of `re` itself: it has no public name, and no other one reads exactly what `re` reads.
_parser: Any = import_module("re._parser")
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}
# With so many repetitions of a repetition, a text of one line takes longer than a run may.
_MANY = 12
_MOST_OPEN_REPEATS = 2
_STARTS = {"AT_BEGINNING", "AT_BEGINNING_STRING"}
_ENDS = {"AT_END", "AT_END_STRING"}
_TYPOGRAPHIC = dict.fromkeys("\u2018\u2019\u201a\u02bc\u00b4`", "'") | dict.fromkeys("\u201c\u201d\u201e", '"')
_TYPOGRAPHIC |= {"ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "ł": "l", "đ": "d", "ð": "d"}
_TYPOGRAPHIC |= dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-") | dict.fromkeys("®™©℠", "nothing")

Node = tuple[Any, Any]


def pattern_problem(pattern: str) -> str | None:
    """Return why the regular expression matches no news or takes too long, as the end of a sentence, or None."""
    if problem := _folded_away(pattern):
        return problem
    sequences = list(_sequences(_parser.parse(pattern, re.IGNORECASE).data))
    if any(_never_matches(sequence) for sequence in sequences):
        return "can never match, by the place of its ^, $, \\b or (?!): remove the part that contradicts the rest"
    if any(_repeats_a_repetition(node) for sequence in sequences for node in sequence):
        return "repeats a repetition, as (a+)+ does, which takes very long on some texts: limit both, such as {0,3}"
    if any(sum(_is_open(node) for node in sequence) > _MOST_OPEN_REPEATS for sequence in sequences):
        return "has more than two of .* or .+, which takes very long on some texts: limit them, such as .{0,40}"
    return None


def _folded_away(pattern: str) -> str | None:
    """Return the problem of a character that no news have when they are matched, or None."""
    for character in "" if pattern.isascii() and "`" not in pattern else pattern:
        plain = _TYPOGRAPHIC.get(character) or "".join(
            part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part)
        )
        if plain != character:
            instead = "remove it" if plain == "nothing" else f"write '{plain}'"
            return f"contains '{character}', but news are matched without accents and typographic signs: {instead}"
    if "  " in pattern or "\n" in pattern or "\t" in pattern:
        return "contains two spaces, a tab or a line break, but news are matched on one line with single spaces"
    return None


def _children(node: Node) -> Iterator[Sequence[Node]]:
    operation, argument = str(node[0]), node[1]
    if operation in _REPEATS or operation == "SUBPATTERN":
        yield argument[-1].data
    elif operation == "BRANCH":
        yield from (branch.data for branch in argument[1])
    elif operation in ("ASSERT", "ASSERT_NOT"):
        yield argument[1].data
    elif operation == "ATOMIC_GROUP":
        yield argument.data


def _sequences(tree: Sequence[Node]) -> Iterator[Sequence[Node]]:
    yield tree
    for node in tree:
        for child in _children(node):
            yield from _sequences(child)


def _nodes(tree: Sequence[Node]) -> Iterator[Node]:
    for sequence in _sequences(tree):
        yield from sequence


def _never_matches(sequence: Sequence[Node]) -> bool:
    consumed = ended = False
    for index, node in enumerate(sequence):
        operation, argument = str(node[0]), node[1]
        if operation == "FAILURE" or (operation == "ASSERT_NOT" and not len(argument[1])):
            return True
        if operation == "AT":
            if str(argument) in _STARTS and consumed:
                return True
            if str(argument) == "AT_BOUNDARY" and _is_between_equals(sequence, index):
                return True
            ended = ended or str(argument) in _ENDS
        elif operation not in ("ASSERT", "ASSERT_NOT") and _least_width(node) > 0:
            if ended:
                return True
            consumed = True
    return False


def _is_between_equals(sequence: Sequence[Node], index: int) -> bool:
    """Return whether two letters or two other characters stand around the boundary of a word."""
    around = [sequence[place] for place in (index - 1, index + 1) if 0 <= place < len(sequence)]
    if len(around) < 2 or any(str(node[0]) != "LITERAL" for node in around):
        return False
    before, after = (re.match(r"\w", chr(node[1])) is not None for node in around)
    return before == after


def _least_width(node: Node) -> int:
    return int(_parser.SubPattern(_parser.State(), [node]).getwidth()[0])


def _repeats_a_repetition(node: Node) -> bool:
    if str(node[0]) not in _REPEATS or node[1][1] < _MANY:
        return False
    return any(str(inner[0]) in _REPEATS and inner[1][1] >= _MANY for inner in _nodes(node[1][2].data))


def _is_open(node: Node) -> bool:
    """Return whether the node repeats nearly all characters without a limit."""
    if str(node[0]) not in _REPEATS or node[1][1] != _parser.MAXREPEAT:
        return False
    body = list(node[1][2])
    if len(body) != 1 or str(body[0][0]) != "IN":
        return len(body) == 1 and str(body[0][0]) in ("ANY", "NOT_LITERAL")
    return any(str(kind) == "NEGATE" or "NOT" in str(value) for kind, value in body[0][1])

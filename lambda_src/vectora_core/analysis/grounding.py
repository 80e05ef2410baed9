"""Support of a model's sentence by the item's text: the numbers and names in it must occur there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vectora_core.text.words import fold

# No headline needs an address or mark-up, even if the item has them.
_NO_SENTENCE = re.compile(r"://|www\.|[<>@]", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[^\W_]+(?:['&./-][^\W_]+)*")
_SEPARATOR = re.compile(r"['&./-]")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s+|[\"'(]\s*)$")
_NUMERALS = (
    "one two three four five six seven eight nine ten eleven twelve",
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth",
    "i ii iii iv",  # of phases
)
# Words that readers of this newsletter know; a capital letter does not make them names.
_NO_NAMES = frozenset({"lai", "lais", "phase"})
# Words that may begin a sentence although the item does not have them.
_USUAL_OPENERS = """
a an the this that these those it its they their there both all some each every no not if as at in on of for from to
with without by after before during while when where which what who several many most more less few another other only
also still now next early late new positive negative final interim full partial data results result trial trials study
studies approval approvals launch launches deal deals licence license agreement partner partners company companies
patients people adults developers makers adds allows brings broadens clears competes completes confirms continues could
creates cuts delays demonstrates enables ends expands expects extends faces files gains gets gives has have helps
increases introduces is are was were would will may might marks makes moves offers opens plans points proves provides
puts raises reaches reduces removes reports replaces secures sells sets settles shifts shows signals signs starts
strengthens submits supports suggests supplies takes targets tests turns uses validates widens wins regulators
regulatory clinical commercial potential once twice weekly monthly quarterly longer shorter fewer further
first second third fourth long-acting
"""
_OPENERS = frozenset(_USUAL_OPENERS.split())


class ItemWords:
    """Words, numbers and initials of an item's text."""

    def __init__(self, text: str) -> None:
        """Initialize with the title and the content."""
        folded = fold(text)
        words = [match[0] for match in _WORD.finditer(folded)]
        parts = [part for word in words for part in _SEPARATOR.split(word)]
        keys = {_key(word) for word in (*words, *parts)}
        # Surrounded by spaces, so that beginnings of words can be found.
        self._words = f" {' '.join(sorted(keys))} "
        self._numbers = {*_numbers(folded), *_spelled_numbers(keys)}
        # "FDA" stands for "Food and Drug Administration", and "NDA" for "new drug application".
        self._capitals = "".join(part[0] for part in parts if part[0].isupper())
        self._initials = "".join(part[0] for part in parts).upper()

    def support(self, sentence: str) -> bool:
        """Return whether all numbers and names of the sentence occur in the text, and it has no address or mark-up."""
        folded = fold(sentence)
        if _NO_SENTENCE.search(folded) or not set(_numbers(folded)) <= self._numbers:
            return False
        return all(
            self._occurs(match[0]) or _begins_as_usual(folded, match)
            for match in _WORD.finditer(folded)
            if any(letter.isupper() for letter in match[0])
        )

    def _occurs(self, word: str) -> bool:
        key = _key(word)
        if key in _NO_NAMES or f" {key} " in self._words:
            return True
        parts = _SEPARATOR.split(word)
        if len(parts) > 1:
            # Such as "Phase-3" and "FDA-approved".
            return all(self._occurs(part) for part in parts if any(letter.isupper() for letter in part))
        if not word.isalpha():
            return False
        if not word.isupper():
            # "Swedish" and "Sweden" begin alike, and "European" and "Europe".
            return len(word) > 3 and f" {key[: max(4, len(key) - 3)]}" in self._words
        return word in self._capitals or (len(word) > 2 and word in self._initials)


def _begins_as_usual(sentence: str, word: re.Match[str]) -> bool:
    return word[0].casefold() in _OPENERS and _SENTENCE_START.search(sentence[: word.start()]) is not None


def _key(word: str) -> str:
    """Return the word in lower case, without its genitive and the full stops of an abbreviation."""
    return re.sub(r"'s?$", "", word.casefold()).replace(".", "")


def _numbers(text: str) -> Iterator[str]:
    """Yield the numbers, without separators of thousands."""
    for number in _NUMBER.findall(text):
        yield re.sub(r",(?=\d{3}(?!\d))", "", number)


def _spelled_numbers(words: set[str]) -> Iterator[str]:
    for names in _NUMERALS:
        yield from (str(value) for value, name in enumerate(names.split(), start=1) if name in words)

"""Stories of a newsletter, found again by the words of another report's title."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from vectora_core.near_days import NearDays
from vectora_core.text.words import fold
from vectora_shared.config.client import Deduplication

Words = frozenset[str]

_STOP_WORDS = frozenset(
    ["a", "an", "and", "as", "at", "by", "for", "from", "in", "into", "its", "of", "on", "or", "the", "to", "with"]
)


@dataclass(frozen=True, eq=False)
class _Known:
    """Known stories whose titles have the same words."""

    words: Words
    numbers: Words
    items: NearDays[str]


def title_words(title: str) -> Words:
    """Return the words of a title that distinguish it from others."""
    return frozenset(re.findall(r"[a-z0-9]+", fold(title).casefold())) - _STOP_WORDS


class KnownStories:
    """Finder of the first known story that a report may be another report of.

    Two titles are compared only if they have one of their rarest words in common, with enough words after it in both:
    the rarest common word of two similar titles is followed by all other common ones, in the order of rarity.
    """

    def __init__(self, titles: Iterable[Words], rules: Deduplication) -> None:
        """Initialize without stories; the titles of all reports show which words are rare."""
        self._rules = rules
        counts = Counter(word for words in titles for word in words)
        self._rarity = {word: rank for rank, word in enumerate(sorted(counts, key=lambda each: (counts[each], each)))}
        self._known: dict[Words, _Known] = {}
        # By the numbers and one word of the titles, then by their size and the number of words from that word on.
        self._by_word: dict[tuple[Words, str], dict[tuple[int, int], list[_Known]]] = {}
        self._least: dict[tuple[int, int], int] = {}

    def add(self, item_id: str, words: Words, day: date | None, place: int) -> None:
        """Add a story with the words of its title; its place is after that of all known ones."""
        known = self._known.get(words)
        if known is None:
            known = _Known(words, _numbers(words), NearDays(self._rules.max_days_apart))
            self._known[words] = known
            for word, left in self._from_rare_words(words):
                titles = self._by_word.setdefault((known.numbers, word), {})
                titles.setdefault((len(words), left), []).append(known)
        known.items.add(place, day, item_id)

    def find(self, words: Words, day: date | None) -> str | None:
        """Return the item_id of the first known story that the report repeats, or None."""
        found = (known.items.first(day) for known in self._candidates(words) if self._are_similar(known.words, words))
        first = min((entry for entry in found if entry), key=lambda entry: entry[0], default=None)
        return first[1] if first else None

    def _are_similar(self, one: Words, other: Words) -> bool:
        return len(one & other) >= self._least_shared(len(one), len(other))

    def _candidates(self, words: Words) -> Collection[_Known]:
        """Return the known titles that may be similar; all similar ones are among them."""
        size, numbers = len(words), _numbers(words)
        if not words or not self._least_shared(size, size):
            # Every title is similar to every other one that has words, even if they have no word in common.
            return [known for known in self._known.values() if words and known.words and known.numbers == numbers]
        candidates: set[_Known] = set()
        for word, left in self._from_rare_words(words):
            for (other_size, other_left), titles in self._by_word.get((numbers, word), {}).items():
                if min(left, other_left) >= self._least_shared(size, other_size):
                    candidates.update(titles)
        return candidates

    def _from_rare_words(self, words: Words) -> list[tuple[str, int]]:
        """Return the rarest words, of which two similar titles have one in common, and the number of words left."""
        size = len(words)
        # At best, the other title has no further words.
        enough = next(count for count in range(size + 1) if count >= self._least_shared(size, count))
        return list(zip(sorted(words, key=self._rarity.__getitem__), range(size, enough - 1, -1), strict=False))

    def _least_shared(self, size: int, other_size: int) -> int:
        """Return the least number of common words that makes titles of these numbers of words similar."""
        sizes = (size, other_size)
        if sizes not in self._least:
            total = size + other_size
            shared = 0
            while shared < total and shared / (total - shared) < self._rules.similarity_threshold:
                shared += 1
            self._least[sizes] = shared
        return self._least[sizes]


def _numbers(words: Words) -> Words:
    # "Phase 2" and "Phase 3" are two stories, even if their titles are otherwise equal.
    return frozenset(word for word in words if not word.isalpha())

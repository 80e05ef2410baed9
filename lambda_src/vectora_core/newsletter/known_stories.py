"""Stories of a newsletter, found again by the headline of another report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import combinations, product

from vectora_core.near_days import NearDays
from vectora_core.newsletter.headline_facts import Headline, Words
from vectora_shared.config.client import Deduplication

# Without a similar title, two headlines need so much in common: a name counts 2, another word or fact 1 each.
_LEAST_IN_COMMON = 4


@dataclass(eq=False)
class _Story:
    """A story with the headlines of all its reports."""

    item_id: str
    headlines: list[Headline]


@dataclass(frozen=True, eq=False)
class _Known:
    """Stories with a report of one headline."""

    headline: Headline
    stories: NearDays[_Story]


class KnownStories:
    """Finder of the first known story that a report may be another report of.

    Two reports are of one story when their titles are similar, or when they name the same company and product with the
    same event. They never are when one contradicts the other.

    Titles are compared only if they have one of their rarest words in common, with enough words after it in both:
    the rarest common word of two similar titles is followed by all other common ones, in the order of rarity.
    """

    def __init__(self, headlines: Iterable[Headline], rules: Deduplication) -> None:
        """Initialize without stories; the headlines of all reports show which words are rare."""
        self._rules = rules
        counts = Counter(word for headline in headlines for word in headline.words)
        self._rarity = {word: rank for rank, word in enumerate(sorted(counts, key=lambda each: (counts[each], each)))}
        self._known: dict[Headline, _Known] = {}
        # By the numbers and one word of the titles, then by their size and the number of words from that word on.
        self._by_word: dict[tuple[Words, str], dict[tuple[int, int], list[_Known]]] = {}
        self._by_event: dict[tuple[str, str, str], list[_Known]] = {}
        self._least: dict[int, dict[int, int]] = {}
        self._rarest: dict[Words, list[tuple[str, int]]] = {}
        self._stories: dict[str, _Story] = {}

    def add(self, item_id: str, headline: Headline, day: date | None, place: int) -> None:
        """Add a story with the headline of a report; its place is after that of all known ones."""
        self._stories[item_id] = _Story(item_id, [])
        self.join(item_id, headline, day, place)

    def join(self, item_id: str, headline: Headline, day: date | None, place: int) -> None:
        """Add another report to a story."""
        story = self._stories[item_id]
        story.headlines.append(headline)
        known = self._known.get(headline)
        if known is None:
            known = _Known(headline, NearDays(self._rules.max_days_apart))
            self._known[headline] = known
            self._index(known)
        known.stories.add(place, day, story)

    def find(self, headline: Headline, day: date | None) -> str | None:
        """Return the item_id of the first known story that the report repeats, or None."""
        repeated = dict.fromkeys((*self._similar(headline), *self._of_the_same_event(headline)))
        found = sorted((entry for known in repeated if (entry := known.stories.first(day))), key=lambda entry: entry[0])
        for _, story in found:
            # A vague headline may fit two different events: the others of the story decide.
            if not any(headline.contradicts(other) for other in story.headlines):
                return story.item_id
        return None

    def _index(self, known: _Known) -> None:
        headline = known.headline
        for word, left in self._from_rare_words(headline.words):
            titles = self._by_word.setdefault((headline.numbers, word), {})
            titles.setdefault((len(headline.words), left), []).append(known)
        for key in _event_keys(headline):
            self._by_event.setdefault(key, []).append(known)

    def _similar(self, headline: Headline) -> Iterator[_Known]:
        for known in self._candidates(headline):
            if self._are_similar(known.headline.words, headline.words) and not known.headline.contradicts(headline):
                yield known

    def _of_the_same_event(self, headline: Headline) -> Iterator[_Known]:
        # In the order of the index, each once.
        candidates = dict.fromkeys(known for key in _event_keys(headline) for known in self._by_event.get(key, ()))
        for known in candidates:
            if have_much_in_common(known.headline, headline) and not known.headline.contradicts(headline):
                yield known

    def _are_similar(self, one: Words, other: Words) -> bool:
        return len(one & other) >= self._least_shared(len(one), len(other))

    def _candidates(self, headline: Headline) -> Collection[_Known]:
        """Return the known titles that may be similar; all similar ones are among them."""
        words, numbers = headline.words, headline.numbers
        size = len(words)
        if not words or not self._least_shared(size, size):
            # Every title is similar to every other one that has words, even if they have no word in common.
            return [
                known
                for known in self._known.values()
                if words and known.headline.words and known.headline.numbers == numbers
            ]
        candidates: set[_Known] = set()
        least = self._least.setdefault(size, {})
        for word, left in self._from_rare_words(words):
            for (other_size, other_left), titles in self._by_word.get((numbers, word), {}).items():
                shared = least[other_size] if other_size in least else self._least_shared(size, other_size)
                if left >= shared and other_left >= shared:
                    candidates.update(titles)
        return candidates

    def _from_rare_words(self, words: Words) -> list[tuple[str, int]]:
        """Return the rarest words, of which two similar titles have one in common, and the number of words left."""
        if words in self._rarest:
            return self._rarest[words]
        size = len(words)
        # At best, the other title has no further words.
        enough = next(count for count in range(size + 1) if count >= self._least_shared(size, count))
        rarest = list(zip(sorted(words, key=self._rarity.__getitem__), range(size, enough - 1, -1), strict=False))
        self._rarest[words] = rarest
        return rarest

    def _least_shared(self, size: int, other_size: int) -> int:
        """Return the least number of common words that makes titles of these numbers of words similar."""
        least = self._least.setdefault(size, {})
        if other_size not in least:
            total = size + other_size
            shared = 0
            while shared < total and shared / (total - shared) < self._rules.similarity_threshold:
                shared += 1
            least[other_size] = shared
        return least[other_size]


def have_much_in_common(one: Headline, other: Headline) -> bool:
    """Return whether two headlines have the same event, company and product, in any words."""
    if one.event is None or one.event != other.event:
        return False
    names = one.shared_names(other)
    rest = len(one.details & other.details) + len(one.facts.evidence & other.facts.evidence)
    return bool(names) and 2 * len(names) + rest >= _LEAST_IN_COMMON


def _event_keys(headline: Headline) -> list[tuple[str, str, str]]:
    """Return the keys of which two reports of one event have one in common: a name with another name, word or fact."""
    if headline.event is None:
        return []
    names = sorted(headline.all_names)
    others = sorted((headline.details | headline.facts.evidence) - headline.all_names)
    return [(headline.event, *pair) for pair in (*combinations(names, 2), *product(names, others))]

"""Reports of one story are found without comparing each report with each other one."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_core.items import CuratedItem
from vectora_core.newsletter import selection as selection_module
from vectora_core.newsletter.known_stories import KnownStories, Words, title_words
from vectora_core.text.words import fold
from vectora_shared.config.client import Deduplication
from vectora_shared.config.configuration import Configuration

Report = tuple[str, date | None]
STOP_WORDS = frozenset("a an and as at by for from in into its of on or the to with".split())  # noqa: SIM905


def are_one_story(one: Report, other: Report, rules: Deduplication) -> bool:
    """Return whether two reports are of one story, from their titles alone."""
    if one[1] and other[1] and abs((one[1] - other[1]).days) > rules.max_days_apart:
        return False
    words = [set(re.findall(r"[a-z0-9]+", fold(title).casefold())) - STOP_WORDS for title in (one[0], other[0])]
    numbers = [{word for word in each if any(char.isdigit() for char in word)} for each in words]
    if not words[0] or not words[1] or numbers[0] != numbers[1]:
        return False
    return len(words[0] & words[1]) / len(words[0] | words[1]) >= rules.similarity_threshold


def firsts_of_all_pairs(reports: Sequence[Report], rules: Deduplication) -> list[int | None]:
    """Return for each report the first earlier one of the same story that repeats no other one."""
    taken: list[int] = []
    firsts: list[int | None] = []
    for number, report in enumerate(reports):
        first = next((known for known in taken if are_one_story(reports[known], report, rules)), None)
        firsts.append(first)
        if first is None:
            taken.append(number)
    return firsts


def firsts(reports: Sequence[Report], rules: Deduplication) -> list[int | None]:
    words = [title_words(title) for title, _ in reports]
    known = KnownStories(words, rules)
    found: list[int | None] = []
    for number, (_, day) in enumerate(reports):
        first = known.find(words[number], day)
        found.append(None if first is None else int(first))
        if first is None:
            known.add(str(number), words[number], day, number)
    return found


WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "1", "2", "phase3", "the", "\u00c5lpha", "-"]
TITLES = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
DAYS = st.none() | st.integers(0, 12).map(lambda days: date(2026, 2, 1) + timedelta(days=days))
RULES = st.builds(
    Deduplication,
    similarity_threshold=st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.6, 2 / 3, 0.7, 0.75, 0.8, 0.9, 1.0]) | st.floats(0, 1),
    max_days_apart=st.sampled_from([0, 1, 3, 10, 365]),
)


@settings(deadline=None, max_examples=1000)
@given(reports=st.lists(st.tuples(TITLES, DAYS), max_size=25), rules=RULES)
def test_the_same_story_is_found_as_by_comparing_all_reports(reports: list[Report], rules: Deduplication) -> None:
    assert firsts(reports, rules) == firsts_of_all_pairs(reports, rules)


def made_reports(count: int, seed: int = 5) -> list[Report]:
    """Return reports with few numbers, a third of which repeat another one with one other word."""
    rng = random.Random(seed)  # noqa: S311
    words = ["".join(rng.choices("abcdefghijklmnop", k=6)) for _ in range(3000)]
    frequencies = [1 / (rank + 3) for rank in range(len(words))]
    titles: list[list[str]] = []
    for _ in range(count):
        if titles and rng.random() < 0.3:
            title = [*rng.choice(titles)]
            title[rng.randrange(len(title))] = rng.choice(words)
        else:
            title = rng.choices(words, frequencies, k=rng.randint(5, 13))
        titles.append(title)
    return [(" ".join(title), date(2026, 2, 1) - timedelta(days=rng.randrange(60))) for title in titles]


@pytest.mark.parametrize("threshold", [0.4, 0.75])
def test_the_same_stories_are_found_among_many_reports(threshold: float) -> None:
    rules, reports = Deduplication(similarity_threshold=threshold), made_reports(400)
    found = firsts(reports, rules)
    assert found == firsts_of_all_pairs(reports, rules)
    assert sum(first is not None for first in found) > 20


def test_a_report_is_compared_with_at_most_two_others_however_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = 0
    plain = KnownStories._are_similar

    def counted(self: KnownStories, one: Words, other: Words) -> bool:
        nonlocal compared
        compared += 1
        return plain(self, one, other)

    monkeypatch.setattr(KnownStories, "_are_similar", counted)
    rules = Deduplication(similarity_threshold=0.75)
    for size in (500, 5000):
        compared = 0
        firsts(made_reports(size), rules)
        # All pairs are 250 and 2,500 comparisons a report.
        assert 0 < compared <= 2 * size


def test_each_title_is_tokenized_once(
    monkeypatch: pytest.MonkeyPatch, configuration: Configuration, make_curated: Callable[..., CuratedItem]
) -> None:
    tokenized: list[str] = []

    def counted(title: str) -> Words:
        tokenized.append(title)
        return title_words(title)

    monkeypatch.setattr(selection_module, "title_words", counted)
    titles = [title for title, _ in made_reports(300)]
    selection_module.select([make_curated(title) for title in titles], configuration.client)
    assert sorted(tokenized) == sorted(set(titles))

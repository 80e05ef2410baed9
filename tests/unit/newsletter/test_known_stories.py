"""Reports of one story are found without comparing each report with each other one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.newsletter.curated_items import curated
from vectora_core.newsletter.headline_facts import Headline, Words, headline_of
from vectora_core.newsletter.known_stories import KnownStories, have_much_in_common
from vectora_shared.config.client import Deduplication

Report = tuple[Headline, date | None]


def headline(title: str) -> Headline:
    return headline_of(curated(title, entities={}), title)


def are_one_story(one: Report, other: Report, rules: Deduplication) -> bool:
    """Return whether two reports are of one story, from their headlines and days alone."""
    if one[1] and other[1] and abs((one[1] - other[1]).days) > rules.max_days_apart:
        return False
    if one[0].contradicts(other[0]):
        return False
    if have_much_in_common(one[0], other[0]):
        return True
    words = [one[0].words, other[0].words]
    if not all(words) or one[0].numbers != other[0].numbers:
        return False
    return len(words[0] & words[1]) / len(words[0] | words[1]) >= rules.similarity_threshold


def firsts(reports: Sequence[Report], rules: Deduplication) -> list[int | None]:
    known = KnownStories([report[0] for report in reports], rules)
    found: list[int | None] = []
    for number, (words, day) in enumerate(reports):
        first = known.find(words, day)
        found.append(None if first is None else int(first))
        if first is None:
            known.add(str(number), words, day, number)
        else:
            known.join(first, words, day, number)
    return found


WORDS = [
    "Alpha", "Bravo", "approved", "for", "delta", "echo", "Phase 3", "trial", "monthly", "depot", "EU", "1", "2", "the",
    "\u00c5lpha", "-",
]  # fmt: skip
TITLES = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
DAYS = st.none() | st.integers(0, 12).map(lambda days: date(2026, 2, 1) + timedelta(days=days))
REPORTS = st.tuples(TITLES.map(headline), DAYS)
RULES = st.builds(
    Deduplication,
    similarity_threshold=st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.6, 2 / 3, 0.7, 0.75, 0.8, 0.9, 1.0]) | st.floats(0, 1),
    max_days_apart=st.sampled_from([0, 1, 3, 10, 365]),
)


@settings(deadline=None, max_examples=500)
@given(one=REPORTS, other=REPORTS, rules=RULES)
def test_of_two_reports_the_second_is_found_as_by_comparing_them(
    one: Report, other: Report, rules: Deduplication
) -> None:
    assert firsts([one, other], rules)[1] == (0 if are_one_story(one, other, rules) else None)


@settings(deadline=None, max_examples=300)
@given(reports=st.lists(REPORTS, max_size=20), rules=RULES)
def test_a_report_joins_a_story_only_if_it_repeats_one_of_its_reports_and_contradicts_none(
    reports: list[Report], rules: Deduplication
) -> None:
    stories: dict[int, list[Report]] = {}
    for number, first in enumerate(firsts(reports, rules)):
        if first is not None:
            assert any(are_one_story(told, reports[number], rules) for told in stories[first])
            assert not any(told[0].contradicts(reports[number][0]) for told in stories[first])
        stories.setdefault(number if first is None else first, []).append(reports[number])


def made_reports(count: int, seed: int = 5) -> list[Report]:
    """Return reports with few numbers, a third of which repeat another one without one word."""
    rng = random.Random(seed)  # noqa: S311
    words = ["".join(rng.choices("abcdefghijklmnop", k=6)) for _ in range(3000)]
    frequencies = [1 / (rank + 3) for rank in range(len(words))]
    titles: list[list[str]] = []
    for _ in range(count):
        if titles and rng.random() < 0.3:
            title = [*rng.choice(titles)]
            if len(title) > 4:
                del title[rng.randrange(len(title))]
        else:
            title = rng.choices(words, frequencies, k=rng.randint(5, 13))
        titles.append(title)
    return [(headline(" ".join(title)), date(2026, 2, 1) - timedelta(days=rng.randrange(60))) for title in titles]


@pytest.mark.parametrize("threshold", [0.4, 0.75])
def test_the_same_stories_are_found_among_many_reports(threshold: float) -> None:
    rules, reports = Deduplication(similarity_threshold=threshold), made_reports(300)
    found = firsts(reports, rules)
    stories: dict[int, list[Report]] = {}
    for number, first in enumerate(found):
        report = reports[number]
        repeated = [
            told
            for told in stories.values()
            if are_one_story(told[0], report, rules) and not any(each[0].contradicts(report[0]) for each in told)
        ]
        assert first is not None or not repeated
        stories.setdefault(number if first is None else first, []).append(report)
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
    for size in (500, 3000):
        compared = 0
        firsts(made_reports(size), rules)
        # All pairs are 250 and 1,500 comparisons a report.
        assert 0 < compared <= 2 * size

"""The corpus of changes with a known answer: every risk is found, and no harmless change raises an alarm."""

from __future__ import annotations

from datetime import date

import pytest

from benchmarks.review_cases import Case, load_cases
from change_review.model import BITS
from change_review.review import Limits, review_templates

CASES = load_cases()
LIMITS = Limits(today=date(2026, 11, 26))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_review_finds_what_a_change_risks_and_nothing_else(case: Case) -> None:
    review = review_templates(*case.bodies, LIMITS)

    found = {kind: [each.text for each in review.findings if each.category == kind] for kind in BITS}
    assert {kind for kind, texts in found.items() if texts} == set(case.expected)
    for kind, expected in case.expected.items():
        for words in expected:
            assert any(words in text for text in found[kind])
    assert review.bits() == sum(BITS[kind] for kind in case.expected)


def test_the_corpus_has_replacements_permissions_and_harmless_changes_from_public_reports() -> None:
    reported = [case for case in CASES if case.source.startswith("https://github.com/")]

    assert len(CASES) >= 40
    assert len(reported) >= 40
    assert len({case.name for case in CASES}) == len(CASES)
    for kind in BITS:
        assert any(kind in case.expected for case in CASES)
    assert sum(not case.expected for case in CASES) >= 25


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_template_compared_with_itself_has_no_change(case: Case) -> None:
    before, _ = case.bodies

    review = review_templates(before, before, LIMITS)

    assert (review.resources, review.permissions, review.findings) == ((), (), ())
    assert review.verdict == "Nothing changes."

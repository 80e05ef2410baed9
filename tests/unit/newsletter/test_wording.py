"""Words, dates and plural forms of the newsletter's languages."""

from __future__ import annotations

from datetime import date
from string import Formatter

import pytest

from vectora_core.newsletter.phases import phase_in
from vectora_core.newsletter.wording import _TEXTS, Wording
from vectora_shared.config.client import LANGUAGES

DAY = date(2026, 3, 2)


@pytest.mark.parametrize("name", _TEXTS)
def test_every_text_has_every_language_with_the_same_values(name: str) -> None:
    forms = _TEXTS[name]
    assert set(forms) == set(LANGUAGES)
    fields = {
        language: {field for text in by_form.values() for _, field, _, _ in Formatter().parse(text) if field}
        for language, by_form in forms.items()
    }
    assert all("other" in by_form for by_form in forms.values())
    assert len({frozenset(found) for found in fields.values()}) == 1


@pytest.mark.parametrize(
    ("language", "day", "period", "items"),
    [
        ("en", "2 March 2026", "4 Feb\u2009\u2013\u20092 Mar 2026", "1 item"),
        ("en-US", "March 2, 2026", "Feb 4\u2009\u2013\u2009Mar 2, 2026", "1 item"),
        ("fr", "2 mars 2026", "4 févr.\u2009\u2013\u20092 mars 2026", "1 article"),
        ("fr-CA", "2 mars 2026", "4 févr.\u2009\u2013\u20092 mars 2026", "1 article"),
        ("fr-ZZ", "2 mars 2026", "4 févr.\u2009\u2013\u20092 mars 2026", "1 article"),
        ("sv", "2 mars 2026", "4 feb.\u20132 mars 2026", "1 nyhet"),
    ],
)
def test_days_and_periods_are_those_of_the_language(language: str, day: str, period: str, items: str) -> None:
    words = Wording(language)
    assert (words.day(DAY), words.counted("items", 1)) == (day, items)
    assert words.period(date(2026, 2, 4), DAY) == period
    assert words.period(DAY, DAY) == day


@pytest.mark.parametrize(
    ("language", "count", "text"),
    [
        ("en", 0, "0 items"),
        ("fr", 0, "0 article"),
        ("fr", 2, "2 articles"),
        ("sv", 0, "0 nyheter"),
        ("en", 1234, "1,234 items"),
    ],
)
def test_numbers_have_the_plural_form_of_the_language(language: str, count: int, text: str) -> None:
    assert Wording(language).counted("items", count) == text


def test_french_text_has_no_break_spaces_before_colons() -> None:
    for forms in _TEXTS.values():
        for text in forms["fr"].values():
            assert " :" not in text


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        ("positive Phase 3 results", "3"),
        ("Phase III trial", "3"),
        ("a phase 2b study", "2b"),
        ("enters Phase 1/2", "1/2"),
        ("Phase I/IIa", "1/2a"),
        ("Phase 2/Phase 3", "2/3"),
        ("phase-2 data", "2"),
        ("phases 1 and 2", "1"),
        ("pre-clinical work", "preclinical"),
        ("Phase 30 of the moon", None),
        ("two-phase injection", None),
        ("Phase IVX", None),
    ],
)
def test_phases_are_found_in_text(text: str, phase: str | None) -> None:
    assert phase_in(text) == phase


def test_the_first_text_that_names_a_phase_decides() -> None:
    assert phase_in("No phase here", "Phase 2 started", "after Phase 1") == "2"

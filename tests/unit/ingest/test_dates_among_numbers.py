"""Dates are found from the numbers of a text, as if each pattern was searched for everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_core.text import dates as dates_module
from vectora_core.text.dates import find_dates

PATTERNS = (*dates_module._PATTERNS, dates_module._NUMERIC)
Spans = dict[str, list[tuple[int, int]]]


def spans_everywhere(text: str) -> Spans:
    return {pattern.pattern: [match.span() for match in pattern.finditer(text)] for pattern in PATTERNS}


def spans(text: str) -> Spans:
    found = dates_module._matches(text)
    return {pattern.pattern: [match.span() for match in matches] for pattern, matches in found.items()}


NUMBERS = ["2025", "1999", "20", "12", "7", "31", "3", "05", "\u0663"]
MONTHS = ["December", "may", "Mar", "marraskuuta", "sept", "d\u00e9c"]
OTHERS = ["st", "th", "of ", "de ", "T10:30", " at ", "Z", "CET", "pm", "x", "A", "read", "\u5e74", "\u6708", "\u65e5"]
SEPARATORS = ["", " ", "  ", " " * 8, " " * 17, ".", ",", ", ", "-", "/", " - ", "\u2013", ":", "\n", "|"]
TEXTS = st.lists(
    st.sampled_from(NUMBERS) | st.sampled_from([*MONTHS, *OTHERS]) | st.sampled_from(SEPARATORS), max_size=40
).map("".join)


@settings(deadline=None, max_examples=1500)
@given(text=TEXTS)
def test_dates_are_found_as_by_a_search_for_each_pattern(text: str) -> None:
    assert spans(text) == spans_everywhere(text)


@settings(deadline=None, max_examples=300)
@given(text=st.text() | st.from_regex(dates_module._MONTH_FIRST) | st.from_regex(dates_module._PATTERNS[4]))
def test_dates_in_any_text_are_found_as_by_a_search_for_each_pattern(text: str) -> None:
    assert spans(text) == spans_everywhere(text)


@pytest.mark.parametrize(
    "text",
    [
        "PRESSRELEASES10 December, 2025Nanexa signs6 November, 2025Nanexa reports",
        "AdultsDecember 9, 2025December 9, 2025 May 2025 12, 2025 2025-12-19T20:15",
        "maymay 3 2025, Mayjune 3, 2025, marraskuuta.        -        3   ,    2025",
        "16 juillet de 2025 | 2025. 12. 3. | 3.12.2025 | 12/31/2025 10:30 a.m. GMT",
    ],
)
def test_dates_without_space_around_them_are_found_as_by_a_search_for_each_pattern(text: str) -> None:
    assert spans(text) == spans_everywhere(text)
    assert find_dates(text)


class _Counted:
    """A pattern that counts how often it is tried."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern
        self.tried = 0

    def match(self, text: str, place: int) -> re.Match[str] | None:
        self.tried += 1
        return self.pattern.match(text, place)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        raise AssertionError("the pattern was searched for everywhere")


def _tries(text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    counted = [_Counted(pattern) for pattern in PATTERNS]
    monkeypatch.setattr(dates_module, "_PATTERNS", tuple(counted[:-1]))
    monkeypatch.setattr(dates_module, "_MONTH_FIRST", counted[3])
    monkeypatch.setattr(dates_module, "_NUMERIC", counted[-1])
    find_dates(text)
    monkeypatch.undo()
    return sum(each.tried for each in counted)


def test_a_longer_text_with_the_same_numbers_takes_no_more_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    dated = "10 December 2025, December 9, 2025 and 3.12.2025"
    words = "the company may say in march that it reports decisions. "
    assert _tries(words + dated, monkeypatch) == _tries(10 * words + dated, monkeypatch) > 0

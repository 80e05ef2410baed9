"""Names of months are those of CLDR, in the languages of sources, and mean one month each."""

from __future__ import annotations

import re
from datetime import date

import pytest

from tools.month_names import TARGET, month_names, source_text
from vectora_core.text.date_order import is_day_first_in
from vectora_core.text.dates import find_dates, has_date_like, is_only_a_date, parse_date
from vectora_core.text.month_names import MONTHS
from vectora_core.text.stamps import stamp_day

TODAY = date(2025, 11, 25)


def test_the_engines_names_are_those_of_cldr() -> None:
    assert month_names() == MONTHS
    assert TARGET.read_text(encoding="utf-8") == source_text()


DATES = """
20 novembre 2025; 20 noviembre de 2025; 20 de novembro de 2025; 20. November 2025
20 listopada 2025 r.; 20. listopadu 2025; 20 marraskuuta 2025; 20. nóvember 2025
20 \u043d\u043e\u044f\u0431\u0440\u044f 2025; 20 Νοεμβρίου 2025; den 20 november 2025; Nov. 20, 2025
20 nov. 2025; 20-nov-2025; november 20, 2025; 20 de nov. del 2025; 2025年11月20日; 2025년 11월 20일
２０２５年１１月２０日; 令和7年11月20日; 民國114年11月20日; 20 พฤศจิกายน 2568; 20 พ.ย. 2568
20 พ.ย. พ.ศ. 2568; 20 Nov 25; 20-Nov-25; 20. 11. 2025; 2025 Nov 20; 2025. november 20.; 2025-Nov-20
Nov 20, '25; Thu 20 Nov 25 10:30
"""


@pytest.mark.parametrize("text", re.split(r"[;\n]\s*", DATES.strip()))
def test_a_date_is_read_in_the_languages_of_sources(text: str) -> None:
    assert parse_date(text, today=TODAY) == date(2025, 11, 20)
    assert is_only_a_date(text)


@pytest.mark.parametrize(
    "text",
    [
        *("20.11.25", "20/11/25", "11/20/25", "25-11-20", "平成元年", "R7.11.20", "on 20 Nov 25 patients were treated"),
        *(
            "rolled out 10, 2025",
            "20 patients 2025",
            "in 2025 May 20 patients",
            "20 Brumaire 2025",
            "list of 20 in 2025",
            "2025-W47",
            "2025-366",
        ),
    ],
)
def test_what_may_mean_another_day_is_no_date(text: str) -> None:
    assert parse_date(text, today=TODAY) is None
    assert not find_dates(text)


def test_two_digits_of_a_year_count_where_the_order_is_known() -> None:
    assert parse_date("10.11.25", today=TODAY, day_first=True) == date(2025, 11, 10)
    assert parse_date("10/11/25", today=TODAY, day_first=False) == date(2025, 10, 11)


def test_abbreviations_that_are_words_of_english_are_months_behind_the_day_only() -> None:
    assert parse_date("20 set 2025", today=TODAY) == date(2025, 9, 20)
    assert parse_date("the date is set 20, 2025", today=TODAY) is None


@pytest.mark.parametrize("text", ["News of 12 Dec", "Dec 12", "AdultsDecember 9", "1/2/25"])
def test_something_like_a_date_is_noticed(text: str) -> None:
    assert has_date_like(text)


@pytest.mark.parametrize("text", ["12 patients", "Phase 3 trial", "in 2025", "decimal 12"])
def test_other_numbers_are_not_like_a_date(text: str) -> None:
    assert not has_date_like(text)


def test_only_languages_with_one_order_decide_it() -> None:
    assert [is_day_first_in(tag) for tag in ("fr", "de-CH", "en-GB", "pt-BR", "da")] == [True] * 5
    assert [is_day_first_in(tag) for tag in ("en", "en-US", "ja", "sv", "zz", "", "x" * 90)] == [None] * 7


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "99999999999999",
        "1e9",
        "Thu, 20 Nov",
        "2025-02-30",
        "2025-366",
        "2025-000",
        "2025-W54-1",
        "9" * 400,
    ],
)
def test_what_is_no_timestamp_has_no_day(text: str) -> None:
    assert stamp_day(text) is None

"""Publication dates are full dates in the source, plausible, and not dates of something else."""

from __future__ import annotations

from datetime import date

import pytest

from vectora_core.items import CONFIDENT_DATE
from vectora_core.text.dates import date_in_text, find_dates, is_only_a_date, parse_date, writes_day_first

TODAY = date(2026, 1, 30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-12-10", date(2025, 12, 10)),
        ("2025-08-15T23:33:54+02:00", date(2025, 8, 15)),
        ("Wed, 10 Dec 2025 08:30:00 +0100", date(2025, 12, 10)),
        ("10 December, 2025", date(2025, 12, 10)),
        ("August 15th, 2025", date(2025, 8, 15)),
        ("April 1st , 2025", date(2025, 4, 1)),
        ("Dec. 9, 2025", date(2025, 12, 9)),
        ("DECEMBER 9, 2025", date(2025, 12, 9)),
        ("December 09, 2025 02:00 ET", date(2025, 12, 9)),
        ("9 Dec\n2025", date(2025, 12, 9)),
        ("10-Dec-2025", date(2025, 12, 10)),
        ("2025.01.15", date(2025, 1, 15)),
        ("2025. 01. 15.", date(2025, 1, 15)),
        ("2025/01/15", date(2025, 1, 15)),
        ("2025년 1월 15일", date(2025, 1, 15)),
        ("15 2025.01", date(2025, 1, 15)),
        ("20251209", date(2025, 12, 9)),
        ("15/01/2025", date(2025, 1, 15)),
        ("01/15/2025", date(2025, 1, 15)),
        ("3.4.2025", date(2025, 4, 3)),
        ("den 5 februari 2025", date(2025, 2, 5)),
        ("1er août 2025", date(2025, 8, 1)),
        ("9. Dezember 2025", date(2025, 12, 9)),
        ("9. joulukuuta 2025", date(2025, 12, 9)),
        ("3 days ago", date(2026, 1, 27)),
        ("yesterday", date(2026, 1, 29)),
        ("5 hours ago", TODAY),
        ("2026-02-01", date(2026, 2, 1)),
    ],
)
def test_a_full_date_is_read_in_every_notation(text: str, expected: date) -> None:
    assert parse_date(text, today=TODAY) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "January-September 2025",
        "Boston, October 27-28",
        "June 16-19, 2025",
        "October 27 - 28, 2025",
        "April 1st, 2025 \u2013 September 30, 2025",
        "03/04/2025",
        "May 2025",
        "2025",
        "Q4 2025",
        "2025-13-45",
        "31 February 2025",
        "2026-02-02",
        "10 December 2027",
        "Decimal 12, 2025",
        "9" * 5000,
    ],
)
def test_only_a_full_date_of_the_past_is_a_date(text: str) -> None:
    assert parse_date(text, today=TODAY) is None


def test_the_date_format_of_the_source_decides_an_ambiguous_date() -> None:
    assert parse_date("03/04/2025", today=TODAY, date_format="%d/%m/%Y") == date(2025, 4, 3)
    assert parse_date("03/04/2025", today=TODAY, date_format="%m/%d/%Y") == date(2025, 3, 4)
    assert parse_date("05.11.25", today=TODAY, date_format="%d.%m.%y") == date(2025, 11, 5)


def test_the_other_dates_of_a_page_decide_an_ambiguous_date() -> None:
    assert writes_day_first(["03/04/2025", "15/12/2025"]) is True
    assert writes_day_first(["03/04/2025", "12/15/2025"]) is False
    assert writes_day_first(["12/15/2025", "15/12/2025"]) is None
    assert writes_day_first(["03/04/2025"]) is None


def test_dates_without_spaces_around_them_are_found() -> None:
    found = find_dates("in Q4 2025November 5, 2025November 5, 2025")

    assert [entry.day for entry in found] == [date(2025, 11, 5), date(2025, 11, 5)]


@pytest.mark.parametrize("line", ["10 December 2025", "News | 10 December 2025", "Published: 2025-12-10", "2 days ago"])
def test_a_date_with_a_label_is_only_a_date(line: str) -> None:
    assert is_only_a_date(line)


@pytest.mark.parametrize(
    "line",
    ["Interim report of 10 December 2025 is out now", "Nanexa signs", "Camurus reports. 10 December 2025 was good."],
)
def test_a_sentence_is_not_only_a_date(line: str) -> None:
    assert not is_only_a_date(line)


@pytest.mark.parametrize(
    ("title", "content", "expected"),
    [
        (
            "Partnering days 2025 Boston, October 27-28",
            "Partnering days 2025 Boston, October 27-28Jane Doe2025-08-15T11:33:54+02:00August 15th, 2025|Read More",
            date(2025, 8, 15),
        ),
        (
            "Half-year results (April 1st , 2025 \u2013 September 30, 2025)",
            "Half-year results (April 1st , 2025 \u2013 September 30, 2025)December 9, 2025December 9, 2025",
            date(2025, 12, 9),
        ),
        ("A deal is signed", "PRESSRELEASES10 December, 2025A deal is signedThe deal covers much.", date(2025, 12, 10)),
        (
            "A report for January-September 2025",
            "6 November, 2025A report for January-September 2025",
            date(2025, 11, 6),
        ),
        ("A deal", "Lund, Sweden, 9 December 2025 \u2013 The company said today that it signed.", date(2025, 12, 9)),
    ],
)
def test_the_date_beside_the_title_or_in_the_dateline_is_found_with_confidence(
    title: str, content: str, expected: date
) -> None:
    day, confidence = date_in_text(title, content, today=TODAY)

    assert day == expected
    assert confidence >= CONFIDENT_DATE


@pytest.mark.parametrize(
    "content",
    [
        "",
        "Download attachment",
        "The agency has accepted the application for review and set a PDUFA date March 5, 2025",
        "The company reports on the quarter ended September 30, 2025, which went well for all its products.",
        "The company will present on March 5, 2026 at a congress in a city, as it has done in all the years so far.",
        "Much was done in all. The agency decided the matter after a meeting that took place 3 May 2025 in Paris.",
    ],
)
def test_a_date_within_a_sentence_is_not_taken_with_confidence(content: str) -> None:
    _, confidence = date_in_text("A title", content, today=TODAY)

    assert confidence < CONFIDENT_DATE

"""Publication dates in texts; only a full date in the text itself counts, and none is ever assumed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from vectora_core.text.calendars import in_gregorian_years
from vectora_core.text.month_names import MONTHS
from vectora_core.text.stamps import iso_day
from vectora_core.text.words import collapse_spaces

# East of UTC, news may have tomorrow's date; a later date is that of a coming event.
MAX_DAYS_AHEAD = 2
EARLIEST_YEAR = 1990

# Abbreviations that are words of English: they are months behind the day only ("20 set 2025").
_WORDS = frozenset({"ago", "dub", "gen", "led", "lip", "lug", "lut", "mag", "out", "pro", "set", "sty"})
_MONTH_NAMES = "|".join(sorted(MONTHS.keys() - _WORDS, key=len, reverse=True))
_MONTH = f"(?P<month>(?i:{_MONTH_NAMES}))"
# A word, which is looked up: trying hundreds of names behind each number would take long.
_ANY_MONTH = r"(?P<month>[^\W\d_]{3,14})"
# A month that follows a word without a space ("AdultsDecember 9, 2025") starts with a capital.
_WORD_START = r"(?:(?<![^\W\d_])|(?<=[^\WA-Z\d_])(?=[A-Z]))"
_DAY = r"(?<!\d)(?P<day>\d{1,2})"
_YEAR = r"(?P<year>(?:19|20)\d{2})(?!\d)"
_TIME = (
    r"(?:(?:T|,?\s+(?:at\s+|kl\.?\s+|à\s+)?|\s*\|\s*|\s+[-\u2013—]\s+)\d{1,2}[:.h]\d{2}(?::\d{2})?(?:[.,]\d+)?"
    r"(?:\s?(?i:[ap]\.?m\.?)(?![^\W\d_]))?(?:\s?(?:Z|[+-]\d{2}:?\d{2}|\(?(?:CES?T|UTC|GMT|E[SD]?T|P[SD]T|KST|EES?T)\)?))?)?"
)
# Limited: of two adjacent unlimited runs of spaces, every combination of lengths would be tried.
_GAP = r"\s{0,8}"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<!\d)(?P<year>(?:19|20)\d{{2}})-(?P<month>\d{{1,2}})-(?P<day>\d{{1,2}})(?!\d){_TIME}",
        rf"(?<!\d)(?P<year>(?:19|20)\d{{2}})\s?(?P<mark>[./])\s?(?P<month>\d{{1,2}})\s?(?P=mark)\s?(?P<day>\d{{1,2}})(?!\d)\.?{_TIME}",
        rf"(?<!\d)(?P<year>(?:19|20)\d{{2}})\s?[年년]\s?(?P<month>\d{{1,2}})\s?[月월]\s?(?P<day>\d{{1,2}})\s?[日일]{_TIME}",
        rf"{_WORD_START}{_MONTH}\.?{_GAP}[-\s/]{_GAP}(?P<day>\d{{1,2}})(?:\s?(?:st|nd|rd|th))?{_GAP}[,.\s/-]{_GAP}{_YEAR}{_TIME}",
        rf"{_DAY}(?:st|nd|rd|th|er|\.|º)?{_GAP}[-\s/]?{_GAP}(?:of\s+|de\s+)?{_ANY_MONTH}\.?{_GAP}[,\s/-]?{_GAP}(?:del?\s+)?{_YEAR}{_TIME}",
    )
)
_FULL_YEAR = re.compile(r"(?:19|20)\d{2}")
_MAX_LINE = 300
# Only where a text consists of the date: in a sentence, the last number may count something ("on 20 Nov 25 patients").
_SHORT_YEAR = re.compile(
    rf"(?:[^\W\d_]{{2,12}}\.?,?\s)?"
    rf"(?:{_DAY}(?:st|nd|rd|th|\.)?[-\s/]{_ANY_MONTH}\.?,?[-\s/]['\u2019]?(?P<year>\d{{2}})"
    rf"|{_ANY_MONTH.replace('month', 'month2')}\.?\s(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?,\s?['\u2019]?"
    rf"(?P<year2>\d{{2}})){_TIME}"
)
# As in journals: "2025 Nov 20". In a sentence, the year ends what comes before: "in 2025 May 20 more patients".
_YEAR_FIRST = re.compile(rf"(?P<year>(?:19|20)\d{{2}})[.,]?[-\s/]{_ANY_MONTH}\.?[-\s/](?P<day>\d{{1,2}})\.?{_TIME}")
_SHORT_NUMERIC = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<mark>[./-])(?P<second>\d{{1,2}})(?P=mark)(?P<year>\d{{2}})\.?{_TIME}"
)
# Finnish, Czech and other dates may have spaces behind the dots.
_SPACE = r"(?:(?<=\.)\s)?"
_NUMERIC = re.compile(
    rf"(?<!\d)(?P<first>\d{{1,2}})(?P<mark>[./-]){_SPACE}(?P<second>\d{{1,2}})(?P=mark){_SPACE}"
    rf"(?P<year>(?:19|20)\d{{2}})(?!\d){_TIME}"
)
# Where a pattern may match: all but one start with the first digit of a number, that one with a month before a number.
_NUMBER = re.compile(r"\d+")
_MONTH_FIRST = _PATTERNS[3]
_WORD_BEFORE = re.compile(rf"(?P<word>[^\W\d_]{{3,}})\.?{_GAP}[-\s/]{_GAP}\Z")
_SHORTEST_MONTH, _LONGEST_MONTH = min(map(len, MONTHS)), max(map(len, MONTHS))
_MONTH_AND_GAP = _LONGEST_MONTH + len(".") + 8 + len("-") + 8
_RANGE_BEFORE = re.compile(r"\d{1,2}(?:st|nd|rd|th)?\s*[-\u2013—]\s*$")
_RANGE_BETWEEN = re.compile(r"^\s*(?:[-\u2013—]|to|until|through|and)\s*$")
_RELATIVE = re.compile(
    r"(?i)^(?:posted\s+|published\s+)?(?:(?P<count>\d{1,3}|an?|one)\s*(?P<unit>min|h|day|d|week|w)[a-z]*\s+ago|(?P<word>today|yesterday))\.?$"
)
# Words before a date that is not the publication's, such as the end of a period or a coming event.
_OTHER_MEANING = re.compile(
    r"(?i)\b(?:ended|ending|as\s+of|as\s+at|until|till|through|by|since|before|after|from|to|of|between|dated|due|deadline|expires?|"
    r"on|for|closed|held|starting|scheduled|period|quarter|filed|date(?:\s+of)?)[\s:(]*(?:the\s+)?$"
)
_LABEL = re.compile(
    r"(?i)(?:published|posted|released|updated|press\s*releases?|news|(?<!\w\s)date|publicerad|publiziert|publié(?:\s+le)?)"
    r"(?:\s+(?:on|at|date|the))?[\s:|•·\u2013—-]*$"
)
# Some pages show dates like calendar leaves, with the day apart from year and month: "15" and "2025.01".
_LEAF = re.compile(
    r"(?:(?P<day>\d{1,2})\s+(?P<year>20\d{2})\s?[./-]\s?(?P<month>\d{1,2})"
    r"|(?P<day2>\d{1,2})\s+(?P<month2>\d{1,2})\s?[./-]\s?(?P<year2>20\d{2})"
    r"|(?P<year3>20\d{2})\s?[./-]\s?(?P<month3>\d{1,2})\s+(?P<day3>\d{1,2}))\.?"
)
_PARTS = ("year", "month", "day")
_YEARLESS = re.compile(
    rf"(?:{_DAY}(?:st|nd|rd|th|\.)?\s*{_MONTH}|{_WORD_START}{_MONTH.replace('month', 'month2')}\.?\s*"
    r"(?P<day2>\d{1,2})(?:st|nd|rd|th)?)(?![^\W_])"
)
_NUMBERS_LIKE_A_DATE = re.compile(r"(?<!\d)\d{1,4}[./-]\d{1,2}[./-]\d{2,4}(?!\d)")
_WORD_AFTER_NUMBER = re.compile(r"(?<!\d)\d{1,2}(?:st|nd|rd|th|\.)?\s{0,8}(?P<word>[^\W\d_]{3,14})(?![^\W_])")
_WORD_BEFORE_NUMBER = re.compile(r"(?P<word>[^\W\d_]{3,40})\.?[\s/-]{0,17}(?<!\d)\d{1,2}(?:st|nd|rd|th)?(?![^\W_])")


class FoundDate(NamedTuple):
    """A date and its position in the text, including a time of day."""

    day: date
    start: int
    end: int


def today_utc() -> date:
    return datetime.now(UTC).date()


def is_plausible(day: date, today: date) -> bool:
    """Return whether news can have been published on that day."""
    return day.year >= EARLIEST_YEAR and day <= today + timedelta(days=MAX_DAYS_AHEAD)


def writes_day_first(texts: Sequence[str]) -> bool | None:
    """Return whether the day comes before the month in numeric dates; None when the dates in `texts` do not say."""
    answers = set()
    for text in texts:
        for match in _NUMERIC.finditer(text):
            first, second = int(match["first"]), int(match["second"])
            if (first > 12) != (second > 12):
                answers.add(first > 12)
    return answers.pop() if len(answers) == 1 else None


def has_ambiguous_dates(texts: Sequence[str]) -> bool:
    """Return whether one of the texts has a date in numbers, whose order another must decide."""
    return any(_NUMERIC.search(text) or _SHORT_NUMERIC.fullmatch(text.strip()) for text in texts)


def find_dates(text: str, *, date_format: str | None = None, day_first: bool | None = None) -> list[FoundDate]:
    """Return all full dates in the order of the text, except the two ends of a range ("October 27-28, 2025")."""
    if not _FULL_YEAR.search(text):
        return []
    find = _dates_in_line if len(text) <= _MAX_LINE else _dates_in
    return list(find(text, date_format, day_first))


def _dates_in(text: str, date_format: str | None, day_first: bool | None) -> tuple[FoundDate, ...]:
    found = sorted(_all_dates(text, date_format, day_first), key=lambda entry: (entry.start, -entry.end))
    kept: list[FoundDate] = []
    previous: FoundDate | None = None
    for entry in found:
        if previous and entry.start < previous.end:
            continue
        if previous and _RANGE_BETWEEN.match(text[previous.end : entry.start]):
            if kept and kept[-1] is previous:
                kept.pop()
        elif not _RANGE_BEFORE.search(text[max(0, entry.start - 12) : entry.start]):
            kept.append(entry)
        previous = entry
    return tuple(kept)


# A page's lines are searched for its areas, and again for the title, the date and the text of each entry.
_dates_in_line = lru_cache(maxsize=2000)(_dates_in)


def _all_dates(text: str, date_format: str | None, day_first: bool | None) -> Iterator[FoundDate]:
    for pattern, matches in _matches(text).items():
        for match in matches:
            if day := _day_of(match, date_format, day_first, is_numeric=pattern is _NUMERIC):
                yield FoundDate(day, *match.span())


def _matches(text: str) -> dict[re.Pattern[str], list[re.Match[str]]]:
    """Return what each pattern finds in the text; they are tried only where a number starts, or a month before it."""
    found: dict[re.Pattern[str], list[re.Match[str]]] = {pattern: [] for pattern in (*_PATTERNS, _NUMERIC)}
    ends = dict.fromkeys(found, 0)
    for number in _NUMBER.finditer(text):
        for pattern, matches in found.items():
            starts = (
                _months_before(text, number.start(), ends[pattern]) if pattern is _MONTH_FIRST else [number.start()]
            )
            for start in starts:
                if start >= ends[pattern] and (match := pattern.match(text, start)):
                    matches.append(match)
                    ends[pattern] = match.end()
    return found


def _months_before(text: str, end: int, first: int) -> Iterator[int]:
    """Yield the places, from `first` on, of months that only a separator may follow up to `end`."""
    word = _WORD_BEFORE.search(text, max(first, end - _MONTH_AND_GAP), end)
    if word is None:
        return
    # Not a search with the pattern, which would try hundreds of names in front of each number.
    word_start, word_end = word.span("word")
    for start in range(max(word_start, word_end - _LONGEST_MONTH), word_end - _SHORTEST_MONTH + 1):
        if text[start:word_end].casefold() in MONTHS:
            yield start


def _day_of(match: re.Match[str], date_format: str | None, day_first: bool | None, *, is_numeric: bool) -> date | None:
    if is_numeric:
        first, second, year = int(match["first"]), int(match["second"]), int(match["year"])
        return _by_format(match[0], date_format) or _numeric(first, second, year, match["mark"], day_first)
    month = match["month"]
    number = int(month) if month.isdigit() else month_number(month)
    return _date(int(match["year"]), number, int(match["day"])) if number else None


def _numeric(first: int, second: int, year: int, mark: str, day_first: bool | None) -> date | None:
    if first > 12 or first == second:
        return _date(year, second, first)
    if second > 12:
        return _date(year, first, second)
    # A date with dots between its parts has the day first in all languages.
    if day_first is None and mark != ".":
        return None
    return _date(year, first, second) if day_first is False else _date(year, second, first)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _by_format(text: str, date_format: str | None) -> date | None:
    if not date_format:
        return None
    try:
        return datetime.strptime(text.strip(), date_format).date()  # noqa: DTZ007 - a day as printed, not a moment
    except ValueError:
        return None


def parse_date(text: str, *, today: date, date_format: str | None = None, day_first: bool | None = None) -> date | None:
    """Return the date in a text in which a source prints dates; None when it has none, or an implausible one."""
    text = in_gregorian_years(collapse_spaces(text)[:200])
    day = _by_format(text, date_format) or _relative(text, today) or iso_day(text) or _on_a_leaf(text)
    day = day or _whole_text(text, day_first)
    if day is None and (found := find_dates(text, date_format=date_format, day_first=day_first)):
        day = found[0].day
    return day if day and is_plausible(day, today) else None


def _whole_text(text: str, day_first: bool | None) -> date | None:
    """Return the date that a text consists of in a notation that means another thing in a sentence."""
    if match := _YEAR_FIRST.fullmatch(text):
        return _day_of(match, None, None, is_numeric=False)
    if match := _SHORT_YEAR.fullmatch(text):
        number = month_number(match["month"] or match["month2"])
        return (
            _date(_full_year(match["year"] or match["year2"]), number, int(match["day"] or match["day2"]))
            if number
            else None
        )
    # "20.11.25" may be of 2020 or 2025: only where the order is known, the year is known to be last.
    if day_first is not None and (match := _SHORT_NUMERIC.fullmatch(text)):
        return _numeric(int(match["first"]), int(match["second"]), _full_year(match["year"]), match["mark"], day_first)
    return None


def _full_year(digits: str) -> int:
    # POSIX, strptime: %y.
    return int(digits) + (2000 if int(digits) < 69 else 1900)


def _relative(text: str, today: date) -> date | None:
    match = _RELATIVE.match(text)
    if not match:
        return None
    if match["word"]:
        return today - timedelta(days=match["word"].lower() == "yesterday")
    count = int(match["count"]) if match["count"].isdigit() else 1
    days = {"min": 0, "h": count / 24, "d": count, "day": count, "w": 7 * count, "week": 7 * count}[
        match["unit"].lower()
    ]
    return today - timedelta(days=int(days))


def _on_a_leaf(text: str) -> date | None:
    match = _LEAF.fullmatch(text.strip())
    if not match:
        return None
    year, month, day = (next(part for part in match.group(name, f"{name}2", f"{name}3") if part) for name in _PARTS)
    return _date(int(year), int(month), int(day))


def day_in_year(text: str, year: int) -> date | None:
    """Return the date that a text without a year, such as "10 Dec", has in the year of the heading above it."""
    match = _YEARLESS.search(text)
    if not match:
        return None
    month, day = match["month"] or match["month2"], match["day"] or match["day2"]
    return _date(year, month_number(month) or 0, int(day))


def _ends_in_month(word: str) -> bool:
    """Return whether a word is a month, or ends in one: "AdultsDecember"."""
    folded = word.casefold()
    return any(folded[-letters:] in MONTHS for letters in range(_SHORTEST_MONTH, min(len(folded), _LONGEST_MONTH) + 1))


def month_number(name: str) -> int | None:
    """Return the number of the month with this name or abbreviation in any language of the sources, or None."""
    return MONTHS.get(name.casefold().rstrip("."))


def has_date_like(text: str) -> bool:
    """Return whether a text has something like a date, even if it is ambiguous or without a year."""
    return (
        bool(_NUMBERS_LIKE_A_DATE.search(text))
        or any(month_number(match["word"]) for match in _WORD_AFTER_NUMBER.finditer(text))
        or any(_ends_in_month(match["word"]) for match in _WORD_BEFORE_NUMBER.finditer(text))
    )


def is_only_a_date(line: str, *, date_format: str | None = None, day_first: bool | None = None) -> bool:
    """Return whether a line is a date and at most a label of a few words ("News | 10 December 2025")."""
    if _by_format(line, date_format):
        return True
    if len(line) < 30 and (_RELATIVE.match(line) or _on_a_leaf(line) or _whole_text(line.strip(), day_first)):
        return True
    line = in_gregorian_years(line)
    found = find_dates(line, date_format=date_format, day_first=day_first)
    if not found:
        return False
    rest = re.sub(r"[^\w]+", " ", without_dates(line, found)).split()
    if not rest:
        return True
    delimited = any(mark in line for mark in "|•·/") or ":" in line.split(" ")[0] or bool(_LABEL.match(" ".join(rest)))
    return len(rest) <= 4 and (delimited or (len(rest) == 1 and len(found) == 1)) and not _is_sentence(line)


def _is_sentence(line: str) -> bool:
    return line.rstrip().endswith((".", "!", "?")) and len(line.split()) > 5


def without_dates(text: str, found: Sequence[FoundDate]) -> str:
    """Return the text without the dates that were found in it."""
    for entry in reversed(found):
        text = f"{text[: entry.start]} {text[entry.end :]}"
    return collapse_spaces(text)


def date_in_text(title: str, content: str, *, today: date | None = None) -> tuple[date | None, float]:
    """Return the publication date in an item's own text, and the confidence in it from 0 to 1.

    Pages print it beside the title or in the dateline. A date in the title or in a sentence is that of something else.
    """
    today = today or today_utc()
    before, _, after = content.partition(title) if title and title in content else ("", "", content)
    candidates = [
        *_beside_title(before, at_end=True),
        *_beside_title(after, at_end=False),
        *_in_dateline(after),
        *((entry.day, 0.8) for entry in find_dates(content[-60:]) if _stands_at_end(content[-60:], entry)),
        *((entry.day, 0.3) for entry in find_dates(content) if not has_other_meaning(content, entry)),
    ]
    plausible = [(day, confidence) for day, confidence in candidates if is_plausible(day, today)]
    return max(plausible, key=lambda candidate: candidate[1], default=(None, 0.0))


def _beside_title(text: str, *, at_end: bool) -> list[tuple[date, float]]:
    found = find_dates(text)
    beside = []
    for entry in found:
        gap = text[entry.end :] if at_end else text[: entry.start]
        if has_other_meaning(text, entry) or len(gap) > 60:
            continue
        words = len(re.findall(r"\w+", without_dates(gap, find_dates(gap))))
        repeated = sum(other.day == entry.day for other in found) > 1
        if words <= 3:
            beside.append((entry.day, 0.97 if repeated or words == 0 else 0.85))
    return beside


_DATELINE = re.compile(r"^[^\W\d_][^.!?:;]{0,80}?[,(\u2013—-]\s*\(?$")


def _in_dateline(text: str) -> list[tuple[date, float]]:
    """Return the date in a dateline, such as "LUND, Sweden, 10 December 2025 - ..."."""
    opening = text.lstrip()[:160]
    for entry in find_dates(opening)[:1]:
        before, after = opening[: entry.start].rstrip(), opening[entry.end :].lstrip()
        if after[:1] in set("-\u2013—(/:|)") and (_DATELINE.match(before) or _LABEL.search(before)):
            return [(entry.day, 0.85)]
        if _LABEL.search(before) and len(before) < 40:
            return [(entry.day, 0.85)]
    return []


def _stands_at_end(text: str, entry: FoundDate) -> bool:
    rest = re.sub(r"(?i)\b(?:read|learn|more|full|story|download|attachment|pdf|view)\b", "", text[entry.end :])
    return not re.search(r"\w", rest) and "." not in rest and not has_other_meaning(text, entry)


def has_other_meaning(text: str, entry: FoundDate) -> bool:
    """Return whether the words before a date say that it is not the publication's."""
    before = text[max(0, entry.start - 40) : entry.start]
    return bool(_OTHER_MEANING.search(before)) and not _LABEL.search(before)

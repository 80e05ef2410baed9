"""Publication dates in texts; only a full date in the text itself counts, and none is ever assumed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from vectora_core.text.words import collapse_spaces

# East of UTC, news may have tomorrow's date; a later date is that of a coming event.
MAX_DAYS_AHEAD = 2
EARLIEST_YEAR = 1990

_MONTHS_BY_LANGUAGE = """
january february march april may june july august september october november december
januari februari mars april maj juni juli augusti september oktober november december
januar februar marts april mai juni juli august september oktober november desember
januar februar märz april mai juni juli august september oktober november dezember
janvier février mars avril mai juin juillet août septembre octobre novembre décembre
tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta \
marraskuuta joulukuuta
jan feb mar apr may jun jul aug sep oct nov dec
jän fév mär avr maj jui juil aoû sept okt nov déc
janv févr mrz avr maj juin juil août sept okt nov dez
jan. fevr mar avril mai jun juillet aout sep okt nov des
jan fevrier mar apr mai jun jul aout sep okt nov decembre
"""
_MONTHS = {
    name.rstrip("."): number
    for line in _MONTHS_BY_LANGUAGE.strip().splitlines()
    for number, name in enumerate(line.split(), start=1)
    if name != "jui"  # juin or juillet
}
_MONTH = f"(?P<month>(?i:{'|'.join(sorted(_MONTHS, key=len, reverse=True))}))"
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
        rf"{_DAY}(?:st|nd|rd|th|er|\.|º)?{_GAP}[-\s/]?{_GAP}(?:of\s+|de\s+)?{_MONTH}\.?{_GAP}[,\s/-]?{_GAP}(?:de\s+)?{_YEAR}{_TIME}",
    )
)
_NUMERIC = re.compile(
    rf"(?<!\d)(?P<first>\d{{1,2}})(?P<mark>[./-])(?P<second>\d{{1,2}})(?P=mark)(?P<year>(?:19|20)\d{{2}})(?!\d){_TIME}"
)
# Where a pattern may match: all but one start with the first digit of a number, that one with a month before a number.
_NUMBER = re.compile(r"\d+")
_MONTH_FIRST = _PATTERNS[3]
_MONTH_BEFORE_DAY = re.compile(rf"{_WORD_START}{_MONTH}\.?{_GAP}[-\s/]{_GAP}\Z")
_MONTH_AND_GAP = max(map(len, _MONTHS)) + len(".") + 8 + len("-") + 8
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
_DATE_LIKE = re.compile(rf"(?<!\d)\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{2,4}}(?!\d)|{_YEARLESS.pattern}")


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


def find_dates(text: str, *, date_format: str | None = None, day_first: bool | None = None) -> list[FoundDate]:
    """Return all full dates in the order of the text, except the two ends of a range ("October 27-28, 2025")."""
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
    return kept


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
    start = max(first, end - _MONTH_AND_GAP)
    while match := _MONTH_BEFORE_DAY.search(text, start, end):
        yield match.start()
        start = match.start() + 1


def _day_of(match: re.Match[str], date_format: str | None, day_first: bool | None, *, is_numeric: bool) -> date | None:
    if is_numeric:
        first, second, year = int(match["first"]), int(match["second"]), int(match["year"])
        return _by_format(match[0], date_format) or _numeric(first, second, year, match["mark"], day_first)
    month = match["month"].lower()
    return _date(int(match["year"]), int(month) if month.isdigit() else _MONTHS[month], int(match["day"]))


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
    text = collapse_spaces(text)[:200]
    day = _by_format(text, date_format) or _relative(text, today)
    if day is None and (match := re.fullmatch(r"((?:19|20)\d{2})(\d{2})(\d{2})(?:T?\d{4,6}Z?)?", text)):
        day = _date(int(match[1]), int(match[2]), int(match[3]))
    day = day or _on_a_leaf(text)
    if day is None and (found := find_dates(text, date_format=date_format, day_first=day_first)):
        day = found[0].day
    return day if day and is_plausible(day, today) else None


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
    return _date(year, _MONTHS[month.lower()], int(day))


def has_date_like(text: str) -> bool:
    """Return whether a text has something like a date, even if it is ambiguous or without a year."""
    return bool(_DATE_LIKE.search(text))


def is_only_a_date(line: str, *, date_format: str | None = None, day_first: bool | None = None) -> bool:
    """Return whether a line is a date and at most a label of a few words ("News | 10 December 2025")."""
    if _by_format(line, date_format) or (len(line) < 30 and (_RELATIVE.match(line) or _on_a_leaf(line))):
        return True
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

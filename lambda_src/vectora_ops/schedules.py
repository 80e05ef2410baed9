"""Schedules as EventBridge Scheduler accepts them: cron expressions, time zones, and the times at which they run.

The rules are those of the EventBridge Scheduler user guide, "Schedule types": six fields, their values and wildcards,
and a question mark in one of day of month and day of week. The guide does not have LW and L-3, which the service takes
from Quartz (grumBit/aws_cron_expression_validator issues 12 and 18, tried in the console); other notations outside the
guide are refused, because each can be written as a list.
"""

from __future__ import annotations

import re
import zoneinfo
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from vectora_shared.config.section import NotationError
from vectora_shared.config.wording import did_you_mean, nearest

EXAMPLE = "cron(0 6 ? * MON *)"
# CreateSchedule, API reference: ScheduleExpression and ScheduleExpressionTimezone.
LONGEST_EXPRESSION, LONGEST_TIME_ZONE = 256, 50
# The first year of this project, in which no schedule could run before. The clock decides nothing here: a commit must
# synthesize the same in every year.
FIRST_YEAR = 2026
LAST_YEAR = 2199
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_SATURDAY, _SUNDAY = 5, 6  # as date.weekday() counts
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# In the tz database's files, but not in the database: the machine's own zone, and a marker of a missing one.
_NO_ZONES = {"localtime", "posixrules", "Factory"}
_OFFSET = re.compile(r"(UTC|GMT)?[+-][0-9:]+")


@dataclass(frozen=True)
class _Field:
    """A field of a cron expression: its values, their names, and its notations besides lists, ranges and steps."""

    name: str
    least: int
    most: int
    names: Sequence[str] = ()
    may_be_unset: bool = False  # ?
    has_steps: bool = True
    special: re.Pattern[str] | None = None
    values: str = field(init=False)

    def __post_init__(self) -> None:
        named = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        object.__setattr__(self, "values", f"{self.least} to {self.most}{named}")


_FIELDS = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day of month", 1, 31, may_be_unset=True, special=re.compile(r"L|LW|L-([1-9]|[12][0-9]|30)|([0-9]{1,2})W")),
    _Field("month", 1, 12, names=_MONTHS),
    _Field(
        "day of week",
        1,
        7,
        names=_DAYS,
        may_be_unset=True,
        has_steps=False,
        special=re.compile(r"L|(\w+)L|(\w+)#([0-9]+)"),
    ),
    _Field("year", 1970, LAST_YEAR),
)
_MINUTES, _HOURS, _DAY_OF_MONTH, _MONTH, _DAY_OF_WEEK, _YEAR = range(len(_FIELDS))


def cron_problem(expression: str) -> str | None:
    """Return why EventBridge Scheduler refuses the expression or never runs it, as the end of a sentence, or None."""
    if not expression.startswith("cron(") or not expression.endswith(")"):
        kind = expression.partition("(")[0]
        other = f"is a {kind} expression: settings need a fixed time of day, so " if kind in ("rate", "at") else ""
        return f"{other or 'is no cron(...) expression: '}write one such as {EXAMPLE}"
    parts = expression[len("cron(") : -1].split(" ")
    if len(parts) != len(_FIELDS) or not all(parts):
        found = len([part for part in parts if part])
        names = ", ".join(each.name for each in _FIELDS)
        return f"has {found} fields, where six are needed, with one space between them: {names}"
    problems = (_field_problem(each, part.upper()) for each, part in zip(_FIELDS, parts, strict=True))
    return next(filter(None, problems), None) or _whole_problem([part.upper() for part in parts])


def time_zone_problem(name: str) -> str | None:
    """Return why EventBridge Scheduler refuses the time zone, as the end of a sentence, or None.

    It takes the names of IANA's time zone database (EventBridge Scheduler user guide, "Time zones"), links included.
    """
    known = zoneinfo.available_timezones() - _NO_ZONES
    if not known:
        return "cannot be checked, because this machine has no time zone database: install the package tzdata"
    if name in known and len(name) <= LONGEST_TIME_ZONE:
        return None
    in_other_case = next((zone for zone in known if zone.casefold() == name.casefold()), None)
    if in_other_case:
        return f"is no IANA time zone: upper and lower case count, write {in_other_case}"
    if _OFFSET.fullmatch(name):
        return "is an offset and no IANA time zone: write a place, such as Europe/Paris, or Etc/UTC"
    ordered = sorted(known, key=lambda zone: ("/" not in zone, zone))
    return f"is no IANA time zone: {did_you_mean(name, ordered)}write one such as Europe/Paris or Etc/UTC"


def cron_minutes(expression: str) -> list[int]:
    """Return the minutes of a day, from its midnight, at which a valid expression runs."""
    parts = _parts(expression)
    minutes, hours = (_values(_FIELDS[place], parts[place]) for place in (_MINUTES, _HOURS))
    return [hour * 60 + minute for hour in hours for minute in minutes]


def cron_days(expression: str) -> set[int]:
    """Return the days of the week, from Monday as 0, on which a valid expression may run."""
    text = _parts(expression)[_DAY_OF_WEEK]
    each = _FIELDS[_DAY_OF_WEEK]
    if text in ("*", "?"):
        return set(range(7))
    base = re.split("[L#]", text)[0] if each.special and each.special.fullmatch(text) else text
    return {(day - 2) % 7 for day in _values(each, base or "SAT")}


def runs_after(expression: str, time_zone: str, after: datetime) -> Iterator[datetime]:
    """Yield the times, in UTC, at which a valid expression runs after `after`, soonest first.

    A local time that does not exist is skipped, and one that exists twice runs once (EventBridge Scheduler user guide,
    "Daylight savings time"). The guide does not say which of the two runs; the first is taken here.
    """
    zone, parts = zoneinfo.ZoneInfo(time_zone), _parts(expression)
    times = [time(minute // 60, minute % 60) for minute in cron_minutes(expression)]
    day = after.astimezone(zone).date()
    while day.year <= LAST_YEAR:
        for each in times if _runs_on(parts, day) else ():
            local = datetime.combine(day, each, zone)
            moment = local.astimezone(UTC)
            exists = moment.astimezone(zone).time() == each
            if exists and moment > after:
                yield moment
        day += timedelta(days=1)


def _runs_on(parts: Sequence[str], day: date) -> bool:
    return (
        day.year in _values(_FIELDS[_YEAR], parts[_YEAR])
        and day.month in _values(_FIELDS[_MONTH], parts[_MONTH])
        and _is_day_of_month(parts[_DAY_OF_MONTH], day)
        and _is_day_of_week(parts[_DAY_OF_WEEK], day)
    )


def _is_day_of_month(text: str, day: date) -> bool:
    last = monthrange(day.year, day.month)[1]
    if text == "?":
        return True
    if text == "LW":
        return day.day == _working_day(day, last)
    if text.startswith("L"):
        return day.day == last - int(text[2:] or 0)
    if text.endswith("W"):
        wanted = int(text[:-1])
        return wanted <= last and day.day == _working_day(day, wanted)
    return day.day in _values(_FIELDS[_DAY_OF_MONTH], text)


def _working_day(month: date, wanted: int) -> int:
    """Return the day from Monday to Friday that is nearest to a day, in the same month."""
    last, weekday = monthrange(month.year, month.month)[1], month.replace(day=wanted).weekday()
    if weekday == _SATURDAY:
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday == _SUNDAY:
        return wanted + 1 if wanted < last else wanted - 2
    return wanted


def _is_day_of_week(text: str, day: date) -> bool:
    each, number = _FIELDS[_DAY_OF_WEEK], (day.weekday() + 1) % 7 + 1
    name, sharp, which = text.partition("#")
    if text == "?":
        return True
    if sharp:
        return number == _number(each, name) and (day.day - 1) // 7 + 1 == int(which)
    if text.endswith("L") and len(text) > 1:
        return number == _number(each, text[:-1]) and day.day + 7 > monthrange(day.year, day.month)[1]
    # L alone is the last day of the week.
    return number == each.most if text == "L" else number in _values(each, text)


def _parts(expression: str) -> list[str]:
    return [part.upper() for part in expression[len("cron(") : -1].split(" ")]


def _field_problem(each: _Field, text: str) -> str | None:
    if text == "?":
        return None if each.may_be_unset else f"has ? in its {each.name}: only a day of month or of week can be ?"
    if each.special and (found := each.special.fullmatch(text)):
        return _special_problem(each, text, found)
    parts = text.split(",")
    for part in parts:
        if len(parts) > 1 and (part in ("*", "?") or (each.special and each.special.fullmatch(part))):
            return f"has '{part}' in a list in its {each.name}: it must stand alone"
        if problem := _part_problem(each, part):
            return problem
    return None


def _special_problem(each: _Field, text: str, found: re.Match[str]) -> str | None:
    number = next(filter(None, found.groups()), None)
    if each is _FIELDS[_DAY_OF_MONTH]:
        return _value_problem(each, number) if number and text.endswith("W") else None
    if number and (problem := _value_problem(each, number)):
        return problem
    if "#" in text and not 1 <= int(found[3]) <= 5:
        return f"has '{text}' in its {each.name}: a month has the same day of the week 1 to 5 times"
    return None


def _part_problem(each: _Field, part: str) -> str | None:
    base, slash, step = part.partition("/")
    if slash:
        if not each.has_steps:
            return f"has '{part}' in its {each.name}, which has no steps: list the days, such as MON,WED"
        if not re.fullmatch("[0-9]{1,4}", step) or not 1 <= int(step) <= max(each.most - each.least, 1):
            return f"has '{part}' in its {each.name}: a step is a number of 1 to {each.most - each.least}"
    if base == "*":
        return None
    first, dash, last = base.partition("-")
    if problem := _value_problem(each, first) or (dash and _value_problem(each, last)):
        return problem
    if dash and _number(each, first) > _number(each, last):
        return (
            f"has the range '{base}' in its {each.name}, which ends before it begins: write it as two, such as "
            f"{first}-{_name(each, each.most)},{_name(each, each.least)}-{last}"
        )
    return None


def _value_problem(each: _Field, text: str) -> str | None:
    number = _number(each, text)
    if each.least <= number <= each.most:
        return None
    similar = nearest(text, each.names, cutoff=0.4) or (text[:3] if text[:3] in each.names else None)
    advice = f"did you mean {similar}? " if similar and not text.isdecimal() else ""
    zero = ", and 1 is Sunday" if each is _FIELDS[_DAY_OF_WEEK] and text == "0" else ""
    return f"has '{text}' in its {each.name}: {advice}possible are {each.values}{zero}"


def _number(each: _Field, text: str) -> int:
    """Return the number of a value or its name; -1 for anything else."""
    if text in each.names:
        return each.least + each.names.index(text)
    return int(text) if re.fullmatch("[0-9]{1,4}", text) else -1


def _name(each: _Field, number: int) -> str:
    return each.names[number - each.least] if each.names else str(number)


def _whole_problem(parts: Sequence[str]) -> str | None:
    unset = [parts[place] == "?" for place in (_DAY_OF_MONTH, _DAY_OF_WEEK)]
    if all(unset):
        return "has ? as day of month and as day of week: one of them must have a value or *"
    if not any(unset):
        return "has a day of month and a day of week: one of them must be ?, the other a value or *"
    years = [year for year in _values(_FIELDS[_YEAR], parts[_YEAR]) if year >= FIRST_YEAR]
    if not years:
        return f"ends before {FIRST_YEAR}: it never runs"
    if not any(_days(parts, years)):
        return f"names a day of month that its months do not have ({parts[_DAY_OF_MONTH]}): it never runs"
    return None


def _days(parts: Sequence[str], years: Sequence[int]) -> Iterator[bool]:
    """Yield True for a month that has one of the expression's days of the month."""
    text = parts[_DAY_OF_MONTH]
    if not re.fullmatch(r"[0-9,/-]+W?", text):
        yield True
        return
    first = min(_values(_FIELDS[_DAY_OF_MONTH], text.rstrip("W")))
    months = _values(_FIELDS[_MONTH], parts[_MONTH])
    # The calendar repeats after 28 years, except over 2100, which is no leap year.
    for year in years[:28]:
        yield any(first <= monthrange(year, month)[1] for month in months)


def _values(each: _Field, text: str) -> list[int]:
    """Return the values of a valid field without special notations."""
    found: set[int] = set()
    for part in text.split(","):
        base, slash, step = part.partition("/")
        first, dash, last = ("*", "", "") if base == "*" else base.partition("-")
        least = each.least if first == "*" else _number(each, first)
        most = _number(each, last) if dash else each.most if slash or first == "*" else least
        found.update(range(least, most + 1, int(step) if slash else 1))
    return sorted(found)


def _cron(expression: str) -> str:
    if problem := cron_problem(expression):
        raise NotationError(problem)
    return expression


def _time_zone(name: str) -> str:
    if problem := time_zone_problem(name):
        raise NotationError(problem)
    return name


Cron = Annotated[str, StringConstraints(max_length=LONGEST_EXPRESSION), AfterValidator(_cron)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]

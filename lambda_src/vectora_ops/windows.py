"""Promotion windows: the settings that close an environment to promotions at times, in a time zone of their own.

A time is closed when it is in no `open` time although there are some, in a `closed` time, on a holiday, or in a freeze.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from vectora_ops.schedules import FIRST_YEAR, LAST_YEAR, TimeZone
from vectora_shared.config.section import MisfitError, NotationError, Section
from vectora_shared.config.wording import did_you_mean

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
DAY_MINUTES = 24 * 60
# Longer ones are typing errors, such as a wrong year.
LONGEST_RANGE = timedelta(days=366)
LONGEST_REASON = 200
WEEKLY_EXAMPLE, DATES_EXAMPLE, TIME_EXAMPLE = "MON-THU 09:00-16:00", "2026-12-24 to 2027-01-02", "2026-11-26 18:00"
_TIME = r"([01][0-9]|2[0-3]):([0-5][0-9])"
_HOURS = re.compile(rf"{_TIME}-(?:{_TIME}|(24):(00))")
_LOCAL = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[ T]{_TIME}")


@dataclass(frozen=True)
class WeeklyTime:
    """A part of some days of the week, in minutes of the day: `begins` is in it, `ends` is not. Monday is day 0."""

    days: frozenset[int]
    begins: int
    ends: int

    def contains(self, local: datetime) -> bool:
        return local.weekday() in self.days and self.begins <= local.hour * 60 + local.minute < self.ends


@dataclass(frozen=True)
class Dates:
    """Days from `first` to `last`, both included."""

    first: date
    last: date


@dataclass(frozen=True)
class Span:
    """The time from `begins`, included, to `ends`, not included."""

    begins: datetime
    ends: datetime


@lru_cache
def weekly_time(text: str) -> WeeklyTime:
    """Return the time that `MON-THU 09:00-16:00` or `SAT,SUN` stands for; raise NotationError for anything else."""
    days, _, hours = text.partition(" ")
    return WeeklyTime(frozenset(_days(days)), *(_hours(hours) if hours else (0, DAY_MINUTES)))


def _days(text: str) -> Iterator[int]:
    for part in text.split(","):
        first, dash, last = part.partition("-")
        for name in (first, last) if dash else (first,):
            if name not in DAYS:
                raise NotationError(
                    f"names the day '{name}': {did_you_mean(name.upper(), DAYS)}days are {', '.join(DAYS)}, such as in "
                    f"{WEEKLY_EXAMPLE} or SAT,SUN"
                )
        begins, ends = DAYS.index(first), DAYS.index(last if dash else first)
        if ends < begins:
            raise NotationError(f"has the days '{part}', which end before they begin: list the days, such as SUN,MON")
        yield from range(begins, ends + 1)


def _hours(text: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(text)
    if found is None:
        raise NotationError(f"has the hours '{text}': write them such as 09:00-16:00, or 18:00-24:00 until midnight")
    numbers = [int(each) for each in found.groups() if each is not None]
    begins, ends = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
    if ends <= begins:
        raise NotationError(
            f"has the hours '{text}', which end before they begin: write one entry until 24:00, and one from 00:00 for "
            "the days after"
        )
    return begins, ends


@lru_cache
def dates(text: str) -> Dates:
    """Return the days that `2026-12-25` or `2026-12-24 to 2027-01-02` stands for; raise NotationError for others."""
    first, to, last = text.partition(" to ")
    found = Dates(_date(first), _date(last if to else first))
    if found.last < found.first:
        raise NotationError("ends before it begins: write the earlier date first")
    if found.last - found.first > LONGEST_RANGE:
        raise NotationError("is longer than a year: check the years")
    return found


def _date(text: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise NotationError(f"has the date '{text}': write dates such as 2026-12-25 or {DATES_EXAMPLE}")
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise NotationError(f"has the date {text}, which is not in the calendar") from error
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise NotationError(f"has the date {text}: possible are the years {FIRST_YEAR} to {LAST_YEAR}")
    return found


def local_time(text: str, time_zone: str) -> datetime:
    """Return the moment of a local time such as `2026-11-26 18:00`, in UTC.

    Raises NotationError when it is no such time, or when the time zone has no or two such moments (daylight saving).
    """
    found = _LOCAL.fullmatch(text)
    if found is None:
        raise NotationError(f"is no local time: write one such as {TIME_EXAMPLE}")
    zone = ZoneInfo(time_zone)
    local = datetime.combine(_date(found[1]), datetime.min.time(), zone).replace(
        hour=int(found[2]), minute=int(found[3])
    )
    moments = {local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
    real = sorted(each for each in moments if each.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None))
    if not real:
        after = max(moments).astimezone(zone)
        raise NotationError(
            f"does not exist in {time_zone}, where clocks go forward then: write another, such as {after:%H:%M}"
        )
    if len(real) > 1:
        raise NotationError(f"exists twice in {time_zone}, where clocks go back then: write a time before or after")
    return real[0]


def _weekly(text: str) -> str:
    weekly_time(text)
    return text


def _dates(text: str) -> str:
    dates(text)
    return text


def _reason(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("say why in one line, for the people whose promotion is refused")
    return text


Weekly = Annotated[str, AfterValidator(_weekly)]
Holiday = Annotated[str, AfterValidator(_dates)]
Reason = Annotated[str, StringConstraints(max_length=LONGEST_REASON), AfterValidator(_reason)]


class PlannedFreeze(Section):
    """A time without promotions that is planned, with its reason; local times of the windows' time zone."""

    begins: str = Field(description=f"first minute, a local time such as {TIME_EXAMPLE}")
    ends: str = Field(description=f"first minute after it, a local time such as {TIME_EXAMPLE}")
    reason: Reason = Field(description="reason, which a refusal shows")


class Windows(Section):
    """Times when nothing is promoted into an environment: closed times win over open ones."""

    time_zone: TimeZone = Field(description="IANA time zone of all times here, such as Europe/Paris")
    open: tuple[Weekly, ...] = Field(
        default=(), description=f"weekly times, such as {WEEKLY_EXAMPLE}: the others are closed; none: all are open"
    )
    closed: tuple[Weekly, ...] = Field(default=(), description="weekly times, such as SAT,SUN or FRI 12:00-24:00")
    holidays: tuple[Holiday, ...] = Field(default=(), description=f"dates, such as 2026-12-25 or {DATES_EXAMPLE}")
    freezes: tuple[PlannedFreeze, ...] = Field(default=(), description="list of begins, ends and reason")

    @model_validator(mode="after")
    def _closes_something(self) -> Windows:
        if not (self.open or self.closed or self.holidays or self.freezes):
            raise MisfitError(((), "closes nothing: add open, closed, holidays or freezes, or remove it"))
        problems = [problem for index, each in enumerate(self.freezes) for problem in self._problems(index, each)]
        if problems:
            raise MisfitError(*problems)
        return self

    def _problems(self, index: int, freeze: PlannedFreeze) -> Iterator[tuple[tuple[str | int, ...], str]]:
        moments = []
        for key, text in (("begins", freeze.begins), ("ends", freeze.ends)):
            try:
                moments.append(local_time(text, self.time_zone))
            except NotationError as error:
                yield ("freezes", index, key), f"has the value {text!r}, which {error}"
        if len(moments) < 2:
            return
        if moments[1] <= moments[0]:
            yield ("freezes", index, "ends"), f"ends before it begins ({freeze.begins} to {freeze.ends})"
        elif moments[1] - moments[0] > LONGEST_RANGE:
            yield ("freezes", index, "ends"), f"makes it longer than a year ({freeze.begins} to {freeze.ends})"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def span(self, freeze: PlannedFreeze) -> Span:
        return _span(freeze.begins, freeze.ends, self.time_zone)

    @property
    def last_day(self) -> date:
        """The last day of its dates; later only the weekly times count."""
        freezes = (self.span(each).ends.astimezone(self.zone).date() for each in self.freezes)
        return max((*(dates(each).last for each in self.holidays), *freezes), default=date.min)

    @property
    def minutes_of_change(self) -> Sequence[int]:
        """Minutes of a local day at which a weekly time or a day begins or ends."""
        return _minutes_of_change((*self.open, *self.closed))


@lru_cache
def _span(begins: str, ends: str, time_zone: str) -> Span:
    return Span(local_time(begins, time_zone), local_time(ends, time_zone))


@lru_cache
def _minutes_of_change(texts: tuple[str, ...]) -> Sequence[int]:
    times = [weekly_time(each) for each in texts]
    return sorted({DAY_MINUTES, *(each.begins for each in times), *(each.ends for each in times)})

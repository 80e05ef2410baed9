"""Times at which promotion windows let a promotion pass.

All functions take the windows of several settings together: a time is open when every one of them is open. The
stricter of two settings is therefore the windows of both (`stricter`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from vectora_ops.schedules import FIRST_YEAR, cron_days, cron_minutes
from vectora_ops.windows import Windows, dates, weekly_time

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
# Weekly times of several zones meet differently in the course of a year, as their clocks change.
LONGEST_SEARCH = timedelta(days=400)
# Of the 4 KB that all variables of a function may have (Lambda quotas). A schedule has up to 900 characters; the rest
# is for names and roles.
LONGEST_POLICY = 2600
# Checks of settings begin here: synthesis may not depend on the day.
FIRST_DAY = date(FIRST_YEAR, 1, 1)


@dataclass(frozen=True)
class Closure:
    """The reason why a time is closed, as the end of `it is`, and the time zone of the windows that close it."""

    reason: str
    time_zone: str


def stricter(windows: Sequence[Windows], others: Sequence[Windows]) -> tuple[Windows, ...]:
    """Return windows that are open only when both are."""
    return tuple(dict.fromkeys((*windows, *others)))


def closure_at(windows: Sequence[Windows], moment: datetime) -> Closure | None:
    """Return why a promotion is refused at `moment`; None when it may pass. Dates win over weekly times."""
    for each in windows:
        if reason := _dated_reason(each, moment):
            return Closure(reason, each.time_zone)
    for each in windows:
        if reason := _weekly_reason(each, moment):
            return Closure(reason, each.time_zone)
    return None


def _dated_reason(windows: Windows, moment: datetime) -> str:
    for freeze in windows.freezes:
        span = windows.span(freeze)
        if span.begins <= moment < span.ends:
            return f"frozen until {shown(span.ends, windows.time_zone)} ({freeze.reason})"
    today = moment.astimezone(windows.zone).date()
    for text in windows.holidays:
        if dates(text).first <= today <= dates(text).last:
            return f"closed for holidays ({text})"
    return ""


def _weekly_reason(windows: Windows, moment: datetime) -> str:
    local = moment.astimezone(windows.zone)
    closed = next((text for text in windows.closed if weekly_time(text).contains(local)), None)
    if closed:
        return f"closed {closed}"
    if windows.open and not any(weekly_time(text).contains(local) for text in windows.open):
        return f"open {', '.join(windows.open)} only"
    return ""


def next_open(windows: Sequence[Windows], moment: datetime) -> datetime | None:
    """Return the first open time from `moment` on: itself, or a whole minute; None when there is none any more."""
    if closure_at(windows, moment) is None:
        return moment
    now = moment.astimezone(UTC).replace(second=0, microsecond=0)
    last = max(now, *(_midnight(each.last_day) for each in windows)) + LONGEST_SEARCH
    while now < last:
        now = min(_next_change(each, now) for each in windows)
        if closure_at(windows, now) is None:
            return now
    return None


def windows_problem(windows: Sequence[Windows], policy_length: int) -> str | None:
    """Return why the windows of a setting are refused, as the end of a sentence, or None.

    `policy_length` is that of the gates' settings with them, in characters.
    """
    if windows and next_open(windows, _after_all_dates(windows)) is None:
        return "leaves no time open, so nothing could ever be promoted"
    if policy_length > LONGEST_POLICY:
        return (
            f"makes the gates' settings {policy_length} characters long, and the variables of the function that reads "
            f"them leave {LONGEST_POLICY}: remove dates that are over, and write days in a row as one entry"
        )
    return None


def retry_problem(windows: Sequence[Windows], retry_at: str, time_zone: str) -> str | None:
    """Return why a schedule never retries a promotion successfully, as the end of a sentence, or None.

    `retry_at` is a cron expression in `time_zone`. Dates pass by, so only the weekly times count.
    """
    if not windows:
        return None
    days, minutes, start = cron_days(retry_at), cron_minutes(retry_at), _after_all_dates(windows)
    for day in range(LONGEST_SEARCH.days):
        midnight = datetime.combine((start + day * DAY).date(), datetime.min.time(), ZoneInfo(time_zone))
        if midnight.weekday() not in days:
            continue
        runs = (midnight.replace(hour=minute // 60, minute=minute % 60) for minute in minutes)
        if any(closure_at(windows, run) is None for run in runs):
            return None
    return (
        f"runs ({retry_at} in {time_zone}) only when the windows are closed, so a refused promotion would never be "
        "tried again: choose a time when they are open"
    )


def shown(moment: datetime, time_zone: str) -> str:
    """Return a time to the minute in a time zone, for people, such as `Mon 2026-12-28 00:00 Europe/Paris`."""
    local = moment.astimezone(ZoneInfo(time_zone))
    return f"{local:%a %Y-%m-%d %H:%M} {time_zone}"


def _after_all_dates(windows: Sequence[Windows]) -> datetime:
    return _midnight(max(FIRST_DAY, *(each.last_day for each in windows)) + 2 * DAY)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)


def _next_change(windows: Windows, moment: datetime) -> datetime:
    """Return the first whole minute after `moment` at which it can open or close."""
    return min(each for each in _changes(windows, moment) if each > moment)


def _changes(windows: Windows, moment: datetime) -> Iterator[datetime]:
    zone = windows.zone
    midnight = datetime.combine(moment.astimezone(zone).date(), datetime.min.time())
    for minutes in windows.minutes_of_change:
        local = midnight + minutes * MINUTE
        # A local time may exist twice; one that does not exist is passed when the clocks change.
        yield from (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    yield from _clock_change(windows, moment)
    for freeze in windows.freezes:
        span = windows.span(freeze)
        yield from (span.begins, span.ends)


def _clock_change(windows: Windows, moment: datetime) -> Iterator[datetime]:
    """Yield the minute in the next day at which the zone's clocks go forward or back, if they do."""
    zone, before, after = windows.zone, moment, moment + DAY + DAY / 12
    if before.astimezone(zone).utcoffset() == after.astimezone(zone).utcoffset():
        return
    while after - before > MINUTE:
        middle = before + (after - before) // MINUTE // 2 * MINUTE
        if middle.astimezone(zone).utcoffset() == moment.astimezone(zone).utcoffset():
            before = middle
        else:
            after = middle
    yield after

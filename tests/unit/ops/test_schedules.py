"""Cron expressions and time zones: what EventBridge Scheduler refuses or never runs is refused with its line."""

from __future__ import annotations

import zoneinfo
from pathlib import Path

import pytest

from tests.unit.ops.environments import VALID, load_text
from vectora_ops.schedules import LONGEST_TIME_ZONE, cron_problem, time_zone_problem
from vectora_shared.errors import ConfigurationError


@pytest.mark.parametrize(
    "fields",
    [
        *("0 6 * * ? *", "0 6 ? * MON *", "0 6 1 * ? *", "0/15 6-18 ? JAN-MAR,DEC 6#3 2026/2", "0 6 L * ? *"),
        # Examples of the EventBridge Scheduler user guide, "Cron-based schedules", with another year.
        *("15 12 * * ? *", "0 18 ? * MON-FRI *", "0 8 1 * ? *", "0/10 * ? * MON-FRI *", "15 10 ? * 6L 2026-2027"),
        *("0 11-23/2 * * ? *", "0 0 1 1-12/3 ? *", "0-15/1 * * * ? *", "0 0 1-31/30 * ? *", "0 6 ? * 2-6 *"),
        *("0 6 3W * ? *", "0 6 LW * ? *", "0 6 L-3 * ? *", "0 6 ? * L *", "0 6 ? * FRIL *", "0 6 ? * TUE#2 *"),
        *(
            "0 6 29 2 ? *",
            "0 6 29 2 ? 2028",
            "0 6 31 1,2 ? *",
            "59 23 31 12 ? 2199",
            "0 6 ? * Wed-Fri *",
            "0 0 ? * SUN-SAT *",
        ),
        *("0 6 ? * * *", "*/5 */2 */2 */2 ? 2026-2199/2", "0,30 6,18 1,15 * ? *"),
    ],
)
def test_an_expression_of_the_user_guide_is_accepted(fields: str) -> None:
    assert cron_problem(f"cron({fields})") is None


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ("60 6 * * ? *", "has '60' in its minutes: possible are 0 to 59"),
        ("0 25 * * ? *", "has '25' in its hours: possible are 0 to 23"),
        ("0 24 * * ? *", "has '24' in its hours"),
        ("0 6 0 * ? *", "has '0' in its day of month: possible are 1 to 31"),
        ("0 6 32 * ? *", "has '32' in its day of month"),
        ("0 6 1 13 ? *", "has '13' in its month: possible are 1 to 12 or JAN to DEC"),
        ("0 6 1 MRZ ? *", "has 'MRZ' in its month: did you mean MAR?"),
        ("0 6 1 JANUARY ? *", "did you mean JAN?"),
        ("0 6 ? * 0 *", "has '0' in its day of week: possible are 1 to 7 or SUN to SAT, and 1 is Sunday"),
        ("0 6 ? * 8 *", "has '8' in its day of week"),
        ("0 6 ? * MONDAY *", "has 'MONDAY' in its day of week: did you mean MON?"),
        ("0 6 ? * MO *", "did you mean MON?"),
        ("0 6 ? * -1 *", "has '' in its day of week"),
        ("0 6 ? * MON 1969", "has '1969' in its year: possible are 1970 to 2199"),
        ("0 6 ? * MON 2200", "has '2200' in its year"),
        ("0 6 * * * *", "has a day of month and a day of week: one of them must be ?"),
        ("0 6 1 * MON *", "one of them must be ?"),
        ("0 6 ? * ? *", "has ? as day of month and as day of week"),
        ("? 6 * * ? *", "has ? in its minutes"),
        ("0 6 ?,1 * ? *", "has '?' in a list"),
        ("0 6 *,1 * ? *", "has '*' in a list"),
        ("0 6 L,1 * ? *", "has 'L' in a list in its day of month: it must stand alone"),
        ("0 6 ? * 3#1,6#3 *", "has '3#1' in a list in its day of week"),
        ("0 6 ? * 3#6 *", "a month has the same day of the week 1 to 5 times"),
        ("0 6 ? * MON#0 *", "1 to 5 times"),
        ("0 6 32W * ? *", "has '32' in its day of month"),
        ("0 6 ? * 8L *", "has '8' in its day of week"),
        ("0 6 W * ? *", "has 'W' in its day of month"),
        ("L 6 * * ? *", "has 'L' in its minutes"),
        ("0 6 1#2 * ? *", "has '1#2' in its day of month"),
        ("0 6 ? * FRI-MON *", "write it as two, such as FRI-SAT,SUN-MON"),
        (
            "0 22-2 * * ? *",
            "has the range '22-2' in its hours, which ends before it begins: write it as two, such as 22-23,0-2",
        ),
        ("*/0 6 * * ? *", "a step is a number of 1 to 59"),
        ("*/90 6 * * ? *", "a step is a number of 1 to 59"),
        ("*/x 6 * * ? *", "a step is a number of 1 to 59"),
        ("0 6 ? * MON/2 *", "which has no steps: list the days"),
        ("0 6 31 2 ? *", "names a day of month that its months do not have (31): it never runs"),
        ("0 6 30 FEB ? *", "it never runs"),
        ("0 6 31 APR,JUN,SEP,NOV ? *", "it never runs"),
        ("0 6 29 2 ? 2026-2027", "it never runs"),
        ("0 6 29 2 ? 2100", "it never runs"),
        ("0 6 31W 2 ? *", "it never runs"),
        ("0 6 1 1 ? 2020", "ends before 2026: it never runs"),
        ("0 6 * * ?", "has 5 fields, where six are needed"),
        ("0 0 6 * * ? *", "has 7 fields"),
        ("0  6 * * ? *", "with one space between them"),
        (" 0 6 * * ? *", "with one space between them"),
        ("0\t6 * * ? *", "has 5 fields"),
        ("", "has 0 fields"),
        ("\u0660 6 * * ? *", "in its minutes"),
        ("0 6 ? * M\u041eN *", "in its day of week"),
        ("0 6 ? * 2#\u0663 *", "in its day of week"),
    ],
)
def test_an_expression_that_never_runs_or_that_the_service_refuses_is_refused(fields: str, part: str) -> None:
    assert part in (cron_problem(f"cron({fields})") or "")


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 day)",
        "rate(0 days)",
        "rate(1 minutes)",
        "at(2026-11-25T06:00:00)",
        "0 6 * * ? *",
        "cron(0 6 * * ? *",
        "Cron(0 6 * * ? *)",
    ],
)
def test_other_expressions_are_refused_with_an_example(expression: str) -> None:
    assert "write one such as cron(0 6 ? * MON *)" in (cron_problem(expression) or "")


@pytest.mark.parametrize(
    "zone", ["Europe/Paris", "UTC", "Etc/UTC", "America/Argentina/Ushuaia", "EST5EDT", "Asia/Calcutta"]
)
def test_a_name_of_the_time_zone_database_is_accepted(zone: str) -> None:
    assert time_zone_problem(zone) is None


@pytest.mark.parametrize(
    ("zone", "part"),
    [
        ("Europe/Pariss", "did you mean 'Europe/Paris'?"),
        ("PST8", "is no IANA time zone"),
        ("PST", "is no IANA time zone"),
        ("CEST", "is no IANA time zone"),
        ("europe/paris", "upper and lower case count, write Europe/Paris"),
        ("utc", "write UTC"),
        ("UTC+1", "is an offset and no IANA time zone"),
        ("+01:00", "is an offset and no IANA time zone"),
        ("GMT-5", "is an offset and no IANA time zone"),
        ("Europe/Paris ", "did you mean 'Europe/Paris'?"),
        ("Europe\\Paris", "is no IANA time zone"),
        ("../../etc/passwd", "is no IANA time zone"),
        ("/usr/share/zoneinfo/UTC", "is no IANA time zone"),
        ("localtime", "is no IANA time zone"),
        ("Factory", "is no IANA time zone"),
        ("posix/Europe/Paris", "is no IANA time zone"),
        ("Europe", "is no IANA time zone"),
        ("", "is no IANA time zone"),
        ("\u0415urope/Paris", "did you mean 'Europe/Paris'?"),
        ("x" * 500, "is no IANA time zone"),
    ],
)
def test_any_other_time_zone_is_refused_with_the_nearest(zone: str, part: str) -> None:
    assert part in (time_zone_problem(zone) or "")


def test_every_known_zone_is_short_enough_for_the_service() -> None:
    assert max(map(len, zoneinfo.available_timezones())) <= LONGEST_TIME_ZONE


def test_a_machine_without_a_database_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    assert "install the package tzdata" in (time_zone_problem("Europe/Paris") or "")


@pytest.mark.parametrize(
    ("old", "new", "key", "part"),
    [
        (
            "time_zone: Europe/Paris",
            "time_zone: Europe/Pariss",
            "schedule.time_zone",
            "'Europe/Pariss', which is no IANA",
        ),
        (
            "time_zone: Europe/Paris",
            "time_zone: \u0415urope/Paris",
            "schedule.time_zone",
            "it contains U+0415 (CYRILLIC CAPITAL LETTER IE) in line {line}, column 18",
        ),
        ("daily: cron(0 6 * * ? *)", "daily: cron(0 25 * * ? *)", "schedule.daily", "possible are 0 to 23"),
        ("daily_at: cron(0 3 * * ? *)", "daily_at: cron(0 3 * * * *)", "snapshots.daily_at", "one of them must be ?"),
        ("retry_at: cron(0 7 * * ? *)", "retry_at: cron(0 7 31 2 ? *)", "promotion.retry_at", "it never runs"),
        (
            "weekly: cron(0 6 ? * MON *)",
            "weekly: cron(0\u00a06 ? * MON *)",
            "schedule.weekly",
            "it contains U+00A0 (NO-BREAK SPACE) in line {line}, column 21",
        ),
        (
            "daily: cron(0 6 * * ? *)",
            f"daily: cron({'0,' * 200}0 6 * * ? *)",
            "schedule.daily",
            "at most 256 characters",
        ),
    ],
)
def test_a_wrong_schedule_is_refused_with_file_line_and_key(
    tmp_path: Path, old: str, new: str, key: str, part: str
) -> None:
    text = VALID.replace(old, new, 1)
    assert text != VALID
    with pytest.raises(ConfigurationError) as caught:
        load_text(tmp_path, text)
    line = next(number for number, each in enumerate(text.splitlines(), 1) if new in each)
    assert str(caught.value).startswith(f"config/environments.yaml, line {line}, column 7: key 'environments.")
    assert f"{key}' has the value " in str(caught.value)
    assert part.replace("{line}", str(line)) in str(caught.value)
    assert str(caught.value).isascii()

"""Times at which a cron expression runs, in any time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_ops.schedules import cron_days, cron_minutes, runs_after

PARIS = "Europe/Paris"
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday


def first(fields: str, count: int = 1, after: datetime = NEW_YEAR, zone: str = "UTC") -> list[str]:
    return [f"{each:%Y-%m-%d %H:%M}" for each in islice(runs_after(f"cron({fields})", zone, after), count)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("0 6 * * ? *", ["2026-01-01 06:00", "2026-01-02 06:00", "2026-01-03 06:00"]),
        ("0 6 ? * MON *", ["2026-01-05 06:00", "2026-01-12 06:00", "2026-01-19 06:00"]),
        ("0 6 ? * 2-4 *", ["2026-01-05 06:00", "2026-01-06 06:00", "2026-01-07 06:00"]),
        ("30 6,18 1,31 * ? *", ["2026-01-01 06:30", "2026-01-01 18:30", "2026-01-31 06:30"]),
        ("0 6 31 * ? *", ["2026-01-31 06:00", "2026-03-31 06:00", "2026-05-31 06:00"]),
        ("0 6 29 2 ? *", ["2028-02-29 06:00", "2032-02-29 06:00", "2036-02-29 06:00"]),
        ("0 6 L * ? *", ["2026-01-31 06:00", "2026-02-28 06:00", "2026-03-31 06:00"]),
        ("0 6 L-3 * ? *", ["2026-01-28 06:00", "2026-02-25 06:00", "2026-03-28 06:00"]),
        # 31 January 2026 is a Saturday, 28 February too.
        ("0 6 LW * ? *", ["2026-01-30 06:00", "2026-02-27 06:00", "2026-03-31 06:00"]),
        # 1 February is a Sunday, 1 August a Saturday, 31 May a Sunday.
        ("0 6 1W 2,8 ? 2026", ["2026-02-02 06:00", "2026-08-03 06:00"]),
        ("0 6 31W 4,5 ? 2026", ["2026-05-29 06:00"]),
        ("0 6 ? * L *", ["2026-01-03 06:00", "2026-01-10 06:00", "2026-01-17 06:00"]),
        ("0 6 ? * FRIL *", ["2026-01-30 06:00", "2026-02-27 06:00", "2026-03-27 06:00"]),
        ("0 6 ? * MON#1 *", ["2026-01-05 06:00", "2026-02-02 06:00", "2026-03-02 06:00"]),
        ("0 6 ? * 5#5 *", ["2026-01-29 06:00", "2026-04-30 06:00", "2026-07-30 06:00"]),
        ("0 6 ? JAN MON 2025,2027", ["2027-01-04 06:00", "2027-01-11 06:00", "2027-01-18 06:00"]),
        ("0 6 1 1 ? 2025", []),
    ],
)
def test_an_expression_runs_on_its_days(fields: str, expected: list[str]) -> None:
    assert first(fields, 3) == expected


def test_a_run_at_the_very_moment_is_over() -> None:
    assert first("0 0 * * ? *", 1) == ["2026-01-02 00:00"]


def test_times_are_those_of_the_time_zone() -> None:
    march = datetime(2026, 3, 27, tzinfo=UTC)
    assert first("0 6 ? * MON *", 1, march, PARIS) == ["2026-03-30 04:00"]
    assert first("0 6 ? * FRI *", 1, march, PARIS) == ["2026-03-27 05:00"]
    assert first("0 6 * * ? *", 1, datetime(2026, 3, 27, 20, tzinfo=UTC), "Asia/Tokyo") == ["2026-03-27 21:00"]


def test_a_local_time_that_does_not_exist_is_skipped() -> None:
    assert first("30 2 * * ? *", 2, datetime(2026, 3, 28, 12, tzinfo=UTC), PARIS) == [
        "2026-03-30 00:30",
        "2026-03-31 00:30",
    ]


def test_a_local_time_that_exists_twice_runs_once() -> None:
    assert first("30 2 * * ? *", 2, datetime(2026, 10, 24, 12, tzinfo=UTC), PARIS) == [
        "2026-10-25 00:30",
        "2026-10-26 01:30",
    ]


@settings(deadline=None)
@given(
    fields=st.sampled_from(["0 6 * * ? *", "15,45 2,3 ? * MON-WED *", "0 6 LW * ? *", "0 0/6 ? * SUN#2 *"]),
    zone=st.sampled_from(["UTC", PARIS, "America/New_York", "Asia/Kolkata", "Pacific/Auckland"]),
    after=st.integers(0, 3 * 365 * 24 * 60).map(lambda minutes: NEW_YEAR + timedelta(minutes=minutes)),
)
def test_runs_come_in_order_at_minutes_and_days_of_the_expression(fields: str, zone: str, after: datetime) -> None:
    found = list(islice(runs_after(f"cron({fields})", zone, after), 20))
    assert all(earlier < later for earlier, later in pairwise([after, *found]))
    assert all(each.utcoffset() == timedelta() for each in found)
    local = [each.astimezone(ZoneInfo(zone)) for each in found]
    assert {each.hour * 60 + each.minute for each in local} <= set(cron_minutes(f"cron({fields})"))
    assert {each.weekday() for each in local} <= cron_days(f"cron({fields})")

"""Promotion windows say when nothing is promoted: in local time, over changes of clocks, and in plain sentences."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.repository import ROOT
from vectora_ops.open_times import LONGEST_POLICY, closure_at, next_open, retry_problem, stricter, windows_problem
from vectora_ops.schedules import cron_days, cron_minutes
from vectora_ops.settings import Settings
from vectora_ops.windows import DAYS, PlannedFreeze, Windows, dates, local_time, weekly_time
from vectora_shared.config.section import NotationError, read_section
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError

PARIS = "Europe/Paris"
# Clocks change at 02:00, at midnight, by half an hour, and never; some are a whole day apart.
ZONES = ("Europe/Paris", "America/New_York", "America/Santiago", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia")
# Around the changes of clocks in these zones in 2026 and 2027.
STARTS = tuple(
    datetime.fromisoformat(day).replace(tzinfo=UTC)
    for day in ("2026-03-28", "2026-04-04", "2026-09-05", "2026-10-03", "2026-10-24", "2026-10-31", "2027-03-13")
)
MINUTE = timedelta(minutes=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@st.composite
def weekly(draw: st.DrawFn) -> str:
    days = draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True))
    begins, ends = sorted(draw(st.lists(st.integers(0, 96), min_size=2, max_size=2, unique=True)))
    hours = f"{begins // 4:02}:{begins % 4 * 15:02}-{ends // 4:02}:{ends % 4 * 15:02}"
    return draw(st.sampled_from([",".join(days), f"{','.join(days)} {hours}"]))


@st.composite
def some_windows(draw: st.DrawFn) -> Windows:
    start = draw(st.sampled_from(STARTS))
    first, later = sorted(draw(st.lists(st.integers(0, 5), min_size=2, max_size=2)))
    first_day, last_day = (start + timedelta(days=days) for days in (first, later))
    freeze = PlannedFreeze(begins=f"{start:%Y-%m-%d} 12:15", ends=f"{last_day:%Y-%m-%d} 13:45", reason="x")
    return Windows(
        time_zone=draw(st.sampled_from(ZONES)),
        open=tuple(draw(st.lists(weekly(), max_size=3))),
        closed=tuple(draw(st.lists(weekly(), min_size=1, max_size=2))),
        holidays=(f"{first_day:%Y-%m-%d} to {last_day:%Y-%m-%d}",) if draw(st.booleans()) else (),
        freezes=(freeze,) if draw(st.booleans()) else (),
    )


def minutes_from(start: datetime, days: int) -> Iterator[datetime]:
    whole = (
        start if start == start.replace(second=0, microsecond=0) else start.replace(second=0, microsecond=0) + MINUTE
    )
    yield start
    for number in range(days * 24 * 60):
        yield whole + number * MINUTE


@settings(deadline=None, max_examples=60)
@given(
    st.lists(some_windows(), min_size=1, max_size=2),
    st.sampled_from(STARTS),
    st.integers(0, 2 * 24 * 3600),
)
def test_the_next_possible_time_is_open_and_no_earlier_minute_is(
    windows: list[Windows], start: datetime, seconds: int
) -> None:
    now = start + timedelta(seconds=seconds)
    found = next_open(windows, now)
    first = next((each for each in minutes_from(now, 4) if closure_at(windows, each) is None), None)
    if first is not None:
        assert found == first
    elif found is not None:
        assert closure_at(windows, found) is None
        assert closure_at(windows, found - MINUTE) is not None
        assert found > now + timedelta(days=4) - MINUTE


@settings(deadline=None, max_examples=60)
@given(some_windows(), some_windows(), st.sampled_from(STARTS), st.integers(0, 5 * 24 * 60))
def test_the_stricter_of_two_settings_is_open_when_both_are(
    one: Windows, other: Windows, start: datetime, minutes: int
) -> None:
    now = start + minutes * MINUTE
    both = stricter((one,), (other,))
    assert (closure_at(both, now) is None) == (closure_at([one], now) is None and closure_at([other], now) is None)


def test_the_stricter_of_the_same_settings_is_that_setting() -> None:
    windows = (Windows(time_zone=PARIS, closed=("SAT,SUN",)),)
    assert stricter(windows, windows) == windows


@pytest.mark.parametrize(
    ("now", "following"),
    [
        # Clocks go forward on Sunday at 02:00: Sunday ends an hour earlier by UTC.
        ("2026-03-28T10:00", "2026-03-29T22:00"),
        ("2026-10-24T10:00", "2026-10-25T23:00"),
        ("2026-07-01T10:00", "2026-07-01T10:00"),
    ],
)
def test_a_weekend_ends_at_local_midnight_also_when_clocks_change(now: str, following: str) -> None:
    assert next_open([Windows(time_zone=PARIS, closed=("SAT,SUN",))], utc(now)) == utc(following)


def test_a_closed_time_that_clocks_skip_does_not_close() -> None:
    windows = [Windows(time_zone=PARIS, closed=("SUN 02:15-02:45",))]
    assert next_open(windows, utc("2026-03-29T00:59")) == utc("2026-03-29T00:59")
    assert closure_at(windows, utc("2026-03-29T01:20")) is None
    assert closure_at(windows, utc("2026-10-25T00:20")) is not None, "it exists twice"
    assert closure_at(windows, utc("2026-10-25T01:20")) is not None


def test_closed_times_win_over_open_ones() -> None:
    windows = [Windows(time_zone="UTC", open=("MON-FRI 09:00-17:00",), closed=("FRI 12:00-24:00",))]
    assert closure_at(windows, utc("2026-05-08T11:59")) is None
    assert next_open(windows, utc("2026-05-08T12:00")) == utc("2026-05-11T09:00")


def test_a_refusal_names_the_reason_that_closes() -> None:
    freeze = PlannedFreeze(begins="2026-11-26 18:00", ends="2026-11-30 09:00", reason="Black Friday")
    windows = [Windows(time_zone=PARIS, closed=("SAT,SUN",), holidays=("2026-12-25",), freezes=(freeze,))]

    def reason(at: str) -> str:
        closure = closure_at(windows, utc(at))
        return closure.reason if closure else ""

    assert reason("2026-11-28T12:00") == "frozen until Mon 2026-11-30 09:00 Europe/Paris (Black Friday)"
    assert reason("2026-12-25T12:00") == "closed for holidays (2026-12-25)"
    assert reason("2026-12-26T12:00") == "closed SAT,SUN"
    assert reason("2026-11-30T08:00") == ""


def test_windows_are_judged_without_a_time_zone_database_of_the_machine() -> None:
    """Lambda's runtime is not known to have one: the package tzdata of the layer is enough."""
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
    try:
        windows = [Windows(time_zone=PARIS, closed=("SAT,SUN",))]
        assert next_open(windows, utc("2026-03-28T10:00")) == utc("2026-03-29T22:00")
    finally:
        zoneinfo.reset_tzpath()
        zoneinfo.ZoneInfo.clear_cache()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SAT-MON", "which end before they begin: list the days"),
        ("Sat", "names the day 'Sat': did you mean 'SAT'?"),
        ("", "names the day ''"),
        ("SAT,,SUN", "names the day ''"),
        ("MON 9:00-16:00", "write them such as 09:00-16:00"),
        ("MON 16:00-09:00", "end before they begin: write one entry until 24:00"),
        ("MON 09:00-09:00", "end before they begin"),
        ("MON 24:00-24:00", "has the hours '24:00-24:00'"),
        ("MON 09:00-24:30", "has the hours"),
        ("MON  09:00-16:00", "has the hours"),
    ],
)
def test_a_weekly_time_that_is_none_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(NotationError) as refused:
        weekly_time(text)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-02-29", "not in the calendar"),
        ("2026-12-24 to 2026-12-20", "ends before it begins"),
        ("2026-12-24 to 2028-01-02", "longer than a year"),
        ("25.12.2026", "write dates such as 2026-12-25"),
        ("2026-12-24 to ", "has the date ''"),
        ("9999-12-31", "possible are the years"),
    ],
)
def test_dates_that_are_none_are_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(NotationError) as refused:
        dates(text)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "zone", "words"),
    [
        ("2026-03-29 02:30", PARIS, "does not exist in Europe/Paris, where clocks go forward then"),
        ("2026-10-25 02:30", PARIS, "exists twice in Europe/Paris"),
        ("2026-09-06 00:30", "America/Santiago", "does not exist in America/Santiago"),
        ("2026-11-26 24:00", PARIS, "is no local time"),
        ("2026-11-31 10:00", PARIS, "not in the calendar"),
        ("2026-11-26", PARIS, "is no local time"),
    ],
)
def test_a_local_time_that_is_no_single_moment_is_refused_in_words(text: str, zone: str, words: str) -> None:
    with pytest.raises(NotationError) as refused:
        local_time(text, zone)
    assert words in str(refused.value)


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.sampled_from(STARTS), st.integers(0, 3 * 24 * 60))
def test_a_local_time_is_its_moment_unless_clocks_repeat_it(zone: str, start: datetime, minutes: int) -> None:
    moment = start + minutes * MINUTE
    local = moment.astimezone(zoneinfo.ZoneInfo(zone))
    text = f"{local:%Y-%m-%d %H:%M}"
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        assert local_time(text, zone) == moment
        return
    with pytest.raises(NotationError, match="exists twice"):
        local_time(text, zone)


def test_windows_that_never_open_are_refused() -> None:
    problem = windows_problem([Windows(time_zone=PARIS, open=("MON-FRI",), closed=("MON-FRI",))], 1)
    assert problem == "leaves no time open, so nothing could ever be promoted"
    one, other = (Windows(time_zone=PARIS, open=(day,)) for day in ("MON", "TUE"))
    assert windows_problem([one], 1) is None
    assert windows_problem([one, other], 1) == problem
    far = Windows(time_zone="Pacific/Kiritimati", open=("TUE",))
    assert windows_problem([one, far], 1) is None, "it is Monday and Tuesday at once for some hours"


def test_a_setting_that_fits_no_function_is_refused() -> None:
    windows = [Windows(time_zone=PARIS, closed=("SAT,SUN",))]
    assert f"leave {LONGEST_POLICY}" in (windows_problem(windows, LONGEST_POLICY + 1) or "")


@pytest.mark.parametrize(
    ("cron", "refused"),
    [
        ("cron(0 7 * * ? *)", True),
        ("cron(0 10 * * ? *)", False),
        ("cron(0 7-9 * * ? *)", False),
        ("cron(0 10 ? * SAT *)", True),
        ("cron(0 10 ? * 2#1 *)", False),
        ("cron(0 10 ? * L *)", True),
    ],
)
def test_a_retry_that_runs_in_closed_times_only_is_refused(cron: str, refused: bool) -> None:
    windows = [Windows(time_zone=PARIS, open=("MON-FRI 09:00-16:00",))]
    assert (retry_problem(windows, cron, PARIS) is not None) == refused


def test_days_and_minutes_of_a_cron_expression() -> None:
    assert cron_minutes("cron(0/30 6,18 * * ? *)") == [360, 390, 1080, 1110]
    assert cron_days("cron(0 6 ? * MON-WED,SUN *)") == {0, 1, 2, 6}
    assert cron_days("cron(0 6 ? * FRIL *)") == {4}
    assert cron_days("cron(0 6 1 * ? *)") == set(range(7))


REAL = (ROOT / "config" / "environments.yaml").read_text(encoding="utf-8")


def with_windows(env_marker: str, lines: str) -> str:
    """Return the repository's settings with more lines at the end of an environment's `promotion`."""
    before, marker, after = REAL.partition(env_marker)
    return f"{before}{marker}\n{lines}{after}"


PROD = "watch_hours: 48  # failed runs so soon after a deployment roll it back"


def read(text: str) -> Settings:
    return read_section(Settings, parse_yaml("config/environments.yaml", text.encode()))


def test_windows_are_read_from_the_settings() -> None:
    text = with_windows(
        PROD,
        "      windows:\n"
        "        - time_zone: Europe/Paris\n"
        "          closed:\n            - SAT,SUN\n"
        "          holidays: [2026-12-25, 2026-12-31 to 2027-01-02]\n"
        "          freezes:\n"
        "            - {begins: 2026-11-26 18:00, ends: 2026-11-30 09:00, reason: Black Friday}\n",
    )
    [windows] = read(text).environment("prod").promotion.windows
    assert windows.closed == ("SAT,SUN",)
    assert windows.freezes[0].reason == "Black Friday"
    policy = read(text).environment("prod").promotion
    assert type(policy).model_validate_json(policy.model_dump_json(exclude_defaults=True)) == policy


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        ("{time_zone: Europe/Pari, closed: [SAT]}", "did you mean 'Europe/Paris'"),
        ("{time_zone: Europe/Paris}", "closes nothing"),
        ("{time_zone: Europe/Paris, closed: [MON-SUN]}", "leaves no time open"),
        ("{time_zone: Europe/Paris, closed: [FOO]}", "names the day 'FOO'"),
        ("{time_zone: Europe/Paris, holidays: [2026-02-30]}", "not in the calendar"),
        (
            "{time_zone: Europe/Paris, open: [MON 10:00-11:00]}",
            "retry_at' runs (cron(0 7 * * ? *) in Europe/Paris) only when",
        ),
        (
            "{time_zone: Europe/Paris, freezes: [{begins: 2026-03-29 02:30, ends: 2026-03-30 02:30, reason: x}]}",
            "freezes[0].begins' has the value '2026-03-29 02:30', which does not exist",
        ),
        (
            "{time_zone: Europe/Paris, freezes: [{begins: 2026-03-30 02:30, ends: 2026-03-29 04:30, reason: x}]}",
            "freezes[0].ends' ends before it begins",
        ),
        (
            "{time_zone: Europe/Paris, freezes: [{begins: 2026-03-30 02:30, ends: 2062-03-29 04:30, reason: x}]}",
            "longer than a year",
        ),
        (
            "{time_zone: Europe/Paris, freezes: [{begins: 2026-03-30 02:30, ends: 2026-03-31 04:30, reason: ''}]}",
            "say why",
        ),
    ],
)
def test_windows_that_make_no_sense_are_refused_with_file_line_and_key(windows: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(with_windows(PROD, f"      windows: [{windows}]\n"))
    assert words in str(refused.value)
    assert str(refused.value).startswith("config/environments.yaml, line ")


def test_a_long_list_of_holidays_is_refused_before_lambda_refuses_the_function() -> None:
    days = ", ".join(f"{year}-{month:02}-01" for year in range(2026, 2046) for month in range(1, 13))
    with pytest.raises(ConfigurationError, match="remove dates that are over"):
        read(with_windows(PROD, f"      windows: [{{time_zone: Europe/Paris, holidays: [{days}]}}]\n"))


def test_windows_of_an_environment_that_nothing_is_promoted_into_are_refused() -> None:
    dev = "promotion:  # into dev: nothing comes before it"
    with pytest.raises(ConfigurationError, match="nothing is promoted into dev"):
        read(with_windows(dev, "      windows: [{time_zone: Europe/Paris, closed: ['SAT,SUN']}]\n"))

"""Dates that no calendar has, and values that YAML reads as something else than people: refused with line and key."""

from __future__ import annotations

import calendar
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.repository import ROOT
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.section import read_section
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError

CLIENT = (ROOT / "config" / "clients" / "lai_weekly.yaml").read_text(encoding="utf-8")


def message(text: str) -> str:
    try:
        read_section(ClientConfig, parse_yaml("clients/x.yaml", text.encode("utf-8")))
    except ConfigurationError as error:
        return str(error)
    return ""


def with_value(key: str, value: str) -> str:
    """Return the client's file with the first value of `key` replaced, without its comment."""
    changed, count = re.subn(rf"^([ -]*{key}:) .*$", lambda found: f"{found[1]} {value}", CLIENT, count=1, flags=re.M)
    assert count == 1
    return changed


@pytest.mark.parametrize("quote", ["", '"', "'"])
@pytest.mark.parametrize(
    "day",
    [
        *("2026-02-30", "2025-02-29", "2026-04-31", "2026-13-01", "2026-00-10", "2026-01-00", "0000-00-00"),
        *("2026-2-3", "26-02-03", "0026-02-03", "20260203", "2026-W06-1", "2026-034", "2026/02/03", "03.02.2026"),
        *("2026-02-03T10:00:00Z", "2026-02-03 10:00:00", "2026-02-03Z", " 2026-02-03 x", "1026-02-03"),
        *(
            "\u0662\u0660\u0662\u0666-\u0660\u0662-\u0660\u0663",
            "\uff12\uff10\uff12\uff16-02-03",
            "2026\u201302\u201303",
            "2026-02-0\u0663",
        ),
    ],
)
def test_a_day_that_the_calendar_does_not_have_is_refused_with_its_line(day: str, quote: str) -> None:
    found = message(with_value("date", f"{quote}{day}{quote}"))
    line = next(number for number, text in enumerate(CLIENT.splitlines(), 1) if text.startswith("      date:"))
    assert found.startswith(f"clients/x.yaml, line {line}, column 7: key 'metadata.changelog[0].date' "), found
    assert "YYYY-MM-DD" in found or "four digits" in found or "write it in quotes" in found
    assert found.isascii()


@given(st.integers(2000, 2199), st.integers(1, 12), st.integers(1, 31))
@settings(deadline=None, max_examples=50)
def test_exactly_the_days_of_the_calendar_are_accepted(year: int, month: int, day: int) -> None:
    exists = day <= calendar.monthrange(year, month)[1]
    assert (message(with_value("date", f'"{year}-{month:02}-{day:02}"')) == "") is exists


@pytest.mark.parametrize(
    ("key", "value", "part"),
    [
        ("version", "1.10", "has the value 1.10: it must be a text; YAML reads it as the number 1.1, so write it in q"),
        ("version", "7", "YAML reads it as the number 7, so write it in quotes"),
        ("version", '"\u0667.\u0660.\u0661"', "has the value '<U+0667>.<U+0660>.<U+0661>', which does not fit"),
        ("version", '"7.0.1 "', "has the value '7.0.1 '"),
        ("name", "yes", "has the value yes: it must be a text; YAML reads it as true, so write it in quotes"),
        ("name", "2026", "YAML reads it as the number 2026"),
        ("name", "", "has no value: it must be a text"),
        ("name", "~", "has the value ~: it must be a text"),
        ("language", "no", "has the value no: it must be a text; YAML reads it as false"),
        ("client_id", "on", "YAML reads it as true"),
        ("active", "maybe", "it must be true or false"),
        ("active", '"yes"', "it must be true or false"),
        ("default_period_days", "1e1", "it must be a whole number; write 10 without quotes"),
        ("default_period_days", '"30"', "it must be a whole number; write 30 without quotes"),
        ("default_period_days", "0o17", "it must be a whole number; write 15 without quotes"),
        ("default_period_days", "1_0", "is written 1_0, which YAML reads as a number with underscores"),
        ("default_period_days", "017", "is written 017, which YAML reads as a number in base 8"),
        ("default_period_days", "0x1f", "a number in base 16"),
        ("default_period_days", "0b11", "a number in base 2"),
        ("default_period_days", "1:30", "is written 1:30, which YAML reads as a number in base 60"),
        ("default_period_days", "30.0", "whole number"),
        ("default_period_days", "1e999", "it must be a whole number"),
        ("default_period_days", "\uff13\uff10", "it must be a whole number"),
        ("min_domain_score", ".inf", "infinite or no number"),
        ("min_domain_score", ".nan", "infinite or no number"),
        ("min_domain_score", "5e-1", "it must be a number; write 0.5 without quotes"),
        ("min_domain_score", "1:30.5", "a number in base 60"),
        ("min_domain_score", "yes", "it must be a number"),
    ],
)
def test_a_value_that_yaml_reads_differently_is_refused_with_the_way_to_write_it(
    key: str, value: str, part: str
) -> None:
    found = message(with_value(key, value))
    assert re.match(rf"clients/x\.yaml, line \d+, column \d+: key '[\w.\[\]]*{key}' ", found), found
    assert part in found


@pytest.mark.parametrize(("key", "shown"), [("no", "no"), ("2026", "2026"), ("1.5", "1.5"), ("~", "~")])
def test_a_key_that_is_no_text_is_refused(key: str, shown: str) -> None:
    found = message(f"{CLIENT}{key}: 1\n")
    assert f"is written {shown} and is no text for YAML: write it in quotes" in found

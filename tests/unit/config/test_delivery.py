"""Senders and readers in a client's file: what SES would refuse is refused before it is published."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.repository import ROOT
from vectora_shared.config.changes import needed_bump
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.content import FolderContent
from vectora_shared.config.delivery import Delivery, address_problem
from vectora_shared.config.loading import load_client
from vectora_shared.config.section import read_section
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError

CLIENT = (ROOT / "config" / "clients" / "lai_weekly.yaml").read_text(encoding="utf-8")


def problems(**delivery: Any) -> str:
    chosen = {"sender": "LAI News <news@example.org>", "recipients": ["anna@example.org"], **delivery}
    lines = "".join(f"  {key}: {json.dumps(value)}\n" for key, value in chosen.items())
    text = f"{CLIENT.partition('delivery:')[0]}\ndelivery:\n{lines}"
    try:
        read_section(ClientConfig, parse_yaml("clients/lai_weekly.yaml", text.encode("utf-8")))
    except ConfigurationError as error:
        return str(error)
    return ""


def test_sender_and_readers_are_accepted() -> None:
    assert problems(reply_to="editor@example.org", unsubscribe="stop@example.org", subject="LAI news") == ""


@pytest.mark.parametrize(
    "address",
    ["a@example.org", "first.last+news@sub.example.co.uk", "o'neil@example.org", "x@xn--bro-hoa.de", "a@b.xn--p1ai"],
)
def test_ordinary_addresses_are_accepted(address: str) -> None:
    assert address_problem(address) is None


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("", "is no e-mail address"),
        ("anna", "is no e-mail address"),
        ("anna@localhost", "a domain with a dot"),
        ("anna@@example.org", "is no e-mail address"),
        ("an na@example.org", "is no e-mail address"),
        (".anna@example.org", "is no e-mail address"),
        ("anna@example.org\n", "is no e-mail address"),
        ("anna@-example.org", "is no e-mail address"),
        ("anna@192.0.2.1", "is no e-mail address"),
        ("anna@example.org,bert@example.org", "is no e-mail address"),
        ("anna@büro.example", "write xn--bro-hoa.example for it"),
        ("jürgen@example.org", "before the @ that SES does not accept"),
        (f"{'a' * 65}@example.org", "is too long"),
        (f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 20}.org", "is too long"),
    ],
)
def test_addresses_that_ses_refuses_are_refused_with_the_reason(address: str, part: str) -> None:
    assert part in (address_problem(address) or "")


@pytest.mark.parametrize(
    ("delivery", "part"),
    [
        ({"sender": "LAI\r\nBcc: x@example.net <news@example.org>"}, "line breaks in its name"),
        ({"sender": "LAI <news@example>"}, "Weekly News <news@example.org>"),
        ({"sender": f"{'x' * 101} <news@example.org>"}, "at most 100"),
        ({"recipients": []}, "at least 1 item"),
        ({"recipients": [f"reader{number}@example.org" for number in range(501)]}, "at most 500 items"),
        ({"recipients": ["anna@example.org", "Anna@Example.org"]}, "the same reader as 'anna@example.org'"),
        ({"recipients": ["Anna <anna@example.org>"]}, "is no e-mail address"),
        ({"reply_to": "nobody"}, "is no e-mail address"),
        ({"unsubscribe": "mailto:stop@example.org?x=y"}, "is no e-mail address"),
        ({"subject": "two\nlines"}, "a text of one line"),
        ({"subject": "x" * 151}, "at most 150 are possible"),
        ({"recipient": ["anna@example.org"]}, "recipients"),
    ],
)
def test_a_wrong_delivery_is_refused_with_its_line(delivery: dict[str, Any], part: str) -> None:
    message = problems(**delivery)
    assert part in message
    assert "clients/lai_weekly.yaml, line " in message


def test_unsubscribe_requests_go_to_the_closest_address() -> None:
    common = {"sender": "LAI <news@example.org>", "recipients": ("anna@example.org",)}
    chosen = [
        Delivery.model_validate({**common, **others}).unsubscribe_address
        for others in ({}, {"reply_to": "editor@example.org"}, {"reply_to": "e@x.org", "unsubscribe": "stop@x.org"})
    ]
    assert chosen == ["news@example.org", "editor@example.org", "stop@x.org"]


def test_a_reader_who_comes_or_goes_needs_a_minor_version() -> None:
    client = load_client(FolderContent(ROOT / "config"), "lai_weekly")
    one, two = (
        client.model_copy(
            update={"delivery": Delivery.model_validate({"sender": "news@example.org", "recipients": readers})}
        )
        for readers in (("anna@example.org",), ("anna@example.org", "bert@example.org"))
    )
    assert [needed_bump(*pair) for pair in ((client, one), (one, two), (two, one), (one, client))] == ["minor"] * 4

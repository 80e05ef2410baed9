"""Delivery of an environment: off unless configured, and never to readers by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.ops.environments import VALID, load_text
from vectora_shared.errors import ConfigurationError


def problem(folder: Path, *lines: str) -> str:
    block = "".join(f"      {line}\n" for line in lines)
    changed = VALID.replace("    monthly_budget_usd:", f"    delivery:\n{block}    monthly_budget_usd:", 1)
    assert changed != VALID
    try:
        load_text(folder, changed)
    except ConfigurationError as error:
        return str(error)
    return ""


def test_without_the_setting_nothing_is_sent(tmp_path: Path) -> None:
    assert load_text(tmp_path, VALID).environments.prod.delivery is None


@pytest.mark.parametrize(
    "lines",
    [
        ("mode: recipients", "identity: example.org"),
        ("mode: redirect", "identity: news@example.org", "redirect_to: [qa@example.org]"),
    ],
)
def test_readers_and_redirected_addresses_are_accepted(lines: tuple[str, ...], tmp_path: Path) -> None:
    assert problem(tmp_path, *lines) == ""


@pytest.mark.parametrize(
    ("lines", "part"),
    [
        (("identity: example.org",), "delivery.mode' is missing"),
        (("mode: recipients",), "delivery.identity' is missing"),
        (("mode: redirect", "identity: example.org"), "redirect_to' is needed with mode redirect"),
        (
            ("mode: recipients", "identity: example.org", "redirect_to: [qa@example.org]"),
            "redirect_to' is for mode redirect only",
        ),
        (("mode: redirect", "identity: example.org", "redirect_to: [qa]"), "is no e-mail address"),
        (("mode: recipients", "identity: not a domain"), "a domain or an address that is verified in SES is expected"),
        (("mode: readers", "identity: example.org"), "redirect, recipients"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_line(lines: tuple[str, ...], part: str, tmp_path: Path) -> None:
    message = problem(tmp_path, *lines)
    assert part in message
    assert "config/environments.yaml, line " in message

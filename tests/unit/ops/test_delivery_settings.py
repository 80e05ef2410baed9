"""Delivery of an environment: off unless configured, and never to readers by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.ops.environments import VALID, load_text
from vectora_shared.errors import ConfigurationError


def problem(folder: Path, *lines: str, env: str = "dev", settings: str = VALID) -> str:
    block = "".join(f"      {line}\n" for line in lines)
    before, begins, after = settings.partition(f"\n  {env}:\n")
    changed = (
        before + begins + after.replace("    monthly_budget_usd:", f"    delivery:\n{block}    monthly_budget_usd:", 1)
    )
    assert changed != settings
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


SCHEDULED = VALID.replace("enabled: false", "enabled: true")


def test_an_environment_whose_schedule_proves_releases_sends_nothing_to_readers(tmp_path: Path) -> None:
    found = problem(tmp_path, "mode: recipients", "identity: example.org", settings=SCHEDULED)
    assert "environments.dev.delivery.mode' is recipients, so that readers would get each issue" in found


@pytest.mark.parametrize(
    ("env", "lines"),
    [
        ("dev", ("mode: redirect", "identity: example.org", "redirect_to: [qa@example.org]")),
        ("prod", ("mode: recipients", "identity: example.org")),
    ],
)
def test_a_schedule_may_send_to_others_and_that_of_prod_to_readers(
    env: str, lines: tuple[str, ...], tmp_path: Path
) -> None:
    assert problem(tmp_path, *lines, env=env, settings=SCHEDULED) == ""


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

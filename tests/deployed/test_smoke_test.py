"""The smoke test runs the deployed engine on its canary, and notices when no newsletter comes out."""

from __future__ import annotations

from typing import Any

from rehearsal.emulator import ACCOUNT, Emulator
from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.smoke import environment_has_canary, smoke_test

NAMES = Names(project="vectora-inbox", env="dev")


def account_of(emulator: Emulator) -> Account:
    return Account(ACCOUNT, emulator.region, emulator.session())


def test_a_newsletter_with_items_comes_out(deployed: tuple[Emulator, Any]) -> None:
    account = account_of(deployed[0])
    steps: list[str] = []

    result = smoke_test(account, NAMES, on_step=steps.append)

    assert environment_has_canary(account, NAMES)
    assert result.passed, result.reason
    assert result.items == 3
    assert steps == ["Ingest", "NormalizeScore", "WriteNewsletter"]


def test_a_broken_canary_fails_with_the_runs_own_reason(deployed: tuple[Emulator, Any]) -> None:
    account = account_of(deployed[0])
    s3, place = account.client("s3"), {"Bucket": NAMES.bucket("config"), "Key": "canonical/samples/canary_feed.xml"}
    feed = s3.get_object(**place)["Body"].read()
    try:
        s3.delete_object(**place)

        result = smoke_test(account, NAMES, on_step=lambda step: None)
    finally:
        s3.put_object(**place, Body=feed)

    assert not result.passed
    assert "canary_feed.xml" in result.reason


def test_an_environment_without_a_workflow_says_so(deployed: tuple[Emulator, Any]) -> None:
    result = smoke_test(account_of(deployed[0]), Names(project="vectora-inbox", env="prod"), on_step=lambda step: None)

    assert not result.passed
    assert "vectora-inbox-newsletter-prod" in result.reason

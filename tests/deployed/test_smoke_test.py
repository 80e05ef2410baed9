"""Smoke test of the deployed engine with its canary client."""

from __future__ import annotations

from typing import Any

from rehearsal.emulator import ACCOUNT, Emulator
from rehearsal.newsletters import function_logs
from rehearsal.waiting import wait_until
from vectora_ops.account import Account
from vectora_ops.names import ALARM, CANARY_CLIENT, Names
from vectora_ops.runs import RunRequest, follow_run, start_run
from vectora_ops.smoke import environment_has_canary, smoke_test

NAMES = Names(project="vectora-inbox", env="dev")


def account_of(emulator: Emulator) -> Account:
    return Account(ACCOUNT, emulator.region, emulator.session())


def test_a_newsletter_with_items_passes(deployed: tuple[Emulator, Any]) -> None:
    account = account_of(deployed[0])
    steps: list[str] = []

    result = smoke_test(account, NAMES, on_step=steps.append)

    assert environment_has_canary(account, NAMES)
    assert result.passed, result.reason
    assert result.items == 3
    assert steps == ["Ingest", "NormalizeScore", "WriteNewsletter"]


def test_a_broken_canary_fails_with_the_reason_of_its_run(deployed: tuple[Emulator, Any]) -> None:
    account = account_of(deployed[0])
    s3, feed_object = (
        account.client("s3"),
        {"Bucket": NAMES.bucket("config"), "Key": "canonical/samples/canary_feed.xml"},
    )
    feed = s3.get_object(**feed_object)["Body"].read()
    try:
        s3.delete_object(**feed_object)

        result = smoke_test(account, NAMES, on_step=lambda step: None)
    finally:
        s3.put_object(**feed_object, Body=feed)

    assert not result.passed
    assert "canary_feed.xml" in result.reason


def test_a_failed_run_is_reported_to_the_rollback_function_except_for_the_canary(
    deployed: tuple[Emulator, Any],
) -> None:
    """Uses Step Functions' own events, with the rule and the role of the template."""
    account = account_of(deployed[0])
    states, machine = account.client("stepfunctions"), account.state_machine_arn(NAMES.state_machine)
    for request in (
        RunRequest(client_id=CANARY_CLIENT, target_date="never"),
        RunRequest(client_id="lai_weekly", target_date="never"),
    ):
        assert not follow_run(states, start_run(states, machine, request), lambda step: None).succeeded

    def newest_alarm() -> str:
        value: str = account.client("ssm").get_parameter(Name=NAMES.parameter(ALARM))["Parameter"]["Value"]
        return value

    wait_until(
        "the failed run is recorded",
        lambda: "the run of lai_weekly failed" in newest_alarm(),
        log=lambda: function_logs(account, NAMES),
    )
    history = account.client("ssm").get_parameter_history(Name=NAMES.parameter(ALARM))["Parameters"]
    assert not any("the run of canary" in each["Value"] for each in history)


def test_an_environment_without_a_workflow_fails_with_its_name(deployed: tuple[Emulator, Any]) -> None:
    result = smoke_test(account_of(deployed[0]), Names(project="vectora-inbox", env="prod"), on_step=lambda step: None)

    assert not result.passed
    assert "vectora-inbox-newsletter-prod" in result.reason

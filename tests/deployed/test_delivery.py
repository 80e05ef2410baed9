"""Delivery in a deployed environment: readers get the issue once, bounces are noted, and operators hear of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from rehearsal.deployment import bootstrapped_account, complete, run_cdk, synthesize
from rehearsal.emulator import ACCOUNT, Emulator
from rehearsal.gaps.complete import complete_by_api
from rehearsal.mail import DOMAIN, READERS, send_newsletters, verify_sender
from rehearsal.newsletters import function_logs
from rehearsal.operators import operator
from rehearsal.repository import copy_checkout
from rehearsal.waiting import wait_until
from tests.repository import ROOT
from vectora_ops.account import Account
from vectora_ops.names import DELIVERY_TASK, STACK_LAYERS, Names
from vectora_ops.remote import run_remotely
from vectora_ops.runs import RunOutcome, RunRequest, follow_run, start_run

NAMES = Names(project="vectora-inbox", env="dev")
REGION = "eu-west-3"
DAY = "2026-11-24"
BOUNCES = "bounce@simulator.amazonses.com"


@dataclass(frozen=True)
class Sending:
    """Dev with delivery, the snapshot of its release without, and a function that deploys delivery again."""

    emulator: Emulator
    before: str
    deploy: Callable[[], str]


@pytest.fixture(scope="module")
def deployed_twice(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sending]:
    """Yield dev with two readers and one whose messages bounce; its first release had no delivery."""
    checkout = tmp_path_factory.mktemp("checkout") / "copy"
    copy_checkout(ROOT, checkout)
    for tool in (".venv", ".venv-emulator", "node_modules"):
        (checkout / tool).symlink_to(ROOT / tool)
    send_newsletters(checkout)
    client = checkout / "config" / "clients" / "lai_weekly.yaml"
    text = client.read_text(encoding="utf-8").replace(READERS[-1], f"{READERS[-1]}, {BOUNCES}")
    client.write_text(text, encoding="utf-8")
    sending_assembly = tmp_path_factory.mktemp("cdk") / "cdk.out"
    synthesize(checkout, "dev", sending_assembly)
    with bootstrapped_account(ROOT, assembly, REGION) as (emulator, cdk):
        verify_sender(emulator.session(), DOMAIN)
        cdk("deploy")
        complete(emulator, ROOT, "dev")
        created = run_remotely(account_of(emulator), NAMES, "snapshot", {"operation": "create"}, lambda count: None)
        environment = emulator.environment(operator(emulator, ROOT))

        def deploy() -> str:
            return run_cdk(checkout, "deploy", "--app", str(sending_assembly), environment=environment)

        deploy()
        yield Sending(emulator, str(created["snapshot"]), deploy)


@pytest.fixture
def sending(deployed_twice: Sending) -> Emulator:
    return deployed_twice.emulator


def account_of(emulator: Emulator) -> Account:
    return Account(account_id=ACCOUNT, region=emulator.region, session=emulator.session())


def run(emulator: Emulator, **request: Any) -> RunOutcome:
    account = account_of(emulator)
    states = account.client("stepfunctions")
    chosen = RunRequest(client_id="lai_weekly", **{"period_days": 60, "target_date": DAY, **request})
    execution = start_run(states, account.state_machine_arn(NAMES.state_machine), chosen)
    return follow_run(states, execution, lambda step: None)


def messages(emulator: Emulator) -> list[Any]:
    return [message_from_bytes(path.read_bytes(), policy=default) for path in sorted(emulator.mail.glob("*.eml"))]


def record(emulator: Emulator) -> dict[str, Any]:
    key = f"_deliveries/lai_weekly/{DAY.replace('-', '/')}/delivery.json"
    body = emulator.session().client("s3").get_object(Bucket=NAMES.bucket("newsletters"), Key=key)["Body"].read()
    found: dict[str, Any] = json.loads(body)["readers"]
    return found


def logs(emulator: Emulator) -> list[str]:
    return function_logs(account_of(emulator), NAMES)


def test_readers_get_the_issue_once_and_a_bounce_is_noted(sending: Emulator) -> None:
    for layer in STACK_LAYERS:
        complete_by_api(sending.session(), NAMES.stack(layer))
    draft = run(sending, draft=True)
    assert (draft.status, "delivery" in draft.steps) == ("SUCCEEDED", False)
    assert messages(sending) == []

    first = run(sending)
    assert first.status == "SUCCEEDED", first.reason
    assert (first.steps["delivery"]["sent"], first.steps["delivery"]["redirected"]) == (3, False)
    sent = messages(sending)
    assert [message["To"] for message in sent] == [*READERS, BOUNCES]
    assert all(message.get_body(("html",)).get_content() for message in sent)
    wait_until("the bounce is noted", lambda: bool(record(sending)[BOUNCES]["feedback"]), 30.0, lambda: logs(sending))
    entries = record(sending)
    assert {entry["status"] for entry in entries.values()} == {"sent"}
    assert [each["kind"] for each in entries[BOUNCES]["feedback"]] == ["Bounce (Permanent, General)"]

    again = run(sending)
    assert (again.steps["delivery"]["sent"], again.steps["delivery"]["sent_before"]) == (0, 3)
    assert len(messages(sending)) == 3


def test_a_failed_delivery_ends_the_run_and_keeps_the_issue(sending: Emulator) -> None:
    ses = sending.session().client("sesv2")
    ses.delete_email_identity(EmailIdentity=DOMAIN)
    try:
        failed = run(sending, target_date="2026-11-23")
    finally:
        verify_sender(sending.session(), DOMAIN)
    assert failed.status == "FAILED"
    assert "0 of 3 readers got it. Reasons: the sender is not verified in SES" in (failed.reason or "")
    assert "@" not in (failed.reason or "")
    states = sending.session().client("stepfunctions")
    assert states.describe_execution(executionArn=failed.execution_arn)["error"] == "DeliveryFailed"
    s3 = sending.session().client("s3")
    s3.head_object(Bucket=NAMES.bucket("newsletters"), Key="lai_weekly/2026/11/23/manifest.json")
    repaired = run(sending, target_date="2026-11-23")
    assert repaired.steps["delivery"]["sent"] == 3, repaired.reason


def test_a_rollback_to_a_release_without_delivery_and_back_sends_nothing_twice(deployed_twice: Sending) -> None:
    emulator, day = deployed_twice.emulator, "2026-11-22"
    assert run(emulator, target_date=day).steps["delivery"]["sent"] == 3
    sent = len(messages(emulator))
    rollback = {"operation": "rollback", "snapshot": deployed_twice.before}
    run_remotely(account_of(emulator), NAMES, "rollback", rollback, lambda count: None)
    functions = emulator.session().client("lambda").list_functions()["Functions"]
    assert NAMES.function(DELIVERY_TASK) not in {each["FunctionName"] for each in functions}
    without = run(emulator, target_date=day)
    assert (without.status, "delivery" in without.steps) == ("SUCCEEDED", False)
    deployed_twice.deploy()
    assert run(emulator, target_date=day).steps["delivery"]["sent_before"] == 3
    assert len(messages(emulator)) == sent

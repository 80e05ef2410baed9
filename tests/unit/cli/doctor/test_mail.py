"""SES of environments that send newsletters: sender, account and quota."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli.doctor.mail import CHECK
from tests.repository import ROOT
from tests.unit.cli.doctor.conftest import Aws, Run
from vectora_ops.delivery_settings import Delivery
from vectora_ops.settings import Settings, load_settings

VERIFIED = {"VerifiedForSendingStatus": True, "VerificationStatus": "SUCCESS", "DkimAttributes": {"Status": "SUCCESS"}}
QUOTA = {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 3.0}
ACCOUNT = {"SendingEnabled": True, "EnforcementStatus": "HEALTHY", "ProductionAccessEnabled": True, "SendQuota": QUOTA}


def sending(**changes: Any) -> Settings:
    settings = load_settings(ROOT)
    delivery = Delivery.model_validate({"mode": "recipients", "identity": "example.org", **changes})
    stage = settings.environments.stage.model_copy(update={"delivery": delivery})
    return settings.model_copy(update={"environments": settings.environments.model_copy(update={"stage": stage})})


@pytest.fixture
def readers(tmp_path: Path) -> Path:
    """Return a checkout whose client has three readers."""
    clients = tmp_path / "config" / "clients"
    clients.mkdir(parents=True)
    text = (ROOT / "config" / "clients" / "lai_weekly.yaml").read_text(encoding="utf-8")
    listed = ", ".join(f"r{number}@example.net" for number in range(3))
    delivery = f"\ndelivery: {{sender: news@example.org, recipients: [{listed}]}}\n"
    (clients / "lai_weekly.yaml").write_text(text + delivery, encoding="utf-8")
    return tmp_path


def test_without_delivery_nothing_is_checked(run: Run) -> None:
    assert run(CHECK) == []


def test_a_complete_set_up_passes(aws: Aws, run: Run, readers: Path) -> None:
    aws.answers("sesv2", "get_email_identity", VERIFIED, EmailIdentity="example.org")
    aws.answers("sesv2", "get_account", ACCOUNT)
    found = run(CHECK, settings=sending(), root=readers)
    assert [(each.check, each.verdict) for each in found] == [
        ("mail sender", "pass"),
        ("mail account", "pass"),
        ("mail quota", "pass"),
    ]
    assert "3 are needed" in found[2].found


@pytest.mark.parametrize(
    ("identity", "found"),
    [
        (None, "is no identity of SES in eu-west-3"),
        ({"VerifiedForSendingStatus": False, "VerificationStatus": "PENDING"}, "is not verified (PENDING)"),
        ({**VERIFIED, "DkimAttributes": {"Status": "PENDING"}}, "are not signed (DKIM)"),
    ],
)
def test_a_sender_that_is_not_ready_fails_with_the_runbook(
    identity: dict[str, Any] | None, found: str, aws: Aws, run: Run, readers: Path
) -> None:
    if identity is None:
        aws.refuses("sesv2", "get_email_identity", "NotFoundException")
    else:
        aws.answers("sesv2", "get_email_identity", identity)
    aws.answers("sesv2", "get_account", ACCOUNT)
    finding = run(CHECK, settings=sending(), root=readers)[0]
    assert (finding.verdict, found in finding.found, "deliver-by-mail.md" in finding.advice) == ("fail", True, True)


@pytest.mark.parametrize(
    ("changes", "delivery", "check", "verdict", "found"),
    [
        ({"ProductionAccessEnabled": False}, {}, "mail account", "fail", "sandbox"),
        (
            {"ProductionAccessEnabled": False},
            {"mode": "redirect", "redirect_to": ("qa@example.org",)},
            "mail account",
            "pass",
            "verified addresses only",
        ),
        ({"SendingEnabled": False}, {}, "mail account", "fail", "paused"),
        ({"SendQuota": {**QUOTA, "Max24HourSend": 5.0}}, {}, "mail quota", "fail", "2 of 5 messages a day are left"),
    ],
)
def test_the_account_and_its_quota_are_checked(
    changes: dict[str, Any],
    delivery: dict[str, Any],
    check: str,
    verdict: str,
    found: str,
    aws: Aws,
    run: Run,
    readers: Path,
) -> None:
    aws.answers("sesv2", "get_email_identity", VERIFIED)
    aws.answers("sesv2", "get_account", {**ACCOUNT, **changes})
    [finding] = [each for each in run(CHECK, settings=sending(**delivery), root=readers) if each.check == check]
    assert (finding.verdict, found in finding.found) == (verdict, True), finding


def test_a_missing_permission_leaves_the_result_unknown(aws: Aws, run: Run, readers: Path) -> None:
    aws.refuses("sesv2", "get_email_identity", "AccessDeniedException")
    aws.refuses("sesv2", "get_account", "AccessDeniedException")
    assert [each.verdict for each in run(CHECK, settings=sending(), root=readers)] == ["unknown", "unknown"]

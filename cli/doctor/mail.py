"""Checks of SES for environments that send newsletters: verified sender, production access, and quota."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from cli.doctor.finding import Check, Finding
from cli.doctor.subject import Subject
from vectora_ops.delivery_settings import Delivery
from vectora_shared.aws_errors import error_code
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import client_ids, load_client

IDENTITY, ACCOUNT, QUOTA = "mail sender", "mail account", "mail quota"
RUNBOOK = "docs/runbooks/deliver-by-mail.md"


def check_mail(subject: Subject) -> Iterator[Finding]:
    """Check each identity once, and the account in each region that sends."""
    sending = [(env, subject.settings.environment(env)) for env in subject.envs]
    chosen = [(env, settings.region, settings.delivery) for env, settings in sending if settings.delivery]
    for region, identity in dict.fromkeys((region, delivery.identity) for _, region, delivery in chosen):
        yield from Check(IDENTITY, lambda s, r=region, i=identity: _identity(s, r, i)).run(subject)  # type: ignore[misc]
    for region in dict.fromkeys(region for _, region, _ in chosen):
        deliveries = [delivery for _, of, delivery in chosen if of == region]
        yield from Check(ACCOUNT, lambda s, r=region, d=deliveries: _account(s, r, d)).run(subject)  # type: ignore[misc]


def _identity(subject: Subject, region: str, identity: str) -> Iterator[Finding]:
    try:
        found = subject.client("sesv2", region).get_email_identity(EmailIdentity=identity)
    except ClientError as error:
        if error_code(error) != "NotFoundException":
            raise
        yield Finding(IDENTITY, "fail", f"{identity} is no identity of SES in {region}", f"verify it: {RUNBOOK}")
        return
    if not found.get("VerifiedForSendingStatus"):
        status = found.get("VerificationStatus", "not verified")
        yield Finding(IDENTITY, "fail", f"{identity} is not verified ({status})", f"add its DNS records: {RUNBOOK}")
    elif "@" not in identity and found.get("DkimAttributes", {}).get("Status") != "SUCCESS":
        # Gmail and Yahoo require DKIM of every sender (Google, "Email sender guidelines").
        advice = f"add the three CNAME records of DKIM: {RUNBOOK}"
        yield Finding(IDENTITY, "fail", f"{identity} is verified, but its messages are not signed (DKIM)", advice)
    else:
        yield Finding(IDENTITY, "pass", f"{identity} is verified in {region}")


def _account(subject: Subject, region: str, deliveries: list[Delivery]) -> Iterator[Finding]:
    account = subject.client("sesv2", region).get_account()
    if not account.get("SendingEnabled") or account.get("EnforcementStatus") == "SHUTDOWN":
        advice = "see Account dashboard in the SES console, and answer AWS's case"
        yield Finding(ACCOUNT, "fail", f"sending is paused in {region}", advice)
    elif not account.get("ProductionAccessEnabled") and any(each.mode == "recipients" for each in deliveries):
        found = f"{region} is in the sandbox of SES: readers whose address is not verified get nothing"
        yield Finding(ACCOUNT, "fail", found, f"request production access: {RUNBOOK}")
    else:
        sandbox = "" if account.get("ProductionAccessEnabled") else "; in the sandbox, to verified addresses only"
        yield Finding(ACCOUNT, "pass", f"SES may send in {region}{sandbox}")
    quota = account["SendQuota"]
    left = int(quota["Max24HourSend"] - quota["SentLast24Hours"])
    needed = sum(_messages(subject, delivery) for delivery in deliveries)
    found = f"{left:,} of {int(quota['Max24HourSend']):,} messages a day are left, {needed} are needed"
    # An account without a limit reports -1 (API reference v2, SendQuota).
    enough = quota["Max24HourSend"] < 0 or left >= needed
    advice = "" if enough else "request an increase: SES console, Account dashboard, daily sending quota"
    yield Finding(QUOTA, "pass" if enough else "fail", found, advice)


def _messages(subject: Subject, delivery: Delivery) -> int:
    """Return the messages of one issue of every client in the checkout."""
    content = FolderContent(subject.root / "config")
    readers = [client.delivery for client in (load_client(content, each) for each in client_ids(content))]
    return sum(len(delivery.redirect_to or each.recipients) for each in readers if each)


CHECK = Check("mail", check_mail)

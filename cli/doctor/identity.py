"""Checks of the caller: credentials, region, account and this machine's clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

from cli.doctor.finding import Finding, unknown
from cli.doctor.subject import CLIENT_CONFIG
from vectora_shared.aws_errors import error_code

if TYPE_CHECKING:
    import boto3

CREDENTIALS, REGION, CLOCK, ACCOUNT = "credentials", "region", "clock", "account"
LOG_IN = "set AWS_PROFILE or log in (aws sso login), then run this again"
# A region that every account has enabled, so it accepts all valid credentials.
ALWAYS_ENABLED = "us-east-1"
NOT_ACCEPTED = ("InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure")
EXPIRED = ("ExpiredToken", "ExpiredTokenException")
# AWS refuses signatures that are 5 minutes off, S3 those that are 15 ("Troubleshoot Signature Version 4", IAM guide).
CLOCK_WARNING_SECONDS, CLOCK_FAILURE_SECONDS = 60, 240


@dataclass(frozen=True)
class Caller:
    account_id: str
    arn: str


def check_caller(session: boto3.Session, region: str) -> tuple[Caller | None, list[Finding]]:
    """Call the region's STS, which needs no permission; return no caller when STS does not accept the credentials."""
    before = datetime.now(UTC)
    try:
        answer = _caller_identity(session, region)
    except ClientError as error:
        found = [*_refused(session, region, error)]
        return None, [*found, _clock(before, error.response)]
    except (ConnectionError, HTTPClientError) as error:
        advice = "check this machine's network, its proxy (HTTPS_PROXY) and its certificates (AWS_CA_BUNDLE)"
        return None, [Finding(CREDENTIALS, "fail", f"AWS cannot be reached: {error}", advice)]
    except BotoCoreError as error:
        return None, [Finding(CREDENTIALS, "fail", f"there are no usable ones: {error}", LOG_IN)]
    caller = Caller(str(answer["Account"]), str(answer["Arn"]))
    enabled = Finding(REGION, "pass", f"{region} is enabled and accepts your credentials")
    return caller, [_credentials(caller), enabled, _clock(before, answer)]


def check_account(caller: Caller, configured: Mapping[str, str | None]) -> Finding:
    """Compare the caller's account with those in config/environments.yaml, by environment."""
    others = {env: account for env, account in configured.items() if account and account != caller.account_id}
    if others:
        named = ", ".join(f"{env} to {account}" for env, account in others.items())
        return Finding(
            ACCOUNT,
            "fail",
            f"your credentials belong to {caller.account_id}, {named}",
            "use a profile of that account (AWS_PROFILE), or correct `account` in config/environments.yaml",
        )
    if all(configured.values()):
        return Finding(ACCOUNT, "pass", f"{caller.account_id}, as configured")
    return Finding(
        ACCOUNT,
        "pass",
        f"{caller.account_id}; config/environments.yaml sets none, so every account is accepted",
        "set `account` there, so that no environment is deployed to a wrong account",
    )


def _caller_identity(session: boto3.Session, region: str) -> dict[str, Any]:
    # The regional endpoint rejects all credentials of an account that has not enabled the region
    # ("Manage AWS STS in an AWS Region", IAM guide).
    return dict(session.client("sts", region_name=region, config=CLIENT_CONFIG).get_caller_identity())


def _credentials(caller: Caller) -> Finding:
    if caller.arn.endswith(":root"):
        return Finding(
            CREDENTIALS,
            "fail",
            "they belong to the account's root user, whose permissions cannot be restricted",
            "delete the root user's access keys and use a role ('Root user best practices', IAM guide): "
            "docs/runbooks/first-deployment.md",
        )
    return Finding(CREDENTIALS, "pass", caller.arn.split(":", 5)[-1])


def _refused(session: boto3.Session, region: str, error: ClientError) -> list[Finding]:
    code = error_code(error)
    if code in EXPIRED:
        return [Finding(CREDENTIALS, "fail", "they have expired", LOG_IN)]
    if code in NOT_ACCEPTED:
        return [_region_or_credentials(session, region)]
    if code in ("SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed"):
        advice = "check the secret key, and this machine's clock (below)"
        return [Finding(CREDENTIALS, "fail", f"AWS does not accept the signature ({code})", advice)]
    return [unknown(CREDENTIALS, error)]


def _region_or_credentials(session: boto3.Session, region: str) -> Finding:
    try:
        _caller_identity(session, ALWAYS_ENABLED)
    except (ClientError, BotoCoreError):
        return Finding(CREDENTIALS, "fail", "AWS does not accept them", LOG_IN)
    return Finding(
        REGION,
        "fail",
        f"{region} does not accept your credentials, {ALWAYS_ENABLED} does: {region} is not enabled for the account, "
        "or your session came from STS's global endpoint",
        f"an administrator enables it: aws account enable-region --region-name {region} (takes minutes to hours); then "
        "log in again",
    )


def _clock(before: datetime, answer: Mapping[str, Any]) -> Finding:
    after = datetime.now(UTC)
    header = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        server_time = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return Finding(CLOCK, "unknown", "AWS's answer has no date to compare with")
    # The header is in whole seconds, of a moment between the request and the answer.
    off = max((before - server_time).total_seconds() - 1, (server_time - after).total_seconds(), 0.0)
    advice = "synchronize this machine's clock with NTP: AWS refuses requests that are 5 minutes off"
    if off >= CLOCK_FAILURE_SECONDS:
        return Finding(CLOCK, "fail", f"this machine's clock is {off:.0f} s off AWS's", advice)
    if off > CLOCK_WARNING_SECONDS:
        return Finding(CLOCK, "pass", f"this machine's clock is {off:.0f} s off AWS's", advice)
    return Finding(CLOCK, "pass", f"within {CLOCK_WARNING_SECONDS} s of AWS's")

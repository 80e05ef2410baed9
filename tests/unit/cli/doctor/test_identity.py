"""Checks of the caller: credentials, region, account and clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from cli.doctor.identity import Caller, check_account, check_caller
from tests.unit.cli.doctor.conftest import ACCOUNT, OPERATOR, REGION, Aws


def _answer(seconds_off: float = 0, arn: str = OPERATOR) -> dict[str, Any]:
    return {"Account": ACCOUNT, "Arn": arn, "UserId": "AROA", **_dated(seconds_off)}


def _dated(seconds_off: float) -> dict[str, Any]:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds_off), usegmt=True)
    return {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}


def _check(session: Any) -> tuple[Caller | None, dict[str, tuple[str, str]]]:
    caller, findings = check_caller(session, REGION)
    return caller, {each.check: (each.verdict, each.found) for each in findings}


class _Failing:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def client(self, service: str, region_name: str, config: Any) -> Any:
        raise self._error


def test_a_role_in_an_enabled_region_passes(aws: Aws) -> None:
    aws.answers("sts", "get_caller_identity", _answer())
    caller, findings = _check(aws)
    assert caller == Caller(ACCOUNT, OPERATOR)
    assert {check: verdict for check, (verdict, _) in findings.items()} == {
        "credentials": "pass",
        "region": "pass",
        "clock": "pass",
    }


def test_the_root_user_fails(aws: Aws) -> None:
    aws.answers("sts", "get_caller_identity", _answer(arn=f"arn:aws:iam::{ACCOUNT}:root"))
    caller, findings = _check(aws)
    assert caller is not None
    assert findings["credentials"][0] == "fail"
    assert "root user" in findings["credentials"][1]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (NoCredentialsError(), "Unable to locate credentials"),
        (EndpointConnectionError(endpoint_url="https://sts.eu-west-3.amazonaws.com"), "AWS cannot be reached"),
    ],
)
def test_without_credentials_or_network_the_caller_is_unknown(error: Exception, message: str) -> None:
    caller, findings = _check(_Failing(error))
    assert caller is None
    assert findings["credentials"][0] == "fail"
    assert message in findings["credentials"][1]


def test_expired_credentials_fail(aws: Aws) -> None:
    aws.refuses("sts", "get_caller_identity", "ExpiredToken")
    caller, findings = _check(aws)
    assert caller is None
    assert findings["credentials"] == ("fail", "they have expired")


def test_a_region_that_is_not_enabled_is_distinguished_from_wrong_credentials(aws: Aws) -> None:
    aws.refuses("sts", "get_caller_identity", "InvalidClientTokenId")
    aws.answers("sts", "get_caller_identity", _answer(), region="us-east-1")
    caller, findings = _check(aws)
    assert caller is None
    assert findings["region"][0] == "fail"
    assert "credentials" not in findings


def test_credentials_that_no_region_accepts_fail(aws: Aws) -> None:
    aws.refuses("sts", "get_caller_identity", "InvalidClientTokenId")
    aws.refuses("sts", "get_caller_identity", "InvalidClientTokenId", region="us-east-1")
    _, findings = _check(aws)
    assert findings["credentials"] == ("fail", "AWS does not accept them")


def test_after_an_error_of_sts_the_credentials_are_unknown(aws: Aws) -> None:
    aws.refuses("sts", "get_caller_identity", "Throttling", message="Rate exceeded")
    caller, findings = _check(aws)
    assert caller is None
    assert findings["credentials"] == ("unknown", "AWS answered GetCallerIdentity with Throttling: Rate exceeded")


@pytest.mark.parametrize(
    ("seconds_off", "verdict", "advised"),
    [
        (0, "pass", False),
        (30, "pass", False),
        (-30, "pass", False),
        (100, "pass", True),
        (-100, "pass", True),
        (300, "fail", True),
        (-300, "fail", True),
    ],
)
def test_the_clock_is_compared_with_aws(aws: Aws, seconds_off: float, verdict: str, advised: bool) -> None:
    aws.answers("sts", "get_caller_identity", _answer(seconds_off))
    [clock] = [each for each in check_caller(_session(aws), REGION)[1] if each.check == "clock"]
    assert (clock.verdict, bool(clock.advice)) == (verdict, advised)


def test_the_clock_is_compared_even_if_aws_rejects_the_signature(aws: Aws) -> None:
    aws.refuses("sts", "get_caller_identity", "SignatureDoesNotMatch", **_dated(3600)["ResponseMetadata"])
    _, findings = _check(aws)
    assert findings["credentials"][0] == findings["clock"][0] == "fail"
    assert "3600 s off" in findings["clock"][1] or "3599 s off" in findings["clock"][1]


def test_without_a_date_in_the_answer_the_clock_is_unknown(aws: Aws) -> None:
    aws.answers("sts", "get_caller_identity", {"Account": ACCOUNT, "Arn": OPERATOR})
    assert _check(aws)[1]["clock"][0] == "unknown"


def test_another_account_than_configured_fails() -> None:
    finding = check_account(Caller(ACCOUNT, OPERATOR), {"dev": None, "prod": "123456789012"})
    assert finding.verdict == "fail"
    assert "prod to 123456789012" in finding.found


def test_the_configured_account_passes() -> None:
    finding = check_account(Caller(ACCOUNT, OPERATOR), {"stage": ACCOUNT})
    assert (finding.verdict, finding.advice) == ("pass", "")


def test_no_configured_account_passes_with_advice() -> None:
    finding = check_account(Caller(ACCOUNT, OPERATOR), {"stage": None})
    assert finding.verdict == "pass"
    assert "set `account`" in finding.advice


def _session(aws: Aws) -> Any:
    return aws

"""The last act fails a rehearsal with calls that AWS would refuse, or with host names that AWS does not serve."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rehearsal.accounts import FOUR, FRESH, Accounts
from rehearsal.calls import judge_calls
from rehearsal.emulator import ACCOUNT, Emulator
from rehearsal.model import InferenceProfile
from rehearsal.permissions import RefusedCallsError
from rehearsal.proxy import Refusal
from rehearsal.waiting import StepError
from vectora_ops.names import Names

LISTING = {
    "caller": f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/session",
    "method": "GET",
    "host": "a-bucket.s3.eu-west-3.amazonaws.com",
    "path": "/",
    "query": "list-type=2",
    "headers": {"host": "a-bucket.s3.eu-west-3.amazonaws.com"},
    "body": "",
    "service": "s3",
    "region": "eu-west-3",
    "status": 200,
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def _delivery(emulator: Emulator, record: Path, accounts: Accounts, *calls: dict[str, Any]) -> Any:
    record.write_text("".join(f"{json.dumps(call)}\n" for call in calls), encoding="utf-8")
    return SimpleNamespace(
        proxy=SimpleNamespace(refusals=[]),
        emulator=SimpleNamespace(record=record, session=emulator.session),
        accounts=accounts,
        account_id=lambda where: accounts.get(where, ACCOUNT),
        region=lambda where: emulator.region,
        administrator=lambda where: emulator.session(accounts.get(where, ACCOUNT)),
        names=lambda env: Names(project="vectora-inbox", env=env),
        settings=SimpleNamespace(project="vectora-inbox"),
        profiles=lambda: [InferenceProfile("eu.maker.model-1", "maker.model-1", ("eu-west-3",))],
    )


@pytest.fixture
def delivery(emulator: Emulator, tmp_path: Path) -> Any:
    """A minimal delivery with one listing in its record."""
    return _delivery(emulator, tmp_path / "calls.jsonl", {}, LISTING)


@pytest.fixture(scope="module")
def grant(emulator: Emulator) -> Any:
    """A function that replaces the permission of role `reader` on the bucket."""
    iam = emulator.session().client("iam")
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(TRUST))

    def give(action: str) -> None:
        statement = {"Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::a-bucket"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName="reader", PolicyName="grants", PolicyDocument=document)

    return give


def test_calls_that_their_roles_allow_are_counted(delivery: Any, grant: Any) -> None:
    grant("s3:ListBucket")
    assert "1 distinct calls of 1 roles" in judge_calls(delivery)


def test_a_call_without_a_grant_of_awss_own_action_fails_the_run(delivery: Any, grant: Any) -> None:
    grant("s3:ListObjectsV2")
    with pytest.raises(RefusedCallsError, match=r"reader.*s3:ListBucket"):
        judge_calls(delivery)


def test_a_global_endpoint_fails_the_run(delivery: Any, grant: Any) -> None:
    grant("s3:ListBucket")
    delivery.proxy.refusals.append(Refusal("s3.amazonaws.com", "s3.amazonaws.com is S3's global endpoint"))
    with pytest.raises(StepError, match="Calls used 1 host names that AWS does not serve") as failed:
        judge_calls(delivery)
    assert "global endpoint" in failed.value.log[0]


def test_a_refused_web_site_does_not_fail_the_run(delivery: Any, grant: Any) -> None:
    grant("s3:ListBucket")
    delivery.proxy.refusals.append(Refusal("www.example.com", "the rehearsal reaches no real web site"))
    assert judge_calls(delivery)


@pytest.mark.parametrize("refused", [FOUR["prod"], FRESH])
def test_a_refused_call_of_any_account_fails_the_run(emulator: Emulator, tmp_path: Path, refused: str) -> None:
    calls = []
    for account in (*FOUR.values(), FRESH):
        role, action = f"reader-{refused}", "s3:GetObject" if account == refused else "s3:ListBucket"
        grants = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
        iam = emulator.session(account).client("iam")
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.put_role_policy(RoleName=role, PolicyName="grants", PolicyDocument=json.dumps(grants))
        calls.append({**LISTING, "caller": f"arn:aws:sts::{account}:assumed-role/{role}/session"})
    with pytest.raises(RefusedCallsError, match=rf"reader-{refused}.*s3:ListBucket"):
        judge_calls(_delivery(emulator, tmp_path / "calls.jsonl", FOUR, *calls))

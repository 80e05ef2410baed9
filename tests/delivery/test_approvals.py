"""An approval is for one commit: commits that were pushed meanwhile are never approved with it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from cli.approver_policy import APPROVER_POLICY_FILE
from rehearsal.emulator import Identity
from rehearsal.waiting import EXECUTION_SECONDS, wait_until
from tests.delivery.conftest import Played
from tests.repository import ROOT
from vectora_ops.promotion.facts import live_digest
from vectora_ops.records import Records

PRICES = "config/canonical/models/pricing.yaml"


@dataclass(frozen=True)
class Pushed:
    execution: str
    commit: str
    digest: str


@dataclass(frozen=True)
class Race:
    """Two commits, the second pushed while the first waited for its approval."""

    first: Pushed
    second: Pushed
    first_shown: dict[str, str]
    second_shown: dict[str, str]
    in_prod_after_the_first_approval: str | None
    stale: str


def push(played: Played, text: str) -> Pushed:
    def change(folder: Path) -> None:
        with (folder / PRICES).open("a", encoding="utf-8") as file:
            file.write(f"# {text}\n")

    execution = played.delivery.push(text, change)
    commit = played.delivery.repository.head
    played.let_into_prod(execution, "test of approvals")
    return Pushed(execution, commit, played.delivery.release(execution).digests["prod"])


def as_approver(played: Played) -> boto3.Session:
    """Return a session of a role that has the approver policy alone."""
    delivery, name = played.delivery, "approver-of-a-test"
    administrator = delivery.administrator()
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": delivery.account_id()}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = administrator.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    policy = (ROOT / APPROVER_POLICY_FILE).read_text(encoding="utf-8")
    administrator.client("iam").put_role_policy(RoleName=name, PolicyName="approver", PolicyDocument=policy)
    given = administrator.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    identity = Identity(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return delivery.emulator.session_of(identity, delivery.region())


def has_passed(played: Played, execution: str, action: str) -> bool:
    actions = played.delivery.report(execution).actions
    return any((each.action, each.status) == (action, "Succeeded") for each in actions)


@pytest.fixture(scope="module")
def race(played: Played) -> Race:
    delivery = played.delivery
    account, names = delivery.account(), delivery.names("prod")
    first = push(played, "The first of two")
    first_shown = delivery.wait_for_approval(first.execution, "prod")
    second = push(played, "The second of two")
    waiting = "the second waits"
    wait_until(waiting, lambda: has_passed(played, second.execution, "record-stage"), EXECUTION_SECONDS)
    delivery.answer_approval("prod", first_shown["token"], approve=True, why="the first")
    ended = delivery.follow(first.execution)
    last = delivery.report(first.execution).actions[-1]
    assert ended == "Succeeded", f"{last.action}: {last.message}"
    in_prod = live_digest(account, names)
    second_shown = delivery.wait_for_approval(second.execution, "prod")
    try:
        delivery.answer_approval("prod", first_shown["token"], approve=True, why="the first again")
        stale = "accepted"
    except ClientError as error:
        stale = error.response["Error"]["Code"]
    delivery.answer_approval("prod", second_shown["token"], approve=False, why="not today")
    assert delivery.follow(second.execution) == "Failed"
    return Race(first, second, first_shown, second_shown, in_prod, stale)


def test_each_approver_is_shown_the_commit_and_the_digest_that_wait(race: Race) -> None:
    for pushed, shown, other in (
        (race.first, race.first_shown, race.second),
        (race.second, race.second_shown, race.first),
    ):
        assert pushed.commit in shown["information"]
        assert pushed.digest in shown["information"]
        assert other.digest not in shown["information"]
        assert f"prefix=reports/{pushed.commit}-since-" in shown["link"]


def test_each_approver_is_shown_what_changes_since_the_release_that_prod_has_then(played: Played, race: Race) -> None:
    """When the second was built, prod did not have the first yet."""
    assert race.second_shown["link"].endswith(f"{race.second.commit}-since-{race.first.commit}.html")
    for shown in (race.first_shown, race.second_shown):
        bucket, key = re.findall(r"/s3/object/([\w-]+)\?.*prefix=(.+)\.html$", shown["link"])[0]
        s3 = played.delivery.administrator().client("s3")
        report = json.loads(s3.get_object(Bucket=bucket, Key=f"{key}.json")["Body"].read())
        page = s3.get_object(Bucket=bucket, Key=f"{key}.html")
        assert f"Review: {report['verdict']}" in shown["information"]
        assert page["ContentType"].startswith("text/html")
        assert report["verdict"] in page["Body"].read().decode("utf-8")
    # Between the two is one file, and nothing of the commits before.
    assert report["base"]["name"] == f"commit {race.first.commit[:10]}"
    assert report["other_files"] == [["config/", 1]]


def test_an_approver_saves_the_report_with_the_permissions_of_the_policy(
    played: Played, race: Race, tmp_path: Path
) -> None:
    key = race.second_shown["link"].partition("prefix=")[2]
    bucket = played.delivery.names("prod").pipeline_bucket("artifacts")
    approver = as_approver(played).client("s3")
    assert approver.get_object(Bucket=bucket, Key=key)["Body"].read().startswith(b"<!DOCTYPE html>")
    with pytest.raises(ClientError, match="AccessDenied"):
        approver.get_object(Bucket=bucket, Key=f"review/releases/{race.first.commit}.zip")


def test_an_approval_releases_the_commit_it_was_given_for(race: Race) -> None:
    assert race.in_prod_after_the_first_approval == race.first.digest


def test_an_approval_cannot_be_used_again_for_the_next_commit(race: Race) -> None:
    assert race.first_shown["token"] != race.second_shown["token"]
    assert race.stale == "InvalidApprovalTokenException"


def test_a_rejected_commit_leaves_prod_as_it_was_and_open(played: Played, race: Race) -> None:
    records = Records(played.delivery.account(), played.delivery.names("prod"))
    assert race.second.execution not in {entry.execution for entry in records.ledger()}
    hold = records.hold()
    assert hold is None or not hold.holds


def test_the_ledger_records_what_was_bypassed_and_why(played: Played, race: Race) -> None:
    ledger = Records(played.delivery.account(), played.delivery.names("prod")).ledger()
    [entry] = [each for each in ledger if each.execution == race.first.execution]
    assert entry.commit == race.first.commit
    assert "soak" in entry.bypassed
    assert entry.bypass_reason == "test of approvals"

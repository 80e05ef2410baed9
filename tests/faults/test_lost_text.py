"""Stacks with text that CloudFormation returns with question marks: no question mark is ever written back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adoption.recording import find_unrecorded
from cli.snapshot.drill import rehearse_restore
from tests.faults.answers import ascii_only
from tests.faults.operations import back_to, differences, take
from tests.faults.small_environment import ASSETS, NAMES, SmallEnvironment, _iam, _parameter
from vectora_ops.account import Account
from vectora_ops.cloudformation.imports import find_importable, import_resources
from vectora_ops.cloudformation.stacks import Stacks
from vectora_ops.live_environment import Environment
from vectora_ops.rollback.plan import plan_rollback
from vectora_ops.rollback.request import RollbackRequest
from vectora_shared.errors import VectoraError

IAM = NAMES.stack("s0-iam")
PLACE = r"vectora-inbox-s0-iam-dev has a question mark at Resources\.EngineRole\.Properties\.Description"


def deploy_iam(account: Account, description: str, *, schedule: str = "cron(0 6 ? * MON *)") -> None:
    template = _iam()
    template["Resources"]["EngineRole"]["Properties"]["Description"] = description
    template["Resources"]["Schedule"] = _parameter(NAMES, "schedule", schedule)
    SmallEnvironment(account)._stack("s0-iam", template)


def described(account: Account) -> str:
    template: Any = account.client("cloudformation").get_template(StackName=IAM)["TemplateBody"]
    document = json.loads(template) if isinstance(template, str) else template
    return str(document["Resources"]["EngineRole"]["Properties"]["Description"])


@pytest.fixture
def accented(small: SmallEnvironment) -> SmallEnvironment:
    """The small environment with a French description, as CloudFormation returns it."""
    deploy_iam(small.account, "Rôle du moteur")
    return SmallEnvironment(ascii_only(small.account))


def test_a_rollback_leaves_the_characters_of_a_stack_that_did_not_change(
    small: SmallEnvironment, accented: SmallEnvironment
) -> None:
    manifest = take(accented.account)
    small.deploy_runtime("2")
    small.break_it()

    back_to(accented.account, manifest)

    assert differences(accented.account, manifest) == []
    assert described(accented.account) == "R?le du moteur"
    assert described(small.account) == "Rôle du moteur"


@pytest.mark.parametrize("deleted", [False, True])
def test_a_rollback_that_would_write_a_question_mark_is_refused_before_anything_changes(
    small: SmallEnvironment, accented: SmallEnvironment, deleted: bool
) -> None:
    manifest = take(accented.account)
    if deleted:
        Stacks(small.account).remove(IAM)
    else:
        deploy_iam(small.account, "Engine role")
    small.break_it()
    before = small.state()

    for attempt in (
        lambda: back_to(accented.account, manifest),
        lambda: plan_rollback(accented.account, NAMES, RollbackRequest(snapshot=manifest.name)),
    ):
        with pytest.raises(VectoraError, match=PLACE):
            attempt()
    assert small.state() == before

    back_to(accented.account, manifest, ("clients", "canonical"))
    assert {each.component for each in differences(accented.account, manifest)} == {"stacks", "functions", "layers"}


def test_a_question_mark_in_a_schedule_expression_is_genuine(small: SmallEnvironment) -> None:
    deploy_iam(small.account, "Engine role")
    manifest = take(small.account)
    deploy_iam(small.account, "Engine role", schedule="cron(0 7 1 * ? *)")

    back_to(small.account, manifest)

    value = small.account.client("ssm").get_parameter(Name=NAMES.parameter("schedule"))["Parameter"]["Value"]
    assert value == "cron(0 6 ? * MON *)"


def test_a_rehearsed_restore_names_what_could_not_be_written(accented: SmallEnvironment) -> None:
    manifest = take(accented.account)

    (problem,) = rehearse_restore(accented.account, NAMES, manifest.name).problems

    assert "question mark at Resources.EngineRole.Properties.Description" in problem


def test_nothing_is_imported_into_a_stack_with_lost_text(accented: SmallEnvironment) -> None:
    s3, bucket = accented.account.client("s3"), NAMES.bucket("lambda-code")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": accented.account.region})
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObjectAcl", "Resource": f"arn:aws:s3:::{bucket}/*"}
        ],
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    wanted = {"Resources": {"CodeBucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": bucket}}}}
    orphans = find_importable(accented.account, {IAM: wanted})
    assert [orphan.name for orphan in orphans] == [bucket]

    with pytest.raises(VectoraError, match=PLACE):
        import_resources(accented.account, orphans, assets_bucket=None)

    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == policy


def test_an_adoption_removes_descriptions_that_have_lost_characters(small: SmallEnvironment) -> None:
    template = _iam()
    template["Description"] = "Rôles"
    template["Outputs"] = {"Role": {"Value": {"Ref": "EngineRole"}, "Description": "Nom du rôle"}}
    SmallEnvironment(small.account)._stack("s0-iam", template)
    account = ascii_only(small.account)

    (record,) = [each for each in find_unrecorded(Environment(account, NAMES), ASSETS) if each.definition.name == IAM]
    assert record.descriptions == ("Description", "Outputs.Role.Description")
    Stacks(account).record(record.definition)

    kept = Environment(account, NAMES).stack(IAM)
    assert kept is not None
    assert kept.lost_text_paths == ()
    assert IAM not in {each.definition.name for each in find_unrecorded(Environment(account, NAMES), ASSETS)}


def test_an_adoption_refuses_text_that_is_lost_and_is_no_description(accented: SmallEnvironment) -> None:
    with pytest.raises(VectoraError, match=f"{PLACE}.*plain ASCII"):
        find_unrecorded(Environment(accented.account, NAMES), ASSETS)

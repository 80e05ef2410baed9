"""Judgement of an account's recorded calls, by roles, policies and parameters read from the account."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from rehearsal.emulator import ACCOUNT, Emulator
from rehearsal.permissions import RecordedCall, RefusedCallsError, check_recorded_calls
from rehearsal.permissions.facts import resource_policies, stack_parameters
from rehearsal.permissions.policies import PolicyError
from rehearsal.permissions.roles import as_deployed, roles_from_iam, roles_from_stack

Record = Callable[..., RecordedCall]
STACK = "judged"
TOPIC = f"arn:aws:sns:eu-west-3:{ACCOUNT}:alerts"
TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}},
}
READ_ONLY = "arn:aws:iam::aws:policy/AWSCloudFormationReadOnlyAccess"


def _document(*actions: str, resource: Any = "*") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _template() -> dict[str, Any]:
    return {
        "Parameters": {
            "BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/bootstrap/version"},
            "Plain": {"Type": "String", "Default": "x"},
        },
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}},
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": TRUST,
                    "Policies": [
                        {"PolicyName": "own", "PolicyDocument": _document("sns:Publish", resource={"Ref": "Topic"})}
                    ],
                    "ManagedPolicyArns": [READ_ONLY],
                    "Tags": [{"Key": "team", "Value": "a"}],
                },
            },
            "Attached": {
                "Type": "AWS::IAM::Policy",
                "Properties": {
                    "PolicyName": "attached",
                    "PolicyDocument": _document("ssm:GetParameter"),
                    "Roles": [{"Ref": "Role"}],
                },
            },
        },
    }


@pytest.fixture(scope="module")
def role(emulator: Emulator) -> str:
    """Name of the deployed stack's role."""
    root = emulator.session()
    root.client("ssm").put_parameter(Name="/bootstrap/version", Value="21", Type="String")
    cloudformation = root.client("cloudformation")
    cloudformation.create_stack(
        StackName=STACK, TemplateBody=json.dumps(_template()), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    found = cloudformation.describe_stack_resource(StackName=STACK, LogicalResourceId="Role")
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def _recorded(path: Path, *calls: RecordedCall) -> Path:
    path.write_text("".join(f"{call.model_dump_json()}\n" for call in calls), encoding="utf-8")
    return path


def _publish(record: Record, role: str) -> RecordedCall:
    return record("sns", body=urlencode({"Action": "Publish", "TopicArn": TOPIC}), role=role)


def test_calls_are_judged_by_the_deployed_stacks_template(
    emulator: Emulator, role: str, record: Record, tmp_path: Path
) -> None:
    # The emulator's version of the role must not count.
    extra = json.dumps(_document("s3:*"))
    emulator.session().client("iam").put_role_policy(RoleName=role, PolicyName="extra", PolicyDocument=extra)
    allowed = _recorded(
        tmp_path / "allowed", _publish(record, role), record("sts", body="Action=GetCallerIdentity", role=role)
    )
    summary = check_recorded_calls(allowed, emulator.session(), stacks=[STACK], profiles={})
    assert (summary.calls, summary.roles) == (2, 1)
    assert "ssm:GetParameter" in summary.unused[role]
    refused = _recorded(tmp_path / "refused", record("s3", "GET", "/bucket/key", role=role))
    with pytest.raises(RefusedCallsError, match=f"{role}: s3:GetObject on arn:aws:s3:::bucket/key: no policy allows"):
        check_recorded_calls(refused, emulator.session(), stacks=[STACK], profiles={})
    assert check_recorded_calls(refused, emulator.session(), stacks=[], profiles={}).refusals == ()


def test_a_recording_without_calls_fails(emulator: Emulator, tmp_path: Path) -> None:
    with pytest.raises(RefusedCallsError, match="No call was recorded in empty"):
        check_recorded_calls(_recorded(tmp_path / "empty"), emulator.session(), stacks=[], profiles={})


def test_all_policies_of_a_role_are_read_from_its_template(emulator: Emulator, role: str) -> None:
    found = roles_from_iam(emulator.session())[role]
    assert {each.name.rpartition(" ")[2] for each in found.policies} >= {"own", "attached"}
    stack = as_deployed(STACK, _template(), ACCOUNT, "eu-west-3")
    (from_template,) = roles_from_stack(stack, {})
    assert [each.name for each in from_template.policies] == [
        f"{STACK}, Role, policy own",
        f"{STACK}, Attached",
        "AWSCloudFormationReadOnlyAccess",
    ]
    assert from_template.policies[0].statements[0].resources == (TOPIC,)
    assert (from_template.tags, from_template.source) == ({"team": "a"}, f"{STACK}, Role")


def test_aws_managed_policies_have_awss_own_text(emulator: Emulator) -> None:
    iam = emulator.session().client("iam")
    iam.create_role(RoleName="managed", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.attach_role_policy(RoleName="managed", PolicyArn=READ_ONLY)
    (policy,) = roles_from_iam(emulator.session())["managed"].policies
    assert "cloudformation:Describe*" in policy.statements[0].actions


def test_boundaries_and_managed_policies_of_the_account_are_evaluated(
    emulator: Emulator, record: Record, tmp_path: Path
) -> None:
    iam = emulator.session().client("iam")
    wide = iam.create_policy(PolicyName="wide", PolicyDocument=json.dumps(_document("sns:*", "s3:*")))["Policy"]["Arn"]
    limit = iam.create_policy(PolicyName="limit", PolicyDocument=json.dumps(_document("s3:*")))["Policy"]["Arn"]
    iam.create_role(RoleName="bounded", AssumeRolePolicyDocument=json.dumps(TRUST), PermissionsBoundary=limit)
    iam.attach_role_policy(RoleName="bounded", PolicyArn=wide)
    inside = _recorded(tmp_path / "inside", record("s3", "GET", "/bucket/key", role="bounded"))
    assert check_recorded_calls(inside, emulator.session(), stacks=[], profiles={}).calls == 1
    outside = _recorded(tmp_path / "outside", _publish(record, "bounded"))
    with pytest.raises(RefusedCallsError, match="the permissions boundary does not allow sns:Publish"):
        check_recorded_calls(outside, emulator.session(), stacks=[], profiles={})


def test_a_bucket_policy_can_allow_and_deny(emulator: Emulator, record: Record, tmp_path: Path) -> None:
    root = emulator.session()
    root.client("iam").create_role(RoleName="guest", AssumeRolePolicyDocument=json.dumps(TRUST))
    root.client("s3").create_bucket(Bucket="hosts", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    statements = [
        {
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::hosts/*",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/guest"},
        },
        {
            "Effect": "Deny",
            "Action": "s3:*",
            "Resource": "arn:aws:s3:::hosts/secret/*",
            "Principal": "*",
            "Sid": "Shut",
        },
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    root.client("s3").put_bucket_policy(Bucket="hosts", Policy=policy)
    open_object = _recorded(tmp_path / "open", record("s3", "GET", "/hosts/key", role="guest"))
    assert check_recorded_calls(open_object, root, stacks=[], profiles={}).calls == 1
    shut = _recorded(tmp_path / "shut", record("s3", "GET", "/hosts/secret/key", role="guest"))
    with pytest.raises(RefusedCallsError, match="denied by policy of arn:aws:s3:::hosts, statement Shut"):
        check_recorded_calls(shut, root, stacks=[], profiles={})


def test_parameters_that_a_stacks_template_reads_are_listed(emulator: Emulator, role: str) -> None:
    assert stack_parameters(emulator.session())[STACK] == ("/bootstrap/version",)


def test_a_bucket_without_a_policy_is_not_listed(emulator: Emulator, role: str) -> None:
    root = emulator.session()
    root.client("s3").create_bucket(Bucket="plain", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    assert "arn:aws:s3:::plain" not in resource_policies(root)


def test_an_unknown_managed_policy_fails_by_name() -> None:
    template = _template()
    template["Resources"]["Role"]["Properties"]["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/Invented"]
    with pytest.raises(PolicyError, match="Invented is not in moto's copy"):
        list(roles_from_stack(as_deployed(STACK, template, ACCOUNT, "eu-west-3"), {}))

"""CloudFormation's operations need the rights of the role that was passed, or of the caller; boundaries limit roles."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.emulator import ACCOUNT

CLOUDFORMATION = "cloudformation.amazonaws.com"
BOUNDARY_NAME = "boundary-of-tests"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/{BOUNDARY_NAME}"
OTHER_BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/another"
ROLES = f"arn:aws:iam::{ACCOUNT}:role/bounded/*"
ON_BOUNDARY = {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}


@pytest.fixture(scope="module", autouse=True)
def boundary(account: Any, kit: Any) -> None:
    """Create a boundary that allows reading parameters only."""
    document = kit.policy(kit.allow("ssm:GetParameter"))
    account("iam").create_policy(PolicyName=BOUNDARY_NAME, PolicyDocument=document)
    account("iam").create_policy(PolicyName="another", PolicyDocument=document)


def _resource(resource_type: str, **properties: Any) -> dict[str, Any]:
    return {"Type": resource_type, "Properties": properties}


def _topic(name: str) -> dict[str, Any]:
    return {"Topic": _resource("AWS::SNS::Topic", TopicName=name)}


def _role(name: str, **properties: Any) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    policies = [{"PolicyName": "everything", "PolicyDocument": everything}]
    made = _resource(
        "AWS::IAM::Role",
        RoleName=name,
        Path="/bounded/",
        AssumeRolePolicyDocument=document,
        Policies=policies,
        **properties,
    )
    return {"Role": made}


def test_a_resource_needs_the_rights_of_the_passed_role(account: Any, kit: Any) -> None:
    role = account.role("makes-nothing", kit.allow("sns:GetTopicAttributes"), service=CLOUDFORMATION)
    assert account.deploy("needs-rights", _topic("needs-rights"), RoleARN=role) == "ROLLBACK_COMPLETE"
    assert "assumed-role/makes-nothing/AWSCloudFormation is not authorized to perform: sns:CreateTopic" in (
        account.reasons("needs-rights")
    )


def test_a_stack_keeps_the_role_of_an_earlier_operation(account: Any, kit: Any) -> None:
    role = account.role("makes-topics", kit.allow("sns:*"), service=CLOUDFORMATION)
    assert account.deploy("keeps-its-role", _topic("keeps-its-role"), RoleARN=role) == "CREATE_COMPLETE"
    more = {**_topic("keeps-its-role"), "Log": _resource("AWS::Logs::LogGroup", LogGroupName="/keeps-its-role")}
    assert account.deploy("keeps-its-role", more) == "UPDATE_ROLLBACK_COMPLETE"
    assert "logs:CreateLogGroup" in account.reasons("keeps-its-role")
    [described] = account("cloudformation").describe_stacks(StackName="keeps-its-role")["Stacks"]
    assert described["RoleARN"] == role


def test_without_a_role_the_caller_needs_the_rights(account: Any, kit: Any) -> None:
    caller = account.role("changes-stacks-only", kit.allow("cloudformation:*"))
    body = json.dumps({"Resources": _topic("of-a-caller")})
    account.acting_as(caller)("cloudformation").create_stack(StackName="of-a-caller", TemplateBody=body)
    assert account.final_status("of-a-caller") == "ROLLBACK_COMPLETE"
    assert "sns:CreateTopic" in account.reasons("of-a-caller")


def test_a_role_of_a_stack_is_made_only_with_the_boundary_that_its_maker_requires(account: Any, kit: Any) -> None:
    makes = kit.allow("iam:CreateRole", "iam:PutRolePolicy", on=ROLES, **ON_BOUNDARY)
    others = kit.allow("iam:GetRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:List*", on=ROLES)
    maker = account.role("makes-bounded-roles", makes, others, service=CLOUDFORMATION)
    for number, properties in enumerate(({}, {"PermissionsBoundary": OTHER_BOUNDARY})):
        stack = f"without-boundary-{number}"
        assert account.deploy(stack, _role(stack, **properties), RoleARN=maker) == "ROLLBACK_COMPLETE"
        assert "iam:CreateRole" in account.reasons(stack)
    bounded = _role("bounded", PermissionsBoundary=BOUNDARY)
    assert account.deploy("bounded", bounded, RoleARN=maker) == "CREATE_COMPLETE"
    # An update that drops the boundary needs iam:DeleteRolePermissionsBoundary.
    assert account.deploy("bounded", _role("bounded")) == "UPDATE_ROLLBACK_COMPLETE"
    role = account("iam").get_role(RoleName="bounded")["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY


def test_a_boundary_of_a_stack_limits_what_its_role_does(account: Any, kit: Any) -> None:
    assert account.deploy("limits", _role("limited", PermissionsBoundary=BOUNDARY)) == "CREATE_COMPLETE"
    account("ssm").put_parameter(Name="/limits/it", Value="x", Type="String")
    limited = account.acting_as(f"arn:aws:iam::{ACCOUNT}:role/bounded/limited")
    assert limited("ssm").get_parameter(Name="/limits/it")["Parameter"]["Value"] == "x"
    code, _ = kit.error_of(limited("ssm").put_parameter, Name="/limits/it", Value="y", Type="String", Overwrite=True)
    assert code == "AccessDeniedException"


def test_calls_of_iam_are_checked_with_the_boundary_of_the_request_or_of_the_role(account: Any, kit: Any) -> None:
    actions = ("iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary")
    caller = account.role("administers-bounded-roles", kit.allow(*actions, on=ROLES, **ON_BOUNDARY))
    iam = account.acting_as(caller)("iam")
    trust = kit.policy({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    made = {"RoleName": "by-api", "Path": "/bounded/", "AssumeRolePolicyDocument": trust}
    for refused in (made, {**made, "PermissionsBoundary": OTHER_BOUNDARY}):
        assert kit.error_of(iam.create_role, **refused)[0] == "AccessDenied"
    account("iam").create_role(**made)
    grants = {"RoleName": "by-api", "PolicyName": "grants", "PolicyDocument": kit.policy(kit.allow("ssm:*"))}
    assert kit.error_of(iam.put_role_policy, **grants)[0] == "AccessDenied"
    other = {"RoleName": "by-api", "PermissionsBoundary": OTHER_BOUNDARY}
    assert kit.error_of(iam.put_role_permissions_boundary, **other)[0] == "AccessDenied"
    iam.put_role_permissions_boundary(RoleName="by-api", PermissionsBoundary=BOUNDARY)
    iam.put_role_policy(**grants)
    assert kit.error_of(iam.delete_role_permissions_boundary, RoleName="by-api")[0] == "AccessDenied"

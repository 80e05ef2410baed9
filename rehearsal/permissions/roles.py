"""Roles and users with their policies, read from deployed templates and from IAM."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import boto3
from moto.iam.aws_managed_policies import aws_managed_policies_data

from rehearsal.permissions.policies import Policy, PolicyError, RolePolicies, parse_policy
from rehearsal.templates import DeployedStack, read_stack

AWS_MANAGED = "arn:aws:iam::aws:policy/"


def roles_of_account(session: boto3.Session, stacks: Iterable[str]) -> dict[str, RolePolicies]:
    """Return all roles and users by name; roles of `stacks` are read from the stacks' templates.

    So a role is judged by the template that AWS will get, not by the emulator's version of the role.
    """
    details = _details(session)
    roles, managed = _roles(session, details), _managed_policies(details)
    for name in stacks:
        for role in roles_from_stack(read_stack(session, name), managed):
            roles[role.name] = role
    return roles


def roles_from_iam(session: boto3.Session) -> dict[str, RolePolicies]:
    """Return all roles and users of the account by name, as IAM's own API shows them."""
    return _roles(session, _details(session))


def _details(session: boto3.Session) -> dict[str, list[Any]]:
    details: dict[str, list[Any]] = {"RoleDetailList": [], "UserDetailList": [], "Policies": []}
    for page in session.client("iam").get_paginator("get_account_authorization_details").paginate():
        content: Mapping[str, Any] = page
        for kind in details:
            details[kind] += content.get(kind, [])
    return details


def _managed_policies(details: Mapping[str, list[Any]]) -> dict[str, Any]:
    return {
        each["Arn"]: next(version["Document"] for version in each["PolicyVersionList"] if version["IsDefaultVersion"])
        for each in details["Policies"]
    }


def _roles(session: boto3.Session, details: Mapping[str, list[Any]]) -> dict[str, RolePolicies]:
    iam, managed = session.client("iam"), _managed_policies(details)
    # The emulator's details have no boundaries.
    boundaries = [iam.get_role(RoleName=each["RoleName"])["Role"] for each in details["RoleDetailList"]]
    found = [
        _readable({**each, "PermissionsBoundary": role.get("PermissionsBoundary", {})}, "Role", managed)
        for each, role in zip(details["RoleDetailList"], boundaries, strict=True)
    ]
    found += [_readable(each, "User", managed) for each in details["UserDetailList"]]
    return {role.name: role for role in found}


def _readable(details: Mapping[str, Any], kind: str, managed: Mapping[str, Any]) -> RolePolicies:
    """Return a role with a `problem` when its policies cannot be read, so that other roles can still be judged."""
    try:
        return _from_iam(details, kind, managed)
    except PolicyError as error:
        return RolePolicies(details["Arn"], f"IAM, {kind.lower()} {details[f'{kind}Name']}", (), problem=str(error))


def roles_from_stack(stack: DeployedStack, managed: Mapping[str, Any]) -> Iterator[RolePolicies]:
    """Yield the roles that a stack's template defines, with the policies that it attaches to them.

    `managed` are the documents of the account's own managed policies by ARN, such as permissions boundaries.
    """
    resources: Mapping[str, Any] = stack.template["Resources"]
    attached: dict[str, list[Policy]] = {}
    for logical_id, resource in resources.items():
        if resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"):
            properties = stack.properties(logical_id)
            policy = parse_policy(f"{stack.name}, {logical_id}", properties["PolicyDocument"])
            for role in [*properties.get("Roles", ()), *filter(None, [properties.get("RoleName")])]:
                attached.setdefault(role, []).append(policy)
    for logical_id, resource in resources.items():
        if resource["Type"] == "AWS::IAM::Role":
            yield _from_stack(stack, logical_id, attached.get(stack.physical_ids[logical_id], []), managed)


def as_deployed(name: str, template: Mapping[str, Any], account: str, region: str) -> DeployedStack:
    """Return a template as if it were deployed; generated names are made of the stack's name and the logical id."""
    resources: Mapping[str, Any] = template["Resources"]
    topics = {"AWS::SNS::Topic": "TopicName"}
    named = ("RoleName", "BucketName", "FunctionName", "LogGroupName", "Name", "StateMachineName", "TopicName")

    def physical_id(logical_id: str, resource: Mapping[str, Any]) -> str:
        properties = resource.get("Properties", {})
        own = next((properties[key] for key in named if isinstance(properties.get(key), str)), None)
        text = own or f"{name}-{logical_id}"
        return f"arn:aws:sns:{region}:{account}:{text}" if resource["Type"] in topics else text

    return DeployedStack(
        name=name,
        template=template,
        resource_types={logical_id: resource["Type"] for logical_id, resource in resources.items()},
        physical_ids={logical_id: physical_id(logical_id, resource) for logical_id, resource in resources.items()},
        parameters={key: str(each.get("Default", key)) for key, each in template.get("Parameters", {}).items()},
        account=account,
        region=region,
    )


def _from_iam(details: Mapping[str, Any], kind: str, managed: Mapping[str, Any]) -> RolePolicies:
    name = details[f"{kind}Name"]
    source = f"IAM, {kind.lower()} {name}"
    inline = [
        parse_policy(f"{source}, policy {each['PolicyName']}", each["PolicyDocument"])
        for each in details.get(f"{kind}PolicyList", ())
    ]
    attached = [_managed(each["PolicyArn"], managed) for each in details.get("AttachedManagedPolicies", ())]
    boundary = details.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    trust = details.get("AssumeRolePolicyDocument")
    return RolePolicies(
        arn=details["Arn"],
        source=source,
        policies=(*inline, *attached),
        boundary=_managed(boundary, managed) if boundary else None,
        trust=parse_policy(f"trust policy of {name}", trust) if trust else None,
        tags={tag["Key"]: tag["Value"] for tag in details.get("Tags", ())},
    )


def _from_stack(
    stack: DeployedStack, logical_id: str, attached: Iterable[Policy], own: Mapping[str, Any]
) -> RolePolicies:
    properties = stack.properties(logical_id)
    source = f"{stack.name}, {logical_id}"
    inline = [
        parse_policy(f"{source}, policy {each['PolicyName']}", each["PolicyDocument"])
        for each in properties.get("Policies", ())
    ]
    managed = [_managed(arn, own) for arn in properties.get("ManagedPolicyArns", ())]
    boundary = properties.get("PermissionsBoundary")
    path = properties.get("Path", "/")
    return RolePolicies(
        arn=f"arn:aws:iam::{stack.account}:role{path}{stack.physical_ids[logical_id]}",
        source=source,
        policies=(*inline, *attached, *managed),
        boundary=_managed(boundary, own) if boundary else None,
        trust=parse_policy(f"trust policy of {source}", properties["AssumeRolePolicyDocument"]),
        tags={tag["Key"]: tag["Value"] for tag in properties.get("Tags", ())},
    )


def _managed(arn: str, own: Mapping[str, Any]) -> Policy:
    if arn.startswith(AWS_MANAGED):
        return managed_by_aws(arn)
    if arn not in own:
        raise PolicyError(f"The managed policy {arn} was not found.")
    return parse_policy(arn, own[arn])


def managed_by_aws(arn: str) -> Policy:
    """Return a policy of AWS from moto's copy, because the emulator has few and shortens them."""
    name = arn.rpartition("/")[2]
    if name not in _aws_managed():
        raise PolicyError(f"The AWS managed policy {arn} is not in moto's copy of them.")
    return parse_policy(name, _aws_managed()[name]["Document"])


@functools.cache
def _aws_managed() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(aws_managed_policies_data)
    return found

"""Facts of an account that decide about a request, but are not part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import ClientError

from rehearsal.permissions.evaluator import ResourcePolicy
from rehearsal.permissions.policies import RolePolicies, parse_policy
from vectora_shared.aws_errors import error_code

# Types such as `AWS::SSM::Parameter::Value<String>`, whose parameters CloudFormation reads for a change set.
_SSM_TYPE = "AWS::SSM::Parameter::Value<"
_BUCKET = "arn:aws:s3:::"
# Errors for a bucket, topic or function without a policy of its own.
_NO_POLICY = frozenset({"NoSuchBucketPolicy", "NoSuchBucket", "ResourceNotFoundException", "NotFound"})


@dataclass(frozen=True)
class Facts:
    """Roles by name, parameters by stack, models by inference profile, and policies by the resource's ARN.

    `owners` are the accounts of buckets elsewhere by ARN, which names none.
    """

    roles: Mapping[str, RolePolicies] = field(default_factory=dict)
    stack_parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    profiles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    resource_policies: Mapping[str, ResourcePolicy] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)

    def account_of(self, resource: str, caller: str) -> str:
        """Return the account of a resource, empty when it has none; unknown buckets are of the caller's account."""
        parts = resource.split(":")
        if resource.startswith(_BUCKET):
            return self.owners.get(resource.partition("/")[0], caller)
        return parts[4] if len(parts) > 4 else ""

    def policies_of(self, resource: str, action: str) -> tuple[ResourcePolicy, ...]:
        """Return the policy of a resource: an object's is its bucket's, a role's is its trust policy.

        A trust policy only decides who may assume the role (IAM user guide, "Roles terms and concepts").
        """
        if ":role/" in resource:
            role = self.roles.get(resource.rpartition("/")[2])
            if role is None or role.trust is None or role.arn != resource or not action.startswith("sts:"):
                return ()
            return (ResourcePolicy(role.trust, must_allow=True),)
        holder = resource.partition("/")[0] if resource.startswith(_BUCKET) else resource
        found = self.resource_policies.get(holder)
        return (found,) if found else ()


def stack_parameters(session: boto3.Session) -> dict[str, tuple[str, ...]]:
    """Return the SSM parameters that the deployed stacks' templates read, by name of the stack."""
    cloudformation = session.client("cloudformation")
    found = {}
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            declared = cloudformation.get_template_summary(StackName=stack["StackName"]).get("Parameters", [])
            # The default is the SSM parameter's name; the emulator's DescribeStacks has its value instead.
            found[stack["StackName"]] = tuple(
                each.get("DefaultValue", "") for each in declared if each["ParameterType"].startswith(_SSM_TYPE)
            )
    return found


def resource_policies(session: boto3.Session) -> dict[str, ResourcePolicy]:
    """Return the policies of all buckets, topics and functions of the account, by ARN."""
    found: dict[str, str] = {}
    s3, sns, functions = session.client("s3"), session.client("sns"), session.client("lambda")
    for bucket in s3.list_buckets()["Buckets"]:
        arn, name = f"arn:aws:s3:::{bucket['Name']}", bucket["Name"]
        found[arn] = _policy_or_none(lambda name=name: s3.get_bucket_policy(Bucket=name)["Policy"])
    for page in sns.get_paginator("list_topics").paginate():
        for topic in page["Topics"]:
            arn = topic["TopicArn"]
            found[arn] = _policy_or_none(
                lambda arn=arn: sns.get_topic_attributes(TopicArn=arn)["Attributes"].get("Policy", "")
            )
    for page in functions.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            arn = function["FunctionArn"]
            found[arn] = _policy_or_none(lambda arn=arn: functions.get_policy(FunctionName=arn)["Policy"])
    return {arn: ResourcePolicy(parse_policy(f"policy of {arn}", text)) for arn, text in found.items() if text}


def _policy_or_none(read: Any) -> str:
    try:
        return str(read() or "")
    except ClientError as error:
        if error_code(error) in _NO_POLICY:
            return ""
        raise

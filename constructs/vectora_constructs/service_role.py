"""Role of one function or service, with named grants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

# Services that send aws:SourceAccount when they assume a role (their guides, "cross-service confused deputy").
# Lambda does not.
SERVICES_THAT_NAME_THEIR_ACCOUNT = ("states.amazonaws.com", "scheduler.amazonaws.com")


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Actions on resources. A wildcard resource requires `wildcard_reason`, which acknowledges the finding of cdk-nag.

    With the effect Deny, it excludes resources from other grants of the role. `bucket_account` owns the buckets of the
    resources, when it is another account.

    Raises ValueError for an action with a wildcard, and for a wildcard without a reason.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    wildcard_reason: str | None = None
    condition: Mapping[str, object] | None = None
    effect: Literal["Allow", "Deny"] = "Allow"
    bucket_account: str | None = None

    def __post_init__(self) -> None:
        if any("*" in action for action in self.actions):
            raise ValueError(f"Grant {self.sid}: name each action, wildcards are not granted.")
        if self.wildcards and not self.wildcard_reason:
            raise ValueError(f"Grant {self.sid}: say in wildcard_reason why {', '.join(self.wildcards)} is needed.")

    @property
    def wildcards(self) -> tuple[str, ...]:
        return tuple(resource for resource in self.resources if "*" in resource)

    def statement(self) -> dict[str, object]:
        resources = [{"Fn::Sub": resource} if "${" in resource else resource for resource in self.resources]
        statement: dict[str, object] = {
            "Sid": self.sid,
            "Effect": self.effect,
            "Action": list(self.actions),
            "Resource": resources,
        }
        condition = self._condition()
        return {**statement, "Condition": condition} if condition else statement

    def _condition(self) -> dict[str, object]:
        """Return the grant's condition; for S3, add that the bucket belongs to this account, or to `bucket_account`.

        Bucket names are global: another account may own a bucket of the expected name (S3 user guide, verifying bucket
        ownership).
        """
        condition = dict(self.condition or {})
        if not any(action.startswith("s3:") for action in self.actions):
            return condition
        equals = condition.get("StringEquals", {})
        assert isinstance(equals, Mapping)  # noqa: S101
        owner = self.bucket_account or {"Ref": "AWS::AccountId"}
        return {**condition, "StringEquals": {**equals, "aws:ResourceAccount": owner}}


class ServiceRole(Construct):
    """Role whose logical id is the construct's own id."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        role_name: str | None,
        service: str,
        description: str,
        path: str | None,
        boundary_arn: str,
        policy_name: str,
        grants: Sequence[Grant],
    ) -> None:
        """Add a role that the service principal `service`, such as lambda.amazonaws.com, may assume.

        Only roles of the running system have no `role_name`. CloudFormation generates their names and truncates them
        to 64 characters, so policies refer to roles by their `path`, if they have one. The policy `boundary_arn`
        limits the role, regardless of its own policies ("Permissions boundaries for IAM entities", IAM user guide).
        """
        super().__init__(scope, construct_id)
        self.resource = iam.CfnRole(
            self,
            "Default",
            role_name=role_name,
            path=path,
            permissions_boundary=boundary_arn,
            description=description,
            assume_role_policy_document={
                "Version": "2012-10-17",
                "Statement": [_trust(service)],
            },
            policies=[
                iam.CfnRole.PolicyProperty(
                    policy_name=policy_name,
                    policy_document={
                        "Version": "2012-10-17",
                        "Statement": [grant.statement() for grant in grants],
                    },
                )
            ],
        )
        findings = [finding for grant in grants for finding in _acknowledged_findings(grant, service)]
        if findings:
            cdk.Validations.of(self.resource).acknowledge(*findings)


def _acknowledged_findings(grant: Grant, service: str) -> list[cdk.Acknowledgment]:
    reason = grant.wildcard_reason or ""
    rules = [f"AwsSolutions-IAM5[Resource::{_in_nag_notation(resource)}]" for resource in grant.wildcards]
    if "*" in grant.resources and service == "lambda.amazonaws.com":
        rules.append("Serverless-LambdaStarPermissions")
    return [cdk.Acknowledgment(id=rule, reason=reason) for rule in rules]


def _trust(service: str) -> dict[str, object]:
    trust: dict[str, object] = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    if service in SERVICES_THAT_NAME_THEIR_ACCOUNT:
        trust["Condition"] = {"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}}
    return trust


def _in_nag_notation(resource: str) -> str:
    # cdk-nag writes pseudo parameters as <AWS::AccountId>.
    return resource.replace("${", "<").replace("}", ">")

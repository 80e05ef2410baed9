"""Role that named roles of one account may assume."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from vectora_constructs.service_role import Grant


class TrustedRole(Construct):
    """Role whose logical id is the construct's own id.

    It trusts the account's root principal with a condition on the ARN of the assuming role. IAM refuses a trust policy
    that names a role which does not exist yet (IAM user guide, "Troubleshoot IAM policies": invalid principal), and
    aws:PrincipalArn of a session is the ARN of its role, with path (global condition keys).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        role: str,
        trusted: Sequence[str],
        description: str,
        grants: Sequence[Grant],
    ) -> None:
        """Add the role with path and name `role`, such as `/path/name`; `trusted` are ARNs of roles of one account."""
        super().__init__(scope, construct_id)
        path, _, name = role.rpartition("/")
        [account] = {each.split(":")[4] for each in trusted}
        self.resource = iam.CfnRole(
            self,
            "Default",
            role_name=name,
            path=f"{path}/",
            description=description,
            assume_role_policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "sts:AssumeRole",
                        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                        "Condition": {"ArnEquals": {"aws:PrincipalArn": list(trusted)}},
                    }
                ],
            },
            policies=[
                iam.CfnRole.PolicyProperty(
                    policy_name=f"{construct_id}Policy",
                    policy_document={"Version": "2012-10-17", "Statement": [each.statement() for each in grants]},
                )
            ],
        )
        for grant in grants:
            for resource in grant.wildcards:
                # cdk-nag writes pseudo parameters as <AWS::AccountId>.
                shown = resource.replace("${", "<").replace("}", ">")
                finding = cdk.Acknowledgment(
                    id=f"AwsSolutions-IAM5[Resource::{shown}]", reason=grant.wildcard_reason or ""
                )
                cdk.Validations.of(self.resource).acknowledge(finding)

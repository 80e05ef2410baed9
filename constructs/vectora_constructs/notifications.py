"""What operators are told: a topic, encrypted in transit, with a subscription for each of them."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from constructs import Construct

NOT_ENCRYPTED_AT_REST = (
    "Messages name snapshots, stacks and reasons, no content; with the AWS-managed key CloudWatch and EventBridge "
    "could not publish, and a key of its own costs more than all else of this stack."
)


class Notifications(Construct):
    """Topic `{id}`, its policy `{id}Policy` and a subscription for each address."""

    def __init__(self, scope: Construct, construct_id: str, *, topic_name: str, emails: Sequence[str]) -> None:
        super().__init__(scope, construct_id)
        self.resource = sns.CfnTopic(self, "Default", topic_name=topic_name, display_name=topic_name)
        policy = sns.CfnTopicPolicy(
            self,
            "Policy",
            topics=[self.resource.ref],
            policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "DenyWithoutTls",
                        "Effect": "Deny",
                        "Principal": {"AWS": "*"},
                        "Action": "sns:Publish",
                        "Resource": self.resource.ref,
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ],
            },
        )
        policy.override_logical_id(f"{construct_id}Policy")
        for number, email in enumerate(emails, start=1):
            subscription = sns.CfnSubscription(
                self, f"Operator{number}", topic_arn=self.resource.ref, protocol="email", endpoint=email
            )
            subscription.override_logical_id(f"{construct_id}Operator{number}")
        cdk.Validations.of(self.resource).acknowledge(
            cdk.Acknowledgment(id="AwsSolutions-SNS2", reason=NOT_ENCRYPTED_AT_REST)
        )

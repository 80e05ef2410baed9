"""Notification topic of the operators: encrypted, with a subscription for each e-mail address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

# The minimum of KMS: with a deleted key, only undelivered messages are lost.
DAYS_UNTIL_KEY_IS_DELETED = 7
# Services that publish as service principals (SNS developer guide, key management; AWS Cost Management guide, "Creating
# an Amazon SNS topic" for budgets and for anomalies), and whether they send aws:SourceAccount to KMS: EventBridge does
# not.
PUBLISHING_SERVICES: Mapping[str, bool] = {
    "cloudwatch.amazonaws.com": True,
    "budgets.amazonaws.com": True,
    "costalerts.amazonaws.com": True,
    "events.amazonaws.com": False,
}
# S3 publishes failed replications as this principal, and sends aws:SourceAccount (S3 user guide, granting permissions
# to publish event notification messages).
S3 = "s3.amazonaws.com"
NO_QUEUE_OF_UNDELIVERED_MAIL = (
    "No one reads a queue of undelivered e-mails: ./vectora status and the dashboard show alarms and holds as well."
)
USE_KEY = ["kms:Decrypt", "kms:GenerateDataKey*"]


class Notifications(Construct):
    """Topic `{id}`, its policy `{id}Policy`, its key `{id}Key`, and a subscription for each address.

    The topic has a customer managed key, because alarms, rules and budgets cannot publish to a topic encrypted with
    alias/aws/sns, whose policy cannot be changed (AWS re:Post). The key costs 1 USD a month (KMS pricing).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        topic_name: str,
        emails: Sequence[str],
        further_services: Sequence[str] = (),
    ) -> None:
        """Add the topic; `further_services` may publish to it too, and send aws:SourceAccount to KMS."""
        super().__init__(scope, construct_id)
        services = {**PUBLISHING_SERVICES, **dict.fromkeys(further_services, True)}
        key = kms.CfnKey(
            self,
            "Key",
            description=f"Encrypts the messages of topic {topic_name}",
            enable_key_rotation=True,
            pending_window_in_days=DAYS_UNTIL_KEY_IS_DELETED,
            key_policy={
                "Version": "2012-10-17",
                "Statement": [_administer(), _publish_by_role(cdk.Stack.of(self)), *_publish_by_service(services)],
            },
        )
        key.override_logical_id(f"{construct_id}Key")
        key.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        self.resource = sns.CfnTopic(
            self, "Default", topic_name=topic_name, display_name=topic_name, kms_master_key_id=key.ref
        )
        self.policy = sns.CfnTopicPolicy(
            self,
            "Policy",
            topics=[self.resource.ref],
            policy_document={
                "Version": "2012-10-17",
                "Statement": [_deny_without_tls(self.resource.ref), _allow_services(self.resource.ref, services)],
            },
        )
        self.policy.override_logical_id(f"{construct_id}Policy")
        for number, email in enumerate(emails, start=1):
            subscription = sns.CfnSubscription(
                self, f"Operator{number}", topic_arn=self.resource.ref, protocol="email", endpoint=email
            )
            subscription.override_logical_id(f"{construct_id}Operator{number}")
            cdk.Validations.of(subscription).acknowledge(
                cdk.Acknowledgment(id="Serverless-SNSRedrivePolicy", reason=NO_QUEUE_OF_UNDELIVERED_MAIL)
            )


def _deny_without_tls(topic_arn: str) -> dict[str, object]:
    return {
        "Sid": "DenyWithoutTls",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _allow_services(topic_arn: str, services: Mapping[str, bool]) -> dict[str, object]:
    """Return the statement for services: an explicit topic policy replaces the default one, which permits them."""
    return {
        "Sid": "AllowServicesOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": list(services)},
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": {"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}},
    }


def _administer() -> dict[str, object]:
    """Return the statement of the default key policy, by which IAM policies decide in this account."""
    return {
        "Sid": "LetIamDecide",
        "Effect": "Allow",
        "Principal": {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}},
        "Action": "kms:*",
        "Resource": "*",
    }


def _publish_by_role(stack: cdk.Stack) -> dict[str, object]:
    """Return the statement that alias/aws/sns has as well: principals of this account, through SNS only."""
    return {
        "Sid": "AllowPublishersOfThisAccount",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": USE_KEY,
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "kms:CallerAccount": cdk.Aws.ACCOUNT_ID,
                "kms:ViaService": f"sns.{stack.region}.amazonaws.com",
            }
        },
    }


def _publish_by_service(services: Mapping[str, bool]) -> list[dict[str, object]]:
    of_this_account = {"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}}
    return [
        {
            "Sid": f"AllowService{number}",
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": USE_KEY,
            "Resource": "*",
            **({"Condition": of_this_account} if names_account else {}),
        }
        for number, (service, names_account) in enumerate(services.items(), start=1)
    ]

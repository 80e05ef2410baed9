"""Stack s0-core: buckets of an environment."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from constructs import Construct

from stacks.component import ComponentStack
from vectora_constructs.private_bucket import PrivateBucket
from vectora_ops.names import BucketContent, Names
from vectora_ops.settings import EnvironmentSettings
from vectora_shared.keys import ANALYSES_DAYS, ANALYSES_PREFIX, DRAFTS_DAYS, DRAFTS_PREFIX

# Logical ids of the running system: with another id, CloudFormation would replace the bucket.
BUCKETS: tuple[tuple[str, BucketContent, str], ...] = (
    ("ConfigBucket", "config", "client configuration and canonical content"),
    ("DataBucket", "data", "ingested and curated items"),
    ("NewslettersBucket", "newsletters", "newsletters and their manifests"),
    ("LambdaCodeBucket", "lambda-code", "packages uploaded before this app deployed the functions"),
)
# Days after which objects below a prefix expire.
EXPIRING: Mapping[BucketContent, Mapping[str, int]] = {
    "data": {ANALYSES_PREFIX: ANALYSES_DAYS, DRAFTS_PREFIX: DRAFTS_DAYS},
    "newsletters": {DRAFTS_PREFIX: DRAFTS_DAYS},
}


class CoreStack(ComponentStack):
    """Stack `{project}-s0-core-{env}`."""

    def __init__(self, scope: Construct, *, names: Names, settings: EnvironmentSettings) -> None:
        super().__init__(
            scope,
            layer="s0-core",
            component="core",
            description="Vectora Inbox, core: buckets for configuration, data, newsletters, code and access logs.",
            names=names,
            settings=settings,
        )
        access_logs_name = names.bucket("access-logs")
        access_logs = PrivateBucket(
            self,
            "AccessLogsBucket",
            bucket_name=access_logs_name,
            old_versions_days=settings.old_versions_days,
            expire_after_days=settings.old_versions_days,
            removal_policy=self.removal_policy,
            access_log_bucket_name=None,
            receives_access_logs_of=tuple(names.bucket(content) for _, content, _ in BUCKETS),
        )
        cdk.Validations.of(access_logs.resource).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-S1",
                reason="It receives the access logs of the other buckets; its own would log each delivery forever.",
            )
        )
        for logical_id, content, purpose in BUCKETS:
            bucket = PrivateBucket(
                self,
                logical_id,
                bucket_name=names.bucket(content),
                old_versions_days=settings.adopted_old_versions_days or settings.old_versions_days,
                removal_policy=self.removal_policy,
                access_log_bucket_name=access_logs_name,
                expire_prefixes=EXPIRING.get(content, {}),
            )
            # The policy of the log bucket permits delivery; without it, the first log files are lost.
            bucket.resource.add_resource_dependency(access_logs.resource)
            self.output(f"{logical_id}Name", bucket.resource.ref, f"Name of the bucket with {purpose}")
            self.output(f"{logical_id}Arn", bucket.resource.attr_arn, f"ARN of the bucket with {purpose}")

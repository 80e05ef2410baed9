"""Publication of a release's configuration content to the config bucket, in the stack of the code that reads it."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

TIMEOUT_SECONDS = 300


class PublishedConfiguration(Construct):
    """Custom resource `{id}`. Its properties name the content, so that a stack rollback publishes the previous one."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        publisher_arn: str,
        content: s3_assets.Asset,
        content_digest: str,
        config_bucket_name: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.resource = cdk.CustomResource(
            self,
            "Default",
            service_token=publisher_arn,
            resource_type="Custom::PublishedConfiguration",
            service_timeout=cdk.Duration.seconds(TIMEOUT_SECONDS),
            properties={
                "ContentBucket": content.s3_bucket_name,
                "ContentKey": content.s3_object_key,
                "ContentDigest": content_digest,
                "ConfigBucket": config_bucket_name,
            },
        )
        resource = self.resource.node.default_child
        if isinstance(resource, cdk.CfnResource):
            resource.override_logical_id(construct_id)
            # Deleting it changes nothing, but CloudFormation would wait for the function's answer. A rollback to before
            # the first deployment has already deleted the function's role then, and Lambda cannot run it.
            resource.apply_removal_policy(cdk.RemovalPolicy.RETAIN)

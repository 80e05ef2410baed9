"""Custom resource that makes CloudFormation wait for a snapshot when the release changes."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

# CloudFormation's maximum (AWS::CloudFormation::CustomResource, ServiceTimeout).
TIMEOUT_SECONDS = 3600


class SnapshotBeforeDeployment(Construct):
    """Custom resource `{id}`. CloudFormation updates it when the release's digest changes, and waits for its answer."""

    def __init__(self, scope: Construct, construct_id: str, *, snapshot_function_arn: str, release_digest: str) -> None:
        super().__init__(scope, construct_id)
        custom = cdk.CustomResource(
            self,
            "Default",
            service_token=snapshot_function_arn,
            resource_type="Custom::SnapshotBeforeDeployment",
            service_timeout=cdk.Duration.seconds(TIMEOUT_SECONDS),
            properties={"ReleaseDigest": release_digest},
        )
        resource = custom.node.default_child
        assert isinstance(resource, cdk.CfnResource)  # noqa: S101
        resource.override_logical_id(construct_id)
        self.resource = resource

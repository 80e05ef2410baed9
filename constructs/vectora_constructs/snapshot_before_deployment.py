"""The guard of every deployment: CloudFormation takes a snapshot before it deploys another release."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

# The longest that CloudFormation waits (AWS::CloudFormation::CustomResource, ServiceTimeout).
TIMEOUT_SECONDS = 3600


class SnapshotBeforeDeployment(Construct):
    """Custom resource `{id}`, which CloudFormation invokes when the release's digest changes."""

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

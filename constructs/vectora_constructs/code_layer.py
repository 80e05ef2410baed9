"""Lambda layer and the parameter with the ARN of its version in use; old versions stay for rollbacks."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from vectora_constructs.runtime import ARCHITECTURE, RUNTIME


class CodeLayer(Construct):
    """Layer version `{id}` and parameter `{id}ArnParameter`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        layer_name: str,
        description: str,
        content: s3_assets.Asset,
        parameter_name: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.resource = lambda_.CfnLayerVersion(
            self,
            "Default",
            layer_name=layer_name,
            description=description,
            content=lambda_.CfnLayerVersion.ContentProperty(
                s3_bucket=content.s3_bucket_name, s3_key=content.s3_object_key
            ),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
        )
        self.resource.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        parameter = ssm.CfnParameter(
            self,
            "ArnParameter",
            name=parameter_name,
            type="String",
            value=self.resource.ref,
            description=f"ARN of the version of {layer_name} in use",
        )
        parameter.override_logical_id(f"{construct_id}ArnParameter")

"""Lambda functions: one runtime and architecture for all, each with its own log group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from vectora_constructs.runtime import ARCHITECTURE, RUNTIME


class PythonFunction(Construct):
    """Function `{id}Function` and log group `{id}LogGroup`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function_name: str,
        description: str,
        code: s3_assets.Asset,
        layer_arns: Sequence[str],
        role_arn: str,
        memory_mb: int,
        timeout_seconds: int,
        environment: Mapping[str, str],
        log_retention_days: int,
        removal_policy: cdk.RemovalPolicy,
        why_no_dead_letters: str,
    ) -> None:
        """Add the function; `why_no_dead_letters` says where a failure is reported instead."""
        super().__init__(scope, construct_id)
        self.log_group = logs.CfnLogGroup(
            self, "LogGroup", log_group_name=f"/aws/lambda/{function_name}", retention_in_days=log_retention_days
        )
        self.log_group.override_logical_id(f"{construct_id}LogGroup")
        self.log_group.apply_removal_policy(removal_policy)
        self.resource = lambda_.CfnFunction(
            self,
            "Function",
            function_name=function_name,
            description=description,
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            handler="handler.lambda_handler",
            code=lambda_.CfnFunction.CodeProperty(s3_bucket=code.s3_bucket_name, s3_key=code.s3_object_key),
            layers=list(layer_arns),
            role=role_arn,
            memory_size=memory_mb,
            timeout=timeout_seconds,
            environment=lambda_.CfnFunction.EnvironmentProperty(variables=dict(environment)),
            tracing_config=lambda_.CfnFunction.TracingConfigProperty(mode="Active"),
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=self.log_group.ref, log_format="Text"),
        )
        self.resource.override_logical_id(f"{construct_id}Function")
        cdk.Validations.of(self.resource).acknowledge(
            cdk.Acknowledgment(id="Serverless-LambdaDLQ", reason=why_no_dead_letters)
        )

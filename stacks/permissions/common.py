"""Permissions that roles of several stacks have."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from vectora_constructs.service_role import Grant
from vectora_ops.names import FunctionTask, Names, OperationsTask

TRACE = Grant(
    sid="WriteTraces",
    actions=("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
    resources=("*",),
    wildcard_reason="X-Ray's write actions know no resources (service authorization reference).",
)


def lambda_basics(names: Names, region: str, task: FunctionTask | OperationsTask) -> tuple[Grant, ...]:
    """Return the grants of every function: write its log and its traces."""
    log_group = f"arn:aws:logs:{region}:${{AWS::AccountId}}:log-group:{names.log_group(task)}"
    return (
        Grant(
            sid="WriteLogs",
            actions=("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=(f"{log_group}:*",),
            wildcard_reason="Lambda names the log streams; the log group is the function's own.",
        ),
        TRACE,
    )


def bootstrap_qualifier(scope: Construct) -> str:
    """Return the qualifier in the names of the CDK bootstrap resources."""
    configured = scope.node.try_get_context("@aws-cdk/core:bootstrapQualifier")
    return str(configured or cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER)


def assets_bucket_arn(scope: Construct, region: str) -> str:
    """Return the ARN of the bootstrap bucket that holds the assets."""
    return f"arn:aws:s3:::cdk-{bootstrap_qualifier(scope)}-assets-${{AWS::AccountId}}-{region}"

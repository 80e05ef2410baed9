"""Permissions that roles of several stacks have."""

from __future__ import annotations

from vectora_constructs.service_role import Grant
from vectora_ops.names import FunctionTask, Names, OperationsTask

TRACE = Grant(
    sid="WriteTraces",
    actions=("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
    resources=("*",),
    wildcard_reason="X-Ray's write actions know no resources (service authorization reference).",
)

ANSWER_JOBS = Grant(
    sid="AnswerPipeline",
    actions=("codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"),
    resources=("*",),
    wildcard_reason="A job's result knows no resource (service authorization reference); the job's id is its secret.",
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


def assets_bucket_arn(names: Names, region: str) -> str:
    """Return the ARN of the environment's bootstrap bucket, which holds its assets."""
    return f"arn:aws:s3:::cdk-{names.bootstrap_qualifier}-assets-${{AWS::AccountId}}-{region}"

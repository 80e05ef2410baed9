"""Permissions of the roles that cross accounts and regions."""

from __future__ import annotations

from vectora_constructs.service_role import Grant
from vectora_ops.names import BYPASS, CLIENTS, DEPLOYMENT, FREEZE, HOLD, LEDGER, POLICY, Names, OperationsTask

# Records of an environment that decide whether a release may be promoted into it.
TARGET_RECORDS = (LEDGER, DEPLOYMENT, HOLD, BYPASS, CLIENTS, FREEZE, POLICY)
STEP_TASKS: tuple[OperationsTask, ...] = ("snapshot", "smoke-test", "promotion")
ACCOUNT = "${AWS::AccountId}"


def assume(sid: str, role_arn: str) -> Grant:
    """Return the grant to assume one role."""
    return Grant(sid=sid, actions=("sts:AssumeRole",), resources=(role_arn,))


def invoke_functions(names: Names, region: str, *tasks: OperationsTask) -> Grant:
    """Return the grant to invoke functions of the environment."""
    prefix = f"arn:aws:lambda:{region}:{ACCOUNT}:function"
    return Grant(
        sid="Invoke",
        actions=("lambda:InvokeFunction",),
        resources=tuple(f"{prefix}:{names.function(task)}" for task in tasks),
    )


def ask_review(names: Names, region: str) -> Grant:
    """Return the grant to ask who wrote and approved a release."""
    function = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{names.review_function}"
    return Grant(sid="AskReview", actions=("lambda:InvokeFunction",), resources=(function,))


def read_target(names: Names, region: str) -> tuple[Grant, ...]:
    """Return the grants to read the records and clients of an environment that releases are promoted into."""
    config = f"arn:aws:s3:::{names.bucket('config')}"
    return (
        Grant(
            sid="ReadTarget",
            actions=("ssm:GetParameter", "ssm:GetParameterHistory"),
            resources=tuple(
                f"arn:aws:ssm:{region}:{ACCOUNT}:parameter{names.parameter(path)}" for path in TARGET_RECORDS
            ),
        ),
        Grant(
            sid="ListClients",
            actions=("s3:ListBucket",),
            resources=(config,),
            condition={"StringLike": {"s3:prefix": "clients/*"}},
        ),
        Grant(
            sid="ReadClients",
            actions=("s3:GetObject",),
            resources=(f"{config}/clients/*",),
            wildcard_reason="Files of this content have keys that are not known when the role is made.",
        ),
    )


def operate_pipeline(names: Names, region: str, following: Names | None) -> tuple[Grant, ...]:
    """Return the grants to read the pipeline, to hold the environment's stage, and to retry the following one's."""
    pipeline = f"arn:aws:codepipeline:{region}:{ACCOUNT}:{names.pipeline}"
    retry = Grant(
        sid="TryAgain",
        actions=("codepipeline:RetryStageExecution",),
        resources=(f"{pipeline}/{following.env}",) if following else (),
    )
    return (
        Grant(
            sid="SeePipeline",
            actions=(
                "codepipeline:GetPipelineExecution",
                "codepipeline:GetPipelineState",
                "codepipeline:ListActionExecutions",
            ),
            resources=(pipeline,),
        ),
        Grant(
            sid="HoldPromotion",
            actions=("codepipeline:DisableStageTransition",),
            resources=(f"{pipeline}/{names.env}",),
        ),
        ask_review(names, region),
        *((retry,) if following else ()),
    )

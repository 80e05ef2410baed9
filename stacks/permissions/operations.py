"""Permissions of the operations functions, one method per function."""

from __future__ import annotations

from stacks.permissions.access import TARGET_RECORDS, ask_review, assume
from stacks.permissions.common import ANSWER_JOBS
from stacks.permissions.environment import (
    ACCOUNT,
    ANCHORS_BY_SNAPSHOT,
    CONTENT_BY_KEY,
    STACKS_OF_THE_ENVIRONMENT,
    VAULT_BY_DIGEST,
)
from stacks.permissions.watch import WatchGrants
from vectora_constructs.service_role import Grant
from vectora_ops.names import (
    ALARM,
    BYPASS,
    CANARY_CLIENT,
    CLIENTS,
    DEPLOYMENT,
    HOLD,
    LEDGER,
    PIPELINE,
    RETRY,
    WITHHOLDING_KEY,
    BucketContent,
    Names,
    OperationsTask,
)

CORE_BUCKETS: tuple[BucketContent, ...] = ("config", "data", "newsletters", "lambda-code", "access-logs")


class OperationsGrants(WatchGrants):
    """Grants of the operations functions of one environment."""

    def invoke(self, task: OperationsTask) -> Grant:
        """Return the grant of a schedule that invokes function `task`."""
        return Grant(sid="Invoke", actions=("lambda:InvokeFunction",), resources=(self._function_arn(task),))

    def snapshot(self) -> tuple[Grant, ...]:
        """Return the grants of function snapshot."""
        return (
            *self._read_environment("snapshot"),
            *self._answer_jobs(),
            self._read_records(LEDGER, CLIENTS),
            Grant(
                sid="Prune",
                actions=("s3:DeleteObjectVersion",),
                resources=(f"{self._vault}/*",),
                wildcard_reason=VAULT_BY_DIGEST,
            ),
        )

    def rollback(self) -> tuple[Grant, ...]:
        """Return the grants of function rollback."""
        return (
            *self._read_environment("rollback"),
            *self._restore_stacks(),
            *self._restore_code_and_content(),
            *self._find_resources_left_behind(),
            *self._machine_grants,
            Grant(sid="CountFailedRuns", actions=("states:ListExecutions",), resources=(self.machine_arn,)),
            *self._react_to_failures(),
            *self.ask_preceding(),
        )

    def _restore_stacks(self) -> tuple[Grant, ...]:
        execution_role = f"cdk-{self._names.bootstrap_qualifier}-cfn-exec-role-{ACCOUNT}-{self._region}"
        return (
            Grant(
                sid="RestoreStacks",
                actions=(
                    "cloudformation:CreateChangeSet",
                    "cloudformation:DescribeChangeSet",
                    "cloudformation:ExecuteChangeSet",
                    "cloudformation:DeleteChangeSet",
                    "cloudformation:DescribeStackEvents",
                    "cloudformation:DeleteStack",
                    "cloudformation:ContinueUpdateRollback",
                    "cloudformation:RollbackStack",
                    "cloudformation:TagResource",
                ),
                resources=self._stack_arns,
                wildcard_reason=STACKS_OF_THE_ENVIRONMENT,
            ),
            # A change set reads the parameters that the stacks share (the CDK's bootstrap template grants its deploy
            # role the same for its own parameter).
            Grant(
                sid="ReadParametersOfStacks",
                actions=("ssm:GetParameters",),
                resources=(self._parameter("roles/*"), self._parameter("layers/*")),
                wildcard_reason="Roles and layers of a snapshot may be others than those of this release.",
            ),
            Grant(
                sid="LetCloudFormationWork",
                actions=("iam:PassRole",),
                resources=(f"arn:aws:iam::{ACCOUNT}:role/{execution_role}",),
                condition={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
            ),
        )

    def _restore_code_and_content(self) -> tuple[Grant, ...]:
        return (
            Grant(
                sid="PutCodeBack",
                actions=("s3:PutObject", "s3:AbortMultipartUpload"),
                resources=tuple(f"{bucket}/*" for bucket in self._code_buckets),
                wildcard_reason="Assets are named by the digest of their content, a new one each release.",
            ),
            Grant(
                sid="RestoreContent",
                # A write with tags needs PutObjectTagging too (S3 API reference, PutObject).
                actions=("s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:AbortMultipartUpload"),
                resources=self._content_arns,
                wildcard_reason=CONTENT_BY_KEY,
            ),
        )

    def _find_resources_left_behind(self) -> tuple[Grant, ...]:
        """Return the grants to find resources that outlived a deleted stack: they are imported into the new one."""
        return (
            Grant(
                sid="FindBucketsLeftBehind",
                actions=("s3:ListBucket", "s3:GetBucketPolicy"),
                resources=tuple(f"arn:aws:s3:::{self._names.bucket(each)}" for each in CORE_BUCKETS),
            ),
            Grant(
                sid="FindLogsLeftBehind",
                actions=("logs:DescribeLogGroups",),
                resources=("*",),
                wildcard_reason="Log groups are listed by prefix; the permission is checked on all of them.",
            ),
        )

    def _react_to_failures(self) -> tuple[Grant, ...]:
        """Return the grants to find what failed, record it, and hold the promotion into this environment."""
        return (
            self._read_records(DEPLOYMENT, LEDGER, CLIENTS),
            Grant(
                sid="NotePromotion",
                actions=("ssm:PutParameter",),
                resources=tuple(self._parameter(path) for path in (DEPLOYMENT, LEDGER, HOLD, ALARM, CLIENTS)),
            ),
            *self._hold_promotion(),
        )

    def _answer_jobs(self) -> tuple[Grant, ...]:
        """Return the grant to answer the pipeline's jobs; the relay answers those of a pipeline elsewhere."""
        return () if PIPELINE in self._elsewhere.routes else (ANSWER_JOBS,)

    def _hold_promotion(self) -> tuple[Grant, ...]:
        if route := self._elsewhere.routes.get(PIPELINE):
            return (assume("OperatePipeline", route.role_arn),)
        return (
            Grant(
                sid="SeeWhatFailed",
                actions=("codepipeline:ListActionExecutions", "codepipeline:GetPipelineExecution"),
                resources=(self._pipeline_arn,),
            ),
            Grant(
                sid="HoldPromotion",
                actions=("codepipeline:DisableStageTransition",),
                resources=(self._stage_arn(self._names.env),),
            ),
        )

    def smoke_test(self) -> tuple[Grant, ...]:
        """Return the grants of function smoke-test."""
        newsletters = f"arn:aws:s3:::{self._names.bucket('newsletters')}"
        return (
            *self._answer_jobs(),
            *self._machine_grants,
            Grant(
                sid="ReadCanaryNewsletter",
                actions=("s3:GetObject",),
                resources=(f"{newsletters}/{CANARY_CLIENT}/*",),
                wildcard_reason=CONTENT_BY_KEY,
            ),
            # Lambda refuses a destination that the function's role may not use (PutFunctionEventInvokeConfig).
            Grant(sid="TellOperators", actions=("sns:Publish",), resources=(self._topic_arn,)),
            # Without it S3 answers 403 instead of 404 for a missing newsletter.
            Grant(sid="SeeWhetherItIsThere", actions=("s3:ListBucket",), resources=(newsletters,)),
        )

    def promotion(self) -> tuple[Grant, ...]:
        """Return the grants of function promotion."""
        record = (
            *self._answer_jobs(),
            self._read_records("release", LEDGER, DEPLOYMENT, BYPASS, ALARM),
            *self._read_deployed(),
            *self._anchor_snapshots(),
            *self._read_files(),
            *self.ask_preceding(),
            Grant(
                sid="RecordRelease",
                actions=("ssm:PutParameter",),
                resources=(self._parameter(LEDGER), self._parameter(DEPLOYMENT)),
            ),
            Grant(sid="TellOperators", actions=("sns:Publish",), resources=(self._topic_arn,)),
            self._use_pipeline(),
        )
        return (*record, *self._judge(self._following)) if self._following else record

    def _read_files(self) -> tuple[Grant, ...]:
        """Return the grants to compare own files with what was published, and own clients with the next environment's.

        An environment elsewhere shows its clients to a role of its own.
        """
        config = self._buckets[0]
        following = self._following if self._following and self._following.env not in self._elsewhere.routes else None
        compared = (f"arn:aws:s3:::{following.bucket('config')}",) if following else ()
        return (
            Grant(
                sid="ListClients",
                actions=("s3:ListBucket",),
                resources=(config, *compared),
                condition={"StringLike": {"s3:prefix": "clients/*"}},
            ),
            Grant(
                sid="ReadClients",
                actions=("s3:GetObject",),
                resources=(
                    f"{config}/clients/*",
                    f"{config}/canonical/*",
                    f"{config}/published.json",
                    *(f"{each}/clients/*" for each in compared),
                ),
                wildcard_reason=CONTENT_BY_KEY,
            ),
        )

    def _anchor_snapshots(self) -> tuple[Grant, ...]:
        """Return the grants to compare snapshots with what is deployed, and to create and delete their anchors."""
        return (
            *self._read_vault(),
            self._list_code,
            Grant(
                sid="KeepAnchors",
                actions=("ssm:PutParameter", "ssm:DeleteParameter"),
                resources=(self._anchors,),
                wildcard_reason=ANCHORS_BY_SNAPSHOT,
            ),
            Grant(sid="CreateKey", actions=("ssm:PutParameter",), resources=(self._parameter(WITHHOLDING_KEY),)),
            # Systems Manager user guide, "Preventing changes to existing parameters using ssm:Overwrite".
            Grant(
                sid="ReplaceNoAnchor",
                effect="Deny",
                actions=("ssm:PutParameter",),
                resources=(self._anchors, self._parameter(WITHHOLDING_KEY)),
                wildcard_reason=ANCHORS_BY_SNAPSHOT,
                condition={"StringEquals": {"ssm:Overwrite": "true"}},
            ),
        )

    def _judge(self, target: Names) -> tuple[Grant, ...]:
        """Return the grants to judge a release by its runs here, for its promotion into `target`."""
        newsletters = self._buckets[2]
        machine = self._names.state_machine
        read_target = Grant(
            sid="ReadTarget",
            actions=("ssm:GetParameter", "ssm:GetParameterHistory"),
            resources=tuple(self._parameter(path, target) for path in TARGET_RECORDS),
        )
        if route := self._elsewhere.routes.get(target.env):
            read_target = assume("ReadTarget", route.role_arn)
        return (
            read_target,
            Grant(sid="ListNewsletters", actions=("s3:ListBucket",), resources=(newsletters,)),
            Grant(
                sid="ReadRunManifests",
                actions=("s3:GetObject",),
                resources=(f"{newsletters}/*/manifest.json",),
                wildcard_reason=CONTENT_BY_KEY,
            ),
            Grant(
                sid="ListRuns",
                actions=("states:ListExecutions",),
                resources=(self.machine_arn,),
            ),
            Grant(
                sid="ReadRuns",
                actions=("states:DescribeExecution",),
                resources=(f"arn:aws:states:{self._region}:{ACCOUNT}:execution:{machine}:*",),
                wildcard_reason="Step Functions names the executions; the state machine is fixed.",
            ),
            # Record of promotions that were reported as not retryable.
            Grant(
                sid="NoteRetry",
                actions=("ssm:GetParameter", "ssm:PutParameter"),
                resources=(self._parameter(RETRY),),
            ),
            *self._retry_promotion(target),
        )

    def _use_pipeline(self) -> Grant:
        """Return the grant to ask the review; the role of a pipeline elsewhere also allows to retry promotions."""
        if route := self._elsewhere.routes.get(PIPELINE):
            return assume("OperatePipeline", route.role_arn)
        return ask_review(self._names, self._region)

    def _retry_promotion(self, target: Names) -> tuple[Grant, ...]:
        if PIPELINE in self._elsewhere.routes:
            return ()
        return (
            Grant(sid="SeePipeline", actions=("codepipeline:GetPipelineState",), resources=(self._pipeline_arn,)),
            Grant(
                sid="TryAgain",
                actions=("codepipeline:RetryStageExecution",),
                resources=(self._stage_arn(target.env),),
            ),
        )

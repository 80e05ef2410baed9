"""Review of a commit before the pipeline updates itself: a function, its role, and the records that only it writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import pipelines
from constructs import Construct

from stacks.assets.packages import Package
from stacks.build_access import SYNTH_OUTPUT, artifact_keys
from stacks.component import KEEP
from stacks.permissions.common import TRACE
from vectora_constructs.python_function import PythonFunction
from vectora_constructs.service_role import Grant, ServiceRole
from vectora_ops.names import APPROVED_CHANGE, Names
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings

ACCOUNT = "${AWS::AccountId}"
# Below it are the records of what was accepted (vectora_review.store).
REVIEW_PREFIX = "review/"
RELEASES_PREFIX = f"{REVIEW_PREFIX}releases/"
# Reports for approvals, which one build writes.
REPORTS_PREFIX = "reports/"
# It reads an assembly of some 20 MB, and writes a few objects.
MEMORY_MB, TIMEOUT_SECONDS = 1769, 300
HANDLER = "vectora_review.function.lambda_handler"
NAMED_BY_EXECUTION = "Executions name these objects; the prefix is fixed."
STOPS_THE_BUILD = "The build that invokes it waits for its answer, and fails without one."


class Review(Construct):
    """Function `{project}-review`, which the build that updates the pipeline and the gates invoke."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        package: Package,
        artifacts: s3.Bucket,
        topic_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self._names: Names = settings.names(ENVIRONMENT_NAMES[-1])
        self._region = cdk.Stack.of(self).region
        self._bucket = settings.names(ENVIRONMENT_NAMES[0]).pipeline_bucket("artifacts")
        self.role = ServiceRole(
            self,
            "ReviewRole",
            role_name=None,
            path=self._names.pipeline_role_path,
            boundary_arn=f"arn:aws:iam::{cdk.Aws.ACCOUNT_ID}:policy/{self._names.pipeline_boundary}",
            service="lambda.amazonaws.com",
            description="Reviews a commit before the pipeline updates itself",
            policy_name="ReviewPolicy",
            grants=self._grants(),
        ).resource
        self.role.override_logical_id("ReviewRole")
        logs = settings.environment(ENVIRONMENT_NAMES[-1]).logs
        self.function = PythonFunction(
            self,
            "Review",
            function_name=self._names.review_function,
            description="Reviews a commit before the pipeline updates itself",
            code=s3_assets.Asset(self, "Package", path=str(package.path), asset_hash=package.digest),
            layer_arns=(),
            role_arn=self.role.attr_arn,
            memory_mb=MEMORY_MB,
            timeout_seconds=TIMEOUT_SECONDS,
            environment=self._environment(settings, topic_arn),
            log_retention_days=logs.retention_days,
            removal_policy=KEEP,
            why_no_dead_letters=STOPS_THE_BUILD,
        )
        self.function.resource.handler = HANDLER
        self._protect(artifacts)
        if artifacts.encryption_key is not None:
            self._use(artifacts.encryption_key)

    def let_invoke(self, delivery: pipelines.CodePipeline) -> None:
        """Let the build that updates the pipeline invoke the function."""
        statement = iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[self.function.resource.attr_arn])
        delivery.self_mutation_project.add_to_role_policy(statement)

    def let_one_role_write_assemblies(self, artifacts: s3.Bucket, role: iam.IRole | None, pipeline: str) -> None:
        """Deny everyone but the role of the build that synthesizes to write an assembly: people approve it."""
        assert role is not None  # noqa: S101
        keys = artifact_keys(pipeline, SYNTH_OUTPUT)
        artifacts.add_to_resource_policy(_deny_others("OnlyTheBuildWritesAssemblies", artifacts, keys, role.role_arn))

    def let_builds_write_reports(self, artifacts: s3.Bucket, roles: Sequence[iam.IRole]) -> None:
        """Deny everyone but the roles of the builds that make reports to write one: people decide by them."""
        arns = [role.role_arn for role in roles]
        artifacts.add_to_resource_policy(
            _deny_others("OnlyTheirBuildWritesReports", artifacts, f"{REPORTS_PREFIX}*", *arns)
        )

    def _use(self, key: kms.IKey) -> None:
        """Let the function read and write what is encrypted with the key of artifacts that other accounts read."""
        statement = {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": key.key_arn}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        policy = iam.CfnPolicy(
            self, "UseKey", policy_name="UseArtifactsKey", policy_document=document, roles=[self.role.ref]
        )
        policy.override_logical_id("ReviewUsesArtifactsKey")

    def _protect(self, artifacts: s3.Bucket) -> None:
        statement = _deny_others("OnlyTheReviewWrites", artifacts, f"{REVIEW_PREFIX}*", self.role.attr_arn)
        artifacts.add_to_resource_policy(statement)

    def _environment(self, settings: Settings, topic_arn: str) -> dict[str, str]:
        people: Mapping[str, str] = settings.pipeline.people
        return {
            "PIPELINE": self._names.pipeline,
            "ARTIFACTS_BUCKET": self._bucket,
            "APPROVALS_PARAMETER": self._names.pipeline_parameter(APPROVED_CHANGE),
            "ENVIRONMENTS": ",".join(ENVIRONMENT_NAMES),
            "NOTIFICATIONS_TOPIC_ARN": topic_arn,
            **({"PEOPLE": json.dumps(dict(people), sort_keys=True)} if people else {}),
        }

    def _grants(self) -> tuple[Grant, ...]:
        bucket, names = f"arn:aws:s3:::{self._bucket}", self._names
        here = f"{self._region}:{ACCOUNT}"
        parameter = f"arn:aws:ssm:{here}:parameter{names.pipeline_parameter(APPROVED_CHANGE)}"
        return (
            Grant(
                sid="WriteLogs",
                actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                resources=(f"arn:aws:logs:{here}:log-group:/aws/lambda/{names.review_function}:*",),
                wildcard_reason="Lambda names the log streams; the log group is the function's own.",
            ),
            TRACE,
            Grant(
                sid="ReadAssemblies",
                actions=("s3:GetObject", "s3:GetObjectVersion"),
                resources=(f"{bucket}/{artifact_keys(names.pipeline, SYNTH_OUTPUT)}",),
                wildcard_reason="CodePipeline ends the key of an artifact with random letters.",
            ),
            # Without ListBucket, S3 answers 403 instead of 404 for a missing record.
            Grant(sid="CountVersions", actions=("s3:ListBucketVersions", "s3:ListBucket"), resources=(bucket,)),
            Grant(
                sid="KeepRecords",
                actions=("s3:GetObject", "s3:PutObject"),
                resources=(f"{bucket}/{REVIEW_PREFIX}*",),
                wildcard_reason=NAMED_BY_EXECUTION,
            ),
            Grant(
                sid="ReadDeployedPipeline",
                actions=("cloudformation:GetTemplate",),
                resources=(f"arn:aws:cloudformation:{here}:stack/{names.pipeline}/*",),
                wildcard_reason="CloudFormation appends an id to a stack's name; the name is fixed.",
            ),
            Grant(
                sid="ReadExecutions",
                actions=("codepipeline:ListActionExecutions",),
                resources=(f"arn:aws:codepipeline:{here}:{names.pipeline}",),
            ),
            Grant(sid="TellApprovers", actions=("sns:Publish",), resources=(f"arn:aws:sns:{here}:{names.pipeline}",)),
            Grant(sid="ReadApprovals", actions=("ssm:GetParameterHistory",), resources=(parameter,)),
        )


def _deny_others(sid: str, artifacts: s3.Bucket, keys: str, *role_arns: str) -> iam.PolicyStatement:
    """Return the statement that lets some roles alone write below some keys.

    aws:PrincipalArn is the ARN of the role, and not that of its session (IAM user guide, global condition keys).
    """
    return iam.PolicyStatement(
        sid=sid,
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"],
        resources=[artifacts.arn_for_objects(keys)],
        conditions={"ArnNotEquals": {"aws:PrincipalArn": role_arns[0] if len(role_arns) == 1 else list(role_arns)}},
    )

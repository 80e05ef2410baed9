"""s0-operations: the vault, and the functions that fill it before every deployment and restore from it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from stacks.component import ComponentStack
from stacks.core import BUCKETS
from stacks.grants import assets_bucket_arn, bootstrap_qualifier, lambda_basics
from stacks.packages import Packages
from vectora_constructs.code_layer import CodeLayer
from vectora_constructs.notifications import Notifications
from vectora_constructs.private_bucket import ObjectLock, PrivateBucket
from vectora_constructs.python_function import PythonFunction
from vectora_constructs.service_role import Grant, ServiceRole
from vectora_constructs.snapshot_before_deployment import SnapshotBeforeDeployment
from vectora_ops.names import OPERATIONS_LAYER, STACK_LAYERS, Names
from vectora_ops.release import Release
from vectora_ops.settings import EnvironmentSettings

# Replaced and hidden versions in the vault: an original that somebody overwrote is there to repair from for so long.
REPAIR_DAYS = 90
ONE_VCPU_MEMORY_MB = 1769
CORE_BUCKETS = (*(content for _, content, _ in BUCKETS), "access-logs")
TELLS_THE_OPERATORS = "A failed invocation is sent to the operators' topic after one retry; a queue would tell nobody."
CONTENT_BY_KEY = "Files of this content have keys that are not known when the role is made; the prefix is fixed."
STACKS_OF_THE_ENVIRONMENT = "CloudFormation appends an id to a stack's name; the name is fixed."


class OperationsStack(ComponentStack):
    def __init__(
        self,
        scope: Construct,
        *,
        names: Names,
        settings: EnvironmentSettings,
        packages: Packages,
        release: Release,
    ) -> None:
        super().__init__(
            scope,
            layer=OPERATIONS_LAYER,
            component="operations",
            description="Vectora Inbox, operations: vault of snapshots, functions that take and restore them.",
            names=names,
            settings=settings,
        )
        self._packages = packages
        self._vault()
        topic = Notifications(
            self, "OperationsTopic", topic_name=names.topic("operations"), emails=settings.operators
        ).resource
        self._topic_arn = topic.ref
        layers = (
            self._layer("VectoraOpsLayer", "vectora-ops", "Operations, packages vectora_ops and vectora_core"),
            self._layer("OpsDepsLayer", "ops-deps", "Third-party packages of the operations, locked by hash"),
        )
        snapshot = self._function(
            "Snapshot", "Takes, verifies and prunes snapshots of the environment", layers, self._snapshot_grants()
        )
        rollback = self._function(
            "Rollback", "Rolls the environment back to a snapshot and proves it", layers, self._rollback_grants()
        )
        self._daily_snapshot(snapshot)
        SnapshotBeforeDeployment(
            self,
            "SnapshotBeforeDeployment",
            snapshot_function_arn=snapshot.resource.attr_arn,
            release_digest=release.digest,
        ).resource.add_resource_dependency(self._vault_bucket.resource)

        self.output("SnapshotsBucketName", self._vault_bucket.resource.ref, "Name of the vault")
        self.output("OperationsTopicArn", topic.ref, "ARN of the topic that tells the operators")
        self.output("SnapshotFunctionName", snapshot.resource.ref, "Name of the function that takes snapshots")
        self.output("RollbackFunctionName", rollback.resource.ref, "Name of the function that rolls back")

    def _vault(self) -> None:
        settings, names = self.settings, self.names
        logs_name = names.bucket("snapshots-access-logs")
        # Not core's: that one is deployed later, and the vault must outlive the environment.
        access_logs = PrivateBucket(
            self,
            "SnapshotsAccessLogsBucket",
            bucket_name=logs_name,
            old_versions_days=settings.old_versions_days,
            expire_after_days=settings.old_versions_days,
            removal_policy=cdk.RemovalPolicy.RETAIN,
            access_log_bucket_name=None,
            receives_access_logs_of=(names.bucket("snapshots"),),
        )
        cdk.Validations.of(access_logs.resource).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-S1", reason="It receives the vault's access logs; its own would log each delivery."
            )
        )
        self._vault_bucket = PrivateBucket(
            self,
            "SnapshotsBucket",
            bucket_name=names.bucket("snapshots"),
            old_versions_days=max(settings.snapshots.minimum_age_days, REPAIR_DAYS),
            removal_policy=cdk.RemovalPolicy.RETAIN,
            access_log_bucket_name=logs_name,
            object_lock=ObjectLock(
                days=settings.snapshots.minimum_age_days,
                objects_prefix="objects/",
                glacier_after_days=settings.snapshots.glacier_after_days,
            ),
        )
        self._vault_bucket.resource.add_resource_dependency(access_logs.resource)

    def _layer(self, construct_id: str, content: str, description: str) -> str:
        package = self._packages.operations_layer() if content == "vectora-ops" else self._packages.dependencies_layer()
        layer = CodeLayer(
            self,
            construct_id,
            layer_name=self.names.layer(content),
            description=description,
            content=self.asset(f"{construct_id}Package", package),
            parameter_name=self.names.parameter(f"layers/{content}"),
        )
        return str(layer.resource.ref)

    def _function(
        self, construct_id: str, description: str, layers: Sequence[str], grants: Sequence[Grant]
    ) -> PythonFunction:
        task = construct_id.lower()
        role = ServiceRole(
            self,
            f"{construct_id}Role",
            service="lambda.amazonaws.com",
            description=description,
            policy_name=f"{construct_id}Policy",
            grants=(*lambda_basics(self.names, self.settings.region, task), *grants),
        ).resource
        snapshots = self.settings.snapshots
        function = PythonFunction(
            self,
            construct_id,
            function_name=self.names.function(task),
            description=description,
            code=self.asset(f"{construct_id}Package", self._packages.function(task)),
            layer_arns=layers,
            role_arn=role.attr_arn,
            memory_mb=ONE_VCPU_MEMORY_MB,
            timeout_seconds=900,
            environment={
                "ENV": self.names.env,
                "PROJECT_NAME": self.names.project,
                "LOG_LEVEL": self.settings.logs.level,
                "NOTIFICATIONS_TOPIC_ARN": self._topic_arn,
                "SNAPSHOT_KEEP_LAST": str(snapshots.keep_last or "all"),
                "SNAPSHOT_MINIMUM_AGE_DAYS": str(snapshots.minimum_age_days),
            },
            log_retention_days=self.settings.logs.retention_days,
            removal_policy=self.removal_policy,
            why_no_dead_letters=TELLS_THE_OPERATORS,
        )
        failures = lambda_.CfnEventInvokeConfig(
            self,
            f"{construct_id}Failures",
            function_name=function.resource.ref,
            qualifier="$LATEST",
            maximum_retry_attempts=1,
            destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
                on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=self._topic_arn)
            ),
        )
        failures.override_logical_id(f"{construct_id}Failures")
        return function

    def _daily_snapshot(self, snapshot: PythonFunction) -> None:
        settings = self.settings
        role = ServiceRole(
            self,
            "SnapshotScheduleRole",
            service="scheduler.amazonaws.com",
            description="Daily snapshot: invokes the snapshot function",
            policy_name="SnapshotSchedulePolicy",
            grants=(
                Grant(
                    sid="TakeSnapshot",
                    actions=("lambda:InvokeFunction",),
                    resources=(self._function_arn("snapshot"),),
                ),
            ),
        ).resource
        schedule = scheduler.CfnSchedule(
            self,
            "DailySnapshot",
            name=self.names.schedule("snapshot", "daily"),
            description="Takes the daily snapshot",
            schedule_expression=settings.snapshots.daily_at,
            schedule_expression_timezone=settings.schedule.time_zone,
            state="ENABLED" if settings.snapshots.daily else "DISABLED",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=snapshot.resource.attr_arn,
                role_arn=role.attr_arn,
                input=json.dumps({"operation": "create", "label": "daily", "occasion": "schedule"}),
            ),
        )
        schedule.override_logical_id("DailySnapshot")

    # --- grants

    def _function_arn(self, task: str) -> str:
        return f"arn:aws:lambda:{self.settings.region}:${{AWS::AccountId}}:function:{self.names.function(task)}"

    @property
    def _stack_arns(self) -> tuple[str, ...]:
        prefix = f"arn:aws:cloudformation:{self.settings.region}:${{AWS::AccountId}}:stack"
        layers = (layer for layer in STACK_LAYERS if layer != OPERATIONS_LAYER)
        return tuple(f"{prefix}/{self.names.stack(layer)}/*" for layer in layers)

    @property
    def _content_arns(self) -> tuple[str, ...]:
        config, data, newsletters = self._buckets
        return (
            f"{config}/clients/*",
            f"{config}/canonical/*",
            f"{config}/published.json",
            f"{data}/ingested/*",
            f"{data}/curated/*",
            f"{newsletters}/*",
        )

    @property
    def _buckets(self) -> tuple[str, ...]:
        return tuple(f"arn:aws:s3:::{self.names.bucket(each)}" for each in ("config", "data", "newsletters"))

    @property
    def _code_buckets(self) -> tuple[str, ...]:
        return (
            assets_bucket_arn(self, self.settings.region),
            f"arn:aws:s3:::{self.names.bucket('lambda-code')}",
        )

    def _reading_grants(self, task: str) -> tuple[Grant, ...]:
        """Reading the environment, writing its vault, and going on in a further invocation."""
        vault = f"arn:aws:s3:::{self.names.bucket('snapshots')}"
        region, account = self.settings.region, "${AWS::AccountId}"
        return (
            Grant(
                sid="LookIntoVault",
                actions=("s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketObjectLockConfiguration"),
                resources=(vault,),
            ),
            Grant(
                sid="FillVault",
                actions=(
                    "s3:GetObject",
                    "s3:GetObjectVersion",
                    "s3:PutObject",
                    "s3:GetObjectRetention",
                    "s3:PutObjectRetention",
                    "s3:DeleteObject",
                ),
                resources=(f"{vault}/*",),
                wildcard_reason="Objects of the vault are named by the digest of their content.",
            ),
            Grant(sid="ListContent", actions=("s3:ListBucket", "s3:ListBucketVersions"), resources=self._buckets),
            Grant(
                sid="ReadContent",
                actions=("s3:GetObject", "s3:GetObjectVersion"),
                resources=self._content_arns,
                wildcard_reason=CONTENT_BY_KEY,
            ),
            Grant(sid="ListCode", actions=("s3:ListBucket",), resources=self._code_buckets),
            Grant(
                sid="ReadCode",
                actions=("s3:GetObject", "s3:GetObjectVersion"),
                resources=tuple(f"{bucket}/*" for bucket in self._code_buckets),
                wildcard_reason="Assets are named by the digest of their content, a new one each release.",
            ),
            Grant(
                sid="ReadFunctions",
                actions=("lambda:GetFunction",),
                resources=(f"arn:aws:lambda:{region}:{account}:function:{self.names.project}-*-{self.names.env}",),
                wildcard_reason="A snapshot holds every function of the environment, also those of other releases.",
            ),
            Grant(
                sid="ReadLayers",
                # The rehearsal's emulator checks GetLayerVersion under the other name, which AWS ignores on a layer.
                actions=("lambda:GetLayerVersion", "lambda:ListLayers"),
                resources=(f"arn:aws:lambda:{region}:{account}:layer:*",),
                wildcard_reason="A function may have been given any layer by hand; what runs must be saved.",
            ),
            Grant(
                sid="ReadStacks",
                actions=(
                    "cloudformation:DescribeStacks",
                    "cloudformation:GetTemplate",
                    "cloudformation:ListStackResources",
                ),
                resources=self._stack_arns,
                wildcard_reason=STACKS_OF_THE_ENVIRONMENT,
            ),
            Grant(
                sid="ReadRelease",
                actions=("ssm:GetParameter",),
                resources=(f"arn:aws:ssm:{region}:{account}:parameter{self.names.parameter('release')}",),
            ),
            Grant(sid="TellOperators", actions=("sns:Publish",), resources=(self._topic_arn_pattern,)),
            Grant(sid="GoOn", actions=("lambda:InvokeFunction",), resources=(self._function_arn(task),)),
        )

    @property
    def _topic_arn_pattern(self) -> str:
        return f"arn:aws:sns:{self.settings.region}:${{AWS::AccountId}}:{self.names.topic('operations')}"

    def _snapshot_grants(self) -> tuple[Grant, ...]:
        return (
            *self._reading_grants("snapshot"),
            Grant(
                sid="Prune",
                actions=("s3:DeleteObjectVersion",),
                resources=(f"arn:aws:s3:::{self.names.bucket('snapshots')}/*",),
                wildcard_reason="Objects of the vault are named by the digest of their content.",
            ),
        )

    def _rollback_grants(self) -> tuple[Grant, ...]:
        region, account = self.settings.region, "${AWS::AccountId}"
        machine = self.names.state_machine
        execution_role = f"cdk-{bootstrap_qualifier(self)}-cfn-exec-role-{account}-{region}"
        return (
            *self._reading_grants("rollback"),
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
                    "cloudformation:TagResource",
                ),
                resources=self._stack_arns,
                wildcard_reason=STACKS_OF_THE_ENVIRONMENT,
            ),
            Grant(
                sid="LetCloudFormationWork",
                actions=("iam:PassRole",),
                resources=(f"arn:aws:iam::{account}:role/{execution_role}",),
                condition={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
            ),
            Grant(
                sid="PutCodeBack",
                actions=("s3:PutObject",),
                resources=tuple(f"{bucket}/*" for bucket in self._code_buckets),
                wildcard_reason="Assets are named by the digest of their content, a new one each release.",
            ),
            Grant(
                sid="RestoreContent",
                actions=("s3:PutObject", "s3:DeleteObject"),
                resources=self._content_arns,
                wildcard_reason=CONTENT_BY_KEY,
            ),
            # What outlived a stack that is gone is taken into the new one.
            Grant(
                sid="FindBucketsLeftBehind",
                actions=("s3:ListBucket", "s3:DeleteBucketPolicy"),
                resources=tuple(f"arn:aws:s3:::{self.names.bucket(each)}" for each in CORE_BUCKETS),
            ),
            Grant(
                sid="FindLogsLeftBehind",
                actions=("logs:DescribeLogGroups",),
                resources=("*",),
                wildcard_reason="Log groups are listed by prefix; the permission is checked on all of them.",
            ),
            Grant(
                sid="RunCanary",
                actions=("states:StartExecution",),
                resources=(f"arn:aws:states:{region}:{account}:stateMachine:{machine}",),
            ),
            Grant(
                sid="FollowCanary",
                actions=("states:DescribeExecution", "states:GetExecutionHistory"),
                resources=(f"arn:aws:states:{region}:{account}:execution:{machine}:*",),
                wildcard_reason="Step Functions names the executions; the state machine is fixed.",
            ),
        )

"""Stack s0-operations: snapshot vault, functions for snapshots, rollbacks, promotions and the watch, topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from stacks.assets.packages import Packages
from stacks.assets.release import Release
from stacks.component import ComponentStack
from stacks.elsewhere import Elsewhere
from stacks.failure_rules import react_to_failures
from stacks.operations_schedules import retry_promotions, take_daily_snapshots, watch_the_environment
from stacks.permissions.backup import anchor_grant
from stacks.permissions.common import lambda_basics
from stacks.permissions.operations import OperationsGrants
from stacks.vault import add_vault, copy_vault
from vectora_constructs.code_layer import CodeLayer
from vectora_constructs.lost_events_alarm import LostEventsAlarm
from vectora_constructs.notifications import S3, Notifications
from vectora_constructs.private_bucket import PrivateBucket
from vectora_constructs.python_function import PythonFunction
from vectora_constructs.service_role import Grant, ServiceRole
from vectora_constructs.snapshot_before_deployment import SnapshotBeforeDeployment
from vectora_ops.names import (
    OPERATIONS_LAYER,
    PIPELINE,
    POLICY,
    LayerContent,
    Names,
    OperationsTask,
)
from vectora_ops.settings import EnvironmentSettings, Promotion
from vectora_ops.settings import Schedule as Newsletters

ONE_VCPU_MEMORY_MB = 1769
DROPPED_EVENTS_RAISE_AN_ALARM = (
    "An alarm notifies the operators of an event that is dropped after its retry. The event itself goes nowhere: those "
    "of CodePipeline and CloudFormation carry credentials and signed addresses, which no queue and no mail may hold."
)
# By construct id: the function's task, and its folder in lambda_src.
OPERATIONS_FUNCTIONS: Mapping[str, tuple[OperationsTask, str]] = {
    "Snapshot": ("snapshot", "snapshot"),
    "Rollback": ("rollback", "rollback"),
    "SmokeTest": ("smoke-test", "smoke_test"),
    "Promotion": ("promotion", "promotion"),
    "Watch": ("watch", "watch"),
}


class OperationsStack(ComponentStack):
    """Stack `{project}-s0-operations-{env}`, deployed before all others of the environment."""

    def __init__(
        self,
        scope: Construct,
        *,
        names: Names,
        settings: EnvironmentSettings,
        packages: Packages,
        release: Release,
        preceding: Names | None,
        following: tuple[Names, Promotion] | None,
        elsewhere: Elsewhere,
        approval_days: int,
    ) -> None:
        """Add the stack; releases come from environment `preceding`, and go to `following` if they pass its gates.

        An approval of the pipeline expires after `approval_days`.
        """
        super().__init__(
            scope,
            layer=OPERATIONS_LAYER,
            component="operations",
            description="Vectora Inbox, operations: vault, and functions for snapshots, rollbacks and promotions.",
            names=names,
            settings=settings,
        )
        self._packages = packages
        self._elsewhere = elsewhere
        self._preceding = preceding
        vault = add_vault(self)
        notifications = self._notifications()
        self._topic_arn = notifications.resource.ref
        if settings.backup:
            copy_vault(self, vault, notifications, settings.backup)
        layers = self._layers()
        grants = OperationsGrants(
            names=names,
            region=settings.region,
            preceding=preceding,
            following=following[0] if following else None,
            elsewhere=elsewhere,
        )
        snapshot = self._snapshot(layers, grants)
        rollback = self._rollback(layers, grants)
        self._smoke_test(layers, grants)
        promotion = self._promotion(layers, grants, following)
        self._policy()
        self._watch(layers, grants, approval_days)
        react_to_failures(self, rollback, machine_arn=grants.machine_arn, pipeline_account=elsewhere.pipeline_account)
        if following:
            retry_promotions(self, promotion, following[1], invoke=grants.invoke("promotion"))
        before_deployment = SnapshotBeforeDeployment(
            self,
            "SnapshotBeforeDeployment",
            snapshot_function_arn=snapshot.resource.attr_arn,
            release_digest=release.digest,
        ).resource
        # The snapshot is stored in the vault, and anchored by function promotion.
        before_deployment.add_resource_dependency(vault.resource)
        before_deployment.add_resource_dependency(promotion.resource)
        self._outputs(vault, snapshot, rollback)

    def _outputs(self, vault: PrivateBucket, snapshot: PythonFunction, rollback: PythonFunction) -> None:
        self.output("SnapshotsBucketName", vault.resource.ref, "Name of the vault")
        self.output("OperationsTopicArn", self._topic_arn, "ARN of the topic that tells the operators")
        self.output("SnapshotFunctionName", snapshot.resource.ref, "Name of the function that takes snapshots")
        self.output("RollbackFunctionName", rollback.resource.ref, "Name of the function that rolls back")

    def _notifications(self) -> Notifications:
        return Notifications(
            self,
            "OperationsTopic",
            topic_name=self.names.topic("operations"),
            emails=self.settings.operators,
            further_services=(S3,) if self.settings.backup else (),
        )

    def _promotion(
        self, layers: Sequence[str], grants: OperationsGrants, following: tuple[Names, Promotion] | None
    ) -> PythonFunction:
        next_env = (following[0].env,) if following else ()
        return self._function(
            "Promotion",
            "Records releases and snapshots, and judges what may go on",
            layers,
            (*grants.promotion(), *self._anchors_in_copy()),
            {
                **_gate_variables(self.names, self.settings.schedule, following),
                **({"BACKUP_REGION": self.settings.backup.region} if self.settings.backup else {}),
                **self._elsewhere.variable(PIPELINE, *self._preceding_env, *next_env),
            },
        )

    def _watch(self, layers: Sequence[str], grants: OperationsGrants, approval_days: int) -> None:
        schedule, sees_approvals = self.settings.schedule, self.settings.promotion.requires_approval
        pipeline = (PIPELINE,) if sees_approvals else ()
        watch = self._function(
            "Watch",
            "Measures what no event reports, and notifies of what lasts",
            layers,
            grants.watch(sees_approvals=sees_approvals),
            {
                "NOISE_PERCENT": str(self.settings.alarms.noise_percent),
                "MONTHLY_BUDGET_USD": str(self.settings.monthly_budget_usd),
                "RUN_SCHEDULE": schedule.model_dump_json(),
                **({"PRECEDING_ENV": self._preceding.env} if self._preceding else {}),
                **({"APPROVAL_DAYS": str(approval_days)} if sees_approvals else {}),
                **self._elsewhere.variable(*pipeline, *self._preceding_env),
            },
        )
        watch_the_environment(self, watch, invoke=grants.invoke("watch"))

    def _policy(self) -> None:
        """Record the policy by which releases come here: the gates use the stricter of it and of the next one."""
        policy = ssm.CfnParameter(
            self,
            "PromotionPolicy",
            name=self.names.parameter(POLICY),
            type="String",
            value=self.settings.promotion.model_dump_json(exclude_defaults=True),
            description="Policy by which releases are promoted into this environment",
        )
        policy.override_logical_id("PromotionPolicy")

    def _snapshot(self, layers: Sequence[str], grants: OperationsGrants) -> PythonFunction:
        snapshots = self.settings.snapshots
        function = self._function(
            "Snapshot",
            "Takes, verifies and prunes snapshots of the environment",
            layers,
            grants.snapshot(),
            {
                "SNAPSHOT_KEEP_LAST": str(snapshots.keep_last or "all"),
                "SNAPSHOT_MINIMUM_AGE_DAYS": str(snapshots.minimum_age_days),
            },
        )
        take_daily_snapshots(self, function, invoke=grants.invoke("snapshot"))
        return function

    def _rollback(self, layers: Sequence[str], grants: OperationsGrants) -> PythonFunction:
        return self._function(
            "Rollback",
            "Rolls the environment back to a snapshot and proves it",
            layers,
            grants.rollback(),
            {
                "PROMOTION_WATCH_HOURS": str(self.settings.promotion.watch_hours),
                "FAILED_RUNS_A_DAY": str(self.settings.alarms.failed_runs),
                "ALARM_NOISE_PERCENT": f"{self.settings.alarms.noise_percent:g}",
                **self._elsewhere.variable(PIPELINE, *self._preceding_env),
            },
        )

    def _smoke_test(self, layers: Sequence[str], grants: OperationsGrants) -> None:
        description = "Runs the engine on the canary and reads its newsletter"
        self._function("SmokeTest", description, layers, grants.smoke_test(), {})

    def _anchors_in_copy(self) -> tuple[Grant, ...]:
        backup = self.settings.backup
        return (anchor_grant(self.names, backup.account_beside(self.settings.account)),) if backup else ()

    @property
    def _preceding_env(self) -> tuple[str, ...]:
        return (self._preceding.env,) if self._preceding else ()

    def _layers(self) -> tuple[str, str]:
        """Return the ARNs of the layers."""
        return (
            self._layer("VectoraOpsLayer", "vectora-ops", "Operations, packages vectora_ops and vectora_core"),
            self._layer("OpsDepsLayer", "ops-deps", "Third-party packages of the operations, locked by hash"),
        )

    def _layer(self, construct_id: str, content: LayerContent, description: str) -> str:
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
        self,
        construct_id: str,
        description: str,
        layers: Sequence[str],
        grants: Sequence[Grant],
        environment: Mapping[str, str],
    ) -> PythonFunction:
        task, folder = OPERATIONS_FUNCTIONS[construct_id]
        role = ServiceRole(
            self,
            f"{construct_id}Role",
            role_name=self.names.role(task),
            service="lambda.amazonaws.com",
            description=description,
            path=self.names.role_path,
            boundary_arn=self.boundary_arn,
            policy_name=f"{construct_id}Policy",
            grants=(*lambda_basics(self.names, self.settings.region, task), *grants),
        ).resource
        function = PythonFunction(
            self,
            construct_id,
            function_name=self.names.function(task),
            description=description,
            code=self.asset(f"{construct_id}Package", self._packages.function(folder)),
            layer_arns=layers,
            role_arn=role.attr_arn,
            memory_mb=ONE_VCPU_MEMORY_MB,
            timeout_seconds=900,
            environment={**self._variables(), **environment},
            log_retention_days=self.settings.logs.retention_days,
            removal_policy=self.removal_policy,
            why_no_dead_letters=DROPPED_EVENTS_RAISE_AN_ALARM,
        )
        self._retry_once(f"{construct_id}Failures", function)
        LostEventsAlarm(
            self,
            f"{construct_id}LostEvents",
            alarm_name=self.names.alarm(f"{task}-lost-events"),
            function=function,
            topic_arn=self._topic_arn,
        )
        return function

    def _retry_once(self, construct_id: str, function: PythonFunction) -> None:
        retries = lambda_.CfnEventInvokeConfig(
            self,
            construct_id,
            function_name=function.resource.ref,
            qualifier="$LATEST",
            maximum_retry_attempts=1,
        )
        retries.override_logical_id(construct_id)
        cdk.Validations.of(retries).acknowledge(
            cdk.Acknowledgment(id="Serverless-LambdaAsyncFailureDestination", reason=DROPPED_EVENTS_RAISE_AN_ALARM)
        )

    def _variables(self) -> dict[str, str]:
        """Return the variables of every function."""
        return {
            "ENV": self.names.env,
            "PROJECT_NAME": self.names.project,
            **({"BUCKET_SUFFIX": self.names.bucket_suffix} if self.names.bucket_suffix else {}),
            "LOG_LEVEL": self.settings.logs.level,
            "NOTIFICATIONS_TOPIC_ARN": self._topic_arn,
        }


def _gate_variables(own: Names, schedule: Newsletters, following: tuple[Names, Promotion] | None) -> dict[str, str]:
    if following is None:
        return {}
    names, policy = following
    suffix = {} if names.bucket_suffix == own.bucket_suffix else {"NEXT_BUCKET_SUFFIX": names.bucket_suffix}
    return {
        "NEXT_ENV": names.env,
        "NEXT_PROMOTION": policy.model_dump_json(exclude_defaults=True),
        # Gates name the next scheduled runs.
        "RUN_SCHEDULE": schedule.model_dump_json(),
        **suffix,
    }

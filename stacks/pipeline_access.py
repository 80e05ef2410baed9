"""Ways of the pipeline into environments of other accounts and regions, and of those environments to the pipeline."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import pipelines
from constructs import Construct

from pipeline_relay.relay import ENVIRONMENT_KEY, TASK_KEY
from stacks.artifact_copies import regions_of_the_pipeline
from stacks.assets.packages import Packages
from stacks.elsewhere import (
    environments_apart,
    function_role,
    operates_pipeline,
    relay_role,
    relay_routes,
    role_arn,
    routes_variable,
    stage_failed_rule,
)
from stacks.permissions.access import assume, operate_pipeline
from stacks.permissions.common import ANSWER_JOBS, TRACE
from vectora_constructs.function_rule import RETRIED_FOR_A_DAY
from vectora_constructs.lost_events_alarm import LostEventsAlarm
from vectora_constructs.python_function import PythonFunction
from vectora_constructs.service_role import Grant, ServiceRole
from vectora_constructs.trusted_role import TrustedRole
from vectora_ops.names import STAGE_CHANGED, UNFINISHED_STAGE_STATES, Names, OperationsTask
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings, environment_after

RELAY_SECONDS = 900  # the longest that Lambda allows, as for the functions that it waits for
RELAY_MEMORY_MB = 256
ALARM_PERIOD_SECONDS = 300
LOST_JOBS_RAISE_AN_ALARM = (
    "An alarm notifies the operators of a job that is dropped after its retry. Jobs carry credentials, which no queue "
    "and no mail may hold."
)


def crosses_accounts(settings: Settings) -> bool:
    """Return whether an environment is in another account than the pipeline."""
    tools = settings.pipeline_place.account
    return any(settings.place(env).account != tools for env in ENVIRONMENT_NAMES)


def artifacts_key(stack: cdk.Stack, settings: Settings) -> kms.Key | None:
    """Return a key for the artifacts when other accounts read them: none may use the key that S3 manages."""
    if not crosses_accounts(settings):
        return None
    return kms.Key(
        stack,
        "ArtifactsKey",
        description="Encrypts the pipeline's artifacts, which deployments in other accounts read",
        enable_key_rotation=True,
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )


def invoked_function(settings: Settings, names: Names, task: OperationsTask) -> tuple[str, Mapping[str, str]]:
    """Return the function that an action invokes for a step, and the parameters by which a relay finds the step's."""
    if settings.is_beside_the_pipeline(names.env):
        return names.function(task), {}
    return names.relay, {ENVIRONMENT_KEY: names.env, TASK_KEY: task}


class PipelineAccess(Construct):
    """Relay of the pipeline's steps, and for each environment elsewhere a role, and a rule that sends it events.

    It has nothing when all environments are beside the pipeline.
    """

    def __init__(self, scope: Construct, *, settings: Settings, packages: Packages, topic_arn: str) -> None:
        super().__init__(scope, "Access")
        self._settings = settings
        self._region = settings.pipeline_place.region
        self._topic_arn = topic_arn
        apart = environments_apart(settings)
        if apart:
            self._relay(apart[0], packages)
        for names in apart:
            self._send_events(names)
            self._let_operate(names)

    def _relay(self, names: Names, packages: Packages) -> None:
        routes = relay_routes(self._settings)
        package = packages.relay()
        logs = f"arn:aws:logs:{self._region}:${{AWS::AccountId}}:log-group:/aws/lambda/{names.relay}"
        path, _, name = relay_role(names).rpartition("/")
        description = "Runs the pipeline's steps in environments of other accounts and regions"
        role = ServiceRole(
            self,
            "RelayRole",
            role_name=name,
            path=f"{path}/",
            boundary_arn=f"arn:aws:iam::{cdk.Aws.ACCOUNT_ID}:policy/{names.pipeline_boundary}",
            service="lambda.amazonaws.com",
            description=description,
            policy_name="RelayPolicy",
            grants=(
                Grant(
                    sid="WriteLogs",
                    actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                    resources=(f"{logs}:*",),
                    wildcard_reason="Lambda names the log streams; the log group is the function's own.",
                ),
                TRACE,
                ANSWER_JOBS,
                *(assume(f"Enter{env.capitalize()}", route.role_arn) for env, route in routes.items()),
            ),
        ).resource
        relay = PythonFunction(
            self,
            "Relay",
            function_name=names.relay,
            description=description,
            code=s3_assets.Asset(
                self, "RelayPackage", path=str(package.path), asset_hash=package.digest, display_name="Relay"
            ),
            layer_arns=(),
            role_arn=role.attr_arn,
            memory_mb=RELAY_MEMORY_MB,
            timeout_seconds=RELAY_SECONDS,
            environment={"PROJECT_NAME": names.project, **routes_variable(routes)},
            log_retention_days=self._settings.environment(ENVIRONMENT_NAMES[-1]).logs.retention_days,
            removal_policy=cdk.RemovalPolicy.DESTROY,
            why_no_dead_letters=LOST_JOBS_RAISE_AN_ALARM,
        )
        relay.resource.handler = "pipeline_relay.handler.lambda_handler"
        retries = lambda_.CfnEventInvokeConfig(
            self, "RelayFailures", function_name=relay.resource.ref, qualifier="$LATEST", maximum_retry_attempts=1
        )
        cdk.Validations.of(retries).acknowledge(
            cdk.Acknowledgment(id="Serverless-LambdaAsyncFailureDestination", reason=LOST_JOBS_RAISE_AN_ALARM)
        )
        LostEventsAlarm(
            self,
            "RelayLostEvents",
            alarm_name=f"{names.relay}-lost-events",
            function=relay,
            topic_arn=self._topic_arn,
        )

    def _send_events(self, names: Names) -> None:
        """Send the failures of the environment's stage to its own event bus, whose rule rolls it back."""
        place, title = self._settings.place(names.env), names.env.capitalize()
        bus = f"arn:aws:events:{place.region}:{place.account}:event-bus/default"
        path, _, name = f"{names.pipeline_role_path}{names.role('stage-failed')}".rpartition("/")
        role = ServiceRole(
            self,
            f"StageFailedRole{title}",
            role_name=name,
            path=f"{path}/",
            boundary_arn=f"arn:aws:iam::{cdk.Aws.ACCOUNT_ID}:policy/{names.pipeline_boundary}",
            service="events.amazonaws.com",
            description=f"Sends the failures of stage {names.env} to the environment's event bus",
            policy_name="StageFailedPolicy",
            grants=(Grant(sid="SendEvents", actions=("events:PutEvents",), resources=(bus,)),),
        ).resource
        rule = events.CfnRule(
            self,
            f"StageFailed{title}",
            name=stage_failed_rule(names),
            description=f"Reports to {names.env} what the pipeline failed to deploy, so that it rolls back",
            event_pattern={
                "source": ["aws.codepipeline"],
                "detail-type": [STAGE_CHANGED],
                "detail": {
                    "pipeline": [names.pipeline],
                    "stage": [names.env],
                    "state": list(UNFINISHED_STAGE_STATES),
                },
            },
            state="ENABLED",
            targets=[events.CfnRule.TargetProperty(id="Environment", arn=bus, role_arn=role.attr_arn)],
        )
        cdk.Validations.of(rule).acknowledge(cdk.Acknowledgment(id="Serverless-EventBusDLQ", reason=RETRIED_FOR_A_DAY))
        # An event that does not arrive rolls nothing back (metric FailedInvocations, EventBridge user guide).
        cloudwatch.CfnAlarm(
            self,
            f"StageFailedLost{title}",
            alarm_name=f"{names.pipeline}-stage-failed-lost-{names.env}",
            alarm_description=f"A failed stage could not be reported to {names.env}: roll it back by hand.",
            namespace="AWS/Events",
            metric_name="FailedInvocations",
            dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name="RuleName", value=rule.ref)],
            statistic="Sum",
            period=ALARM_PERIOD_SECONDS,
            evaluation_periods=1,
            threshold=1,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[self._topic_arn],
        )

    def _let_operate(self, names: Names) -> None:
        """Let the environment's functions hold and retry its stages, and read how an execution ended."""
        following = environment_after(names.env)
        account = self._settings.place(names.env).account
        tasks: list[OperationsTask] = ["rollback", "promotion"]
        if self._settings.environment(names.env).promotion.requires_approval:
            # It reads how long the stage has been waiting.
            tasks.append("watch")
        TrustedRole(
            self,
            f"OperatesPipelineRole{names.env.capitalize()}",
            role=operates_pipeline(names),
            trusted=tuple(role_arn(account, function_role(names, task)) for task in tasks),
            description=f"Functions of {names.env}: hold and retry promotions, read executions",
            grants=operate_pipeline(names, self._region, self._settings.names(following) if following else None),
        )


def let_publish_across_accounts(publishing: iam.Role, settings: Settings) -> None:
    """Let the build that publishes assets assume the deploy roles of other accounts.

    The CLI reads the version of a bootstrap under its deploy role, and falls back to the build's own credentials in
    the same account only (aws-cdk-cli, environment-access.ts).
    """
    tools = settings.pipeline_place.account
    others = (env for env in ENVIRONMENT_NAMES if settings.place(env).account != tools)
    roles = [bootstrap_role(settings, env, "deploy") for env in others]
    if roles:
        publishing.add_to_policy(iam.PolicyStatement(actions=["sts:AssumeRole"], resources=roles))


def bootstrap_role(settings: Settings, env: str, purpose: str) -> str:
    """Return the ARN of a role of an environment's bootstrap."""
    place, qualifier = settings.place(env), settings.names(env).bootstrap_qualifier
    return role_arn(place.account, f"/cdk-{qualifier}-{purpose}-role-{place.account}-{place.region}")


def limit_self_mutation(delivery: pipelines.CodePipeline, settings: Settings) -> None:
    """Let the build that updates the pipeline assume the roles of the pipeline's own bootstrap only.

    CDK Pipelines lets it assume every role of its account that is tagged as one of a bootstrap, which includes those of
    the environments (aws-cdk-lib, pipelines/lib/codepipeline/codepipeline.ts).
    """
    role = delivery.self_mutation_project.role
    assert isinstance(role, iam.Role)  # noqa: S101
    prefix = f"arn:aws:iam::{cdk.Aws.ACCOUNT_ID}:role/cdk-{settings.pipeline_names.pipeline_bootstrap_qualifier}"
    role.add_to_policy(
        iam.PolicyStatement(
            sid="OnlyTheOwnBootstrap",
            effect=iam.Effect.DENY,
            actions=["sts:AssumeRole"],
            not_resources=[
                f"{prefix}-{purpose}-role-{cdk.Aws.ACCOUNT_ID}-{region}"
                for region in regions_of_the_pipeline(settings)
                for purpose in ("deploy", "file-publishing")
            ],
        )
    )

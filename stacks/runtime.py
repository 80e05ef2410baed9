"""Stack s1-runtime: layers, functions, newsletter workflow, schedules and published configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from stacks.assets.packages import Packages
from stacks.assets.release import Release
from stacks.component import ComponentStack
from stacks.delivery import add_delivery
from stacks.engine_function import FAILURE_IS_REPORTED_BY_THE_RUN, engine_function
from vectora_constructs.code_layer import CodeLayer
from vectora_constructs.newsletter_workflow import NewsletterWorkflow
from vectora_constructs.published_configuration import PublishedConfiguration
from vectora_constructs.python_function import PythonFunction
from vectora_constructs.schedule import Schedule
from vectora_ops.alarm_settings import RUN_TIMEOUT_MINUTES
from vectora_ops.names import DELIVERY_TASK, FunctionTask, Names, schedule_id
from vectora_ops.settings import EnvironmentSettings
from vectora_shared.config.client import ClientConfig


class RuntimeStack(ComponentStack):
    """Stack `{project}-s1-runtime-{env}`."""

    def __init__(
        self,
        scope: Construct,
        *,
        names: Names,
        settings: EnvironmentSettings,
        packages: Packages,
        clients: Sequence[ClientConfig],
        release: Release,
    ) -> None:
        super().__init__(
            scope,
            layer="s1-runtime",
            component="runtime",
            description="Vectora Inbox, runtime: layers, functions, workflow, schedules and published configuration.",
            names=names,
            settings=settings,
        )
        self._packages = packages
        core_layer, dependencies_layer = self._layers()
        self._layer_arns = (core_layer.resource.ref, dependencies_layer.resource.ref)
        normalize_score = self._normalize_score()
        newsletter = self._newsletter()
        deliver = self._deliver()
        configuration = self._published_configuration()
        # Content after the code that reads it: if the code cannot be deployed, the content does not change either.
        for function in (normalize_score, newsletter, *deliver):
            configuration.resource.node.add_dependency(function.resource)
        workflow = self._workflow(delivers=bool(deliver))
        self._schedules(clients, workflow)
        self._record_release(release, after=configuration)

        self.output("StateMachineArn", workflow.resource.ref, "ARN of the state machine that makes a newsletter")
        self.output(
            "NormalizeScoreV2FunctionArn", normalize_score.resource.attr_arn, "ARN of the normalize-score function"
        )
        self.output("NewsletterV2FunctionArn", newsletter.resource.attr_arn, "ARN of the newsletter function")
        self.output("VectoraCoreLayerArn", core_layer.resource.ref, "ARN of the version of layer vectora-core in use")
        self.output(
            "CommonDepsLayerArn", dependencies_layer.resource.ref, "ARN of the version of layer common-deps in use"
        )

    def _layers(self) -> tuple[CodeLayer, CodeLayer]:
        core_layer = CodeLayer(
            self,
            "VectoraCoreLayer",
            layer_name=self.names.layer("vectora-core"),
            description="The newsletter engine, package vectora_core",
            content=self.asset("VectoraCorePackage", self._packages.engine_layer()),
            parameter_name=self.names.parameter("layers/vectora-core"),
        )
        dependencies_layer = CodeLayer(
            self,
            "CommonDepsLayer",
            layer_name=self.names.layer("common-deps"),
            description="Third-party packages of the engine, locked by hash",
            content=self.asset("CommonDepsPackage", self._packages.dependencies_layer()),
            parameter_name=self.names.parameter("layers/common-deps"),
        )
        return core_layer, dependencies_layer

    def _normalize_score(self) -> PythonFunction:
        model = self.settings.model
        return self._function(
            "NormalizeScoreV2",
            task="normalize-score-v2",
            description="Normalizes, matches and scores the ingested items of a client",
            environment={
                "DATA_BUCKET": self.names.bucket("data"),
                "BEDROCK_MODEL_ID": model.id,
                "BEDROCK_REGION": model.region,
                "ANALYZER": model.analyzer,
                "ANALYZER_FALLBACK": model.fallback,
                "MODEL_CONCURRENCY": str(model.concurrency),
                "MODEL_MAX_ATTEMPTS": str(model.max_attempts),
                "MODEL_RETRY_MODE": model.retry_mode,
            },
        )

    def _newsletter(self) -> PythonFunction:
        return self._function(
            "NewsletterV2",
            task="newsletter-v2",
            description="Selects the items of a client's newsletter and writes it in all formats",
            environment={
                "DATA_BUCKET": self.names.bucket("data"),
                "NEWSLETTERS_BUCKET": self.names.bucket("newsletters"),
                "BEDROCK_MODEL_ID": self.settings.model.id,
                "BEDROCK_REGION": self.settings.model.region,
            },
        )

    def _deliver(self) -> tuple[PythonFunction, ...]:
        """Add the delivery of an environment that has one, and return its function."""
        delivery = self.settings.delivery
        if delivery is None:
            return ()
        return (add_delivery(self, delivery, packages=self._packages, layer_arns=self._layer_arns),)

    def _published_configuration(self) -> PublishedConfiguration:
        publisher = self._function(
            "PublishConfiguration",
            task="publish-configuration",
            description="Publishes a release's configuration content to the config bucket; called by CloudFormation",
            memory_mb=512,
            environment={},
            why_no_dead_letters="CloudFormation waits for its answer and fails the deployment when none comes.",
        )
        content = self._packages.configuration()
        return PublishedConfiguration(
            self,
            "PublishedConfiguration",
            publisher_arn=publisher.resource.attr_arn,
            content=self.asset("ConfigurationContent", content),
            content_digest=content.digest,
            config_bucket_name=self.names.bucket("config"),
        )

    def _workflow(self, *, delivers: bool) -> NewsletterWorkflow:
        names = self.names
        return NewsletterWorkflow(
            self,
            "NewsletterWorkflow",
            state_machine_name=names.state_machine,
            log_group_name=names.state_machine_log_group,
            role_arn=self.shared_parameter(
                "WorkflowRoleParameter", "roles/newsletter-workflow", "Role of the newsletter workflow"
            ),
            ingest_function_name=names.function("ingest-v2"),
            normalize_score_function_name=names.function("normalize-score-v2"),
            newsletter_function_name=names.function("newsletter-v2"),
            deliver_function_name=names.function(DELIVERY_TASK) if delivers else None,
            timeout_seconds=RUN_TIMEOUT_MINUTES * 60,
            log_retention_days=self.settings.logs.retention_days,
            removal_policy=self.removal_policy,
        )

    def _schedules(self, clients: Sequence[ClientConfig], workflow: NewsletterWorkflow) -> None:
        role = self.shared_parameter(
            "ScheduleRoleParameter", "roles/newsletter-schedule", "Role of the newsletter schedules"
        )
        for client in clients:
            if client.client_profile.active:
                self._schedule(client, workflow=workflow, role_arn=role)

    def _function(
        self,
        construct_id: str,
        *,
        task: FunctionTask,
        description: str,
        memory_mb: int = 1024,
        environment: Mapping[str, str],
        why_no_dead_letters: str = FAILURE_IS_REPORTED_BY_THE_RUN,
    ) -> PythonFunction:
        return engine_function(
            self,
            construct_id,
            task=task,
            description=description,
            packages=self._packages,
            layer_arns=self._layer_arns,
            memory_mb=memory_mb,
            environment=environment,
            why_no_dead_letters=why_no_dead_letters,
        )

    def _schedule(self, client: ClientConfig, *, workflow: NewsletterWorkflow, role_arn: str) -> None:
        profile = client.client_profile
        schedule = self.settings.schedule
        expression = {"daily": schedule.daily, "weekly": schedule.weekly, "monthly": schedule.monthly}[
            profile.frequency
        ]
        Schedule(
            self,
            schedule_id(profile.client_id),
            schedule_name=self.names.schedule(profile.client_id, profile.frequency),
            description=f"Makes the {profile.frequency} newsletter of client {profile.client_id}",
            expression=expression,
            time_zone=schedule.time_zone,
            enabled=schedule.enabled,
            target_arn=workflow.resource.ref,
            role_arn=role_arn,
            target_input={"client_id": profile.client_id},
        )

    def _record_release(self, release: Release, *, after: PublishedConfiguration) -> None:
        parameter = ssm.CfnParameter(
            self,
            "Release",
            name=self.names.parameter("release"),
            type="String",
            value=release.as_json(),
            description="The release that is deployed: digest of its content and version",
        )
        parameter.node.add_dependency(after.resource)
        self.output("ReleaseDigest", release.digest, "Digest of the content of the release that is deployed")

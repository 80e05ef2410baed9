"""Stack s0-iam: roles of the engine's functions, of the newsletter workflow and of its schedules."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from stacks.component import ComponentStack
from stacks.permissions.engine import EngineGrants
from vectora_constructs.service_role import Grant, ServiceRole
from vectora_ops.delivery_settings import Delivery
from vectora_ops.names import Names
from vectora_ops.settings import EnvironmentSettings

LAMBDA = "lambda.amazonaws.com"
# Operators' scripts for the running system read these outputs; other roles are found through their parameters.
OUTPUT_IN_THE_RUNNING_SYSTEM = ("IngestNormalizeRole", "EngineRole")


class IamStack(ComponentStack):
    """Stack `{project}-s0-iam-{env}`."""

    def __init__(self, scope: Construct, *, names: Names, settings: EnvironmentSettings) -> None:
        super().__init__(
            scope,
            layer="s0-iam",
            component="iam",
            description="Vectora Inbox, permissions: a role for each function, for the workflow and for the schedules.",
            names=names,
            settings=settings,
        )
        grants = EngineGrants(names=names, settings=settings)
        self._engine_roles(grants, settings.delivery)
        self._workflow_roles(grants)

    def _engine_roles(self, grants: EngineGrants, delivery: Delivery | None) -> None:
        self._role(
            "IngestNormalizeRole",
            service=LAMBDA,
            description="Ingestion: reads the configuration, writes ingested items",
            policy_name="IngestNormalizePolicy",
            name="ingest-v2",
            grants=grants.ingest(),
        )
        self._role(
            "NormalizeScoreRole",
            service=LAMBDA,
            description="Normalization and scoring: reads ingested items, asks the model, writes curated items",
            policy_name="NormalizeScorePolicy",
            name="normalize-score-v2",
            grants=grants.normalize_score(),
        )
        self._role(
            "EngineRole",
            service=LAMBDA,
            description="Newsletter: reads curated items, writes the newsletter and its manifest",
            policy_name="EnginePolicy",
            name="newsletter-v2",
            grants=grants.newsletter(),
        )
        if delivery:
            self._role(
                "DeliverRole",
                service=LAMBDA,
                description="Delivery: sends issues from one SES identity, records who got them",
                policy_name="DeliverPolicy",
                name="deliver-v2",
                grants=grants.deliver(delivery),
            )
        self._role(
            "PublishConfigurationRole",
            service=LAMBDA,
            description="Publication of a release's configuration content to the config bucket",
            policy_name="PublishConfigurationPolicy",
            name="publish-configuration",
            grants=grants.publish_configuration(),
        )

    def _workflow_roles(self, grants: EngineGrants) -> None:
        self._role(
            "WorkflowRole",
            service="states.amazonaws.com",
            description="Newsletter workflow: invokes the three functions of the engine",
            policy_name="WorkflowPolicy",
            name="newsletter-workflow",
            grants=grants.workflow(),
        )
        self._role(
            "ScheduleRole",
            service="scheduler.amazonaws.com",
            description="Newsletter schedules: start the newsletter workflow",
            policy_name="SchedulePolicy",
            name="newsletter-schedule",
            grants=grants.schedule(),
        )

    def _role(
        self,
        logical_id: str,
        *,
        service: str,
        description: str,
        policy_name: str,
        name: str,
        grants: Sequence[Grant],
    ) -> None:
        is_of_the_running_system = logical_id in OUTPUT_IN_THE_RUNNING_SYSTEM
        role = ServiceRole(
            self,
            logical_id,
            # CloudFormation generated the names of the running system's roles; a generated name cannot collide.
            role_name=None if is_of_the_running_system else self.names.role(name),
            service=service,
            description=description,
            # A path would replace the roles of an adopted system, to which a rollback must be able to return.
            path=None if is_of_the_running_system and self.settings.is_adopted else self.names.role_path,
            boundary_arn=self.boundary_arn,
            policy_name=policy_name,
            grants=grants,
        ).resource
        ssm.CfnParameter(
            self,
            f"{logical_id}ArnParameter",
            name=self.names.parameter(f"roles/{name}"),
            type="String",
            value=role.attr_arn,
            description=f"ARN of the role: {description}",
        )
        if is_of_the_running_system:
            self.output(f"{logical_id}Arn", role.attr_arn, f"ARN of the role: {description}")
            self.output(f"{logical_id}Name", role.ref, f"Name of the role: {description}")

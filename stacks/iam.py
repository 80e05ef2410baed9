"""s0-iam: one role a function, each with what it does and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from stacks.component import ComponentStack
from stacks.permissions.common import TRACE, assets_bucket_arn, lambda_basics
from vectora_constructs.service_role import Grant, ServiceRole
from vectora_ops.names import Names
from vectora_ops.settings import EnvironmentSettings

LAMBDA = "lambda.amazonaws.com"
# Scripts of the operators read these; what is new is found through its parameter.
OUTPUT_IN_THE_RUNNING_SYSTEM = ("IngestNormalizeRole", "EngineRole")
KEYS_ARE_DAYS = "Keys carry client, day and file name, which are not known when the role is made; the prefix is fixed."


class IamStack(ComponentStack):
    def __init__(self, scope: Construct, *, names: Names, settings: EnvironmentSettings) -> None:
        super().__init__(
            scope,
            layer="s0-iam",
            component="iam",
            description="Vectora Inbox, permissions: a role for each function, for the workflow and for the schedules.",
            names=names,
            settings=settings,
        )
        config, data, newsletters = (f"arn:aws:s3:::{names.bucket(b)}" for b in ("config", "data", "newsletters"))

        read_configuration = (
            Grant(
                sid="ReadConfiguration",
                actions=("s3:GetObject",),
                resources=(f"{config}/canonical/*", f"{config}/clients/*"),
                wildcard_reason="Canonical and client files are added with releases; the two prefixes are fixed.",
            ),
            # Listing is what tells a missing object from a forbidden one, so that a run can name the missing file.
            Grant(sid="ListConfiguration", actions=("s3:ListBucket",), resources=(config,)),
        )
        list_data = Grant(sid="ListData", actions=("s3:ListBucket",), resources=(data,))

        self._role(
            "IngestNormalizeRole",
            service=LAMBDA,
            description="Ingestion: reads the configuration, writes ingested items",
            policy_name="IngestNormalizePolicy",
            name="ingest-v2",
            grants=(
                *self._lambda_basics("ingest-v2"),
                *read_configuration,
                list_data,
                Grant(
                    sid="ReadEarlierRuns",
                    actions=("s3:GetObject",),
                    resources=(f"{data}/ingested/*",),
                    wildcard_reason=KEYS_ARE_DAYS,
                ),
                Grant(
                    sid="WriteIngestedItems",
                    actions=("s3:PutObject",),
                    resources=(f"{data}/ingested/*",),
                    wildcard_reason=KEYS_ARE_DAYS,
                ),
                Grant(
                    sid="ReadPubmedApiKey",
                    actions=("ssm:GetParameter",),
                    resources=(
                        f"arn:aws:ssm:{settings.region}:${{AWS::AccountId}}:parameter{names.pubmed_api_key_parameter}",
                    ),
                ),
            ),
        )
        self._role(
            "NormalizeScoreRole",
            service=LAMBDA,
            description="Normalization and scoring: reads ingested items, asks the model, writes curated items",
            policy_name="NormalizeScorePolicy",
            name="normalize-score-v2",
            grants=(
                *self._lambda_basics("normalize-score-v2"),
                *read_configuration,
                list_data,
                Grant(
                    sid="ReadIngestedItems",
                    actions=("s3:GetObject",),
                    resources=(f"{data}/ingested/*",),
                    wildcard_reason=KEYS_ARE_DAYS,
                ),
                Grant(
                    sid="WriteCuratedItems",
                    actions=("s3:PutObject",),
                    resources=(f"{data}/curated/*",),
                    wildcard_reason=KEYS_ARE_DAYS,
                ),
                Grant(sid="AskModel", actions=("bedrock:InvokeModel",), resources=_model_arns(settings)),
            ),
        )
        self._role(
            "EngineRole",
            service=LAMBDA,
            description="Newsletter: reads curated items, writes the newsletter and its manifest",
            policy_name="EnginePolicy",
            name="newsletter-v2",
            grants=(
                *self._lambda_basics("newsletter-v2"),
                *read_configuration,
                list_data,
                Grant(
                    sid="ReadItemsAndReports",
                    actions=("s3:GetObject",),
                    resources=(f"{data}/curated/*", f"{data}/ingested/*/report.json"),
                    wildcard_reason=KEYS_ARE_DAYS,
                ),
                Grant(
                    sid="WriteNewsletters",
                    actions=("s3:PutObject",),
                    resources=(f"{newsletters}/*",),
                    wildcard_reason="The bucket holds newsletters only; its keys begin with the client's id.",
                ),
            ),
        )
        self._role(
            "PublishConfigurationRole",
            service=LAMBDA,
            description="Publication of a release's configuration content to the config bucket",
            policy_name="PublishConfigurationPolicy",
            name="publish-configuration",
            grants=(
                *self._lambda_basics("publish-configuration"),
                Grant(sid="ListConfiguration", actions=("s3:ListBucket",), resources=(config,)),
                Grant(
                    sid="PublishConfiguration",
                    actions=("s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
                    resources=(f"{config}/canonical/*", f"{config}/clients/*"),
                    wildcard_reason="Canonical and client files are added with releases; the two prefixes are fixed.",
                ),
                Grant(
                    sid="RecordPublication",
                    actions=("s3:GetObject", "s3:PutObject"),
                    resources=(f"{config}/published.json",),
                ),
                Grant(
                    sid="ReadContentOfRelease",
                    actions=("s3:GetObject",),
                    resources=(f"{assets_bucket_arn(self, settings.region)}/*.zip",),
                    wildcard_reason="Assets are named by the digest of their content, a new one each release.",
                ),
            ),
        )
        functions = tuple(
            f"arn:aws:lambda:{settings.region}:${{AWS::AccountId}}:function:{names.function(task)}"
            for task in ("ingest-v2", "normalize-score-v2", "newsletter-v2")
        )
        self._role(
            "WorkflowRole",
            service="states.amazonaws.com",
            description="Newsletter workflow: invokes the three functions of the engine",
            policy_name="WorkflowPolicy",
            name="newsletter-workflow",
            grants=(
                Grant(sid="InvokeEngine", actions=("lambda:InvokeFunction",), resources=functions),
                Grant(
                    sid="DeliverLogs",
                    actions=(
                        "logs:CreateLogDelivery",
                        "logs:GetLogDelivery",
                        "logs:UpdateLogDelivery",
                        "logs:DeleteLogDelivery",
                        "logs:ListLogDeliveries",
                        "logs:PutResourcePolicy",
                        "logs:DescribeResourcePolicies",
                        "logs:DescribeLogGroups",
                    ),
                    resources=("*",),
                    wildcard_reason="Log delivery actions know no resources (Step Functions guide, CloudWatch Logs).",
                ),
                _TRACE_AND_SAMPLE,
            ),
        )
        state_machine = f"arn:aws:states:{settings.region}:${{AWS::AccountId}}:stateMachine:{names.state_machine}"
        self._role(
            "ScheduleRole",
            service="scheduler.amazonaws.com",
            description="Newsletter schedules: start the newsletter workflow",
            policy_name="SchedulePolicy",
            name="newsletter-schedule",
            grants=(Grant(sid="StartRun", actions=("states:StartExecution",), resources=(state_machine,)),),
        )

    def _lambda_basics(self, task: str) -> tuple[Grant, ...]:
        return lambda_basics(self.names, self.settings.region, task)

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
        role = ServiceRole(
            self,
            logical_id,
            # Another name would replace a role of the running system.
            role_name=None if logical_id in OUTPUT_IN_THE_RUNNING_SYSTEM else self.names.role(name),
            service=service,
            description=description,
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
        if logical_id in OUTPUT_IN_THE_RUNNING_SYSTEM:
            self.output(f"{logical_id}Arn", role.attr_arn, f"ARN of the role: {description}")
            self.output(f"{logical_id}Name", role.ref, f"Name of the role: {description}")


# Step Functions decides itself which runs it traces (its guide, "IAM policies for X-Ray").
_TRACE_AND_SAMPLE = Grant(
    sid="WriteTraces",
    actions=(*TRACE.actions, "xray:GetSamplingRules", "xray:GetSamplingTargets"),
    resources=("*",),
    wildcard_reason="X-Ray's write and sampling actions know no resources (service authorization reference).",
)


def _model_arns(settings: EnvironmentSettings) -> tuple[str, ...]:
    """A call to an inference profile is checked on the profile and on the model in each region it routes to."""
    model = settings.model
    models = tuple(
        f"arn:aws:bedrock:{region}::foundation-model/{model.foundation_model_id}" for region in model.routes_to
    )
    if not model.is_inference_profile:
        return models
    return (f"arn:aws:bedrock:{model.region}:${{AWS::AccountId}}:inference-profile/{model.id}", *models)

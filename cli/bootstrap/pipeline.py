"""Permissions boundary and execution policy of the delivery pipeline.

The pipeline may be in several regions: CDK Pipelines copies its artifacts to each region that it deploys to.
"""

from __future__ import annotations

from dataclasses import dataclass

from cli.bootstrap.environment import REMOVE_ROLES, WITHOUT_RESOURCES, bounded_roles
from cli.bootstrap.policies import (
    ACCOUNT,
    DELIVER_LOGS,
    USE_KEYS_THROUGH_SERVICES,
    Document,
    Statement,
    allow,
    deny,
    document,
    keys_with_tags,
)
from cli.cdk_bootstrap import ASSUMED_ROLES
from vectora_ops.names import Names
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings

CONNECTION_SERVICES = ("codeconnections", "codestar-connections")
# CodeBuild's projects have no names in the template: CloudFormation names them after their logical ids
# (aws/aws-cdk#16992).
PROJECTS = ("Delivery*", "Pipeline*")


@dataclass(frozen=True)
class PipelinePolicies:
    """Policies of the pipeline, which deploys `environments`."""

    environments: tuple[Names, ...]
    connection_parameter: str

    def boundary(self) -> Document:
        """Return the most that any role of the pipeline may do, regardless of its own policies.

        It changes environments by the roles of their bootstraps only, and never IAM.
        """
        pipeline = self._names.pipeline
        return document(
            allow(
                ["cloudformation:DescribeStacks", "codepipeline:PutJob*", "s3:ListBucket", "xray:Put*", *DELIVER_LOGS],
                "*",
            ),
            allow(
                ["logs:CreateLog*", "logs:PutLogEvents"],
                [
                    _arn("logs", f"log-group:/aws/{each}*")
                    for each in ("codebuild/", f"lambda/{pipeline}-", f"lambda/{self._names.review_function}:")
                ],
            ),
            allow(
                ["codebuild:Batch*", "codebuild:CreateReport*", "codebuild:St*Build", "codebuild:UpdateReport"],
                [
                    _arn("codebuild", f"{kind}/{each}")
                    for kind in ("project", "report-group")
                    for each in self._projects()
                ],
            ),
            allow(
                ["s3:Abort*", "s3:DeleteObject*", "s3:Get*", "s3:List*", "s3:PutObject*"], f"arn:aws:s3:::{pipeline}-*"
            ),
            allow("sns:Publish", _arn("sns", f"{pipeline}*")),
            USE_KEYS_THROUGH_SERVICES,
            allow("lambda:InvokeFunction", [_arn("lambda", f"function:{each}") for each in self._invoked()]),
            allow([f"{service}:UseConnection" for service in CONNECTION_SERVICES], "*"),
            allow(
                "ssm:GetParameter*",
                [_arn("ssm", f"parameter/{each}/*") for each in ("cdk-bootstrap", f"{self._names.project}/pipeline")],
            ),
            allow("cloudformation:GetTemplate", _arn("cloudformation", f"stack/{pipeline}/*")),
            allow(
                ["codepipeline:DisableStage*", "codepipeline:Get*", "codepipeline:List*", "codepipeline:RetryStage*"],
                [_arn("codepipeline", pipeline), _arn("codepipeline", f"{pipeline}/*")],
            ),
            allow("events:PutEvents", "arn:aws:events:*:*:event-bus/default"),
            allow("sts:AssumeRole", self._assumed_roles()),
            deny("iam:*", "*"),
        )

    def execution(self) -> Document:
        """Return what CloudFormation may do in the pipeline's stacks: the handlers' calls, on the pipeline's names.

        The actions are those of the handlers in the schemas of CloudFormation's registry.
        """
        return document(*self._delivery(), *self._roles(), *self._storage_and_notifications())

    @property
    def _names(self) -> Names:
        return self.environments[0]

    def _projects(self) -> tuple[str, ...]:
        return (*PROJECTS, f"{self._names.pipeline}-*")

    def _invoked(self) -> list[str]:
        """Return the functions of the environments' steps, and the pipeline's own."""
        tasks = ("promotion", "smoke-test", "snapshot")
        return [f"{self._names.project}-{task}-{names.env}" for names in self.environments for task in tasks] + [
            self._names.review_function,
            f"{self._names.pipeline}-*",
        ]

    def _assumed_roles(self) -> list[str]:
        qualifiers = [self._names.pipeline_bootstrap_qualifier]
        qualifiers += [names.bootstrap_qualifier for names in self.environments]
        prefix = "arn:aws:iam::*:role"
        return [
            *(f"{prefix}/cdk-{qualifier}-{kind}-role-*" for qualifier in qualifiers for kind in ASSUMED_ROLES),
            f"{prefix}{self._names.pipeline_role_path}*",
            f"{prefix}/{self._names.project}/access/*",
        ]

    def _delivery(self) -> tuple[Statement, ...]:
        pipeline = self._names.pipeline
        own, layer = (self._names.review_function, f"{pipeline}-*"), _arn("lambda", f"layer:{pipeline}-*")
        functions = [_arn("lambda", f"function:{name}") for name in own]
        return (
            allow(
                ["codepipeline:*Pipeline*", "codepipeline:*StageTransition", "codepipeline:*agResource"],
                [_arn("codepipeline", pipeline), _arn("codepipeline", f"{pipeline}/*")],
            ),
            allow("codepipeline:ListTagsForResource", _arn("codepipeline", pipeline)),
            allow(
                ["codebuild:*Project", "codebuild:BatchGetProjects"],
                [_arn("codebuild", f"project/{each}") for each in self._projects()],
            ),
            allow([f"{service}:PassConnection" for service in CONNECTION_SERVICES], "*"),
            allow(
                ["lambda:*Permission", "lambda:*agResource", "lambda:*Function*", "lambda:Get*", "lambda:ListTags"],
                functions,
            ),
            allow("lambda:PutRuntimeManagementConfig", functions),
            allow("lambda:*LayerVersion", [layer, f"{layer}:*"]),
            allow(
                ["logs:*LogGroup*", "logs:*RetentionPolicy", "logs:*agResource", "logs:ListTagsForResource"],
                [_arn("logs", f"log-group:/aws/lambda/{name}{end}") for name in own for end in ("", ":*")],
            ),
            allow(
                ["events:*Rule", "events:*Targets*", "events:*agResource", "events:ListTagsForResource"],
                [_arn("events", f"rule/{self._names.project}-{each}-*") for each in ("pipeline", "stage-failed")],
            ),
        )

    def _roles(self) -> tuple[Statement, ...]:
        names = self._names
        own = [f"arn:aws:iam::{ACCOUNT}:role{names.pipeline_role_path}*"]
        boundary = f"arn:aws:iam::{ACCOUNT}:policy/{names.pipeline_boundary}"
        return (
            *bounded_roles(own, boundary, ("codepipeline", "codebuild", "events", "lambda")),
            # Roles that an older version made without the path, before the boundary. Their tags are their stack's.
            allow(
                REMOVE_ROLES,
                f"arn:aws:iam::{ACCOUNT}:role/{names.pipeline}-*",
                {"StringEquals": {"aws:ResourceTag/Component": "pipeline", "aws:ResourceTag/Project": names.project}},
            ),
        )

    def _storage_and_notifications(self) -> tuple[Statement, ...]:
        names = self._names
        assets = f"arn:aws:s3:::cdk-{names.pipeline_bootstrap_qualifier}-assets-{ACCOUNT}-*"
        return (
            allow(
                [
                    "s3:CreateBucket",
                    "s3:DeleteBucket*",
                    "s3:GetBucket*",
                    "s3:Get*Configuration",
                    "s3:List*",
                    "s3:PutBucket*",
                    "s3:Put*Configuration",
                    "s3:*agResource",
                ],
                f"arn:aws:s3:::{names.pipeline}-*",
            ),
            allow("s3:GetObject*", f"{assets}/*"),
            allow(
                "ssm:GetParameters",
                [
                    _arn("ssm", f"parameter{self.connection_parameter}"),
                    _arn("ssm", f"parameter/{names.project}/pipeline/*"),
                ],
            ),
            allow(
                ["sns:*Topic*", "sns:Subscribe", "sns:*agResource", "sns:ListTagsForResource", "sns:*Policy"],
                _arn("sns", f"{names.pipeline}*"),
            ),
            allow(["sns:*SubscriptionAttributes", "sns:Unsubscribe", *DELIVER_LOGS, *WITHOUT_RESOURCES], "*"),
            allow("lambda:GetLayerVersion", "arn:aws:lambda:*:*:layer:*"),
            allow(
                ["cloudwatch:*Alarm*", "cloudwatch:*Dashboard*", "cloudwatch:*agResource", "cloudwatch:ListTags*"],
                [
                    _arn("cloudwatch", f"alarm:{names.pipeline}-*"),
                    f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{names.pipeline}",
                ],
            ),
            *keys_with_tags({"Project": names.project, "Component": "pipeline"}),
            allow(
                ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"],
                [f"arn:aws:kms:*:{ACCOUNT}:alias/*{names.pipeline}*", f"arn:aws:kms:*:{ACCOUNT}:key/*"],
            ),
        )


def pipeline_policies(settings: Settings) -> PipelinePolicies:
    """Return the policies of the pipeline."""
    return PipelinePolicies(
        tuple(settings.names(env) for env in ENVIRONMENT_NAMES), settings.pipeline.connection_arn_parameter
    )


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:*:{ACCOUNT}:{resource}"

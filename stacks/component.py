"""Base of the stacks of an environment: name, tags, removal policy, assets, shared parameters, outputs."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.assets.packages import Package
from vectora_ops.names import Names, StackLayer
from vectora_ops.settings import EnvironmentSettings

# RetainExceptOnCreate: resources of a failed first deployment are deleted, or the next deployment would fail with
# "already exists". S3 does not delete a bucket with objects (CloudFormation user guide, DeletionPolicy attribute).
KEEP = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


class ComponentStack(cdk.Stack):
    """Stack `{project}-{layer}-{env}`. Its id equals its name, because the CDK CLI selects stacks by id."""

    def __init__(
        self,
        scope: Construct,
        *,
        layer: StackLayer,
        component: str,
        description: str,
        names: Names,
        settings: EnvironmentSettings,
    ) -> None:
        super().__init__(
            scope,
            names.stack(layer),
            stack_name=names.stack(layer),
            description=description,
            env=cdk.Environment(account=settings.account, region=settings.region),
            # The CLI checks the bootstrap version before it deploys; the rule would add a page to each template.
            synthesizer=cdk.DefaultStackSynthesizer(
                qualifier=names.bootstrap_qualifier, generate_bootstrap_version_rule=False
            ),
        )
        self.layer = layer
        self.names = names
        self.settings = settings
        self.common_tags = {
            "Project": names.project,
            "Env": names.env,
            "Component": component,
            "ManagedBy": "aws-cdk",
        }
        tags = cdk.Tags.of(self)
        for key, value in self.common_tags.items():
            tags.add(key, value)

    @property
    def removal_policy(self) -> cdk.RemovalPolicy:
        keeps = self.settings.removal_policy == "retain"
        return KEEP if keeps else cdk.RemovalPolicy.DESTROY

    @property
    def boundary_arn(self) -> str:
        """ARN of the permissions boundary of the environment's roles, which the environment's bootstrap creates."""
        return f"arn:aws:iam::{cdk.Aws.ACCOUNT_ID}:policy/{self.names.boundary}"

    def asset(self, construct_id: str, package: Package) -> s3_assets.Asset:
        return s3_assets.Asset(
            self,
            construct_id,
            path=str(package.path),
            asset_hash=package.digest,
            display_name=construct_id,
        )

    def shared_parameter(self, construct_id: str, path: str, description: str) -> str:
        """Return the value of SSM parameter `path` of another stack, which CloudFormation reads at every deployment."""
        parameter = cdk.CfnParameter(
            self,
            construct_id,
            type="AWS::SSM::Parameter::Value<String>",
            default=self.names.parameter(path),
            description=description,
        )
        return parameter.value_as_string

    def output(self, construct_id: str, value: str, description: str) -> None:
        cdk.CfnOutput(self, construct_id, value=value, description=description)

"""Limits of the pipeline's roles: their path, their permissions boundary, and the bootstraps that they use."""

from __future__ import annotations

from collections.abc import Iterator

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from constructs import IConstruct

from vectora_ops.names import Names
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings

# The CDK's validator 1.12.1 takes the reference for one by name, which would not find a role that has a path.
REFERS_BY_ARN = cdk.Acknowledgment(
    id="CloudFormation-Validate::E3050", reason="The template refers to the role by Fn::GetAtt Arn, not by Ref."
)


def bootstrap_versions(settings: Settings) -> list[str]:
    """Return the ARNs of the version parameters of the bootstraps in this account, which the CLI reads to publish."""
    versions = []
    for env in ENVIRONMENT_NAMES:
        place, qualifier = settings.place(env), settings.names(env).bootstrap_qualifier
        if place.account != settings.pipeline_place.account:
            continue  # read under the deploy role (let_publish_across_accounts)
        account = place.account or cdk.Aws.ACCOUNT_ID
        versions.append(f"arn:aws:ssm:{place.region}:{account}:parameter/cdk-bootstrap/{qualifier}/version")
    return versions


def bound_roles(stack: cdk.Stack, names: Names) -> None:
    """Give all roles of the finished pipeline stack the pipeline's path and permissions boundary."""
    for construct in _within_stage(stack):
        if isinstance(construct, iam.CfnRole):
            construct.path = names.pipeline_role_path
            construct.permissions_boundary = f"arn:aws:iam::{cdk.Aws.ACCOUNT_ID}:policy/{names.pipeline_boundary}"
        elif isinstance(construct, codebuild.CfnProject):
            cdk.Validations.of(construct).acknowledge(REFERS_BY_ARN)


def _within_stage(construct: IConstruct) -> Iterator[IConstruct]:
    for child in construct.node.children:
        if not isinstance(child, cdk.Stage):
            yield child
            yield from _within_stage(child)

"""Names of the resources of a CDK bootstrap: each environment has its own, and the pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from vectora_ops.names import Names

# `MIN_BOOTSTRAP_STACK_VERSION` of the pinned aws-cdk-lib (core/lib/stack-synthesizers/default-synthesizer); a test
# compares it with what the library writes into an assembly.
MINIMUM_VERSION = 6
# Roles that `cdk deploy` assumes for stacks and file assets; this project has no image assets and no lookups.
ASSUMED_ROLES = ("deploy", "file-publishing")
EXECUTION_ROLE = "cfn-exec"
PIPELINE = "pipeline"
# Last part of the name of the parameter with the digest of the limits.
LIMITS = "limits"


@dataclass(frozen=True)
class CdkBootstrap:
    """Bootstrap resources, named as in the pinned CLI's bootstrap-template.yaml.

    `owner` is the environment, or the pipeline, whose stacks it deploys; `execution_policy` is the name of the policy
    with which CloudFormation does it.
    """

    owner: str
    qualifier: str
    account_id: str
    region: str
    execution_policy: str

    def role_name(self, kind: str) -> str:
        """Name of a role; `kind` is deploy, file-publishing, lookup or cfn-exec."""
        return f"cdk-{self.qualifier}-{kind}-role-{self.account_id}-{self.region}"

    def role_arn(self, kind: str) -> str:
        return f"arn:aws:iam::{self.account_id}:role/{self.role_name(kind)}"

    @property
    def assets_bucket(self) -> str:
        return f"cdk-{self.qualifier}-assets-{self.account_id}-{self.region}"

    def parameter(self, name: str) -> str:
        return f"/cdk-bootstrap/{self.qualifier}/{name}"

    @property
    def version_parameter(self) -> str:
        return self.parameter("version")

    @property
    def limits_parameter(self) -> str:
        """Parameter with the digest of the policies that limit its roles (cli.bootstrap.template)."""
        return self.parameter(LIMITS)

    @property
    def execution_policy_arn(self) -> str:
        return f"arn:aws:iam::{self.account_id}:policy/{self.execution_policy}"

    @property
    def command(self) -> str:
        """Command with which an administrator makes or updates it."""
        return "cdk bootstrap" if self.owner == PIPELINE else f"cdk bootstrap --context env={self.owner}"


def bootstrap_of(names: Names, account_id: str, region: str) -> CdkBootstrap:
    """Return the bootstrap of an environment."""
    return CdkBootstrap(names.env, names.bootstrap_qualifier, account_id, region, names.execution_policy)


def bootstrap_of_pipeline(names: Names, account_id: str, region: str) -> CdkBootstrap:
    """Return the bootstrap of the pipeline."""
    qualifier = names.pipeline_bootstrap_qualifier
    return CdkBootstrap(PIPELINE, qualifier, account_id, region, names.pipeline_execution_policy)

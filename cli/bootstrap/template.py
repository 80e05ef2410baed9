"""Template of a bootstrap: the pinned CLI's own, with the policies that keep its roles within their stacks."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import yaml

from cli.bootstrap.environment import environment_policies
from cli.bootstrap.pipeline import pipeline_policies
from cli.bootstrap.policies import ACCOUNT, REGION, Document, with_substitutions
from cli.cdk_bootstrap import LIMITS
from vectora_ops.settings import ENVIRONMENT_NAMES, Location, Settings
from vectora_shared.errors import VectoraError

# The CLI overwrites no bootstrap with one of another variant (bootstrap-template.yaml, BootstrapVariant).
VARIANT = "Vectora Inbox: within the stacks of one environment"
EXECUTION_ROLE, DEPLOY_ROLE, LOOKUP_ROLE = "CloudFormationExecutionRole", "DeploymentActionRole", "LookupRole"
# Statements of the deploy role that are about stacks; Refactor would move resources between any stacks.
ABOUT_STACKS, REMOVED = ("DeployPermissions", "CliPermissions"), ("Refactor",)


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """A bootstrap of its own: of one environment, or of the pipeline."""

    qualifier: str
    toolkit_stack: str
    place: Location
    boundary_name: str
    execution_policy_name: str
    boundary: Document
    execution_policy: Document
    stacks: str
    component: str
    trusted_account: str | None

    @property
    def digest_of_limits(self) -> str:
        """Digest of the policies, by which `doctor` knows whether a bootstrap is that of this version."""
        limits = [self.boundary, self.execution_policy, self.stacks]
        return hashlib.sha256(json.dumps(limits, sort_keys=True).encode("utf-8")).hexdigest()


def bootstrap_of_environment(settings: Settings, env: str) -> Bootstrap:
    """Return the bootstrap of an environment; raise ConfigurationError if there is no such environment."""
    names, policies, place = settings.names(env), environment_policies(settings, env), settings.place(env)
    pipeline = settings.pipeline_place.account
    return Bootstrap(
        qualifier=names.bootstrap_qualifier,
        toolkit_stack=names.toolkit_stack,
        place=place,
        boundary_name=names.boundary,
        execution_policy_name=names.execution_policy,
        boundary=policies.boundary(),
        execution_policy=policies.execution(),
        stacks=f"{names.project}-s?-*-{names.env}/*",
        component=names.env,
        trusted_account=pipeline if pipeline != place.account else None,
    )


def bootstrap_of_pipeline(settings: Settings) -> Bootstrap:
    """Return the bootstrap of the pipeline."""
    names, policies = settings.names(ENVIRONMENT_NAMES[0]), pipeline_policies(settings)
    return Bootstrap(
        qualifier=names.pipeline_bootstrap_qualifier,
        toolkit_stack=names.pipeline_toolkit_stack,
        place=settings.pipeline_place,
        boundary_name=names.pipeline_boundary,
        execution_policy_name=names.pipeline_execution_policy,
        boundary=policies.boundary(),
        execution_policy=policies.execution(),
        # Also the stacks that CDK Pipelines adds for other regions.
        stacks=f"{names.pipeline}*/*",
        component="the pipeline",
        trusted_account=None,
    )


def bootstrap_template(of_the_cli: str, bootstrap: Bootstrap) -> dict[str, Any]:
    """Return the CLI's bootstrap template, changed for one bootstrap.

    Raises VectoraError when the template is not as expected, which a new version of the CLI may cause.
    """
    template: dict[str, Any] = yaml.load(of_the_cli, Loader=yaml.CSafeLoader)
    try:
        template["Parameters"]["BootstrapVariant"]["Default"] = VARIANT
        resources = template["Resources"]
        _add_policies(template, bootstrap)
        _bind_execution_role(resources[EXECUTION_ROLE], bootstrap)
        _limit_deploy_role(resources[DEPLOY_ROLE]["Properties"], bootstrap)
        _limit_lookup_role(resources[LOOKUP_ROLE]["Properties"], bootstrap)
    except (KeyError, TypeError, ValueError) as error:
        raise VectoraError(
            f"The bootstrap template of the pinned CDK CLI has another form than expected ({error!r}): compare `cdk "
            "bootstrap --show-template` with cli/bootstrap/template.py."
        ) from error
    return template


def _add_policies(template: dict[str, Any], bootstrap: Bootstrap) -> None:
    # Managed policies are global: a bootstrap in a second region uses those of the first.
    template["Conditions"] |= {
        "IsHome": {"Fn::Equals": [{"Ref": "AWS::Region"}, bootstrap.place.region]},
        "HasOtherExecutionPolicies": {
            "Fn::Not": [
                {
                    "Fn::Equals": [
                        bootstrap.execution_policy_name,
                        {"Fn::Join": ["", {"Ref": "CloudFormationExecutionPolicies"}]},
                    ]
                }
            ]
        },
    }
    template["Resources"] |= {
        "Boundary": _managed_policy(
            bootstrap.boundary_name, f"The most that roles of {bootstrap.component} may do", bootstrap.boundary
        ),
        "ExecutionPolicy": _managed_policy(
            bootstrap.execution_policy_name,
            f"What CloudFormation may do in stacks of {bootstrap.component}",
            bootstrap.execution_policy,
        ),
        "Limits": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {
                "Type": "String",
                "Name": {"Fn::Sub": f"/cdk-bootstrap/${{Qualifier}}/{LIMITS}"},
                "Value": bootstrap.digest_of_limits,
                "Description": "Digest of the policies that limit the roles of this bootstrap",
            },
        },
    }


def _managed_policy(name: str, description: str, policy: Document) -> dict[str, Any]:
    properties = {
        "ManagedPolicyName": name,
        "Description": description,
        "PolicyDocument": with_substitutions(policy),
    }
    return {"Type": "AWS::IAM::ManagedPolicy", "Condition": "IsHome", "Properties": properties}


def _bind_execution_role(role: dict[str, Any], bootstrap: Bootstrap) -> None:
    """Give CloudFormation's role the execution policy, which is its boundary too: no policy added to it widens it."""
    own = {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::{ACCOUNT}:policy/{bootstrap.execution_policy_name}"}
    properties = role["Properties"]
    role["DependsOn"] = ["Boundary", "ExecutionPolicy"]
    properties["ManagedPolicyArns"] = {
        "Fn::If": ["HasOtherExecutionPolicies", {"Ref": "CloudFormationExecutionPolicies"}, [own]]
    }
    if_set, given, otherwise = properties["PermissionsBoundary"]["Fn::If"]
    properties["PermissionsBoundary"] = {
        "Fn::If": [if_set, given, {"Fn::If": ["HasOtherExecutionPolicies", otherwise, own]}]
    }


def _limit_deploy_role(role: dict[str, Any], bootstrap: Bootstrap) -> None:
    """Limit the deploy role to the bootstrap's own stacks: by default it deploys any (aws/aws-cdk#12985)."""
    [policy] = role["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    named = {each["Sid"]: each for each in statements if "Sid" in each}
    missing = [sid for sid in (*ABOUT_STACKS, *REMOVED) if sid not in named]
    if missing:
        raise ValueError(f"no statement {missing[0]}")
    for sid in ABOUT_STACKS:
        named[sid]["Resource"] = _stacks(bootstrap)
    # No permission is needed for this action (STS API reference, GetCallerIdentity).
    named["CliPermissions"]["Action"].remove("sts:GetCallerIdentity")
    policy["PolicyDocument"]["Statement"] = [each for each in statements if each.get("Sid") not in REMOVED]


def _limit_lookup_role(role: dict[str, Any], bootstrap: Bootstrap) -> None:
    """Let the lookup role read its own stacks only, for `cdk diff`: by default it reads everything in the account."""
    role["ManagedPolicyArns"] = []
    [policy] = role["Policies"]
    policy["PolicyDocument"]["Statement"] += [
        {
            "Sid": "ReadStacks",
            "Effect": "Allow",
            "Action": ["cloudformation:Describe*", "cloudformation:Get*", "cloudformation:List*"],
            "Resource": _stacks(bootstrap),
        },
        {
            "Sid": "ReadVersion",
            "Effect": "Allow",
            "Action": "ssm:GetParameter",
            "Resource": {
                "Fn::Sub": f"arn:${{AWS::Partition}}:ssm:{REGION}:{ACCOUNT}:parameter${{CdkBootstrapVersion}}"
            },
        },
    ]


def _stacks(bootstrap: Bootstrap) -> dict[str, str]:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:cloudformation:{REGION}:{ACCOUNT}:stack/{bootstrap.stacks}"}

"""Roles of the bootstraps, read from their templates, and documents of the policies that the bootstraps create."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cli.bootstrap.environment import environment_policies
from cli.bootstrap.pipeline import pipeline_policies
from cli.bootstrap.policies import Document, concrete
from cli.bootstrap.template import (
    Bootstrap,
    bootstrap_of_environment,
    bootstrap_of_pipeline,
    bootstrap_template,
)
from rehearsal.permissions.policies import Policy, RolePolicies, parse_policy
from rehearsal.permissions.roles import AWS_MANAGED, managed_by_aws
from tests.repository import ROOT
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings, load_settings

SETTINGS = load_settings(ROOT)
TEMPLATE = ROOT / "node_modules" / "aws-cdk" / "lib" / "api" / "bootstrap" / "bootstrap-template.yaml"
# The environments, and the pipeline as None.
OWNERS = (*ENVIRONMENT_NAMES, None)


def bootstrap_of(owner: str | None, settings: Settings = SETTINGS) -> Bootstrap:
    return bootstrap_of_pipeline(settings) if owner is None else bootstrap_of_environment(settings, owner)


@cache
def template_of(owner: str | None) -> dict[str, Any]:
    """Return the template with which `cdk bootstrap` makes the bootstrap of an environment, or of the pipeline."""
    return bootstrap_template(TEMPLATE.read_text(encoding="utf-8"), bootstrap_of(owner))


def policies_of(owner: str | None) -> Any:
    return pipeline_policies(SETTINGS) if owner is None else environment_policies(SETTINGS, owner)


def managed_policies(account: str, region: str) -> dict[str, Document]:
    """Return the documents of all policies that the bootstraps create in an account, by ARN."""
    found = {}
    for owner in OWNERS:
        bootstrap = bootstrap_of(owner)
        for name, document in (
            (bootstrap.boundary_name, bootstrap.boundary),
            (bootstrap.execution_policy_name, bootstrap.execution_policy),
        ):
            found[f"arn:aws:iam::{account}:policy/{name}"] = concrete(document, account, region)
    return found


def bootstrap_roles(owner: str | None, account: str, region: str) -> Iterator[RolePolicies]:
    """Yield the roles of a bootstrap that was made with the default options."""
    template, bootstrap = template_of(owner), bootstrap_of(owner)
    resolved = _resolver(template, bootstrap, account, region)
    managed = managed_policies(account, region)
    attached: dict[str, list[Policy]] = {}
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == "AWS::IAM::Policy":
            policy = parse_policy(logical_id, resolved(resource["Properties"]["PolicyDocument"]))
            for role in resource["Properties"]["Roles"]:
                attached.setdefault(role["Ref"], []).append(policy)
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        properties = resolved(resource["Properties"])
        inline = [parse_policy(logical_id, each["PolicyDocument"]) for each in properties.get("Policies") or []]
        arns = properties.get("ManagedPolicyArns") or []
        boundary = properties.get("PermissionsBoundary")
        yield RolePolicies(
            arn=f"arn:aws:iam::{account}:role/{properties['RoleName']}",
            source=f"bootstrap of {owner or 'the pipeline'}, {logical_id}",
            policies=(*inline, *attached.get(logical_id, []), *(_managed(arn, managed) for arn in arns)),
            boundary=_managed(boundary, managed) if boundary else None,
        )


def _managed(arn: str, own: dict[str, Document]) -> Policy:
    return managed_by_aws(arn) if arn.startswith(AWS_MANAGED) else parse_policy(arn, own[arn])


def _resolver(template: dict[str, Any], bootstrap: Bootstrap, account: str, region: str) -> Any:
    """Return a function that resolves references, with the parameters that `cdk bootstrap` passes by default."""
    values = {name: each.get("Default", "") for name, each in template["Parameters"].items()}
    values |= {
        "Qualifier": bootstrap.qualifier,
        "CloudFormationExecutionPolicies": bootstrap.execution_policy_name,
        "FileAssetsBucketKmsKeyId": "AWS_MANAGED_KEY",
        "AWS::AccountId": account,
        "AWS::Region": region,
        "AWS::Partition": "aws",
        "AWS::NoValue": None,
    }
    bucket = f"cdk-{bootstrap.qualifier}-assets-{account}-{region}"
    arns = {
        "StagingBucket.Arn": f"arn:aws:s3:::{bucket}",
        "ContainerAssetsRepository.Arn": f"arn:aws:ecr:{region}:{account}:repository/any",
        "CloudFormationExecutionRole.Arn": f"arn:aws:iam::{account}:role/cdk-{bootstrap.qualifier}-cfn-exec-role-"
        f"{account}-{region}",
        "CdkBootstrapVersion": f"/cdk-bootstrap/{bootstrap.qualifier}/version",
    }

    return _Resolver(template["Conditions"], values, arns).resolved


@dataclass(frozen=True)
class _Resolver:
    conditions: Mapping[str, Any]
    values: Mapping[str, Any]
    arns: Mapping[str, str]

    def condition(self, expression: Any) -> bool:
        match expression:
            case {"Fn::Equals": [one, other]}:
                return bool(self.resolved(one) == self.resolved(other))
            case {"Fn::Not": [one]}:
                return not self.condition(one)
            case {"Fn::And": parts}:
                return all(self.condition(part) for part in parts)
            case {"Condition": str(name)}:
                return self.condition(self.conditions[name])
        raise AssertionError(f"tests/stacks/bootstraps.py does not evaluate {expression}: add it")

    def resolved(self, value: Any) -> Any:
        match value:
            case list():
                return [each for each in map(self.resolved, value) if each is not None]
            case {"Ref": str(name)}:
                return self.values.get(name, name)
            case {"Fn::If": [str(name), one, other]}:
                return self.resolved(one if self.condition(self.conditions[name]) else other)
            case {"Fn::Join": [str(between), parts]}:
                found = self.resolved(parts)
                return between.join(found if isinstance(found, list) else [found])
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([^}]+)\}", lambda match: self._substituted(match[1]), text)
            case dict():
                return {key: each for key, part in value.items() if (each := self.resolved(part)) is not None}
        return value

    def _substituted(self, name: str) -> str:
        return str(self.arns.get(name) or self.values[name])

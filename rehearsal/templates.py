"""Templates of deployed stacks, with their references resolved."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from vectora_ops.cloudformation.templates import parse_template
from vectora_shared.errors import VectoraError

Properties = Mapping[str, Any]


class TemplateError(VectoraError):
    """The template uses a reference or function that is not supported here."""


@dataclass(frozen=True)
class DeployedStack:
    """The template of a stack, and the values of its references."""

    name: str
    template: Mapping[str, Any]
    resource_types: Mapping[str, str]
    physical_ids: Mapping[str, str]
    parameters: Mapping[str, str]
    account: str
    region: str

    def properties(self, logical_id: str) -> dict[str, Any]:
        """Return the properties of a resource with all references resolved.

        Raise TemplateError naming a function that is not supported here.
        """
        resolved = self._resolve(self.template["Resources"][logical_id].get("Properties", {}))
        return {name: value for name, value in resolved.items() if value is not None}

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolve(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            function, argument = next(iter(value.items()))
            if function == "Ref" or function.startswith("Fn::"):
                return self._call(function, argument)
        return {key: self._resolve(entry) for key, entry in value.items()}

    def _call(self, function: str, argument: Any) -> Any:
        match function:
            case "Ref":
                return self._ref(argument)
            case "Fn::GetAtt":
                logical_id, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
                return self._attribute(logical_id, attribute)
            case "Fn::Join":
                delimiter, parts = argument
                return delimiter.join(str(self._resolve(part)) for part in parts)
            case "Fn::Sub":
                return self._substitute(argument)
            case _:
                raise TemplateError(
                    f"Stack {self.name}: rehearsal/templates.py does not support {function}: add it there."
                )

    def _substitute(self, argument: Any) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument

        def value_of(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in own:
                return str(self._resolve(own[name]))
            logical_id, _, attribute = name.partition(".")
            return str(self._attribute(logical_id, attribute) if attribute else self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", value_of, text)

    def _ref(self, name: str) -> Any:
        pseudo = {
            "AWS::AccountId": self.account,
            "AWS::Region": self.region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self.name,
            "AWS::NoValue": None,
        }
        for values in (pseudo, self.parameters, self.physical_ids):
            if name in values:
                return values[name]
        raise TemplateError(f"Stack {self.name}: its template refers to {name}, which the stack does not have.")

    def _attribute(self, logical_id: str, attribute: str) -> str:
        arn_of = _ARNS.get(self.resource_types.get(logical_id, ""))
        if attribute != "Arn" or arn_of is None:
            raise TemplateError(
                f"Stack {self.name}: rehearsal/templates.py does not support {logical_id}.{attribute}: add it there."
            )
        # The path of a role is part of its ARN, and not of its name.
        path = self.template["Resources"][logical_id].get("Properties", {}).get("Path", "/").removeprefix("/")
        return arn_of(path + self.physical_ids[logical_id], self.region, self.account)


_ARNS: Mapping[str, Callable[[str, str, str], str]] = {
    "AWS::KMS::Key": lambda name, region, account: f"arn:aws:kms:{region}:{account}:key/{name}",
    "AWS::S3::Bucket": lambda name, region, account: f"arn:aws:s3:::{name}",
    "AWS::IAM::Role": lambda name, region, account: f"arn:aws:iam::{account}:role/{name}",
    "AWS::Lambda::Function": lambda name, region, account: f"arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::Events::Rule": lambda name, region, account: f"arn:aws:events:{region}:{account}:rule/{name}",
    "AWS::CodeBuild::Project": lambda name, region, account: f"arn:aws:codebuild:{region}:{account}:project/{name}",
    "AWS::Logs::LogGroup": lambda name, region, account: f"arn:aws:logs:{region}:{account}:log-group:{name}:*",
}


def read_stack(session: boto3.Session, stack_name: str) -> DeployedStack:
    """Read a stack's template, parameters and resources from CloudFormation."""
    cloudformation = session.client("cloudformation")
    body = cloudformation.get_template(StackName=stack_name)["TemplateBody"]
    # The CDK CLI sends a template without an asset as YAML.
    template = parse_template(body) if isinstance(body, str) else body
    stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    resources = cloudformation.describe_stack_resources(StackName=stack_name)["StackResources"]
    return DeployedStack(
        name=stack_name,
        template=template,
        resource_types={name: resource["Type"] for name, resource in template["Resources"].items()},
        physical_ids={each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources},
        parameters={
            each["ParameterKey"]: each.get("ResolvedValue", each.get("ParameterValue", ""))
            for each in stack.get("Parameters", [])
        },
        account=stack["StackId"].split(":")[4],
        region=stack["StackId"].split(":")[3],
    )

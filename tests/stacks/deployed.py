"""Golden templates as one account: references resolved, names generated, and policies as statements."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.repository import ROOT
from vectora_ops.names import STACK_LAYERS
from vectora_ops.settings import ENVIRONMENT_NAMES, load_settings

GOLDEN = ROOT / "tests" / "stacks" / "templates"
ACCOUNT, REGION = "1" * 12, "eu-west-3"
# CloudFormation generates names as `{stack}-{logical id}-{random}`, and truncates those of roles to IAM's limit.
RANDOM_LENGTH = 12
MAX_ROLE_NAME = 64
CONNECTION_ARN = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/one"

Body = dict[str, Any]
Templates = dict[str, Body]  # of one environment, by layer
Environment = tuple[str, Templates]
TemplateChange = Callable[[dict[str, Body]], object]
Properties = dict[str, Any]


def resources_of(environment: Environment) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield layer, logical id and resource."""
    for layer, template in environment[1].items():
        for logical_id, resource in template["Resources"].items():
            yield layer, logical_id, resource


NAME_PROPERTIES = {
    "AWS::S3::Bucket": "BucketName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Lambda::LayerVersion": "LayerName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::Events::Rule": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::SSM::Parameter": "Name",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::CodePipeline::Pipeline": "Name",
    "AWS::CodeBuild::Project": "Name",
}
_ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{name}}",
    "AWS::Lambda::LayerVersion": f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{{name}}:1",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{name}}:*",
    "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{{name}}",
    "AWS::Events::Rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{{name}}",
    "AWS::StepFunctions::StateMachine": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{{name}}",
    "AWS::CloudWatch::Alarm": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{{name}}",
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{{name}}",
    "AWS::CodeBuild::Project": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{{name}}",
    "AWS::CodePipeline::Pipeline": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{{name}}",
}
# Types whose Ref is the ARN (CloudFormation template reference, return values).
_REF_IS_ARN = ("AWS::SNS::Topic", "AWS::StepFunctions::StateMachine", "AWS::Lambda::LayerVersion")
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": None,
}


@dataclass(frozen=True)
class Stack:
    """Template of a stack; `parameter_values` are values of SSM parameters, which other stacks may write."""

    name: str
    env: str | None
    body: Body
    parameter_values: Mapping[str, str]

    @property
    def resources(self) -> Iterator[tuple[str, str, Properties]]:
        """Logical id, type and resolved properties of each resource."""
        for logical_id, resource in self.body["Resources"].items():
            yield logical_id, resource["Type"], self.properties(logical_id)

    def of_type(self, *resource_types: str) -> Iterator[tuple[str, Properties]]:
        return (
            (logical_id, properties)
            for logical_id, resource_type, properties in self.resources
            if resource_type in resource_types
        )

    def properties(self, logical_id: str) -> Properties:
        return self._properties[logical_id]

    @cached_property
    def _properties(self) -> dict[str, Properties]:
        return {name: self.resolve(each.get("Properties", {})) for name, each in self.body["Resources"].items()}

    def resource_type(self, logical_id: str) -> str:
        return str(self.body["Resources"][logical_id]["Type"])

    def physical_name(self, logical_id: str) -> str:
        resource = self.body["Resources"][logical_id]
        given = resource.get("Properties", {}).get(NAME_PROPERTIES.get(resource["Type"], ""))
        if given is not None:
            return str(self.resolve(given))
        generated = self.generated_name(logical_id)
        return truncated_role_name(generated) if resource["Type"] == "AWS::IAM::Role" else generated

    def generated_name(self, logical_id: str) -> str:
        """Return the name that CloudFormation generates, before it is truncated."""
        return f"{self.name}-{logical_id}-{hashlib.sha256(logical_id.encode()).hexdigest()[:RANDOM_LENGTH].upper()}"

    def arn(self, logical_id: str) -> str:
        path = str(self.body["Resources"][logical_id].get("Properties", {}).get("Path", "/")).removeprefix("/")
        return _ARNS[self.resource_type(logical_id)].format(name=path + self.physical_name(logical_id))

    def resolve(self, value: Any) -> Any:
        match value:
            case list():
                return [self.resolve(each) for each in value]
            case {"Ref": str(name), **rest} if not rest:
                return self._referenced(name)
            case {"Fn::GetAtt": [str(name), "Arn"]}:
                return self.arn(name)
            case {"Fn::Join": [str(delimiter), parts]}:
                return delimiter.join(str(part) for part in self.resolve(parts))
            case {"Fn::Split": [str(delimiter), text]}:
                return str(self.resolve(text)).split(delimiter)
            case {"Fn::Select": [index, parts]}:
                return self.resolve(parts)[int(index)]
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([^!}][^}]*)\}", lambda match: self._substituted(match[1]), text)
            case dict():
                unknown = [key for key in value if str(key).startswith("Fn::")]
                assert not unknown, f"tests/stacks/deployed.py does not resolve {unknown}: add it"
                return {key: self.resolve(each) for key, each in value.items()}
        return value

    def _substituted(self, name: str) -> str:
        logical_id, _, attribute = name.partition(".")
        return self.arn(logical_id) if attribute == "Arn" else str(self._referenced(name))

    def _referenced(self, name: str) -> Any:
        if name == "AWS::StackName":
            return self.name
        if name in _PSEUDO:
            return _PSEUDO[name]
        if name in self.body.get("Parameters", {}):
            parameter = self.body["Parameters"][name]["Default"]
            return self.parameter_values.get(parameter, f"value of {parameter}")
        return self.arn(name) if self.resource_type(name) in _REF_IS_ARN else self.physical_name(name)


@dataclass(frozen=True)
class Statement:
    """Statement of a policy: `location` is its stack, resource and Sid, `roles` have it in their identity policies."""

    location: str
    roles: tuple[str, ...]
    effect: str
    principal: Any
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Account:
    """All stacks of one account: those of the environments, and the pipeline."""

    stacks: tuple[Stack, ...]

    def stack(self, name: str) -> Stack:
        return next(stack for stack in self.stacks if stack.name == name)

    def of_type(self, *resource_types: str) -> Iterator[tuple[Stack, str, Properties]]:
        for stack in self.stacks:
            for logical_id, properties in stack.of_type(*resource_types):
                yield stack, logical_id, properties

    def by_arn(self, arn: str) -> tuple[Stack, str] | None:
        """Return the resource of an ARN, or of a function version's ARN; None if no template has it."""
        return self._arns.get(arn) or self._arns.get(arn.rpartition(":")[0])

    @cached_property
    def _arns(self) -> dict[str, tuple[Stack, str]]:
        return {
            stack.arn(logical_id): (stack, logical_id)
            for stack in self.stacks
            for logical_id in stack.body["Resources"]
            if stack.resource_type(logical_id) in _ARNS
        }

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(statement for stack in self.stacks for statement in _statements(stack))

    @cached_property
    def _by_role(self) -> dict[str, list[Statement]]:
        by_role: dict[str, list[Statement]] = {}
        for statement in self.statements:
            for role in statement.roles:
                by_role.setdefault(role, []).append(statement)
        return by_role

    def allows(self, role_arn: str, action: str, resource: str) -> bool:
        """Return True if the policies of a role allow `action` on `resource`; conditions count as met."""
        found = self.by_arn(role_arn)
        if found is None:
            return False
        stack, logical_id = found
        statements = self._by_role.get(f"{stack.name}/{logical_id}", [])
        matching = [each for each in statements if _covers(each.actions, action) and _covers(each.resources, resource)]
        return any(each.effect == "Allow" for each in matching) and not any(
            each.effect == "Deny" and not each.condition for each in matching
        )


def truncated_role_name(name: str) -> str:
    """Return `name` as CloudFormation truncates it: the random end stays, stack and logical id lose characters."""
    end = name[-RANDOM_LENGTH - 1 :]
    return name if len(name) <= MAX_ROLE_NAME else name[: MAX_ROLE_NAME - len(end)] + end


def _covers(patterns: tuple[str, ...], value: str) -> bool:
    return any(fnmatchcase(value, pattern.replace("[", "[[]")) for pattern in patterns)


def _statements(stack: Stack) -> Iterator[Statement]:
    for logical_id, resource_type, properties in stack.resources:
        location = f"{stack.name}/{logical_id}"
        match resource_type:
            case "AWS::IAM::Role":
                yield from _statements_of_document(location, (location,), properties["AssumeRolePolicyDocument"])
                for policy in properties.get("Policies", []):
                    yield from _statements_of_document(location, (location,), policy["PolicyDocument"])
            case "AWS::IAM::Policy":
                roles = stack.body["Resources"][logical_id]["Properties"]["Roles"]
                names = tuple(f"{stack.name}/{each['Ref']}" for each in roles)
                yield from _statements_of_document(location, names, properties["PolicyDocument"])
            case "AWS::S3::BucketPolicy" | "AWS::SNS::TopicPolicy":
                yield from _statements_of_document(location, (), properties["PolicyDocument"])
            case "AWS::KMS::Key":
                yield from _statements_of_document(location, (), properties["KeyPolicy"])
            case "AWS::Lambda::Permission":
                yield _permission(location, properties)


def _permission(location: str, properties: Properties) -> Statement:
    """Return the statement that Lambda adds to the function's policy (AddPermission, API reference)."""
    name = properties["FunctionName"]
    function = name if name.startswith("arn:") else _ARNS["AWS::Lambda::Function"].format(name=name)
    arn = {"ArnLike": {"aws:SourceArn": properties["SourceArn"]}} if "SourceArn" in properties else {}
    account = (
        {"StringEquals": {"aws:SourceAccount": properties["SourceAccount"]}} if "SourceAccount" in properties else {}
    )
    principal = {"Service": properties["Principal"]}
    return Statement(location, (), "Allow", principal, (properties["Action"],), (function,), {**arn, **account})


def _statements_of_document(location: str, roles: tuple[str, ...], document: Mapping[str, Any]) -> Iterator[Statement]:
    for each in document["Statement"]:
        yield Statement(
            location=f"{location} {each['Sid']}" if "Sid" in each else location,
            roles=() if "Principal" in each else roles,
            effect=each["Effect"],
            principal=each.get("Principal"),
            actions=_as_tuple(each["Action"]),
            resources=_as_tuple(each.get("Resource", [])),
            condition=each.get("Condition", {}),
        )


def _as_tuple(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@cache
def _golden() -> dict[str, Body]:
    """Return the golden templates by stack name."""
    settings = load_settings(ROOT)
    bodies = {settings.names("dev").pipeline: _read(GOLDEN / "pipeline.yaml")}
    for env in ENVIRONMENT_NAMES:
        names = settings.names(env)
        bodies |= {names.stack(layer): _read(GOLDEN / env / f"{layer}.yaml") for layer in STACK_LAYERS}
    return bodies


def _read(path: Path) -> Body:
    body: Body = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return body


def golden_account(change: TemplateChange = lambda bodies: None) -> Account:
    """Return the account of the golden templates, of which `change` may first edit a copy."""
    bodies = copy.deepcopy(_golden())
    change(bodies)
    return account_of(bodies)


def account_of(bodies: Mapping[str, Body]) -> Account:
    """Return the account of templates by stack name."""
    stacks = [Stack(name, _environment(name), body, {}) for name, body in bodies.items()]
    parameters = (properties for stack in stacks for _, properties in stack.of_type("AWS::SSM::Parameter"))
    values = {each["Name"]: each["Value"] for each in parameters}
    values[load_settings(ROOT).pipeline.connection_arn_parameter] = CONNECTION_ARN
    return Account(tuple(replace(stack, parameter_values=values) for stack in stacks))


def _environment(name: str) -> str | None:
    last = name.rpartition("-")[2]
    return last if last in ENVIRONMENT_NAMES else None

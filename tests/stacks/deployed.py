"""Golden templates with their references resolved, as CloudFormation would deploy them into one account."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from vectora_ops.names import STACK_LAYERS
from vectora_ops.settings import ENVIRONMENT_NAMES, load_settings

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "stacks" / "templates"
ACCOUNT, REGION = "1" * 12, "eu-west-3"
# CloudFormation makes names of `{stack}-{logical id}-{random}`, and cuts them for roles (IAM accepts 64 characters).
RANDOM_LENGTH = 12
LONGEST_ROLE_NAME = 64
CONNECTION_ARN = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/one"

Body = dict[str, Any]
Resource = dict[str, Any]

NAMED_BY = {
    "AWS::S3::Bucket": "BucketName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Lambda::LayerVersion": "LayerName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::Events::Rule": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
    "AWS::CloudWatch::Alarm": "AlarmName",
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
# Of these types Ref is the ARN (CloudFormation template reference, return values).
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
    """A template under the name that its stack has; `told` are values of SSM parameters that other stacks write."""

    name: str
    env: str | None
    body: Body
    told: Mapping[str, str]

    @property
    def resources(self) -> Iterator[tuple[str, str, Resource]]:
        """By logical id the type and the resolved properties."""
        for logical_id, resource in self.body["Resources"].items():
            yield logical_id, resource["Type"], self.properties(logical_id)

    def of_type(self, *types: str) -> Iterator[tuple[str, Resource]]:
        return ((logical_id, found) for logical_id, kind, found in self.resources if kind in types)

    def properties(self, logical_id: str) -> Resource:
        return self._properties[logical_id]

    @cached_property
    def _properties(self) -> dict[str, Resource]:
        return {name: self.resolve(each.get("Properties", {})) for name, each in self.body["Resources"].items()}

    def kind(self, logical_id: str) -> str:
        return str(self.body["Resources"][logical_id]["Type"])

    def physical_name(self, logical_id: str) -> str:
        resource = self.body["Resources"][logical_id]
        given = resource.get("Properties", {}).get(NAMED_BY.get(resource["Type"], ""))
        if given is not None:
            return str(self.resolve(given))
        return cut(self.uncut_name(logical_id)) if resource["Type"] == "AWS::IAM::Role" else self.uncut_name(logical_id)

    def uncut_name(self, logical_id: str) -> str:
        """The name that CloudFormation would generate if there were no limit."""
        return f"{self.name}-{logical_id}-{hashlib.sha256(logical_id.encode()).hexdigest()[:RANDOM_LENGTH].upper()}"

    def arn(self, logical_id: str) -> str:
        return _ARNS[self.kind(logical_id)].format(name=self.physical_name(logical_id))

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
                return re.sub(r"\$\{([^!}][^}]*)\}", lambda found: self._substituted(found[1]), text)
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
            return self.told.get(parameter, f"value of {parameter}")
        return self.arn(name) if self.kind(name) in _REF_IS_ARN else self.physical_name(name)


@dataclass(frozen=True)
class Statement:
    """A statement of a policy in a template; `place` names it, `roles` are those that an identity policy belongs to."""

    place: str
    roles: tuple[str, ...]
    effect: str
    principal: Any
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Account:
    """All stacks of one account: those of the environments and the pipeline's."""

    stacks: tuple[Stack, ...]

    def stack(self, name: str) -> Stack:
        return next(stack for stack in self.stacks if stack.name == name)

    def of_type(self, *types: str) -> Iterator[tuple[Stack, str, Resource]]:
        for stack in self.stacks:
            for logical_id, found in stack.of_type(*types):
                yield stack, logical_id, found

    def by_arn(self, arn: str) -> tuple[Stack, str] | None:
        """The resource that an ARN names, also an ARN of a function's version; None when no template has it."""
        return self._arns.get(arn) or self._arns.get(arn.rpartition(":")[0])

    @cached_property
    def _arns(self) -> dict[str, tuple[Stack, str]]:
        return {
            stack.arn(logical_id): (stack, logical_id)
            for stack in self.stacks
            for logical_id in stack.body["Resources"]
            if stack.kind(logical_id) in _ARNS
        }

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(statement for stack in self.stacks for statement in _statements(stack))

    @cached_property
    def _of_role(self) -> dict[str, list[Statement]]:
        found: dict[str, list[Statement]] = {}
        for statement in self.statements:
            for role in statement.roles:
                found.setdefault(role, []).append(statement)
        return found

    def allows(self, role_arn: str, action: str, resource: str) -> bool:
        """Whether the policies of a role of these templates allow it; conditions are taken to be met."""
        found = self.by_arn(role_arn)
        if found is None:
            return False
        stack, logical_id = found
        mine = self._of_role.get(f"{stack.name}/{logical_id}", [])
        matching = [each for each in mine if _covers(each.actions, action) and _covers(each.resources, resource)]
        return any(e.effect == "Allow" for e in matching) and not any(
            e.effect == "Deny" and not e.condition for e in matching
        )


def cut(name: str) -> str:
    """As CloudFormation cuts generated names: the random end stays, stack and logical id lose characters."""
    end = name[-RANDOM_LENGTH - 1 :]
    return name if len(name) <= LONGEST_ROLE_NAME else name[: LONGEST_ROLE_NAME - len(end)] + end


def _covers(patterns: tuple[str, ...], value: str) -> bool:
    return any(fnmatchcase(value, pattern.replace("[", "[[]")) for pattern in patterns)


def _statements(stack: Stack) -> Iterator[Statement]:
    for logical_id, kind, found in stack.resources:
        place = f"{stack.name}/{logical_id}"
        match kind:
            case "AWS::IAM::Role":
                yield from _of(place, (place,), found["AssumeRolePolicyDocument"])
                for policy in found.get("Policies", []):
                    yield from _of(place, (place,), policy["PolicyDocument"])
            case "AWS::IAM::Policy":
                raw = stack.body["Resources"][logical_id]["Properties"]["Roles"]
                yield from _of(place, tuple(f"{stack.name}/{each['Ref']}" for each in raw), found["PolicyDocument"])
            case "AWS::S3::BucketPolicy" | "AWS::SNS::TopicPolicy":
                yield from _of(place, (), found["PolicyDocument"])
            case "AWS::KMS::Key":
                yield from _of(place, (), found["KeyPolicy"])
            case "AWS::Lambda::Permission":
                yield _permission(place, found)


def _permission(place: str, found: Resource) -> Statement:
    """Return the statement that Lambda adds to the function's policy (AddPermission, API reference)."""
    name = found["FunctionName"]
    function = name if name.startswith("arn:") else _ARNS["AWS::Lambda::Function"].format(name=name)
    arn = {"ArnLike": {"aws:SourceArn": found["SourceArn"]}} if "SourceArn" in found else {}
    account = {"StringEquals": {"aws:SourceAccount": found["SourceAccount"]}} if "SourceAccount" in found else {}
    principal = {"Service": found["Principal"]}
    return Statement(place, (), "Allow", principal, (found["Action"],), (function,), {**arn, **account})


def _of(place: str, roles: tuple[str, ...], document: Mapping[str, Any]) -> Iterator[Statement]:
    for each in document["Statement"]:
        name = f"{place} {each['Sid']}" if "Sid" in each else place
        yield Statement(
            place=name,
            roles=() if "Principal" in each else roles,
            effect=each["Effect"],
            principal=each.get("Principal"),
            actions=_listed(each["Action"]),
            resources=_listed(each.get("Resource", [])),
            condition=each.get("Condition", {}),
        )


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@cache
def _golden() -> dict[str, Body]:
    """By stack name the golden template."""
    settings = load_settings(ROOT)
    found = {settings.names("dev").pipeline: _read(GOLDEN / "pipeline.yaml")}
    for env in ENVIRONMENT_NAMES:
        names = settings.names(env)
        found |= {names.stack(layer): _read(GOLDEN / env / f"{layer}.yaml") for layer in STACK_LAYERS}
    return found


def _read(path: Path) -> Body:
    body: Body = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return body


def golden_account(change: Callable[[dict[str, Body]], None] = lambda bodies: None) -> Account:
    """The account of the golden templates; `change` may damage a copy of them first."""
    bodies = copy.deepcopy(_golden())
    change(bodies)
    return account_of(bodies)


def account_of(bodies: Mapping[str, Body]) -> Account:
    """The account of templates by stack name."""
    untold = [Stack(name, _environment(name), body, {}) for name, body in bodies.items()]
    told = {found["Name"]: found["Value"] for stack in untold for _, found in stack.of_type("AWS::SSM::Parameter")}
    told[load_settings(ROOT).pipeline.connection_arn_parameter] = CONNECTION_ARN
    return Account(tuple(Stack(each.name, each.env, each.body, told) for each in untold))


def _environment(name: str) -> str | None:
    last = name.rpartition("-")[2]
    return last if last in ENVIRONMENT_NAMES else None

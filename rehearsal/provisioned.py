"""Resources of a stack, and the form of the permissions that CloudFormation needs for their types.

This module imports nothing that the emulator's environment lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Operation = Literal["create", "update", "delete"]
Properties = Mapping[str, Any]
BOUNDARY = "iam:PermissionsBoundary"
PASS = "iam:PassRole"  # noqa: S105


# Properties with the physical name; the others' names are generated.
NAMES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::CodeBuild::Project": "Name",
    "AWS::CodePipeline::Pipeline": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SES::ConfigurationSet": "Name",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SSM::Parameter": "Name",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}


def name_of(resource_type: str, properties: Properties) -> str:
    """Return the physical name that the properties give, or an empty text when CloudFormation generates it."""
    return str(properties.get(NAMES.get(resource_type, "")) or "")


@dataclass(frozen=True)
class Need:
    """A permission that CloudFormation needs, with condition keys of the request and tags of the resource."""

    action: str
    resource: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Resource:
    """A resource of a stack: its physical name or ARN, and its resolved properties."""

    resource_type: str
    name: str
    properties: Properties
    account: str
    region: str
    before: Properties = field(default_factory=dict)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def has(self, name: str) -> bool:
        return bool(self.properties.get(name))

    @property
    def tags(self) -> dict[str, str]:
        given = self.properties.get("Tags") or []
        found = given if isinstance(given, dict) else {str(each["Key"]): str(each["Value"]) for each in given}
        # CloudFormation's own tags need no permission (user guide, "Resource tag").
        return {key: value for key, value in found.items() if not key.startswith("aws:")}


@dataclass(frozen=True)
class Kind:
    """Permissions for a type: actions on the resource's ARN, more for properties that are set, and others.

    `tagging` is the action that a resource with tags needs.
    """

    arn: Callable[[Resource], str]
    create: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    for_properties: Mapping[str, str] = field(default_factory=dict)
    tagging: str | None = None
    others: Callable[[Resource, Operation], Iterator[Need]] | None = None

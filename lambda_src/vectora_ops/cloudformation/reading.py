"""Reading of stacks: status, definition, resources and the reason of a failure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.cloudformation.definition import StackDefinition
from vectora_ops.cloudformation.statuses import ABSENT, has_definition
from vectora_ops.cloudformation.templates import parse_template
from vectora_shared.aws_errors import is_absent

# Begin the events of an operation on a stack.
OPERATION_BEGINS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS")
SSM_TYPED = "AWS::SSM::Parameter::Value"


class StackReader:
    """Reader of the stacks of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._cloudformation = account.client("cloudformation")

    def describe(self, name: str) -> dict[str, Any] | None:
        """Return DescribeStacks' answer, or None when there is no such stack."""
        try:
            described: dict[str, Any] = self._cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if is_absent(error, "stack"):
                return None
            raise
        return None if described["StackStatus"] == ABSENT else described

    def read(self, name: str) -> StackDefinition | None:
        """Return a stack's definition, or None when there is no such stack, it never came to be or is half deleted."""
        return self.definition(name, self.describe(name))

    def definition(self, name: str, described: Mapping[str, Any] | None) -> StackDefinition | None:
        """Return the same for a stack that `describe` has described."""
        if described is None or not has_definition(described["StackStatus"]):
            return None
        body = self._cloudformation.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        template = body if isinstance(body, str) else json.dumps(body, indent=1)
        declared = parse_template(template).get("Parameters", {})
        return StackDefinition(
            name=name,
            template=template,
            parameters={
                each["ParameterKey"]: _value(each, declared.get(each["ParameterKey"], {}))
                for each in described.get("Parameters", [])
            },
            tags={each["Key"]: each["Value"] for each in described.get("Tags", [])},
            capabilities=tuple(sorted(described.get("Capabilities", []))),
            role_arn=described.get("RoleARN"),
        )

    def resources(self, name: str) -> dict[str, tuple[str, str]]:
        """Return type and physical id by logical id; empty when there is no such stack."""
        return {
            each["LogicalResourceId"]: (each["ResourceType"], each.get("PhysicalResourceId", ""))
            for each in self._summaries(name)
            if each["ResourceStatus"] != "DELETE_COMPLETE"
        }

    def in_status(self, name: str, status: str) -> list[str]:
        """Return the logical ids of the stack's resources in this status."""
        return [each["LogicalResourceId"] for each in self._summaries(name) if each["ResourceStatus"] == status]

    def _summaries(self, name: str) -> list[dict[str, Any]]:
        try:
            pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
            return [each for page in pages for each in page["StackResourceSummaries"]]
        except ClientError as error:
            if is_absent(error, "stack"):
                return []
            raise

    def failure_reason(self, name: str) -> str:
        """Return the first failure of the stack's last operation."""
        events = self._cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        first = "no reason given"
        for event in events:
            is_of_stack = event.get("PhysicalResourceId") == event["StackId"]
            status, reason = event["ResourceStatus"], event.get("ResourceStatusReason", "")
            if status.endswith("_FAILED") and reason and "cancelled" not in reason.lower():
                first = f"{event['LogicalResourceId']}: {reason}"
            if is_of_stack and status in OPERATION_BEGINS:
                break
        return first


def _value(parameter: Mapping[str, str], declared: Mapping[str, Any]) -> str:
    """Return a parameter's value; of one with an SSM type the SSM parameter's name, never the value behind it."""
    is_name = str(declared.get("Type", "")).startswith(SSM_TYPED)
    # The rehearsal's emulator returns the value behind the name instead of both.
    if is_name and "ResolvedValue" not in parameter and "Default" in declared:
        return str(declared["Default"])
    return parameter["ParameterValue"]

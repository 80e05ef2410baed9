"""CloudFormation with one stack, which refuses and answers with AWS's own words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.cloudformation.definition import StackDefinition

NAME = "vectora-inbox-s1-runtime-dev"
ARN = f"arn:aws:cloudformation:eu-west-3:{'0' * 12}:stack/{NAME}/1"
COMPLETE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)
PAUSED = (
    "This stack is currently in a non-terminal [{status}] state. To update the stack from this state, please use the "
    "disable-rollback parameter with update-stack API. To rollback to the last known good state, use the "
    "rollback-stack API"
)


def refusal(message: str, code: str = "ValidationError", operation: str = "CreateChangeSet") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def definition(template: Mapping[str, Any] | None = None, **changes: Any) -> StackDefinition:
    document = json.dumps(template or {"Resources": {}})
    given: dict[str, Any] = {"parameters": {}, "tags": {}, "capabilities": (), "role_arn": None, **changes}
    return StackDefinition(name=NAME, template=document, **given)


@dataclass
class OneStack:
    """Client of CloudFormation. `fails` names operations that begin and fail; `calls` are those that were accepted."""

    status: str | None
    protected: bool = False
    express: bool = False
    resources: dict[str, tuple[str, str]] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    fails: tuple[str, ...] = ()
    # Called before each request with its operation and fields; may raise, or change this stack.
    before: Callable[[str, dict[str, Any]], None] = lambda operation, request: None
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    # Statuses that DescribeStacks still shows, once each.
    shown_before: list[str] = field(default_factory=list)
    # Why CloudFormation makes no change set.
    reason: str = ""

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.calls]

    def _accept(self, operation: str, request: dict[str, Any]) -> None:
        self.before(operation, request)
        self.calls.append((operation, request))

    # --- reads

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        self.before("describe_stacks", {})
        if self.status is None:
            raise refusal(f"Stack with id {StackName} does not exist", operation="DescribeStacks")
        # CloudFormation works on: a second look finds the end.
        shown, end = self.status, self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"
        if self.shown_before:
            shown = self.shown_before.pop(0)
        elif end:
            self.status = _end_of(self.status)
        described: dict[str, Any] = {
            "StackName": NAME,
            "StackId": ARN,
            "StackStatus": shown,
            "EnableTerminationProtection": self.protected,
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()],
            "Tags": [],
        }
        return {"Stacks": [described | ({"DeploymentConfig": {"Mode": "EXPRESS"}} if self.express else {})]}

    def describe_stack_events(self, **_request: Any) -> dict[str, Any]:
        return {"StackEvents": self.events}

    def get_template(self, **_request: Any) -> dict[str, Any]:
        return {"TemplateBody": {"Resources": {}}}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_stack_resources"
        listed = [
            {"LogicalResourceId": name, "ResourceType": kind, "ResourceStatus": status, "PhysicalResourceId": name}
            for name, (kind, status) in self.resources.items()
        ]
        return SimpleNamespace(paginate=lambda **_request: [{"StackResourceSummaries": listed}])

    # --- ways out

    def rollback_stack(self, **request: Any) -> None:
        if self.express:
            message = "RollbackStack is not supported for stacks that were last updated using EXPRESS deployment mode"
            raise refusal(message, operation="RollbackStack")
        if self.status not in ("CREATE_FAILED", "UPDATE_FAILED"):
            message = f"Stack [{ARN}] is in [{self.status}] state and can not be rolled back"
            raise refusal(message, operation="RollbackStack")
        self._accept("rollback_stack", request)
        self.status = "UPDATE_ROLLBACK_FAILED" if "rollback_stack" in self.fails else "UPDATE_ROLLBACK_IN_PROGRESS"

    def continue_update_rollback(self, **request: Any) -> None:
        if self.status != "UPDATE_ROLLBACK_FAILED":
            raise refusal(f"Stack:{ARN} is in {self.status} state and can not continue update rollback.")
        self._accept("continue_update_rollback", request)
        if "continue_update_rollback" not in self.fails:
            self.status = "UPDATE_ROLLBACK_IN_PROGRESS"

    def delete_stack(self, **request: Any) -> None:
        if self.protected:
            raise refusal(f"Stack [{NAME}] cannot be deleted while TerminationProtection is enabled")
        if request.get("RetainResources") and self.status != "DELETE_FAILED":
            raise refusal("Invalid operation on stack. RetainResources is only supported in DELETE_FAILED")
        self._accept("delete_stack", request)
        retained = set(request.get("RetainResources", ()))
        left = {name for name, (_, status) in self.resources.items() if status == "DELETE_FAILED"}
        self.status = "DELETE_FAILED" if left - retained else None

    # --- change sets

    def create_change_set(self, **request: Any) -> dict[str, str]:
        self.before("create_change_set", request)
        self._refuse_update(request)
        self.calls.append(("create_change_set", request))
        if self.status is None:
            self.status = "REVIEW_IN_PROGRESS"
        return {"Id": "arn:change-set"}

    def _refuse_update(self, request: dict[str, Any]) -> None:
        creates = self.status in (None, "REVIEW_IN_PROGRESS")
        if self.express and request.get("DeploymentConfig") != {"Mode": "EXPRESS"}:
            raise refusal("Follow-up operations must use the same DeploymentConfig (mode=EXPRESS)")
        if self.status in ("UPDATE_FAILED", "CREATE_FAILED") and not self.express:
            raise refusal(PAUSED.format(status=self.status))
        if not creates and self.status not in (*COMPLETE, "UPDATE_FAILED"):
            raise refusal(f"Stack:{ARN} is in {self.status} state and can not be updated.")
        assert creates == (request["ChangeSetType"] == "CREATE")
        missing = {each["ParameterKey"] for each in request["Parameters"] if each.get("UsePreviousValue")}
        assert missing <= self.parameters.keys()

    def describe_change_set(self, **_request: Any) -> dict[str, str]:
        return {"Status": "FAILED", "StatusReason": self.reason} if self.reason else {"Status": "CREATE_COMPLETE"}

    def delete_change_set(self, **request: Any) -> None:
        self.before("delete_change_set", request)

    def execute_change_set(self, **request: Any) -> None:
        self._accept("execute_change_set", request)
        self.status = "CREATE_COMPLETE" if self.status == "REVIEW_IN_PROGRESS" else "UPDATE_COMPLETE"
        if "execute_change_set" in self.fails:
            self.status = "UPDATE_ROLLBACK_COMPLETE"


def _end_of(status: str) -> str:
    if status == "DELETE_IN_PROGRESS":
        return "DELETE_FAILED"
    return status.replace("_CLEANUP", "").replace("_COMPLETE", "").replace("_IN_PROGRESS", "_COMPLETE")


class _NothingLeft:
    """Client of the services in which an import looks for resources; none is found."""

    def __getattr__(self, operation: str) -> Any:
        raise AssertionError(operation)


def account_with(stack: OneStack, **clients: Any) -> Account:
    account = Account("0" * 12, "eu-west-3", _NothingLeft())  # type: ignore[arg-type]
    account._clients.update(cloudformation=stack, **clients)
    return account

"""In-memory CloudFormation: stacks whose resources are functions, layers, parameters and published configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from tests.model.memory_answers import refused
from tests.model.memory_s3 import MemoryS3
from tests.model.memory_services import ACCOUNT_ID, REGION, MemoryLambda, MemorySsm
from tests.model.store_time import StoreTime

CONFIGURATION = "Custom::Configuration"


@dataclass
class Stack:
    """A stack: its template as text, and its resources, each with its type, physical id and resolved properties."""

    stack_id: str
    name: str
    template: str
    parameters: dict[str, str]
    tags: list[dict[str, str]]
    status: str
    created: datetime
    updated: datetime | None = None
    resources: dict[str, tuple[str, str, dict[str, Any]]] = field(default_factory=dict)
    reason: str = ""
    # Logical id of the resource whose next update fails, and the status that the stack then stays in.
    fails_at: tuple[str, str] | None = None

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.template)
        return found


class CreationError(Exception):
    """A resource could not be created or updated."""


@dataclass
class MemoryCloudFormation:
    """CloudFormation as the operations and the pipeline use it; every change is done when its request is answered."""

    time: StoreTime
    s3: MemoryS3
    ssm: MemorySsm
    lambda_: MemoryLambda
    # Publishes the configuration of a release, as the custom resource's function does.
    publish: Callable[[dict[str, Any]], None]
    stacks: dict[str, Stack] = field(default_factory=dict)
    change_sets: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    _ids: Any = field(default_factory=lambda: count(1))

    # --- reads

    def describe_stacks(self, **request: Any) -> dict[str, Any]:
        wanted = [self._stack(request["StackName"])] if "StackName" in request else list(self.stacks.values())
        return {"Stacks": [self._described(each) for each in wanted]}

    def _described(self, stack: Stack) -> dict[str, Any]:
        declared = stack.document.get("Parameters", {})
        parameters = [
            {"ParameterKey": key, "ParameterValue": value, **self._resolved_value(declared.get(key, {}), value)}
            for key, value in stack.parameters.items()
        ]
        return {
            "StackName": stack.name,
            "StackId": stack.stack_id,
            "StackStatus": stack.status,
            "StackStatusReason": stack.reason,
            "CreationTime": stack.created,
            **({"LastUpdatedTime": stack.updated} if stack.updated else {}),
            "Parameters": parameters,
            "Tags": stack.tags,
            "Outputs": [],
            "Capabilities": ["CAPABILITY_IAM"],
        }

    def _resolved_value(self, declared: dict[str, Any], value: str) -> dict[str, str]:
        is_ssm = str(declared.get("Type", "")).startswith("AWS::SSM::Parameter::Value")
        return {"ResolvedValue": self.ssm.value(value) or ""} if is_ssm else {}

    def _stack(self, name: str) -> Stack:
        if name not in self.stacks:
            raise refused(self.time.now, "ValidationError", f"Stack with id {name} does not exist")
        return self.stacks[name]

    def get_template(self, **request: Any) -> dict[str, Any]:
        return {"TemplateBody": self._stack(request["StackName"]).template}

    def list_stack_resources(self, **request: Any) -> dict[str, Any]:
        found = self._stack(request["StackName"]).resources
        return {
            "StackResourceSummaries": [
                {
                    "LogicalResourceId": key,
                    "ResourceType": kind,
                    "PhysicalResourceId": physical_id,
                    "ResourceStatus": "UPDATE_COMPLETE",
                }
                for key, (kind, physical_id, _) in found.items()
            ]
        }

    def describe_stack_events(self, **request: Any) -> dict[str, Any]:
        stack = self._stack(request["StackName"])
        event = {"StackId": stack.stack_id, "LogicalResourceId": "Resource", "ResourceStatus": "UPDATE_FAILED"}
        return {"StackEvents": [{**event, "ResourceStatusReason": stack.reason}] if stack.reason else []}

    # --- change sets

    def create_change_set(self, **request: Any) -> dict[str, Any]:
        name, change_set = request["StackName"], request["ChangeSetName"]
        stack = self.stacks.get(name)
        if stack and stack.status.endswith(("_IN_PROGRESS", "ROLLBACK_FAILED")):
            message = f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
            raise refused(self.time.now, "ValidationError", message)
        if (name, change_set) in self.change_sets:
            raise refused(self.time.now, "AlreadyExistsException")
        template = request.get("TemplateBody") or self._stack(name).template
        given = {each["ParameterKey"]: each.get("ParameterValue") for each in request.get("Parameters", [])}
        before = stack.parameters if stack else {}
        declared = json.loads(template).get("Parameters", {})
        parameters = {
            key: str(given.get(key) or before.get(key) or each.get("Default", "")) for key, each in declared.items()
        }
        tags = request.get("Tags", stack.tags if stack else [])
        made = {"template": template, "parameters": parameters, "tags": tags}
        if stack and not self._changes(stack, made):
            made["reason"] = "The submitted information didn't contain changes."
        self.change_sets[name, change_set] = made
        return {"Id": change_set, "StackId": stack.stack_id if stack else name}

    def _changes(self, stack: Stack, made: dict[str, Any]) -> bool:
        same = json.loads(made["template"]) == stack.document and made["tags"] == stack.tags
        return not same or self._properties(stack, made) != {key: each[2] for key, each in stack.resources.items()}

    def _properties(self, stack: Stack, made: dict[str, Any]) -> dict[str, Any]:
        known = {key: each[1] for key, each in stack.resources.items()}
        document = json.loads(made["template"])
        known |= self._parameter_values(document, made["parameters"])
        return {key: _resolved(each.get("Properties", {}), known) for key, each in document["Resources"].items()}

    def describe_change_set(self, **request: Any) -> dict[str, Any]:
        made = self._change_set(request)
        status = "FAILED" if "reason" in made else "CREATE_COMPLETE"
        return {"Status": status, "StatusReason": made.get("reason", ""), "Changes": []}

    def _change_set(self, request: dict[str, Any]) -> dict[str, Any]:
        key = request["StackName"], request["ChangeSetName"]
        if key not in self.change_sets:
            raise refused(self.time.now, "ChangeSetNotFound", status=404)
        return self.change_sets[key]

    def delete_change_set(self, **request: Any) -> dict[str, Any]:
        self.change_sets.pop((request["StackName"], request["ChangeSetName"]), None)
        return {}

    def execute_change_set(self, **request: Any) -> dict[str, Any]:
        made, name = self._change_set(request), request["StackName"]
        self.delete_change_set(**request)
        self.deploy(name, made["template"], made["parameters"], made["tags"])
        return {}

    # --- changes of stacks

    def deploy(self, name: str, template: str, parameters: dict[str, str], tags: list[dict[str, str]]) -> str:
        """Create or update a stack, and return its status."""
        stack = self.stacks.get(name)
        if stack is None:
            stack_id = f"arn:aws:cloudformation:{REGION}:{ACCOUNT_ID}:stack/{name}/{next(self._ids)}"
            stack = Stack(stack_id, name, "{}", {}, [], "CREATE_COMPLETE", self.time.now)
            self.stacks[name] = stack
        else:
            stack.updated, stack.status = self.time.now, "UPDATE_COMPLETE"
        before = stack.template, stack.parameters, stack.tags, stack.resources
        stack.template, stack.parameters, stack.tags, stack.reason = template, parameters, tags, ""
        try:
            self._apply(stack, before[3])
        except CreationError as error:
            stack.template, stack.parameters, stack.tags, _ = before
            stack.reason = str(error)
            self._roll_back(stack, before[3])
        return stack.status

    def _apply(self, stack: Stack, before: dict[str, tuple[str, str, dict[str, Any]]]) -> None:
        document = stack.document
        known = self._parameter_values(document, stack.parameters)
        made: dict[str, tuple[str, str, dict[str, Any]]] = {}
        fails_at, stack.fails_at = stack.fails_at, None
        stack.resources = {**before}
        for key, resource in document.get("Resources", {}).items():
            properties = _resolved(resource.get("Properties", {}), known)
            there = before.get(key)
            if fails_at and fails_at[0] == key:
                stack.status = fails_at[1]
                raise CreationError(f"{key}: it could not be updated (made to fail)")
            if there is None or there[2] != properties:
                made[key] = (resource["Type"], self._put(resource["Type"], properties), properties)
            else:
                made[key] = there
            known[key] = made[key][1]
            stack.resources[key] = made[key]
        for key in before.keys() - made.keys():
            self._remove(*before[key][:2])
        stack.resources = made

    def _roll_back(self, stack: Stack, before: dict[str, tuple[str, str, dict[str, Any]]]) -> None:
        """Restore the resources, unless the rollback fails too; a layer version of the failed update stays."""
        if stack.status == "UPDATE_ROLLBACK_FAILED":
            stack.resources = before
            return
        for key, (kind, physical_id, properties) in before.items():
            if stack.resources.get(key, ("", "", {}))[2] != properties and kind != "AWS::Lambda::LayerVersion":
                self._put(kind, properties)
            stack.resources[key] = (kind, physical_id, properties)
        stack.resources = before
        stack.status = "UPDATE_ROLLBACK_COMPLETE"

    def _parameter_values(self, document: dict[str, Any], values: dict[str, str]) -> dict[str, str]:
        declared = document.get("Parameters", {})
        return {
            key: self._resolved_value(each, values[key]).get("ResolvedValue", values[key])
            for key, each in declared.items()
            if key in values
        }

    def _put(self, kind: str, properties: dict[str, Any]) -> str:
        match kind:
            case "AWS::Lambda::Function":
                code = self._asset(properties["Code"])
                settings = {key: each for key, each in properties.items() if key not in ("FunctionName", "Code")}
                return self.lambda_.put_function(properties["FunctionName"], code, **settings)
            case "AWS::Lambda::LayerVersion":
                return self.lambda_.put_layer(properties["LayerName"], self._asset(properties["Content"]))
            case "AWS::SSM::Parameter":
                self.ssm.put_parameter(Name=properties["Name"], Value=properties["Value"], Overwrite=True)
                return str(properties["Name"])
            case "Custom::Configuration":
                self.publish(properties)
        return str(properties.get("BucketName", properties.get("RoleName", kind)))

    def _asset(self, reference: dict[str, str]) -> bytes:
        found = self.s3.buckets[reference["S3Bucket"]].current(reference["S3Key"])
        if found is None or found.body is None:
            raise CreationError(f"S3 has no {reference['S3Key']}")
        return found.body

    def _remove(self, kind: str, physical_id: str) -> None:
        if kind == "AWS::Lambda::Function":
            self.lambda_.functions.pop(physical_id, None)
        elif kind == "AWS::SSM::Parameter":
            self.ssm.parameters.pop(physical_id, None)

    def continue_update_rollback(self, **request: Any) -> dict[str, Any]:
        stack = self._stack(request["StackName"])
        for kind, _, properties in stack.resources.values():
            if kind != "AWS::Lambda::LayerVersion":
                self._put(kind, properties)
        stack.status, stack.updated = "UPDATE_ROLLBACK_COMPLETE", self.time.now
        return {}

    def delete_stack(self, **request: Any) -> dict[str, Any]:
        if stack := self.stacks.pop(request["StackName"], None):
            for kind, physical_id, _ in stack.resources.values():
                self._remove(kind, physical_id)
        return {}


def _resolved(value: Any, known: dict[str, str]) -> Any:
    match value:
        case {"Ref": str(name)}:
            return known.get(name, value)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{(\w+)\}", lambda match: known.get(match[1], match[0]), text)
        case dict():
            return {key: _resolved(each, known) for key, each in value.items()}
        case list():
            return [_resolved(each, known) for each in value]
    return value

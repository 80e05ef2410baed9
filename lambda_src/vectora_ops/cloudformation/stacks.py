"""Stacks read, previewed and put back through CloudFormation, also where something was changed behind its back."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.cloudformation.imports import adopt, find_orphans
from vectora_ops.cloudformation.lost_text import doubtful_places, is_doubtful, lost_in
from vectora_ops.cloudformation.templates import parse_template
from vectora_shared.aws_errors import error_code, error_message, is_absent
from vectora_shared.errors import VectoraError

FIRST_POLL_SECONDS = 0.1
LONGEST_POLL_SECONDS = 3.0
# CreateChangeSet takes no longer TemplateBody (API reference); longer ones come from a bucket.
LONGEST_BODY_BYTES = 51_200
NO_ECHO = "****"
# Leftovers of a creation that failed or was never executed: nothing of theirs can be updated.
NEVER_CREATED = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
NO_CHANGES = ("didn't contain changes", "No updates are to be performed", "no changes")
FUNCTION, LAYER_VERSION, PARAMETER = "AWS::Lambda::Function", "AWS::Lambda::LayerVersion", "AWS::SSM::Parameter"
SSM_TYPED = "AWS::SSM::Parameter::Value"
RECREATED_TYPES = (FUNCTION, LAYER_VERSION, PARAMETER)


@dataclass(frozen=True, kw_only=True)
class StackDefinition:
    """All that CloudFormation needs in order to make a stack what it was. SSM-typed parameters hold the SSM name."""

    name: str
    template: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    capabilities: tuple[str, ...]
    role_arn: str | None

    @property
    def doubtful_places(self) -> tuple[str, ...]:
        """Where CloudFormation may have told a question mark for another character."""
        told = {"Parameter": self.parameters, "Tag": self.tags}
        return doubtful_places({**parse_template(self.template), **told})


@dataclass(frozen=True, kw_only=True)
class ResourceChange:
    """`replacement` is CloudFormation's word: True, False or Conditional."""

    logical_id: str
    resource_type: str
    action: str
    replacement: str | None


def _nothing() -> None: ...


class Stacks:
    """Stacks of one account. `alive` is called while CloudFormation works; it may raise, and a second call goes on."""

    def __init__(
        self, account: Account, *, assets_bucket: str | None = None, alive: Callable[[], None] = _nothing
    ) -> None:
        """`assets_bucket` receives templates that are too long to be sent."""
        self._account = account
        self._assets_bucket = assets_bucket
        self._alive = alive
        self._cloudformation = account.client("cloudformation")

    def read(self, name: str) -> StackDefinition | None:
        """None when there is no such stack, or only the leftover of a creation that did not succeed."""
        described = self._described(name)
        if described is None or described["StackStatus"] in NEVER_CREATED:
            return None
        body = self._cloudformation.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        template = body if isinstance(body, str) else json.dumps(body, indent=1)
        declared = parse_template(template).get("Parameters", {})
        return StackDefinition(
            name=name,
            template=template,
            parameters={
                each["ParameterKey"]: _as_given(each, declared.get(each["ParameterKey"], {}))
                for each in described.get("Parameters", [])
            },
            tags={each["Key"]: each["Value"] for each in described.get("Tags", [])},
            capabilities=tuple(sorted(described.get("Capabilities", []))),
            role_arn=described.get("RoleARN"),
        )

    def resources(self, name: str) -> dict[str, tuple[str, str]]:
        """By logical id the type and the physical id; empty when there is no such stack."""
        try:
            pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
            return {
                each["LogicalResourceId"]: (each["ResourceType"], each.get("PhysicalResourceId", ""))
                for page in pages
                for each in page["StackResourceSummaries"]
                if each["ResourceStatus"] != "DELETE_COMPLETE"
            }
        except ClientError as error:
            if is_absent(error, "stack"):
                return {}
            raise

    def check_text(self, definition: StackDefinition) -> None:
        """Raise VectoraError naming the place when the stack cannot be restored without changing characters."""
        if not definition.doubtful_places:
            return
        live = self.read(definition.name)
        self._template(definition.name, definition.template, live)
        self._parameters(definition, definition.template, live, exists=live is not None)
        self._tags(definition, live)

    def settle(self, name: str) -> None:
        """Wait for what CloudFormation is doing, and clear away what an operation that failed has left."""
        status = self._wait(name)
        if status == "UPDATE_ROLLBACK_FAILED":
            self._alive()
            self._cloudformation.continue_update_rollback(StackName=name)
            status = self._wait(name)
            if status != "UPDATE_ROLLBACK_COMPLETE":
                raise VectoraError(
                    f"Stack {name} is stuck in {status}: continue its rollback by hand, leaving out what fails "
                    "(aws cloudformation continue-update-rollback --resources-to-skip), then run this again."
                )
        elif status in NEVER_CREATED:
            self.remove(name)

    def preview(self, definition: StackDefinition) -> tuple[ResourceChange, ...]:
        """What an update to the definition would change, by a change set that is deleted again."""
        change_set = self._create_change_set(definition, definition.template, purpose="preview")
        if change_set is None:
            return ()
        try:
            return self._changes(definition.name, change_set)
        finally:
            self._cloudformation.delete_change_set(StackName=definition.name, ChangeSetName=change_set)

    def restore(self, definition: StackDefinition) -> bool:
        """Create the stack, or update it to exactly this; False when CloudFormation sees nothing to change.

        What outlived a deleted stack, such as its buckets, is taken in again. Raises VectoraError with CloudFormation's
        reason when it does not succeed.
        """
        if self._described(definition.name) is None:
            self.check_text(definition)
            self._alive()
            template = parse_template(definition.template)
            orphans = find_orphans(self._account, {definition.name: template})
            adopt(self._account, orphans, role_arn=definition.role_arn)
        return self._apply(definition, definition.template, purpose="restore")

    def recreate(self, definition: StackDefinition, logical_ids: Sequence[str]) -> None:
        """Make resources anew that were changed or deleted without CloudFormation's knowledge.

        An update with the same template changes nothing, and no change set sees what became of a function's code. So
        the resources leave the stack, and come back with the update after that. Raises VectoraError for types that
        hold data or cannot be missed for a moment.
        """
        template = parse_template(definition.template)
        for logical_id in logical_ids:
            kind = template["Resources"][logical_id]["Type"]
            if kind not in RECREATED_TYPES:
                raise VectoraError(
                    f"{logical_id} of stack {definition.name} was changed by hand, and a {kind} is not made anew "
                    "without its data: repair it by hand (cdk drift shows what differs)."
                )
        present = self.resources(definition.name)
        # What a call before this one already took out must not be taken out again.
        leaving = [logical_id for logical_id in logical_ids if logical_id in present]
        if leaving:
            values = {
                logical_id: self._values(*present[logical_id]) for logical_id in logical_ids if logical_id in present
            }
            without = without_resources(template, values)
            self._apply(definition, json.dumps(without, indent=1), purpose="take-out")
        self._apply(definition, definition.template, purpose="put-back")

    def remove(self, name: str) -> None:
        """Delete a stack; what it retains stays. Raises VectoraError naming the resource that does not go."""
        self._alive()
        self._cloudformation.delete_stack(StackName=name)
        status = self._wait(name)
        if status is not None:
            raise VectoraError(f"Stack {name} could not be deleted ({status}): {self._reason(name)}")

    # --- change sets

    def _apply(self, definition: StackDefinition, template: str, *, purpose: str) -> bool:
        name = definition.name
        change_set = self._create_change_set(definition, template, purpose=purpose)
        if change_set is None:
            return False
        self._alive()
        try:
            self._cloudformation.execute_change_set(StackName=name, ChangeSetName=change_set)
        except ClientError as error:
            # A retry whose first try arrived meets what that one began.
            if error_code(error) not in ("InvalidChangeSetStatus", "ChangeSetNotFound"):
                raise
        status = self._wait(name)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
            raise VectoraError(
                f"CloudFormation did not {purpose.replace('-', ' ')} stack {name} ({status}): {self._reason(name)}"
            )
        return True

    def _create_change_set(self, definition: StackDefinition, template: str, *, purpose: str) -> str | None:
        """The change set's name, or None when there is nothing to change."""
        described = self._described(definition.name)
        exists = described is not None and described["StackStatus"] != "REVIEW_IN_PROGRESS"
        live = self.read(definition.name) if definition.doubtful_places else None
        request: dict[str, Any] = {
            "StackName": definition.name,
            "ChangeSetType": "UPDATE" if exists else "CREATE",
            "Parameters": self._parameters(definition, template, live, exists=exists),
            "Capabilities": list(definition.capabilities) or ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            **self._tags(definition, live),
            **self._template(definition.name, template, live),
        }
        if definition.role_arn and not (exists and described and described.get("RoleARN")):
            request["RoleARN"] = definition.role_arn
        digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode("utf-8")).hexdigest()
        change_set = f"vectora-{purpose}-{digest[:24]}"
        # An interrupted call before this one may have left one of the same name, made for another state of the stack.
        self._delete_change_set(definition.name, change_set)
        try:
            self._cloudformation.create_change_set(ChangeSetName=change_set, **request)
        except ClientError as error:
            if error_code(error) != "AlreadyExistsException":
                raise VectoraError(
                    f"CloudFormation does not accept the template of stack {definition.name}: {error_message(error)}"
                ) from error
        return self._ready(definition.name, change_set)

    def _delete_change_set(self, name: str, change_set: str) -> None:
        try:
            self._cloudformation.delete_change_set(StackName=name, ChangeSetName=change_set)
        except ClientError as error:
            if not is_absent(error, "change set"):
                raise

    def _ready(self, name: str, change_set: str) -> str | None:
        wait = FIRST_POLL_SECONDS
        while True:
            described = self._cloudformation.describe_change_set(StackName=name, ChangeSetName=change_set)
            if described["Status"] == "CREATE_COMPLETE":
                return change_set
            if described["Status"] == "FAILED":
                self._delete_change_set(name, change_set)
                reason = described.get("StatusReason", "no reason given")
                if any(words in reason for words in NO_CHANGES):
                    return None
                raise VectoraError(f"CloudFormation refuses to change stack {name}: {reason}")
            self._alive()
            time.sleep(wait)
            wait = min(wait * 1.5, LONGEST_POLL_SECONDS)

    def _changes(self, name: str, change_set: str) -> tuple[ResourceChange, ...]:
        pages = self._cloudformation.get_paginator("describe_change_set").paginate(
            StackName=name, ChangeSetName=change_set
        )
        changes = (each["ResourceChange"] for page in pages for each in page.get("Changes", []))
        return tuple(
            ResourceChange(
                logical_id=each["LogicalResourceId"],
                resource_type=each["ResourceType"],
                action=each["Action"],
                replacement=each.get("Replacement"),
            )
            for each in changes
        )

    def _tags(self, definition: StackDefinition, live: StackDefinition | None) -> dict[str, Any]:
        if doubtful := doubtful_places({"Tag": definition.tags}):
            # Tags that are not named stay as they are (UpdateStack, API reference).
            if live is None or live.tags != definition.tags:
                raise _cannot_write(definition.name, doubtful)
            return {}
        return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(definition.tags.items())]}

    def _template(self, name: str, template: str, live: StackDefinition | None) -> dict[str, Any]:
        """The template as CloudFormation takes it; `live` is what the stack is now, where its text may be doubtful."""
        if doubtful := doubtful_places(parse_template(template)):
            if live is None or live.template != template:
                raise _cannot_write(name, doubtful)
            return {"UsePreviousTemplate": True}
        body = template.encode("utf-8")
        if len(body) <= LONGEST_BODY_BYTES:
            return {"TemplateBody": template}
        if self._assets_bucket is None:
            raise VectoraError(
                f"A template of {len(body):,} bytes must come from a bucket, and no stack of the snapshot names one."
            )
        key = f"vectora-restore/{hashlib.sha256(body).hexdigest()}"
        s3 = self._account.client("s3")
        s3.put_object(Bucket=self._assets_bucket, Key=key, Body=body)
        # CloudFormation wants the object's address, without the signature.
        url = s3.generate_presigned_url("get_object", Params={"Bucket": self._assets_bucket, "Key": key})
        return {"TemplateURL": str(url).partition("?")[0]}

    def _parameters(
        self, definition: StackDefinition, template: str, live: StackDefinition | None, *, exists: bool
    ) -> list[dict[str, Any]]:
        declared = parse_template(template).get("Parameters", {})
        parameters: list[dict[str, Any]] = []
        for key, value in sorted(definition.parameters.items()):
            if key not in declared:
                continue
            if is_doubtful(value):
                if live is None or live.parameters.get(key) != value:
                    raise _cannot_write(definition.name, (f"Parameter.{key}",))
                parameters.append({"ParameterKey": key, "UsePreviousValue": True})
            elif value != NO_ECHO:
                parameters.append({"ParameterKey": key, "ParameterValue": value})
            elif exists:
                parameters.append({"ParameterKey": key, "UsePreviousValue": True})
            else:
                raise VectoraError(
                    f"Parameter {key} of stack {definition.name} is secret (NoEcho), so no snapshot holds it: create "
                    "the stack by hand with its value, then roll back again."
                )
        return parameters

    # --- state

    def _described(self, name: str) -> dict[str, Any] | None:
        try:
            described: dict[str, Any] = self._cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if is_absent(error, "stack"):
                return None
            raise
        return None if described["StackStatus"] == "DELETE_COMPLETE" else described

    def _wait(self, name: str) -> str | None:
        """The status when CloudFormation is done with the stack; None when it is gone."""
        wait = FIRST_POLL_SECONDS
        while True:
            described = self._described(name)
            status = described["StackStatus"] if described else None
            if status is None or status == "REVIEW_IN_PROGRESS" or not status.endswith("_IN_PROGRESS"):
                return status
            self._alive()
            time.sleep(wait)
            wait = min(wait * 1.5, LONGEST_POLL_SECONDS)

    def _reason(self, name: str) -> str:
        """What failed first in the operation that ended last."""
        events = self._cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        first = "no reason given"
        for event in events:
            own = event.get("PhysicalResourceId") == event["StackId"]
            status, reason = event["ResourceStatus"], event.get("ResourceStatusReason", "")
            if status.endswith("_FAILED") and reason and "cancelled" not in reason.lower():
                first = f"{event['LogicalResourceId']}: {reason}"
            if own and status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"):
                break
        return first

    def _values(self, kind: str, physical_id: str) -> dict[str, str]:
        """What references to a resource stand for now: under Ref, and by attribute."""
        if kind == FUNCTION:
            return {"Ref": physical_id, "Arn": self._account.function_arn(physical_id)}
        return {"Ref": physical_id, "LayerVersionArn": physical_id}


def without_resources(template: Mapping[str, Any], values: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The template without the resources in `values`; references to them become what they stand for now.

    So no other resource changes. Raises VectoraError for a reference to an attribute that is not known.
    """
    resources = {
        logical_id: _independent(resource, values)
        for logical_id, resource in template["Resources"].items()
        if logical_id not in values
    }
    literal = {**template, "Resources": resources}
    return {
        section: _literal(content, values) if section in ("Resources", "Outputs") else content
        for section, content in literal.items()
    }


def _independent(resource: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    depends = resource.get("DependsOn", [])
    kept = [each for each in ([depends] if isinstance(depends, str) else depends) if each not in values]
    rest = {key: value for key, value in resource.items() if key != "DependsOn"}
    return {**rest, "DependsOn": kept} if kept else rest


def _literal(value: Any, values: Mapping[str, Mapping[str, str]]) -> Any:
    match value:
        case {"Ref": str(name)} if name in values:
            return values[name]["Ref"]
        case {"Fn::GetAtt": [str(name), str(attribute)]} if name in values:
            return _attribute(values, name, attribute)
        case {"Fn::Sub": str(text)}:
            return {"Fn::Sub": _substituted(text, values)}
        case {"Fn::Sub": [str(text), variables]}:
            return {"Fn::Sub": [_substituted(text, values), _literal(variables, values)]}
        case dict():
            return {key: _literal(each, values) for key, each in value.items()}
        case list():
            return [_literal(each, values) for each in value]
    return value


def _substituted(text: str, values: Mapping[str, Mapping[str, str]]) -> str:
    def stand_in(match: re.Match[str]) -> str:
        name, _, attribute = match[1].partition(".")
        return _attribute(values, name, attribute or "Ref") if name in values else match[0]

    return re.sub(r"\$\{([A-Za-z0-9]+(?:\.[A-Za-z0-9.]+)?)\}", stand_in, text)


def _attribute(values: Mapping[str, Mapping[str, str]], name: str, attribute: str) -> str:
    if attribute not in values[name]:
        raise VectoraError(f"{name}.{attribute} is needed by other resources: {name} cannot be made anew on its own.")
    return values[name][attribute]


def _as_given(parameter: Mapping[str, str], declared: Mapping[str, Any]) -> str:
    """The parameter's value; for one that names an SSM parameter that name, never what stood in it at the time."""
    is_name = str(declared.get("Type", "")).startswith(SSM_TYPED)
    # The rehearsal's emulator tells the value behind the name instead of both.
    if is_name and "ResolvedValue" not in parameter and "Default" in declared:
        return str(declared["Default"])
    return parameter["ParameterValue"]


def _cannot_write(stack: str, places: tuple[str, ...]) -> VectoraError:
    return VectoraError(
        f"{lost_in(stack, places)}, and writing a question mark there would change what the stack has. Deploy the "
        "stack from its own source, or roll back other components only (--components)."
    )

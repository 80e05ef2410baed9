"""Change sets of stacks: created, read and deleted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Literal

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.cloudformation.change_set_request import TemplateSender, parameters, tags
from vectora_ops.cloudformation.definition import ResourceChange, StackDefinition
from vectora_ops.cloudformation.polling import Polling
from vectora_ops.cloudformation.reading import StackReader
from vectora_ops.cloudformation.refusals import advice_for, explained
from vectora_ops.cloudformation.statuses import REVIEW, deployment_mode
from vectora_shared.aws_errors import error_code, is_absent
from vectora_shared.errors import VectoraError

Purpose = Literal["preview", "restore", "record", "take-out", "put-back"]  # part of the change set's name
# About a minute, in which CloudFormation finishes a change set that an interrupted call left.
MOST_TRIES = 30
NO_CHANGES = ("didn't contain changes", "No updates are to be performed", "no changes")


class ChangeSets:
    """Change sets of one account. `keep_alive` is called while CloudFormation works; it may raise."""

    def __init__(
        self, account: Account, stacks: StackReader, assets_bucket: str | None, keep_alive: Callable[[], None]
    ) -> None:
        self._cloudformation = account.client("cloudformation")
        self._stacks = stacks
        self._templates = TemplateSender(account, assets_bucket)
        self._keep_alive = keep_alive

    def create(
        self, definition: StackDefinition, template: str, purpose: Purpose, described: Mapping[str, Any] | None
    ) -> str | None:
        """Create a change set from the live stack, as `described` now, to the definition, but with this template.

        The result is its name, or None when nothing would change. Raises VectoraError when CloudFormation refuses.
        """
        exists = described is not None and described["StackStatus"] != REVIEW
        previous = _parameter_names(described) if exists else frozenset()
        live = self._stacks.definition(definition.name, described) if definition.lost_text_paths else None
        request: dict[str, Any] = {
            "StackName": definition.name,
            "ChangeSetType": "UPDATE" if exists else "CREATE",
            "Parameters": parameters(definition, template, live, previous=previous),
            "Capabilities": list(definition.capabilities) or ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            **tags(definition, live),
            **self._templates.request(definition.name, template, live),
            **deployment_mode(described),
        }
        if definition.role_arn and not (exists and described and described.get("RoleARN")):
            request["RoleARN"] = definition.role_arn
        digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode("utf-8")).hexdigest()
        change_set = f"vectora-{purpose}-{digest[:24]}"
        try:
            self._create_new(change_set, request)
        except ClientError as error:
            raise explained(definition.name, error, "change") from error
        return self._wait(definition.name, change_set)

    def _create_new(self, name: str, request: dict[str, Any]) -> None:
        """Create a change set in place of one with its name, which may be made for another state of the stack.

        An interrupted call left it, or the answer to this very request was lost and botocore sent it again. While
        CloudFormation works on that one, it cannot be deleted (aws-cdk 26182).
        """
        polling = Polling(self._keep_alive)
        for left in reversed(range(MOST_TRIES)):
            try:
                self._cloudformation.create_change_set(ChangeSetName=name, **request)
            except ClientError as error:
                if error_code(error) != "AlreadyExistsException" or not left:
                    raise
            else:
                return
            try:
                self.delete_if_present(request["StackName"], name)
            except ClientError as error:
                if error_code(error) != "InvalidChangeSetStatus" or not left:
                    raise
                polling.pause()

    def changes(self, stack: str, change_set: str) -> tuple[ResourceChange, ...]:
        pages = self._cloudformation.get_paginator("describe_change_set").paginate(
            StackName=stack, ChangeSetName=change_set
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

    def delete(self, stack: str, change_set: str) -> None:
        self._cloudformation.delete_change_set(StackName=stack, ChangeSetName=change_set)

    def delete_if_present(self, stack: str, change_set: str) -> None:
        try:
            self.delete(stack, change_set)
        except ClientError as error:
            if not is_absent(error, "change set"):
                raise

    def _wait(self, stack: str, change_set: str) -> str | None:
        polling = Polling(self._keep_alive)
        while True:
            described = self._cloudformation.describe_change_set(StackName=stack, ChangeSetName=change_set)
            if described["Status"] == "CREATE_COMPLETE":
                return change_set
            if described["Status"] == "FAILED":
                # The reason matters more: a change set that stays is replaced by the next one of its name.
                with suppress(ClientError):
                    self.delete_if_present(stack, change_set)
                reason = described.get("StatusReason", "no reason given")
                if any(words in reason for words in NO_CHANGES):
                    return None
                advice = advice_for(stack, reason)
                raise VectoraError(
                    f"CloudFormation refuses to change stack {stack}: {reason}{f'. {advice}' if advice else ''}"
                )
            polling.pause()


def _parameter_names(described: Mapping[str, Any] | None) -> frozenset[str]:
    return frozenset(each["ParameterKey"] for each in (described or {}).get("Parameters", []))

"""Stacks previewed, restored, repaired and removed through CloudFormation."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.cloudformation.change_set_request import require_writable
from vectora_ops.cloudformation.change_sets import ChangeSets, Purpose
from vectora_ops.cloudformation.definition import FUNCTION, LAYER_VERSION, PARAMETER, ResourceChange, StackDefinition
from vectora_ops.cloudformation.imports import find_importable, import_resources
from vectora_ops.cloudformation.polling import Polling
from vectora_ops.cloudformation.reading import NEVER_CREATED, StackReader
from vectora_ops.cloudformation.removal import without_resources
from vectora_ops.cloudformation.templates import parse_template
from vectora_shared.aws_errors import error_code
from vectora_shared.errors import VectoraError

RECREATED_TYPES = (FUNCTION, LAYER_VERSION, PARAMETER)
# The verb of the message when executing a change set fails.
ACTIONS: dict[Purpose, str] = {
    "restore": "restore",
    "record": "record what runs in",
    "take-out": "remove the changed resources from",
    "put-back": "recreate the changed resources of",
}


def _nothing() -> None: ...


class Stacks(StackReader):
    """Stacks of one account, read and changed.

    `keep_alive` is called while CloudFormation works. It may raise; the same call then continues the work.
    """

    def __init__(
        self, account: Account, *, assets_bucket: str | None = None, keep_alive: Callable[[], None] = _nothing
    ) -> None:
        """Prepare the stacks; `assets_bucket` receives templates that are too long for a request."""
        super().__init__(account)
        self._keep_alive = keep_alive
        self._change_sets = ChangeSets(account, self, assets_bucket, keep_alive)

    def check_text(self, definition: StackDefinition) -> None:
        """Raise VectoraError naming the path when the stack cannot be restored without a change of characters."""
        if definition.lost_text_paths:
            require_writable(definition, self.read(definition.name))

    def settle(self, name: str) -> None:
        """Wait until CloudFormation is done with the stack, and clean up after a failed operation."""
        status = self._wait(name)
        if status == "UPDATE_ROLLBACK_FAILED":
            self._keep_alive()
            self._cloudformation.continue_update_rollback(StackName=name)
            status = self._wait(name)
            if status != "UPDATE_ROLLBACK_COMPLETE":
                raise VectoraError(
                    f"Stack {name} is stuck in {status}: continue its rollback by hand and skip the resources that "
                    "fail (aws cloudformation continue-update-rollback --resources-to-skip), then run this again."
                )
        elif status in NEVER_CREATED:
            self.remove(name)

    def preview(self, definition: StackDefinition) -> tuple[ResourceChange, ...]:
        """Return what an update to the definition would change, by a change set that is deleted again."""
        described = self.describe(definition.name)
        change_set = self._change_sets.create(definition, definition.template, "preview", described)
        if change_set is None:
            return ()
        try:
            return self._change_sets.changes(definition.name, change_set)
        finally:
            self._change_sets.delete(definition.name, change_set)

    def restore(self, definition: StackDefinition) -> bool:
        """Create the stack, or update it to exactly this definition; return False when nothing changes.

        Resources that outlived a deleted stack, such as its buckets, are imported. Raises VectoraError with
        CloudFormation's reason when it fails.
        """
        described = self.describe(definition.name)
        if described is None:
            self.check_text(definition)
            self._keep_alive()
            template = parse_template(definition.template)
            importable = find_importable(self._account, {definition.name: template})
            import_resources(self._account, importable, role_arn=definition.role_arn)
            described = self.describe(definition.name)
        return self._apply(definition, definition.template, "restore", described)

    def record(self, definition: StackDefinition) -> bool:
        """Update the stack to a definition that states what runs already; return False when nothing changes."""
        return self._apply(definition, definition.template, "record", self.describe(definition.name))

    def recreate(self, definition: StackDefinition, logical_ids: Sequence[str]) -> None:
        """Create resources again that were changed or deleted outside CloudFormation.

        An update with the same template changes nothing, and no change set notices another code of a function. So a
        first update removes the resources from the stack, and a second one creates them. Raises VectoraError for types
        that hold data or are needed at any time.
        """
        template = parse_template(definition.template)
        for logical_id in logical_ids:
            kind = template["Resources"][logical_id]["Type"]
            if kind not in RECREATED_TYPES:
                raise VectoraError(
                    f"{logical_id} of stack {definition.name} was changed by hand, and a {kind} cannot be recreated "
                    "without its data: repair it by hand (cdk drift shows what differs)."
                )
        present = self.resources(definition.name)
        # An interrupted call may already have removed some of them.
        values = {
            logical_id: self._reference_values(*present[logical_id])
            for logical_id in logical_ids
            if logical_id in present
        }
        if values:
            fewer = json.dumps(without_resources(template, values), indent=1)
            self._apply(definition, fewer, "take-out", self.describe(definition.name))
        self._apply(definition, definition.template, "put-back", self.describe(definition.name))

    def remove(self, name: str) -> None:
        """Delete a stack; retained resources stay. Raises VectoraError naming the resource that cannot be deleted."""
        self._keep_alive()
        self._cloudformation.delete_stack(StackName=name)
        status = self._wait(name)
        if status is not None:
            raise VectoraError(f"Stack {name} could not be deleted ({status}): {self.failure_reason(name)}")

    def _apply(
        self, definition: StackDefinition, template: str, purpose: Purpose, described: Mapping[str, Any] | None
    ) -> bool:
        name = definition.name
        change_set = self._change_sets.create(definition, template, purpose, described)
        if change_set is None:
            return False
        self._keep_alive()
        try:
            self._cloudformation.execute_change_set(StackName=name, ChangeSetName=change_set)
        except ClientError as error:
            # The first attempt succeeded and its answer was lost, so botocore's retry found the execution it began.
            if error_code(error) not in ("InvalidChangeSetStatus", "ChangeSetNotFound"):
                raise
        status = self._wait(name)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
            raise VectoraError(
                f"CloudFormation did not {ACTIONS[purpose]} stack {name} ({status}): {self.failure_reason(name)}"
            )
        return True

    def _wait(self, name: str) -> str | None:
        """Wait until CloudFormation is done with the stack; return the status, or None when it is deleted."""
        polling = Polling(self._keep_alive)
        while True:
            described = self.describe(name)
            status = described["StackStatus"] if described else None
            if status is None or status == "REVIEW_IN_PROGRESS" or not status.endswith("_IN_PROGRESS"):
                return status
            polling.pause()

    def _reference_values(self, kind: str, physical_id: str) -> dict[str, str]:
        """Return the current values of references to a resource: under Ref, and by attribute."""
        if kind == FUNCTION:
            return {"Ref": physical_id, "Arn": self._account.function_arn(physical_id)}
        return {"Ref": physical_id, "LayerVersionArn": physical_id}

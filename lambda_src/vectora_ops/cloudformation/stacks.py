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
from vectora_ops.cloudformation.recovery import RecoverableStacks
from vectora_ops.cloudformation.refusals import EXPRESS_WORDS, StackBusyError, advice_for, explained
from vectora_ops.cloudformation.removal import without_resources
from vectora_ops.cloudformation.statuses import REVIEW, is_express, is_usable, problem_of
from vectora_ops.cloudformation.templates import parse_template
from vectora_shared.aws_errors import error_code
from vectora_shared.errors import VectoraError

# Of an update, while other operations on the stack come in between.
MOST_ATTEMPTS = 3
RECREATED_TYPES = (FUNCTION, LAYER_VERSION, PARAMETER)
# The verb of the message when executing a change set fails.
ACTIONS: dict[Purpose, str] = {
    "restore": "restore",
    "record": "record what runs in",
    "take-out": "remove the changed resources from",
    "put-back": "recreate the changed resources of",
}


def _nothing() -> None: ...


class Stacks(RecoverableStacks):
    """Stacks of one account, read, recovered and changed.

    `keep_alive` is called while CloudFormation works. It may raise; the same call then continues the work.
    """

    def __init__(
        self, account: Account, *, assets_bucket: str | None = None, keep_alive: Callable[[], None] = _nothing
    ) -> None:
        """Prepare the stacks; `assets_bucket` receives templates that are too long for a request."""
        super().__init__(account, keep_alive)
        self._assets_bucket = assets_bucket
        self._change_sets = ChangeSets(account, self, assets_bucket, keep_alive)

    def check_text(self, definition: StackDefinition) -> None:
        """Raise VectoraError naming the path when the stack cannot be restored without a change of characters."""
        if definition.lost_text_paths:
            require_writable(definition, self.read(definition.name))

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

        The stack is settled first. Resources that outlived a deleted stack, such as its buckets, are imported. Raises
        VectoraError with CloudFormation's reason when it fails.
        """
        self.settle(definition.name)
        described = self.describe(definition.name)
        if described is None or described["StackStatus"] == REVIEW:
            self.check_text(definition)
            self._keep_alive()
            template = parse_template(definition.template)
            importable = find_importable(self._account, {definition.name: template})
            import_resources(self._account, importable, assets_bucket=self._assets_bucket, role_arn=definition.role_arn)
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

    def _apply(
        self, definition: StackDefinition, template: str, purpose: Purpose, described: Mapping[str, Any] | None
    ) -> bool:
        """Bring the stack to the definition, but with this template; return False when nothing changes.

        An operation that comes in between is waited for, and what it changed is changed again.
        """
        name, applied = definition.name, False
        for left in reversed(range(MOST_ATTEMPTS)):
            try:
                change_set = self._change_sets.create(definition, template, purpose, described)
                if change_set is None:
                    self._require_usable(name, described, purpose)
                    break
                self._keep_alive()
                is_certain = self._execute(name, change_set)
            except StackBusyError:
                if not left:
                    raise
                self.settle(name)
                described = self.describe(name)
                continue
            self._require_success(name, self.wait(name, before=REVIEW), purpose)
            applied = True
            if is_certain:
                break
            described = self.describe(name)
        return applied

    def _execute(self, name: str, change_set: str) -> bool:
        """Execute a change set; return False when CloudFormation does not say whether it was this one."""
        try:
            self._cloudformation.execute_change_set(StackName=name, ChangeSetName=change_set)
        except ClientError as error:
            # The first attempt succeeded and its answer was lost, so botocore's retry found the execution it began. Or
            # another operation came in between, which made this change set obsolete.
            if error_code(error) not in ("InvalidChangeSetStatus", "ChangeSetNotFound"):
                raise explained(name, error, "change") from error
            return False
        return True

    def _require_success(self, name: str, status: str | None, purpose: Purpose) -> None:
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
            reason = self.failure_reason(name)
            advice = advice_for(name, reason)
            raise VectoraError(
                f"CloudFormation did not {ACTIONS[purpose]} stack {name} ({status}): {reason}"
                f"{f'. {advice}' if advice else ''}"
            )

    def _require_usable(self, name: str, described: Mapping[str, Any] | None, purpose: Purpose) -> None:
        """Raise VectoraError when no change is necessary, and the stack is in a failed status nevertheless."""
        if described and not is_usable(described["StackStatus"]):
            advice = advice_for(name, EXPRESS_WORDS[0]) if is_express(described) else ""
            problem = problem_of(name, described["StackStatus"])
            raise VectoraError(f"CloudFormation did not {ACTIONS[purpose]} stack {name}. {advice or problem}")

    def _reference_values(self, kind: str, physical_id: str) -> dict[str, str]:
        """Return the current values of references to a resource: under Ref, and by attribute."""
        if kind == FUNCTION:
            return {"Ref": physical_id, "Arn": self._account.function_arn(physical_id)}
        return {"Ref": physical_id, "LayerVersionArn": physical_id}

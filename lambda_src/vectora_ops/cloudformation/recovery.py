"""Stacks brought to a state in which CloudFormation changes them, and stacks deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.cloudformation.imports import IDENTIFIERS
from vectora_ops.cloudformation.polling import Polling
from vectora_ops.cloudformation.reading import StackReader
from vectora_ops.cloudformation.refusals import explained, termination_protection_advice
from vectora_ops.cloudformation.statuses import (
    REVIEW,
    behaviour_of,
    deployment_mode,
    is_changing,
    is_express,
    is_usable,
    problem_of,
)
from vectora_shared.errors import VectoraError

# DescribeStacks may show the status before an operation for a few seconds after it began (aws-cdk-cli 1848). So many
# reads of that status are not believed: ten seconds.
STALE_READS = 10


class RecoverableStacks(StackReader):
    """Stacks of one account, recovered and deleted.

    `keep_alive` is called while CloudFormation works. It may raise; the same call then continues the work.
    """

    def __init__(self, account: Account, keep_alive: Callable[[], None]) -> None:
        super().__init__(account)
        self._keep_alive = keep_alive

    def wait(self, name: str, *, before: str | None = None) -> str | None:
        """Wait until CloudFormation is done with the stack; return the status, or None when it is deleted.

        After an operation on a stack that was in status `before`, the first reads of that status are not believed.
        """
        polling, stale_reads = Polling(self._keep_alive), STALE_READS if before else 0
        while True:
            described = self.describe(name)
            status = described["StackStatus"] if described else None
            if status is None or not (is_changing(status) or (status == before and stale_reads)):
                return status
            stale_reads -= status == before
            polling.pause()

    def settle(self, name: str) -> str | None:
        """Wait until CloudFormation is done with the stack, and recover it; return its status, None without a stack.

        A stack that never came to be is deleted. Raises VectoraError with the command to run when a person must act.
        """
        status = self.wait(name)
        if status is None:
            return None
        match behaviour_of(name, status).rollback:
            case "roll back":
                return self._roll_back(name, status)
            case "continue rollback":
                return self._continue_rollback(name, status)
            case "delete":
                if status == REVIEW and self._is_protected(name):
                    # It holds nothing, and a change set of type CREATE needs no deletion before it.
                    return status
                self._clear(name)
                return None
            case "ask":
                raise VectoraError(problem_of(name, status))
        return status

    def remove(self, name: str) -> None:
        """Delete a stack; retained resources stay. Raises VectoraError naming the resource that cannot be deleted."""
        if self._delete(name) is None:
            return
        left = self._undeleted(name)
        raise VectoraError(
            f"Stack {name} could not be deleted (DELETE_FAILED): {self.failure_reason(name)}. Repair it, or keep what "
            f"cannot be deleted: aws cloudformation delete-stack --stack-name {name} --retain-resources "
            f"{' '.join(left) or 'LOGICAL_ID'}, then run this again."
        )

    def require_deletable(self, name: str) -> None:
        """Raise VectoraError when termination protection would make the deletion of the stack fail."""
        if self._is_protected(name):
            raise VectoraError(
                f"Stack {name} must be deleted, and has termination protection. {termination_protection_advice(name)}"
            )

    def _is_protected(self, name: str) -> bool:
        return bool((self.describe(name) or {}).get("EnableTerminationProtection"))

    # --- ways out of a failed status

    def _roll_back(self, name: str, status: str) -> str | None:
        """Roll a failed update back; CloudFormation deletes a stack that was never stable (API reference)."""
        if is_express(self.describe(name)):
            # There is no RollbackStack in this mode, but the stack can be updated from this status (aws-cdk-cli 1745).
            return status
        after = self._operate(name, status, self._cloudformation.rollback_stack, "roll back")
        if after == "UPDATE_ROLLBACK_FAILED":
            return self._continue_rollback(name, after)
        if after is not None and behaviour_of(name, after).rollback == "delete":
            self._clear(name)
            return None
        if after is not None and not is_usable(after):
            raise VectoraError(f"{problem_of(name, after)} ({self.failure_reason(name)})")
        return after

    def _continue_rollback(self, name: str, status: str) -> str | None:
        after = self._operate(name, status, self._cloudformation.continue_update_rollback, "continue the rollback of")
        if after is None or is_usable(after):
            return after
        stuck = " ".join(self.in_status(name, "UPDATE_FAILED")) or "LOGICAL_ID"
        raise VectoraError(
            f"Stack {name} is stuck in {after}, its rollback fails again: {self.failure_reason(name)}. Repair what "
            f"fails, or skip it: aws cloudformation continue-update-rollback --stack-name {name} --resources-to-skip "
            f"{stuck}, then run this again."
        )

    def _clear(self, name: str) -> None:
        """Delete what is left of a stack that cannot be used; a resource that cannot be deleted stays outside stacks.

        Only resources that a new stack imports are left. Raises VectoraError naming the others.
        """
        if self._delete(name) is None:
            return
        left = self._undeleted(name)
        kinds = {kind for logical_id, (kind, _) in self.resources(name).items() if logical_id in left}
        # Only from DELETE_FAILED may resources be retained (DeleteStack, API reference).
        if not left or not kinds <= IDENTIFIERS.keys() or self._delete(name, RetainResources=left) is not None:
            self.remove(name)

    def _undeleted(self, name: str) -> list[str]:
        return self.in_status(name, "DELETE_FAILED")

    def _delete(self, name: str, **request: Any) -> str | None:
        """Delete the stack; return the status of what is left, None when nothing is."""
        self._keep_alive()
        described = self.describe(name)
        if described is None:
            return None
        request.update(deployment_mode(described))
        return self._operate(name, described["StackStatus"], self._cloudformation.delete_stack, "delete", **request)

    def _operate(
        self, name: str, status: str, operation: Callable[..., Mapping[str, Any]], what: str, **request: Any
    ) -> str | None:
        """Call an operation on a stack in this status, and wait for its end; return the status then."""
        self._keep_alive()
        try:
            operation(StackName=name, **request)
        except ClientError as error:
            # The answer to the first attempt was lost, and CloudFormation refused the one that botocore sent again.
            described = self.describe(name)
            if described and described["StackStatus"] == status:
                raise explained(name, error, what) from error
        return self.wait(name, before=status)

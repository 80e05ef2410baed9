"""Restore of an environment's stacks to those of a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

from botocore.exceptions import ClientError

from vectora_ops.cloudformation.stacks import Stacks
from vectora_ops.cloudformation.statuses import behaviour_of, problem_of
from vectora_ops.cloudformation.templates import AssetReference
from vectora_ops.live_environment import Environment
from vectora_ops.rollback.content import write_entry
from vectora_ops.rollback.plan import (
    drifted_resources,
    new_stacks,
    require_functions_in_stacks,
    stacks_of_target,
)
from vectora_ops.rollback.target import Target
from vectora_ops.snapshots.compare import with_live
from vectora_ops.snapshots.index import Entry
from vectora_ops.snapshots.manifest import STACK_COMPONENTS, Component
from vectora_shared.aws_errors import error_code, is_absent
from vectora_shared.errors import VectoraError


class StackRestorer:
    """Restorer of the stacks that own resources of `components`. `keep_alive` may raise, to stop between two steps."""

    def __init__(
        self,
        target: Target,
        components: tuple[Component, ...],
        environment: Callable[[], Environment],
        keep_alive: Callable[[], None],
    ) -> None:
        """Prepare the restore; `environment` returns the live state at the time of the call."""
        self._target = target
        self._components = components
        self._environment = environment
        self._keep_alive = keep_alive
        self._account, self._names = environment().account, target.vault.names

    @cached_property
    def _affected(self) -> list[str]:
        # Read late, because it needs bytes of the snapshot that must be verified first.
        return self._target.affected_stacks(self._components)

    def wait(self, names: Iterable[str]) -> None:
        """Wait until CloudFormation is done with these stacks."""
        stacks = Stacks(self._account, keep_alive=self._keep_alive)
        for name in names:
            stacks.wait(name)

    def check(self) -> None:
        """Raise VectoraError, before any change, when a stack cannot be restored as it was.

        That is one that would be restored with changed characters, one with a function now which was in no stack then
        (the update would delete it, and nothing could create it again), one whose status needs a person, and one to
        delete that is protected.
        """
        environment = self._environment()
        require_functions_in_stacks(self._target, environment)
        stacks = self._stacks()
        new = new_stacks(self._target, environment, self._components)
        for name in (*self._affected, *new):
            status = environment.status(name)
            if status and behaviour_of(name, status).rollback == "ask":
                raise VectoraError(f"Nothing was changed. {problem_of(name, status)}")
        for name in self._affected:
            stacks.check_text(self._target.definition(name))
        for name in new:
            stacks.require_deletable(name)

    def unusable(self, environment: Environment) -> list[str]:
        """Return the stacks that no deployment could change in their status, even if their templates are equal."""
        names = (*self._affected, *new_stacks(self._target, environment, self._components))
        statuses = {name: environment.status(name) for name in names}
        return [name for name, status in statuses.items() if status and behaviour_of(name, status).doctor == "fail"]

    def restore(self) -> list[str]:
        """Restore the stacks in the order of deployment, delete new ones, and return the names of changed stacks."""
        stacks, environment = self._stacks(), self._environment()
        changed = []
        for name in self._affected:
            self._keep_alive()
            self._restore_assets(name)
            definition = self._target.definition(name)
            if environment.has(definition) and not definition.depends_on_more:
                continue
            if stacks.restore(definition):
                changed.append(name)
        for name in reversed(new_stacks(self._target, environment, self._components)):
            self._keep_alive()
            # What never came to be is deleted by that.
            if stacks.settle(name) is not None:
                stacks.remove(name)
            changed.append(name)
        return changed

    def repair(self) -> list[str]:
        """Create resources again that were changed or deleted outside CloudFormation, which an update does not notice.

        The result names the resources as `stack/logical id`.
        """
        environment = self._environment()
        # All stack components, because a function cannot be restored without its layer.
        changes = with_live(self._target.vault, environment, self._target.manifest, STACK_COMPONENTS, with_text=False)
        drifted = drifted_resources(self._target, environment, changes)
        if not drifted.keys() & set(self._affected):
            return []
        stacks = self._stacks()
        recreated = []
        # In the order of deployment: a stack reads parameters of earlier stacks, such as the version of a layer.
        for name in self._affected:
            self._keep_alive()
            definition = self._target.definition(name)
            if logical_ids := sorted(drifted.get(name, ())):
                stacks.recreate(definition, logical_ids)
                recreated += [f"{name}/{logical_id}" for logical_id in logical_ids]
            else:
                stacks.restore(definition)
        return recreated

    def _restore_assets(self, stack: str) -> None:
        """Write the assets of a template again that were deleted, for example by a clean-up of old assets."""
        s3 = self._account.client("s3")
        for entry in self._target.assets(stack):
            assert entry.origin is not None  # noqa: S101
            asset = AssetReference.of_arn(entry.origin)
            try:
                s3.head_object(Bucket=asset.bucket, Key=asset.key)
            except ClientError as error:
                if not is_absent(error, "object"):
                    raise VectoraError(
                        f"S3 does not say whether s3://{asset.bucket}/{asset.key}, the code of stack {stack}, exists "
                        f"(status {error_code(error)}); with 403, s3:ListBucket or s3:GetObject is missing."
                    ) from error
                self._restore_asset(stack, entry, asset)

    def _restore_asset(self, stack: str, entry: Entry, asset: AssetReference) -> None:
        try:
            write_entry(self._account.client("s3"), self._target.vault, entry, asset.bucket, asset.key)
        except ClientError as error:
            # Only this answer distinguishes a missing bucket from a missing object: HEAD answers 404 for both.
            if not is_absent(error, "bucket"):
                raise
            raise VectoraError(
                f"The bucket {asset.bucket}, from which stack {stack} takes its code, is gone: "
                f"cdk bootstrap --context env={self._names.env}, then roll back again."
            ) from error

    def _stacks(self) -> Stacks:
        return stacks_of_target(self._account, self._target, self._keep_alive)

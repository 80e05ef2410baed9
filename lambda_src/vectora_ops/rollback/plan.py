"""Plan of a rollback: what would change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from vectora_ops.account import Account
from vectora_ops.cloudformation.stacks import FUNCTION, LAYER_VERSION, PARAMETER, ResourceChange, Stacks
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_ops.rollback.request import RollbackRequest
from vectora_ops.rollback.target import Target
from vectora_ops.snapshots.compare import Change, with_live
from vectora_ops.snapshots.manifest import Component
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError


@dataclass(frozen=True, kw_only=True)
class StackPlan:
    """What would happen to a stack. `repaired` are resources changed behind CloudFormation's back."""

    name: str
    action: str  # create, update, remove, none
    changes: tuple[ResourceChange, ...] = ()
    repaired: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RollbackPlan:
    """What a rollback would change, from what there is to what the snapshot says."""

    snapshot: str
    env: str
    components: tuple[Component, ...]
    stacks: tuple[StackPlan, ...]
    changes: tuple[Change, ...]

    @property
    def nothing_to_do(self) -> bool:
        return not self.changes


def plan_rollback(account: Account, names: Names, request: RollbackRequest) -> RollbackPlan:
    """What a rollback would change, by change sets that are deleted again; nothing is changed.

    Raises VectoraError for an unknown snapshot and for one of another environment or project.
    """
    vault = Vault(account, names)
    manifest = vault.manifest(request.snapshot)
    environment = Environment(account, names)
    changes = tuple(with_live(vault, environment, manifest, request.components))
    target = Target(vault, manifest)
    stacks = plan_stacks(account, target, lambda: None)
    planned: list[StackPlan] = []
    drifted = drifted_resources(target, environment, changes)
    for name in target.affected_stacks(request.components):
        definition = target.definition(name)
        stacks.check_text(definition)
        there = environment.stack(name) is not None
        previewed = stacks.preview(definition) if there else ()
        repaired = tuple(sorted(drifted.get(name, set()) - {change.logical_id for change in previewed}))
        action = ("update" if previewed or repaired else "none") if there else "create"
        planned.append(StackPlan(name=name, action=action, changes=previewed, repaired=repaired if there else ()))
    for name in new_stacks(target, environment, request.components):
        planned.append(StackPlan(name=name, action="remove"))
    return RollbackPlan(
        snapshot=manifest.name, env=names.env, components=request.components, stacks=tuple(planned), changes=changes
    )


def plan_stacks(account: Account, target: Target, alive: Callable[[], None]) -> Stacks:
    buckets = [
        entry.origin.removeprefix("arn:aws:s3:::").partition("/")[0]
        for name in target.stacks
        for entry in target.assets(name)
        if entry.origin
    ]
    return Stacks(account, assets_bucket=buckets[0] if buckets else None, alive=alive)


def new_stacks(target: Target, environment: Environment, components: Iterable[Component]) -> list[str]:
    """Stacks that there are now and were not when the snapshot was taken."""
    if "stacks" not in components:
        return []
    return [name for name in environment.stack_names if name not in target.stacks and environment.stack(name)]


def drifted_resources(target: Target, environment: Environment, changes: Iterable[Change]) -> Mapping[str, set[str]]:
    """By stack the logical ids of resources that are not what the snapshot says.

    Raises VectoraError for a function that belongs to no stack: CloudFormation cannot bring it back.
    """
    drifted: dict[str, set[str]] = {}
    for change in changes:
        first, _, _ = change.path.partition("/")
        if change.component == "functions":
            if change.kind == "added" and target.owner_of(FUNCTION, first) is None:
                if environment.stack_of_function(first) is None:
                    raise VectoraError(
                        f"Function {first} was created by hand after the snapshot and belongs to no stack: delete it, "
                        "then roll back again."
                    )
                continue
            _note(drifted, target.owner_of(FUNCTION, first), f"Function {first}")
        elif change.component == "layers" and change.kind == "removed":
            # The version in use has gone; one that is merely not used any more comes back with its functions.
            if owner := target.owner_of(LAYER_VERSION, first):
                stack, logical_id = owner
                physical_id = environment.resources(stack).get(logical_id, ("", ""))[1]
                if physical_id.count(":") == 7 and environment.layer(physical_id).sha256 is None:
                    _note(drifted, owner, f"Layer {first}")
        elif change.component == "release":
            _note(drifted, target.owner_of(PARAMETER, target.vault.names.parameter("release")), "The release parameter")
    return drifted


def _note(drifted: dict[str, set[str]], owner: tuple[str, str] | None, what: str) -> None:
    if owner is None:
        raise VectoraError(
            f"{what} belonged to no stack when the snapshot was taken, so CloudFormation cannot bring it back: "
            "its bytes are in the snapshot (./vectora snapshot show --files)."
        )
    drifted.setdefault(owner[0], set()).add(owner[1])

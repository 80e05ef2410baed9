"""Plan of a rollback: stacks and content that it would change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from vectora_ops.account import Account
from vectora_ops.cloudformation.definition import FUNCTION, LAYER_VERSION, PARAMETER, ResourceChange
from vectora_ops.cloudformation.stacks import Stacks
from vectora_ops.cloudformation.statuses import problem_of
from vectora_ops.cloudformation.templates import AssetReference
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
    """Planned change of a stack. `repaired` are resources that were changed outside CloudFormation."""

    name: str
    action: Literal["create", "recover", "update", "remove", "none"]
    # How the stack must be recovered first; what else changes is known only after that.
    problem: str = ""
    changes: tuple[ResourceChange, ...] = ()
    repaired: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RollbackPlan:
    """Changes of a rollback, from the live environment to the snapshot."""

    snapshot: str
    env: str
    components: tuple[Component, ...]
    stacks: tuple[StackPlan, ...]
    changes: tuple[Change, ...]

    @property
    def nothing_to_do(self) -> bool:
        return not self.changes and not any(stack.action in ("recover", "remove") for stack in self.stacks)


def plan_rollback(account: Account, names: Names, request: RollbackRequest) -> RollbackPlan:
    """Return what a rollback would change, by change sets that are deleted again; nothing is changed.

    Raises VectoraError for an unknown snapshot and for one of another environment or project.
    """
    vault = Vault(account, names)
    manifest = vault.anchored_manifest(request.snapshot, request.without_anchor)
    environment = Environment(account, names)
    changes = tuple(with_live(vault, environment, manifest, request.components))
    target = Target(vault, manifest)
    require_functions_in_stacks(target, environment)
    stacks = stacks_of_target(account, target, lambda: None)
    planned: list[StackPlan] = []
    drifted = drifted_resources(target, environment, changes)
    for name in target.affected_stacks(request.components):
        definition = target.definition(name)
        stacks.check_text(definition)
        status = environment.status(name)
        if status and (problem := problem_of(name, status)):
            planned.append(StackPlan(name=name, action="recover", problem=problem))
            continue
        exists = environment.stack(name) is not None
        previewed = stacks.preview(definition) if exists else ()
        repaired = tuple(sorted(drifted.get(name, set()) - {change.logical_id for change in previewed}))
        if exists:
            action: Literal["update", "none"] = "update" if previewed or repaired else "none"
            planned.append(StackPlan(name=name, action=action, changes=previewed, repaired=repaired))
        else:
            planned.append(StackPlan(name=name, action="create"))
    for name in new_stacks(target, environment, request.components):
        planned.append(StackPlan(name=name, action="remove"))
    return RollbackPlan(
        snapshot=manifest.name, env=names.env, components=request.components, stacks=tuple(planned), changes=changes
    )


def require_functions_in_stacks(target: Target, environment: Environment) -> None:
    """Raise VectoraError naming a function of the snapshot that was in no stack then, and is in one now."""
    for name in target.function_names():
        owner = environment.stack_of_function(name)
        if owner and target.owner_of(FUNCTION, name) is None:
            raise VectoraError(
                f"Function {name} was in no stack when {target.manifest.name} was taken, and stack {owner[0]} has it "
                "now: a rollback would delete it. Choose a snapshot that was taken after ./vectora adopt "
                f"(./vectora snapshot list --env {target.vault.names.env})."
            )


def stacks_of_target(account: Account, target: Target, keep_alive: Callable[[], None]) -> Stacks:
    """Return the stacks of the account, with a bucket of the snapshot's assets for long templates.

    Without assets it is the environment's own bucket for code, to which the rollback's role may write too.
    """
    buckets = [
        AssetReference.of_arn(entry.origin).bucket
        for name in target.stacks
        for entry in target.assets(name)
        if entry.origin
    ]
    return Stacks(
        account,
        assets_bucket=buckets[0] if buckets else target.vault.names.bucket("lambda-code"),
        keep_alive=keep_alive,
    )


def new_stacks(target: Target, environment: Environment, components: Iterable[Component]) -> list[str]:
    """Return the stacks that exist now and did not when the snapshot was taken, also those that never came to be.

    Such a one would prevent the next deployment: CloudFormation only allows its deletion.
    """
    if "stacks" not in components:
        return []
    return [name for name in environment.stack_names if name not in target.stacks and environment.status(name)]


def drifted_resources(target: Target, environment: Environment, changes: Iterable[Change]) -> Mapping[str, set[str]]:
    """Return the logical ids of resources that differ from the snapshot, by stack.

    Raises VectoraError for a function outside any stack, which CloudFormation cannot restore.
    """
    drifted: dict[str, set[str]] = {}
    for change in changes:
        if owner := _drifted_resource(target, environment, change):
            stack, logical_id = owner
            drifted.setdefault(stack, set()).add(logical_id)
    return drifted


def _drifted_resource(target: Target, environment: Environment, change: Change) -> tuple[str, str] | None:
    name = change.path.partition("/")[0]
    match change.component:
        case "functions":
            owner = target.owner_of(FUNCTION, name)
            if change.kind == "added" and owner is None:
                _require_stack_of(environment, name)
                return None
            return _required(owner, f"Function {name}")
        case "layers" if change.kind == "removed":
            return _deleted_layer(target, environment, name)
        case "release":
            parameter = target.vault.names.parameter("release")
            return _required(target.owner_of(PARAMETER, parameter), "The release parameter")
    return None


def _deleted_layer(target: Target, environment: Environment, name: str) -> tuple[str, str] | None:
    """Return the owner of a layer whose version was deleted; an unused one is restored with its functions."""
    owner = target.owner_of(LAYER_VERSION, name)
    if owner is None:
        return None
    stack, logical_id = owner
    physical_id = environment.resources(stack).get(logical_id, ("", ""))[1]
    is_version = physical_id.count(":") == 7
    return owner if is_version and environment.layer(physical_id).sha256 is None else None


def _require_stack_of(environment: Environment, function: str) -> None:
    if environment.stack_of_function(function) is None:
        raise VectoraError(
            f"Function {function} was created by hand after the snapshot, outside any stack: delete it, then roll back "
            "again."
        )


def _required(owner: tuple[str, str] | None, what: str) -> tuple[str, str]:
    if owner is None:
        raise VectoraError(
            f"{what} was in no stack when the snapshot was taken, so CloudFormation cannot restore it: its bytes are "
            "in the snapshot (./vectora snapshot show --files)."
        )
    return owner

"""Rollback: an environment, or components of it, becomes again what a snapshot says, and the result is compared."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from vectora_core.aws_errors import error_code, is_absent
from vectora_core.errors import VectoraError
from vectora_ops.account import Account
from vectora_ops.cloudformation import (
    FUNCTION,
    LAYER_VERSION,
    PARAMETER,
    ResourceChange,
    StackDefinition,
    Stacks,
)
from vectora_ops.names import STACK_LAYERS, Names
from vectora_ops.promotion.records import LONGEST_REASON, LedgerEntry, Records
from vectora_ops.smoke import SmokeResult
from vectora_ops.snapshots.compare import Change, with_live
from vectora_ops.snapshots.index import Entry
from vectora_ops.snapshots.lease import Clock, Lease, utc_now
from vectora_ops.snapshots.manifest import COMPONENTS, STACK_COMPONENTS, Component, Manifest, Occasion
from vectora_ops.snapshots.observer import Deadline, Observer, OutOfTimeError, never
from vectora_ops.snapshots.restore_content import restore_objects, write_entry
from vectora_ops.snapshots.sources import Environment
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_snapshot

STEPS = (
    "lease",
    "verify",
    "compare",
    "safety snapshot",
    "stacks",
    "repair",
    "content",
    "prove",
    "smoke test",
    "finish",
)
SAFETY_LABEL = "before-rollback"
NAMED_IN_A_MESSAGE = 10

# None when the snapshot holds no canary client: then there is nothing to run.
SmokeTest = Callable[[], SmokeResult | None]


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


@dataclass(frozen=True, kw_only=True)
class RollbackResult:
    snapshot: str
    env: str
    components: tuple[Component, ...]
    nothing_to_do: bool
    safety_snapshot: str | None
    stacks_changed: tuple[str, ...] = ()
    resources_recreated: tuple[str, ...] = ()
    objects_written: int = 0
    objects_deleted: int = 0
    smoke_test: SmokeResult | None = None
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class RollbackRequest:
    """`reason` and `replaced_since`, from when on another release was there, are for the ledger."""

    snapshot: str
    components: tuple[Component, ...] = COMPONENTS
    owner: str | None = None  # who may come back to a lease of its own
    reason: str = "an operator asked for it"
    replaced_since: datetime | None = None


def plan_rollback(account: Account, names: Names, request: RollbackRequest) -> RollbackPlan:
    """What a rollback would change, by change sets that are deleted again; nothing is changed.

    Raises VectoraError for an unknown snapshot and for one of another environment or project.
    """
    vault = Vault(account, names)
    manifest = vault.manifest(request.snapshot)
    environment = Environment(account, names)
    changes = tuple(with_live(vault, environment, manifest, request.components))
    target = _Target(vault, manifest)
    stacks = _stacks(account, target, lambda: None)
    planned: list[StackPlan] = []
    drifted = _drifted(target, environment, changes)
    for name in target.affected_stacks(request.components):
        definition = target.definition(name)
        stacks.check_text(definition)
        there = environment.stack(name) is not None
        previewed = stacks.preview(definition) if there else ()
        repaired = tuple(sorted(drifted.get(name, set()) - {change.logical_id for change in previewed}))
        action = ("update" if previewed or repaired else "none") if there else "create"
        planned.append(StackPlan(name=name, action=action, changes=previewed, repaired=repaired if there else ()))
    for name in _strange_stacks(target, environment, request.components):
        planned.append(StackPlan(name=name, action="remove"))
    return RollbackPlan(
        snapshot=manifest.name, env=names.env, components=request.components, stacks=tuple(planned), changes=changes
    )


def roll_back(
    account: Account,
    names: Names,
    request: RollbackRequest,
    *,
    smoke_test: SmokeTest,
    observer: Observer | None = None,
    deadline: Deadline = never,
    clock: Clock = utc_now,
) -> RollbackResult:
    """Roll an environment back and prove it. Interrupted at any step, the same call finishes.

    Raises DamagedError when the snapshot is not intact, BusyError when another operation holds the environment,
    OutOfTimeError when `deadline` says so, and VectoraError when something could not be restored: then the safety
    snapshot's name is in the message.
    """
    observer = observer or Observer()
    started = time.monotonic()
    with _in_one_sentence(request):
        vault = Vault(account, names)
        manifest = vault.manifest(request.snapshot)
        observer.step("lease")
        with Lease(
            account, names, operation="rollback", subject=request.snapshot, owner=request.owner, clock=clock
        ) as lease:
            rollback = _Rollback(account, names, vault, manifest, request, lease, observer, deadline, clock, smoke_test)
            return rollback.run(started)


@contextmanager
def _in_one_sentence(request: RollbackRequest) -> Iterator[None]:
    """Turn AWS's errors into VectoraError, on which every caller ends in a defined state."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise VectoraError(
            f"AWS failed or refused a request of the rollback to {request.snapshot} ({error}): run it again, it goes "
            "on where it stopped."
        ) from error


class _Target:
    """What the snapshot says about stacks, read from the vault once."""

    def __init__(self, vault: Vault, manifest: Manifest) -> None:
        self.vault = vault
        self.manifest = manifest
        self._entries = {entry.path: entry for entry, _ in vault.entries(manifest.components["stacks"])}

    @property
    def stacks(self) -> list[str]:
        """In the order of deployment."""
        there = {path.partition("/")[0] for path in self._entries}
        environment = (self.vault.names.stack(layer) for layer in STACK_LAYERS)
        return [name for name in environment if name in there]

    def definition(self, name: str) -> StackDefinition:
        described = self._json(f"{name}/stack.json")
        return StackDefinition(
            name=name,
            template=self.vault.bytes_of(self._entries[f"{name}/template"]).decode("utf-8"),
            parameters=described["parameters"],
            tags=described["tags"],
            capabilities=tuple(described["capabilities"]),
            role_arn=self._json(f"{name}/as-read.json")["role_arn"],
        )

    def resources(self, name: str) -> dict[str, tuple[str, str]]:
        """By logical id the type and the physical id that it had."""
        return {key: (value[0], value[1]) for key, value in self._json(f"{name}/as-read.json")["resources"].items()}

    def assets(self, name: str) -> list[Entry]:
        return [entry for path, entry in self._entries.items() if path.startswith(f"{name}/assets/")]

    def affected_stacks(self, components: Iterable[Component]) -> list[str]:
        """Stacks that own what is to be restored; all of them for the component stacks."""
        wanted = set(components)
        if "stacks" in wanted:
            return self.stacks
        kinds = {
            kind
            for component, kind in (("functions", FUNCTION), ("layers", LAYER_VERSION), ("layers", FUNCTION))
            if component in wanted
        }
        release = self.vault.names.parameter("release")
        return [
            name
            for name in self.stacks
            if any(
                kind in kinds or ("release" in wanted and (kind, physical_id) == (PARAMETER, release))
                for kind, physical_id in self.resources(name).values()
            )
        ]

    def owner_of(self, kind: str, physical_id: str) -> tuple[str, str] | None:
        """Stack and logical id of a resource; for layers `physical_id` is the layer's name."""
        for name in self.stacks:
            for logical_id, (found_kind, found_id) in self.resources(name).items():
                found_name = found_id.split(":")[6] if found_kind == LAYER_VERSION and ":" in found_id else found_id
                if (found_kind, found_name) == (kind, physical_id):
                    return name, logical_id
        return None

    def _json(self, path: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.vault.bytes_of(self._entries[path]))
        return document


@dataclass
class _Done:
    stacks: list[str] = field(default_factory=list)
    recreated: list[str] = field(default_factory=list)
    written: int = 0
    deleted: int = 0


class _Rollback:
    """One rollback."""

    def __init__(
        self,
        account: Account,
        names: Names,
        vault: Vault,
        manifest: Manifest,
        request: RollbackRequest,
        lease: Lease,
        observer: Observer,
        deadline: Deadline,
        clock: Clock,
        smoke_test: SmokeTest,
    ) -> None:
        self._account = account
        self._names = names
        self._vault = vault
        self._manifest = manifest
        self._request = request
        self._lease = lease
        self._observer = observer
        self._deadline = deadline
        self._clock = clock
        self._smoke_test = smoke_test
        self._target = _Target(vault, manifest)
        self._done = _Done()

    def run(self, started: float) -> RollbackResult:
        self._observer.step("verify")
        self._verify()
        self._observer.step("compare")
        resumed = self._resumed()
        if not resumed and not self._differences(limit=1):
            return self._result(started, nothing_to_do=True, safety=None, smoke=None)
        self._check_text()
        self._observer.step("safety snapshot")
        safety = self._safety_snapshot(resumed)
        try:
            with _in_one_sentence(self._request):
                smoke = self._restore()
        except OutOfTimeError:
            raise
        except VectoraError as error:
            raise type(error)(f"{error} What was there before is in snapshot {safety}.") from error
        self._observer.step("finish")
        self._lease.confirm()
        self._record()
        return self._result(started, nothing_to_do=False, safety=safety, smoke=smoke)

    def _restore(self) -> SmokeResult | None:
        if set(self._request.components) & set(STACK_COMPONENTS):
            self._observer.step("stacks")
            self._restore_stacks()
            self._observer.step("repair")
            self._repair()
        self._observer.step("content")
        self._restore_content()
        self._observer.step("prove")
        self._prove()
        self._observer.step("smoke test")
        smoke = self._smoke_test()
        if smoke is not None and not smoke.passed:
            raise VectoraError(
                f"{self._names.env} is again what {self._manifest.name} says, but the smoke test failed: {smoke.reason}"
            )
        return smoke

    def _verify(self) -> None:
        found = verify_snapshot(self._vault, self._manifest.name, self._request.components, observer=self._observer)
        if found.problems:
            named = "; ".join(f"{each.name} is {each.kind}" for each in found.problems[:NAMED_IN_A_MESSAGE])
            more = len(found.problems) - NAMED_IN_A_MESSAGE
            raise VectoraError(
                f"Snapshot {self._manifest.name} is not intact, so nothing was changed: {named}"
                f"{f' and {more} more' if more > 0 else ''}. Choose another one (./vectora snapshot list)."
            )

    def _check_text(self) -> None:
        """Refuse before anything changes what cannot be restored character by character."""
        if set(self._request.components) & set(STACK_COMPONENTS):
            stacks = self._cloudformation()
            for name in self._target.affected_stacks(self._request.components):
                stacks.check_text(self._target.definition(name))

    def _resumed(self) -> str | None:
        """The safety snapshot of this same rollback when it was interrupted before."""
        before = self._lease.predecessor
        if before and (before.operation, before.subject) == ("rollback", self._manifest.name) and before.note:
            return before.note
        return None

    def _differences(self, limit: int = NAMED_IN_A_MESSAGE) -> list[Change]:
        environment = Environment(self._account, self._names)
        found = with_live(self._vault, environment, self._manifest, self._request.components, with_text=False)
        return [change for change, _ in zip(found, range(limit), strict=False)]

    def _safety_snapshot(self, resumed: str | None) -> str:
        if resumed:
            self._lease.leave_note(resumed)
            return resumed
        request = SnapshotRequest(
            label=SAFETY_LABEL,
            occasion=Occasion(kind="rollback", detail=self._manifest.name),
            data=self._manifest.data,
            # All that this rollback may overwrite or delete.
            data_scope=self._manifest.components["data"].scope,
        )
        safety = take_snapshot(
            self._account, self._names, request, lease=self._lease, observer=self._observer, clock=self._clock
        )
        self._lease.leave_note(safety.name)
        return safety.name

    # --- stacks

    def _restore_stacks(self) -> None:
        stacks = self._cloudformation()
        for name in self._target.affected_stacks(self._request.components):
            self._alive()
            self._put_assets_back(name)
            stacks.settle(name)
            if stacks.restore(self._target.definition(name)):
                self._done.stacks.append(name)
        for name in reversed(_strange_stacks(self._target, self._environment(), self._request.components)):
            self._alive()
            stacks.settle(name)
            stacks.remove(name)
            self._done.stacks.append(name)

    def _put_assets_back(self, name: str) -> None:
        """The code that the template names, when a clean-up of old assets has removed it meanwhile."""
        s3 = self._account.client("s3")
        for entry in self._target.assets(name):
            assert entry.origin is not None  # noqa: S101
            bucket, _, key = entry.origin.removeprefix("arn:aws:s3:::").partition("/")
            try:
                s3.head_object(Bucket=bucket, Key=key)
            except ClientError as error:
                if not is_absent(error, "object"):
                    raise VectoraError(
                        f"S3 does not say whether s3://{bucket}/{key}, the code of stack {name}, is there "
                        f"(status {error_code(error)}); with 403, s3:ListBucket or s3:GetObject is missing."
                    ) from error
                self._put_asset_back(name, entry, bucket, key)

    def _put_asset_back(self, name: str, entry: Entry, bucket: str, key: str) -> None:
        try:
            write_entry(self._account.client("s3"), self._vault, entry, bucket, key)
        except ClientError as error:
            # Only now S3 tells the missing bucket from the missing object: HEAD answers 404 for both.
            if not is_absent(error, "bucket"):
                raise
            raise VectoraError(
                f"The bucket {bucket}, from which stack {name} takes its code, is gone: "
                f"cdk bootstrap --context env={self._names.env}, then roll back again."
            ) from error

    def _repair(self) -> None:
        """Create anew what was changed or deleted behind CloudFormation's back, which an update does not see."""
        environment = self._environment()
        affected = self._target.affected_stacks(self._request.components)
        # A function cannot come back without its layer, whichever of them was asked for.
        changes = with_live(self._vault, environment, self._manifest, STACK_COMPONENTS, with_text=False)
        drifted = {name: ids for name, ids in _drifted(self._target, environment, changes).items() if name in affected}
        if not drifted:
            return
        stacks = self._cloudformation()
        # In the order of deployment: a stack reads parameters of those before it, such as the version of a layer.
        for name in affected:
            self._alive()
            if logical_ids := sorted(drifted.get(name, ())):
                stacks.recreate(self._target.definition(name), logical_ids)
                self._done.recreated += [f"{name}/{logical_id}" for logical_id in logical_ids]
            else:
                stacks.restore(self._target.definition(name))

    def _cloudformation(self) -> Stacks:
        return _stacks(self._account, self._target, self._alive)

    # --- content

    def _restore_content(self) -> None:
        for component in self._request.components:
            if component in STACK_COMPONENTS:
                continue
            record = self._manifest.components[component]
            environment = self._environment()
            source = environment.source(
                component, scope=record.scope, data="last" if record.scope else self._manifest.data
            )
            bucket = environment.bucket_of(component)
            restored = restore_objects(self._account, self._vault, record, source, bucket, alive=self._alive)
            self._done.written += restored.written
            self._done.deleted += restored.deleted

    # --- the end

    def _prove(self) -> None:
        left = self._differences()
        if left:
            named = "; ".join(f"{each.component}: {each.path} ({each.kind})" for each in left)
            raise VectoraError(
                f"After the rollback {self._names.env} is still not what {self._manifest.name} says: {named}. "
                "Run the rollback again; what remains then must be repaired by hand."
            )

    def _record(self) -> None:
        """The ledger tells that the environment has an earlier release again; parts of one are not told."""
        release = self._environment().release()
        if release is None or set(self._request.components) != set(COMPONENTS):
            return
        records = Records(self._account, self._names)
        deployed = json.loads(release)
        before = [entry for entry in records.ledger() if entry.digest == deployed["digest"]]
        records.add_to_ledger(
            LedgerEntry(
                kind="rollback",
                digest=deployed["digest"],
                version=deployed["version"],
                commit=before[-1].commit if before else None,
                at=self._clock(),
                snapshot=self._manifest.name,
                reason=self._request.reason[:LONGEST_REASON],
                replaced_since=self._request.replaced_since,
            )
        )

    def _result(
        self, started: float, *, nothing_to_do: bool, safety: str | None, smoke: SmokeResult | None
    ) -> RollbackResult:
        return RollbackResult(
            snapshot=self._manifest.name,
            env=self._names.env,
            components=self._request.components,
            nothing_to_do=nothing_to_do,
            safety_snapshot=safety,
            stacks_changed=tuple(self._done.stacks),
            resources_recreated=tuple(self._done.recreated),
            objects_written=self._done.written,
            objects_deleted=self._done.deleted,
            smoke_test=smoke,
            seconds=round(time.monotonic() - started, 1),
        )

    def _environment(self) -> Environment:
        return Environment(self._account, self._names)

    def _alive(self) -> None:
        self._lease.renew()
        if self._deadline():
            raise OutOfTimeError(f"The rollback to {self._manifest.name}")


def _stacks(account: Account, target: _Target, alive: Callable[[], None]) -> Stacks:
    buckets = [
        entry.origin.removeprefix("arn:aws:s3:::").partition("/")[0]
        for name in target.stacks
        for entry in target.assets(name)
        if entry.origin
    ]
    return Stacks(account, assets_bucket=buckets[0] if buckets else None, alive=alive)


def _strange_stacks(target: _Target, environment: Environment, components: Iterable[Component]) -> list[str]:
    """Stacks that there are now and were not when the snapshot was taken."""
    if "stacks" not in components:
        return []
    return [name for name in environment.stack_names if name not in target.stacks and environment.stack(name)]


def _drifted(target: _Target, environment: Environment, changes: Iterable[Change]) -> Mapping[str, set[str]]:
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

"""Execution of a rollback."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from vectora_ops.account import Account
from vectora_ops.cloudformation.stacks import Stacks
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_ops.progress import Clock, Deadline, Observer, OutOfTimeError, never, utc_now
from vectora_ops.records import LONGEST_REASON, LedgerEntry, Records
from vectora_ops.rollback.content import restore_objects, write_entry
from vectora_ops.rollback.plan import drifted_resources, new_stacks, plan_stacks
from vectora_ops.rollback.request import RollbackRequest, RollbackResult, SmokeTest
from vectora_ops.rollback.target import Target
from vectora_ops.smoke import SmokeResult
from vectora_ops.snapshots.compare import Change, with_live
from vectora_ops.snapshots.components import bucket_of, component_source
from vectora_ops.snapshots.index import Entry
from vectora_ops.snapshots.lease import Lease
from vectora_ops.snapshots.manifest import COMPONENTS, STACK_COMPONENTS, Manifest, Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_snapshot
from vectora_shared.aws_errors import error_code, is_absent
from vectora_shared.errors import VectoraError

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
        self._target = Target(vault, manifest)
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
        for name in reversed(new_stacks(self._target, self._environment(), self._request.components)):
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
        drifted = {
            name: ids for name, ids in drifted_resources(self._target, environment, changes).items() if name in affected
        }
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
        return plan_stacks(self._account, self._target, self._alive)

    # --- content

    def _restore_content(self) -> None:
        for component in self._request.components:
            if component in STACK_COMPONENTS:
                continue
            record = self._manifest.components[component]
            environment = self._environment()
            source = component_source(
                environment, component, scope=record.scope, data="last" if record.scope else self._manifest.data
            )
            bucket = bucket_of(self._names, component)
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
                content_digest=before[-1].content_digest if before else None,
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

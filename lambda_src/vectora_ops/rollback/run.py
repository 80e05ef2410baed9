"""Execution of a rollback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from botocore.exceptions import BotoCoreError, ClientError

from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_ops.progress import Clock, Deadline, Observer, OutOfTimeError, never, utc_now
from vectora_ops.rollback.content import restore_objects
from vectora_ops.rollback.records import RollbackRecords
from vectora_ops.rollback.request import RollbackRequest, RollbackResult, SmokeTest
from vectora_ops.rollback.running_deployment import require_no_running_deployment
from vectora_ops.rollback.stack_restorer import StackRestorer
from vectora_ops.rollback.target import Target
from vectora_ops.smoke import SmokeResult
from vectora_ops.snapshots.compare import Change, with_live
from vectora_ops.snapshots.components import bucket_of, source_in_scope
from vectora_ops.snapshots.lease import Lease
from vectora_ops.snapshots.manifest import STACK_COMPONENTS, Manifest, Occasion
from vectora_ops.snapshots.take import NameTakenError, SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_snapshot
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
    """Roll an environment back, and check the result. After an interruption at any step, the same call finishes.

    Raises NoAnchorError or DamagedError when the snapshot is not the one that was taken, BusyError when another
    operation holds the environment, OutOfTimeError at the deadline, and VectoraError when the pipeline is deploying
    what an operator rolls back, or when something could not be restored; its message then names the safety snapshot.
    """
    observer = observer or Observer()
    started = time.monotonic()
    with _aws_errors_reported(request):
        vault = Vault(account, names)
        manifest = vault.anchored_manifest(request.snapshot, request.without_anchor)
        observer.step("lease")
        with Lease(
            account, names, operation="rollback", subject=request.snapshot, owner=request.owner, clock=clock
        ) as lease:
            if request.cause == "operator":
                require_no_running_deployment(account, names)
            rollback = _Rollback(account, names, vault, manifest, request, lease, observer, deadline, clock, smoke_test)
            return rollback.run(started)


@contextmanager
def _aws_errors_reported(request: RollbackRequest) -> Iterator[None]:
    """Turn AWS's errors into VectoraError, which every caller handles."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise VectoraError(
            f"AWS failed or refused a request of the rollback to {request.snapshot} ({error}): run it again, it goes "
            "on where it stopped."
        ) from error


@dataclass
class _Changed:
    """Stacks, resources and objects that a rollback changed, and what it ignored in the vault."""

    stacks: list[str] = field(default_factory=list)
    recreated: list[str] = field(default_factory=list)
    written: int = 0
    deleted: int = 0
    ignored: list[str] = field(default_factory=list)


@dataclass
class _Rollback:
    """One rollback."""

    account: Account
    names: Names
    vault: Vault
    manifest: Manifest
    request: RollbackRequest
    lease: Lease
    observer: Observer
    deadline: Deadline
    clock: Clock
    smoke_test: SmokeTest
    changed: _Changed = field(default_factory=_Changed)

    def __post_init__(self) -> None:
        self._latest = Environment(self.account, self.names)
        self._records = RollbackRecords(self.account, self.names, self.manifest, self.request)
        target = Target(self.vault, self.manifest)
        self._stacks = StackRestorer(target, self.request.components, self._environment, self._keep_alive)

    def run(self, started: float) -> RollbackResult:
        self.observer.step("verify")
        self._verify()
        self.observer.step("compare")
        environment = self._environment_at_rest()
        resumed = self._interrupted_safety_snapshot()
        if not resumed and not self._needs_work(environment):
            self._records.write_taken_files(self.vault.now())
            return self._result(started, nothing_to_do=True, safety=None, smoke=None)
        if self._restores_stacks:
            self._stacks.check()
        self.observer.step("safety snapshot")
        safety = self._safety_snapshot(resumed)
        try:
            with _aws_errors_reported(self.request):
                smoke = self._restore()
        except OutOfTimeError:
            raise
        except VectoraError as error:
            raise type(error)(f"{error} What was there before is in snapshot {safety}.") from error
        self.observer.step("finish")
        self.lease.confirm()
        self._records.write(self._latest, self.vault.now())
        # Nothing is left to resume, even if the release of the lease fails.
        self.lease.leave_note("")
        return self._result(started, nothing_to_do=False, safety=safety, smoke=smoke)

    @property
    def _restores_stacks(self) -> bool:
        return bool(set(self.request.components) & set(STACK_COMPONENTS))

    def _environment_at_rest(self) -> Environment:
        """Return the state once CloudFormation is done with all stacks, as after a deployment that was stopped."""
        environment = self._environment()
        if changing := environment.changing_stacks():
            self._stacks.wait(changing)
            environment = self._environment()
        return environment

    def _needs_work(self, environment: Environment) -> bool:
        """Return whether anything differs from the snapshot, or a stack is in a failed status."""
        if self._differences(environment, limit=1):
            return True
        return self._restores_stacks and bool(self._stacks.unusable(environment))

    def _restore(self) -> SmokeResult | None:
        if self._restores_stacks:
            self.observer.step("stacks")
            self.changed.stacks = self._stacks.restore()
            self.observer.step("repair")
            self.changed.recreated = self._stacks.repair()
        self.observer.step("content")
        self._restore_content()
        self.observer.step("prove")
        self._require_no_differences()
        self.observer.step("smoke test")
        smoke = self.smoke_test()
        if smoke is not None and not smoke.passed:
            raise VectoraError(
                f"{self.names.env} matches {self.manifest.name} again, but the smoke test failed: {smoke.reason}"
            )
        return smoke

    # --- before the restore

    def _verify(self) -> None:
        found = verify_snapshot(self.vault, self.manifest.name, self.request.components, observer=self.observer)
        self.changed.ignored = [f"{each.name}: {each.detail}" for each in found.problems if each.right_version]
        if problems := [each for each in found.problems if each.right_version is None]:
            named = "; ".join(f"{each.name} is {each.kind}" for each in problems[:NAMED_IN_A_MESSAGE])
            more = len(problems) - NAMED_IN_A_MESSAGE
            raise VectoraError(
                f"Snapshot {self.manifest.name} is not intact, so nothing was changed: {named}"
                f"{f' and {more} more' if more > 0 else ''}. Choose another one (./vectora snapshot list)."
            )

    def _interrupted_safety_snapshot(self) -> str | None:
        """Return the safety snapshot of this same rollback, when it was interrupted before."""
        before = self.lease.predecessor
        if before and (before.operation, before.subject) == ("rollback", self.manifest.name) and before.note:
            return before.note
        return None

    def _differences(self, environment: Environment, limit: int = NAMED_IN_A_MESSAGE) -> list[Change]:
        found = with_live(self.vault, environment, self.manifest, self.request.components, with_text=False)
        return list(islice(found, limit))

    def _safety_snapshot(self, resumed: str | None) -> str:
        if resumed:
            self.lease.leave_note(resumed)
            return resumed
        request = SnapshotRequest(
            label=SAFETY_LABEL,
            occasion=Occasion(kind="rollback", detail=self.manifest.name),
            data=self.manifest.data,
            # All data that this rollback may overwrite or delete.
            data_scope=self.manifest.components["data"].scope,
        )
        try:
            safety = self._take(request)
        except NameTakenError:
            # This rollback was interrupted when its safety snapshot was complete, and runs again in the same second.
            time.sleep(1)
            safety = self._take(request)
        self.lease.leave_note(safety.name)
        return safety.name

    def _take(self, request: SnapshotRequest) -> Manifest:
        return take_snapshot(
            self.account,
            self.names,
            request,
            lease=self.lease,
            vault=self.vault,
            environment=self._latest,
            observer=self.observer,
            clock=self.clock,
        )

    # --- the restore and its end

    def _restore_content(self) -> None:
        for component in self.request.components:
            if component in STACK_COMPONENTS:
                continue
            restored = restore_objects(
                self.account,
                self.vault,
                self.manifest.components[component],
                source_in_scope(self._latest, self.manifest, component),
                bucket_of(self.names, component),
                keep_alive=self._keep_alive,
            )
            self.changed.written += restored.written
            self.changed.deleted += restored.deleted

    def _require_no_differences(self) -> None:
        # Objects are always listed again. Stacks and functions were read after the last change of them, by the repair,
        # unless it changed some.
        environment = self._environment() if self.changed.recreated else self._latest
        if self._restores_stacks and (unusable := self._stacks.unusable(environment)):
            raise VectoraError(
                f"After the rollback stack {unusable[0]} is still in a failed status: run the rollback again; "
                f"./vectora doctor --env {self.names.env} has the command for each stack."
            )
        if differences := self._differences(environment):
            named = "; ".join(f"{each.component}: {each.path} ({each.kind})" for each in differences)
            raise VectoraError(
                f"After the rollback {self.names.env} still differs from {self.manifest.name}: {named}. "
                "Run the rollback again; repair what still differs then by hand."
            )

    def _result(
        self, started: float, *, nothing_to_do: bool, safety: str | None, smoke: SmokeResult | None
    ) -> RollbackResult:
        return RollbackResult(
            snapshot=self.manifest.name,
            env=self.names.env,
            components=self.request.components,
            nothing_to_do=nothing_to_do,
            safety_snapshot=safety,
            stacks_changed=tuple(self.changed.stacks),
            resources_recreated=tuple(self.changed.recreated),
            objects_written=self.changed.written,
            objects_deleted=self.changed.deleted,
            smoke_test=smoke,
            ignored=tuple(self.changed.ignored),
            seconds=round(time.monotonic() - started, 1),
        )

    def _environment(self) -> Environment:
        """Return the state now: what CloudFormation has not changed since the last call is not read again."""
        self._latest = self._latest.now()
        return self._latest

    def _keep_alive(self) -> None:
        self.lease.renew()
        if self.deadline():
            raise OutOfTimeError(f"The rollback to {self.manifest.name}")

"""Snapshots that a failed release is rolled back to, found also when a record is damaged."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.records import Deployment, LedgerEntry, Records
from vectora_ops.snapshots.vault import Vault
from vectora_shared.aws_texts import plain

logger = logging.getLogger("vectora")
Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class RollbackPoint:
    """A snapshot to roll back to.

    `since` is when the failed release began to replace what the snapshot contains; `deployment` is its record, where
    known.
    """

    snapshot: str
    since: datetime
    deployment: Deployment | None = None

    @classmethod
    def of(cls, deployment: Deployment) -> RollbackPoint:
        return cls(snapshot=deployment.snapshot, since=deployment.at, deployment=deployment)


@dataclass(frozen=True, kw_only=True)
class LastRelease:
    """The release of an environment: when it was recorded, and the snapshot to roll back to."""

    recorded: datetime
    rollback_point: RollbackPoint | None
    # Why there is no rollback point.
    reason: str = ""

    @property
    def began(self) -> datetime:
        return self.rollback_point.since if self.rollback_point else self.recorded


class RollbackPoints:
    """Records of deployments, read so that a damaged one cannot prevent a rollback.

    A damaged record is replaced by its history or by the vault; `problems` lists what could not be read.
    """

    def __init__(self, account: Account, names: Names) -> None:
        self._account = account
        self._names = names
        self._records = Records(account, names)
        self.problems: list[str] = []

    def of_execution(self, execution: str, started: datetime | None) -> RollbackPoint | None:
        """Return the point before the deployment of `execution` since `started`; None when it deployed nothing."""
        deployment, is_readable = self._deployment()
        if is_readable:
            return RollbackPoint.of(deployment) if deployment and deployment.execution == execution else None
        for each in reversed(self._history()):
            if each.execution == execution:
                return RollbackPoint.of(each)
        return self._read("the vault", lambda: self._newest_snapshot(started))

    def of_unfinished_rollback(self) -> RollbackPoint | None:
        """Return the point of a rollback that an earlier invocation began and may have entered into the ledger."""
        deployment, _ = self._deployment()
        if deployment is not None and deployment.state == "released":
            return RollbackPoint.of(deployment)
        release = self.of_last_release()
        return release.rollback_point if release else None

    def is_half_deployed(self, execution: str) -> bool:
        """Return whether the record says that `execution` is deploying; a damaged record does not."""
        deployment, _ = self._deployment()
        return deployment is not None and (deployment.execution, deployment.state) == (execution, "deploying")

    def of_last_release(self) -> LastRelease | None:
        """Return the release of the environment; None when it has none, or one that a rollback restored."""
        ledger: tuple[LedgerEntry, ...] = self._read("the ledger", self._records.ledger) or ()
        deployment, is_readable = self._deployment()
        if not is_readable:
            deployment = next(reversed(self._history()), None)
        if not ledger:
            return self._of_deployment(deployment)
        last = ledger[-1]
        if last.kind != "release":
            return None
        if deployment is not None and deployment.state == "released":
            return LastRelease(recorded=last.at, rollback_point=RollbackPoint.of(deployment))
        if last.snapshot and (deployment is None or not is_readable):
            return LastRelease(recorded=last.at, rollback_point=RollbackPoint(snapshot=last.snapshot, since=last.at))
        what = f"the last deployment is {deployment.state}" if deployment else "no deployment is on record"
        return LastRelease(recorded=last.at, rollback_point=None, reason=what)

    def _of_deployment(self, deployment: Deployment | None) -> LastRelease | None:
        """Return the rollback point that a damaged ledger leaves; an empty ledger is not damaged."""
        if not self.problems or deployment is None or deployment.state != "released":
            return None
        return LastRelease(recorded=deployment.at, rollback_point=RollbackPoint.of(deployment))

    def _deployment(self) -> tuple[Deployment | None, bool]:
        """Return the record, and whether it could be read."""
        found = self._read("the deployment record", lambda: (self._records.deployment(),))
        return (None, False) if found is None else (found[0], True)

    def _history(self) -> tuple[Deployment, ...]:
        return self._read("the history of deployments", self._records.readable_deployments) or ()

    def _newest_snapshot(self, started: datetime | None) -> RollbackPoint | None:
        """Return the newest snapshot taken before a deployment that began after `started`."""
        taken = [each for each in Vault(self._account, self._names).manifests() if each.occasion.kind == "deployment"]
        if not taken or started is None or taken[-1].started_at < started:
            return None
        return RollbackPoint(snapshot=taken[-1].name, since=taken[-1].started_at)

    def _read(self, what: str, read: Callable[[], Found]) -> Found | None:
        try:
            return read()
        except Exception as error:
            # The rollback is more urgent; the outcome reports what could not be read.
            logger.exception("%s cannot be read", what)
            problem = f"{what} cannot be read ({plain(error)})"
            if problem not in self.problems:
                self.problems.append(problem)
            return None

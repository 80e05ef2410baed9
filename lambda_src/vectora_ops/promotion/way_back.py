"""The snapshot that a failed release goes back to, found also when a record was damaged."""

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
class WayBack:
    """`since` is when the release began to replace what `snapshot` holds; `deployment` is its record, where known."""

    snapshot: str
    since: datetime
    deployment: Deployment | None = None

    @classmethod
    def of(cls, deployment: Deployment) -> WayBack:
        return cls(snapshot=deployment.snapshot, since=deployment.at, deployment=deployment)


@dataclass(frozen=True, kw_only=True)
class LastRelease:
    """The release that an environment has: when it was recorded, and the way back from it."""

    recorded: datetime
    way_back: WayBack | None
    # Why there is no way back.
    reason: str = ""

    @property
    def began(self) -> datetime:
        return self.way_back.since if self.way_back else self.recorded


class WaysBack:
    """Records of deployments, read so that none of them can keep an environment from going back.

    `problems` says which could not be read; damaged records are looked up in their own history and in the vault.
    """

    def __init__(self, account: Account, names: Names) -> None:
        self._account = account
        self._names = names
        self._records = Records(account, names)
        self.problems: list[str] = []

    def of_execution(self, execution: str, started: datetime | None) -> WayBack | None:
        """The way back from what `execution` deployed since `started`; None when it had deployed nothing yet."""
        deployment, is_readable = self._deployment()
        if is_readable:
            return WayBack.of(deployment) if deployment and deployment.execution == execution else None
        for each in reversed(self._history()):
            if each.execution == execution:
                return WayBack.of(each)
        return self._read("the vault", lambda: self._newest_snapshot(started))

    def of_unfinished_rollback(self) -> WayBack | None:
        """The way back that an invocation before this one began, whose last act may have been the ledger's entry."""
        deployment, _ = self._deployment()
        if deployment is not None and deployment.state == "released":
            return WayBack.of(deployment)
        release = self.of_last_release()
        return release.way_back if release else None

    def is_half_deployed(self, execution: str) -> bool:
        """Whether the record says so; a damaged one does not."""
        deployment, _ = self._deployment()
        return deployment is not None and (deployment.execution, deployment.state) == (execution, "deploying")

    def of_last_release(self) -> LastRelease | None:
        """None when the environment has no release, or one that came by a rollback."""
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
            return LastRelease(recorded=last.at, way_back=WayBack.of(deployment))
        if last.snapshot and (deployment is None or not is_readable):
            return LastRelease(recorded=last.at, way_back=WayBack(snapshot=last.snapshot, since=last.at))
        what = f"the last deployment is {deployment.state}" if deployment else "no deployment is on record"
        return LastRelease(recorded=last.at, way_back=None, reason=what)

    def _of_deployment(self, deployment: Deployment | None) -> LastRelease | None:
        """Return the way back that a damaged ledger leaves; an empty ledger is not damaged."""
        if not self.problems or deployment is None or deployment.state != "released":
            return None
        return LastRelease(recorded=deployment.at, way_back=WayBack.of(deployment))

    def _deployment(self) -> tuple[Deployment | None, bool]:
        """The record, and whether it could be read."""
        found = self._read("the deployment record", lambda: (self._records.deployment(),))
        return (None, False) if found is None else (found[0], True)

    def _history(self) -> tuple[Deployment, ...]:
        return self._read("the history of deployments", self._records.readable_deployments) or ()

    def _newest_snapshot(self, started: datetime | None) -> WayBack | None:
        """The newest one taken before a deployment that began after `started`."""
        taken = [each for each in Vault(self._account, self._names).manifests() if each.occasion.kind == "deployment"]
        if not taken or started is None or taken[-1].started_at < started:
            return None
        return WayBack(snapshot=taken[-1].name, since=taken[-1].started_at)

    def _read(self, what: str, read: Callable[[], Found]) -> Found | None:
        try:
            return read()
        except Exception as error:
            # Going back is more urgent; what could not be read is reported with the outcome.
            logger.exception("%s cannot be read", what)
            problem = f"{what} cannot be read ({plain(error)})"
            if problem not in self.problems:
                self.problems.append(problem)
            return None

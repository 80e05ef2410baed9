"""Records that a rollback leaves: the entry in the ledger, and the client files that it took away."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_ops.records import (
    LONGEST_REASON,
    ClientPromotion,
    Deployment,
    LedgerEntry,
    Records,
    ReleaseId,
    RemovedRelease,
)
from vectora_ops.rollback.request import RollbackRequest
from vectora_ops.snapshots.manifest import COMPONENTS, Component, Manifest
from vectora_ops.what_runs import what_runs
from vectora_shared.aws import read_object
from vectora_shared.aws_errors import is_absent
from vectora_shared.keys import client_key

# Components that are part of a release; data and newsletters are what it made.
OF_A_RELEASE: tuple[Component, ...] = ("functions", "layers", "stacks", "release", "clients", "canonical")


class RollbackRecords:
    """The records of one rollback."""

    def __init__(self, account: Account, names: Names, manifest: Manifest, request: RollbackRequest) -> None:
        self._account = account
        self._names = names
        self._manifest = manifest
        self._request = request
        self._records = Records(account, names)

    def write(self, environment: Environment, at: datetime) -> None:
        """Write all records of a rollback that changed something; `environment` is the state afterwards."""
        if (entry := self._entry(environment, at)) is not None:
            self._records.add_to_ledger(entry)
        self.write_taken_files(at)

    def write_taken_files(self, at: datetime) -> None:
        """Record the promoted client files that are gone."""
        if "clients" in self._request.components:
            record_taken_files(self._account, self._names, self._what, at)

    @property
    def _is_whole(self) -> bool:
        return set(self._request.components) == set(COMPONENTS)

    @property
    def _by_operator(self) -> bool:
        return self._request.cause == "operator"

    @property
    def _reason(self) -> str:
        return self._request.reason[:LONGEST_REASON]

    @property
    def _what(self) -> str:
        return f"the rollback to {self._manifest.name} ({self._reason.rstrip('.')}) took it away again"

    def _entry(self, environment: Environment, at: datetime) -> LedgerEntry | None:
        """Return the ledger's entry; None without a release, and when parts went back that are no part of one."""
        parts = tuple(each for each in self._request.components if each in OF_A_RELEASE)
        deployed = json.loads(environment.release() or "{}")
        if not deployed or not (self._is_whole or (parts and self._by_operator)):
            return None
        ledger, deployments = self._records.ledger(), self._records.readable_deployments()
        release = _known(deployed["digest"], ledger, deployments)
        removed = self._removed(release, ledger, deployments) if self._is_whole else None
        commits = [entry.commit for entry in ledger if entry.digest == release.digest]
        return LedgerEntry(
            kind="rollback",
            digest=release.digest,
            content_digest=release.content_digest,
            version=deployed["version"],
            commit=commits[-1] if commits else None,
            at=at,
            snapshot=self._manifest.name,
            reason=self._reason,
            replaced_since=self._replaced_since(removed, deployments),
            removed=removed,
            components=() if self._is_whole else parts,
            running=what_runs(environment),
        )

    def _removed(
        self, restored: ReleaseId, ledger: tuple[LedgerEntry, ...], deployments: tuple[Deployment, ...]
    ) -> RemovedRelease | None:
        """Return the release that is gone: the one being deployed, or the last of the ledger."""
        deployment = deployments[-1] if deployments else None
        if deployment is not None and deployment.state == "deploying" and deployment.digest != restored.digest:
            found = deployment.release
        elif ledger and ledger[-1].digest != restored.digest:
            found = ledger[-1].release
        else:
            return None
        return RemovedRelease(digest=found.digest, content_digest=found.content_digest, by=self._request.cause)

    def _replaced_since(self, removed: RemovedRelease | None, deployments: tuple[Deployment, ...]) -> datetime | None:
        if self._request.replaced_since or removed is None:
            return self._request.replaced_since
        began = [each.at for each in deployments if each.digest == removed.digest]
        return began[-1] if began else None


def _known(digest: str, ledger: tuple[LedgerEntry, ...], deployments: tuple[Deployment, ...]) -> ReleaseId:
    """Return the release with its content digest, where a record has it."""
    releases = [entry.release for entry in reversed(ledger)] + [each.release for each in reversed(deployments)]
    return next((each for each in releases if each.digest == digest and each.content_digest), ReleaseId(digest))


def record_taken_files(account: Account, names: Names, what: str, at: datetime) -> tuple[ClientPromotion, ...]:
    """Record that promoted client files are no longer there, for the reason `what`; return their promotions."""
    records = Records(account, names)
    last = {each.client_id: each for each in records.client_promotions()}
    taken = tuple(each for each in last.values() if each.state == "promoted" and _is_gone(account, names, each))
    for each in taken:
        records.write_client_promotion(
            each.model_copy(update={"state": "rolled back", "at": at, "outcome": what[:LONGEST_REASON]})
        )
    return taken


def _is_gone(account: Account, names: Names, promotion: ClientPromotion) -> bool:
    try:
        key = client_key(promotion.client_id)
        body = read_object(account.client("s3"), Bucket=names.bucket("config"), Key=key).body
    except ClientError as error:
        if not is_absent(error, "object") and not is_absent(error, "bucket"):
            raise
        return True
    return hashlib.sha256(body).hexdigest() != promotion.sha256

"""Records of promotions: one SSM parameter for each kind, whose newest value counts and whose history remains."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from botocore.exceptions import ClientError
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from vectora_ops.account import Account
from vectora_ops.names import ALARM, BYPASS, CLIENTS, DEPLOYMENT, FREEZE, HOLD, LEDGER, RETRY, Names
from vectora_ops.parameter_values import as_parameter
from vectora_ops.times import minute
from vectora_shared.aws_errors import error_code, is_absent
from vectora_shared.errors import VectoraError

logger = logging.getLogger("vectora")
# A reason is cut, so that it leaves room for the other fields.
LONGEST_REASON = 1000
# Systems Manager refuses concurrent updates of a parameter (PutParameter, TooManyUpdates); botocore does not retry.
UPDATE_TRIES, UPDATE_PAUSE_SECONDS = 5, 0.5
# It is one of an action's user parameters, which have 1000 characters in all (CodePipeline quotas).
LONGEST_BYPASS_REASON = 200


class _Record(BaseModel):
    """A record; `at` is a time of its writer's clock, `recorded` one of Systems Manager's, which all records share."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: AwareDatetime
    recorded: AwareDatetime | None = Field(default=None, exclude=True)
    # Known of records that are read from a history.
    recorded_by: str | None = Field(default=None, exclude=True)

    @property
    def stored(self) -> datetime:
        """The time of writing; once the record has been read, it does not depend on the writer's clock."""
        return self.recorded or self.at


RecordT = TypeVar("RecordT", bound=_Record)


@dataclass(frozen=True)
class ReleaseId:
    """A release as one environment has it: the digest there, and where known that of what all environments share."""

    digest: str
    content_digest: str | None = None

    def has_same_content(self, other: ReleaseId) -> bool:
        """Return whether the releases differ in settings at most; one of unknown content equals itself alone."""
        if self.content_digest and other.content_digest:
            return self.content_digest == other.content_digest
        return self.digest == other.digest

    def begins_with(self, digits: str) -> bool:
        """Return whether these are the first digits of either digest."""
        return any(each.startswith(digits) for each in (self.digest, self.content_digest) if each)


class RemovedRelease(BaseModel):
    """The release that a rollback removed, and whether an operator or a failure was the cause."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    digest: str
    content_digest: str | None = None
    by: Literal["operator", "failure"]

    @property
    def release(self) -> ReleaseId:
        return ReleaseId(self.digest, self.content_digest)


class LedgerEntry(_Record):
    """A release that an environment had from `at` on: deployed and smoke-tested, or brought back by a rollback.

    `snapshot` was taken before. `smoke_test` is the smoke test's result; a rollback's release had its own before.
    `replaced_since` is when another release began to replace it, until this rollback brought it back. `removed` is the
    release that the rollback removed, and `components` what an operator rolled back, when it was not everything: the
    environment has a release in parts then. `running` is what ran with the release (what_runs.py), and `repaired` what
    had been changed by hand before it was deployed. `audit` says whether known vulnerabilities were looked up.
    """

    kind: Literal["release", "rollback"]
    digest: str
    # Unknown in records of releases that were deployed before there was such a digest.
    content_digest: str | None = None
    version: str
    commit: str | None = None
    snapshot: str | None = None
    execution: str | None = None
    smoke_test: str | None = None
    bypassed: tuple[str, ...] = ()
    bypass_reason: str | None = None
    bypassed_by: str | None = None
    approved_by: str | None = None
    reason: str | None = None
    replaced_since: AwareDatetime | None = None
    removed: RemovedRelease | None = None
    components: tuple[str, ...] = ()
    running: dict[str, str] | None = None
    repaired: tuple[str, ...] = ()
    audit: str | None = None

    @property
    def is_whole_rollback(self) -> bool:
        return self.kind == "rollback" and not self.components

    @property
    def release(self) -> ReleaseId:
        return ReleaseId(self.digest, self.content_digest)


class Deployment(_Record):
    """The pipeline's last deployment, recorded as soon as its snapshot is complete.

    `ended` and `outcome` are known once it was undone or left unfinished. `repaired` is what had been changed by hand,
    `changed` the digests of these then.
    """

    state: Literal["deploying", "released", "rolled back", "left as it is"]
    execution: str
    digest: str
    content_digest: str | None = None
    version: str
    commit: str
    snapshot: str
    ended: AwareDatetime | None = None
    outcome: str = ""
    changed: dict[str, str] = Field(default_factory=dict)
    repaired: tuple[str, ...] = ()

    @property
    def release(self) -> ReleaseId:
        return ReleaseId(self.digest, self.content_digest)

    def is_running(self, ledger: Sequence[LedgerEntry]) -> bool:
        """Return whether it has not ended: an operator's rollback since then ends it too."""
        rolled_back = bool(ledger) and ledger[-1].is_whole_rollback and ledger[-1].stored >= self.stored
        return self.state == "deploying" and not rolled_back

    @property
    def failed(self) -> bool:
        """True when the release did not stay: its deployment, its smoke test or its first runs failed."""
        return self.state in ("rolled back", "left as it is")


# A function runs for at most 15 minutes, and is repeated once when it times out (Lambda quotas).
LONGEST_ROLLBACK = timedelta(hours=1)


class Hold(_Record):
    """Promotion into an environment is held from a failed deployment until an operator releases it."""

    state: Literal["rolling back", "held", "released"]
    reason: str
    execution: str | None = None
    outcome: str = ""
    released_by: str | None = None

    @property
    def holds(self) -> bool:
        return self.state != "released"

    def is_interrupted(self, now: datetime) -> bool:
        """Return whether this is a rollback that nothing continues: each invocation records the time at its start."""
        return self.state == "rolling back" and now - self.at >= LONGEST_ROLLBACK


class Bypass(_Record):
    """Gates that one release need not pass, with the reason and who allowed it; it belongs to the release's content."""

    digest: str
    content_digest: str | None = None
    gates: tuple[str, ...]
    reason: str
    by: str

    @property
    def release(self) -> ReleaseId:
        return ReleaseId(self.digest, self.content_digest)


class Freeze(_Record):
    """A time without promotions that an operator set; it ends by itself, or when an operator ends it."""

    until: AwareDatetime
    reason: str
    by: str
    ended_by: str | None = None

    def is_in_force(self, now: datetime) -> bool:
        return self.ended_by is None and now < self.until


class Alarm(_Record):
    """An alarm that was raised in an environment."""

    name: str
    reason: str


class ClientPromotion(_Record):
    """A client's file that was promoted from the preceding environment, ahead of the release that contains it.

    `snapshot` was taken before, `execution` is its test run; `outcome` is that run's result, or the reason for undoing
    the promotion.
    """

    state: Literal["promoting", "promoted", "taking back", "rolled back"]
    client_id: str
    version: str
    version_before: str | None = None
    source: str
    sha256: str
    snapshot: str
    execution: str | None = None
    outcome: str = ""

    @property
    def is_over(self) -> bool:
        return self.state in ("promoted", "rolled back")


class Retry(_Record):
    """An execution whose stage CodePipeline no longer retries; operators have been notified."""

    execution: str


class Records:
    """The promotion records of one environment."""

    def __init__(self, account: Account, names: Names, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._ssm = account.client("ssm")
        self._names = names
        self._sleep = sleep

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Return the releases of the environment, oldest first; SSM keeps the last hundred.

        Raises VectoraError when the newest cannot be read.
        """
        return self._history(LEDGER, LedgerEntry)

    def add_to_ledger(self, entry: LedgerEntry) -> None:
        self._write(LEDGER, entry, "The release that this environment has; its history is the ledger")

    def deployment(self) -> Deployment | None:
        return self._read(DEPLOYMENT, Deployment)

    def readable_deployments(self) -> tuple[Deployment, ...]:
        """Return the recorded deployments that can be read, oldest first."""
        return self._history(DEPLOYMENT, Deployment, newest_too=False)

    def deployments(self) -> tuple[Deployment, ...]:
        """Return each deployment in its last state, in the order of these; SSM keeps the last hundred states.

        Raises VectoraError when the newest cannot be read.
        """
        last: dict[tuple[str, str], Deployment] = {}
        for each in self._history(DEPLOYMENT, Deployment):
            # One execution deploys a release again when its stage is tried again.
            key = each.execution, each.digest
            last.pop(key, None)
            last[key] = each
        return tuple(last.values())

    def write_deployment(self, deployment: Deployment) -> None:
        self._write(DEPLOYMENT, deployment, "What the pipeline last deployed here, and the snapshot taken before")

    def hold(self) -> Hold | None:
        """Return the hold in force, or the last one, released."""
        return self._read(HOLD, Hold)

    def write_hold(self, hold: Hold) -> None:
        self._write(HOLD, hold, "Whether promotion into this environment is held, and why")

    def bypass(self) -> Bypass | None:
        return self._read(BYPASS, Bypass)

    def bypass_of(self, release: ReleaseId) -> Bypass | None:
        """Return the last bypass of this content: one of another release does not end it."""
        found = [each for each in self._history(BYPASS, Bypass) if each.release.has_same_content(release)]
        return found[-1] if found else None

    def write_bypass(self, bypass: Bypass) -> None:
        self._write(BYPASS, bypass, "Gates that one release need not pass, with the reason")

    def freeze(self) -> Freeze | None:
        """Return the last freeze, which may be over."""
        return self._read(FREEZE, Freeze)

    def write_freeze(self, freeze: Freeze) -> None:
        self._write(FREEZE, freeze, "The last freeze of promotion into this environment, with the reason")

    def alarms(self) -> tuple[Alarm, ...]:
        """Return the alarms, oldest first; SSM keeps the last hundred.

        Raises VectoraError when the newest cannot be read.
        """
        return self._history(ALARM, Alarm)

    def write_alarm(self, alarm: Alarm) -> None:
        self._write(ALARM, alarm, "The last alarm that was raised in this environment")

    def retry(self) -> Retry | None:
        """Return the last execution that CodePipeline no longer retries."""
        return self._read(RETRY, Retry)

    def write_retry(self, retry: Retry) -> None:
        self._write(RETRY, retry, "The last promotion that cannot be retried because the pipeline has changed")

    def client_promotions(self) -> tuple[ClientPromotion, ...]:
        """Return every state of every promotion, oldest first; SSM keeps the last hundred."""
        return self._history(CLIENTS, ClientPromotion)

    def write_client_promotion(self, promotion: ClientPromotion) -> None:
        self._write(CLIENTS, promotion, "The client file that was last promoted by itself; its history is kept")

    def _read(self, path: str, model: type[RecordT]) -> RecordT | None:
        name = self._names.parameter(path)
        try:
            value = self._ssm.get_parameter(Name=name)["Parameter"]
        except ClientError as error:
            if is_absent(error, "parameter"):
                return None
            raise
        return self._parsed(model, name, value)

    def _history(self, path: str, model: type[RecordT], *, newest_too: bool = True) -> tuple[RecordT, ...]:
        """Return the records that can be read, oldest first; with `newest_too` a damaged newest raises VectoraError.

        A damaged version stays in the history after its predecessor is written again, so older ones are skipped.
        """
        name = self._names.parameter(path)
        try:
            pages = self._ssm.get_paginator("get_parameter_history").paginate(Name=name)
            values = [each for page in pages for each in page["Parameters"]]
        except ClientError as error:
            if is_absent(error, "parameter"):
                return ()
            raise
        found = []
        newest = max((each["Version"] for each in values), default=0)
        for each in sorted(values, key=lambda value: value["Version"]):
            try:
                found.append(self._parsed(model, name, each))
            except VectoraError as error:
                if newest_too and each["Version"] == newest:
                    raise
                logger.warning("Version %d: %s", each["Version"], error)
        return tuple(found)

    def _parsed(self, model: type[RecordT], name: str, parameter: Mapping[str, Any]) -> RecordT:
        try:
            record = model.model_validate_json(parameter["Value"])
        except ValidationError as error:
            raise VectoraError(
                f"SSM parameter {name} holds no {model.__name__.lower()} ({error.errors()[0]['msg']}): it was changed "
                "by hand; put its version before back (aws ssm get-parameter-history)."
            ) from error
        stored = {"recorded": parameter.get("LastModifiedDate"), "recorded_by": parameter.get("LastModifiedUser")}
        return record.model_copy(update=stored)

    def _write(self, path: str, record: _Record, description: str) -> None:
        for tries_left in reversed(range(UPDATE_TRIES)):
            try:
                self._ssm.put_parameter(
                    Name=self._names.parameter(path),
                    Description=description,
                    Type="String",
                    Value=as_parameter(record),
                    Overwrite=True,
                )
            except ClientError as error:
                if error_code(error) != "TooManyUpdates" or not tries_left:
                    raise
                self._sleep(UPDATE_PAUSE_SECONDS)
            else:
                return


def held_since(hold: Hold) -> str:
    """Return one sentence on the hold, for messages about what it prevents."""
    return (
        f"promotion is held since {minute(hold.at)} because {hold.reason.rstrip('.')}"
        f"{f'; {hold.outcome}' if hold.outcome else ''}"
    )

"""One operation at a time changes an environment or its vault: a lease in the vault, kept by conditional writes.

Whether a lease has lapsed is decided by S3's time alone: the `Date` of its answer against the `LastModified` of the
lease. No machine's clock decides, so one that is wrong neither loses a lease nor takes one that is alive.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Event, RLock, Thread
from typing import Any, Self
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.progress import Clock, utc_now
from vectora_shared.aws import read_object
from vectora_shared.aws_errors import error_code, is_absent
from vectora_shared.errors import VectoraError

LEASE_KEY = "locks/environment.json"
LEASE = timedelta(minutes=2)
RENEW_AFTER = timedelta(seconds=20)
# How often a write is tried that S3 answers with 409: it asks for a retry (PutObject, API reference, If-Match).
CONFLICTS = 5


def store_time(answer: Mapping[str, Any]) -> datetime:
    """Return S3's time when it gave this answer.

    Every answer of S3 has a `Date` (S3 API reference, common response headers). Raises VectoraError without one.
    """
    try:
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError) as error:
        raise VectoraError(
            "S3's answer has no date, so nobody can tell which lease is alive: does a proxy between here and S3 remove "
            "the header?"
        ) from error


class BusyError(VectoraError):
    """Another operation holds the environment."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds the lease for what. `subject` is a snapshot's name, `note` what is left for a successor.

    `until` is S3's time; it is for people, and for earlier versions of this tool.
    """

    owner: str
    operation: str
    subject: str
    since: str
    until: str
    note: str = ""
    released: bool = False

    @classmethod
    def of(cls, body: bytes) -> Holder | None:
        """Read a lease, also one with fields that are not known here; None when it cannot be read."""
        try:
            known = {each.name for each in fields(cls)}
            return cls(**{key: value for key, value in json.loads(body).items() if key in known})
        except (ValueError, TypeError, AttributeError):
            return None


@dataclass(frozen=True)
class _Stored:
    """The lease as S3 has it; times are S3's."""

    body: bytes
    etag: str
    lapses: datetime


# A lease that cannot be read is respected until it lapses: it may be one of a later version.
UNREADABLE = Holder(owner="somebody", operation="an unknown operation", subject="", since="some time", until="")


class Lease:
    """Context manager, held inside. What it finds of an interrupted predecessor is in `predecessor`.

    A thread renews it while it is held, whatever the operation does meanwhile. `renew`, `confirm` and `leave_note`
    raise BusyError once it was lost: call one of them before each change. An owner may come back to its own lease.
    """

    predecessor: Holder | None

    def __init__(
        self,
        account: Account,
        names: Names,
        *,
        operation: str,
        subject: str,
        owner: str | None = None,
        clock: Clock = utc_now,
    ) -> None:
        """`operation` is what is done, such as snapshot, rollback or prune, as it stands in messages to others.

        `clock` only hastens a renewal, after the machine slept; it never decides whose the lease is.
        """
        self._s3 = account.client("s3")
        self._bucket = names.bucket("snapshots")
        self._env = names.env
        self._clock = clock
        self._mine = Holder(
            owner=owner or f"{socket.gethostname()}/{uuid4().hex[:8]}",
            operation=operation,
            subject=subject,
            since="",
            until="",
        )
        self._etag: str | None = None
        self._lost: BusyError | None = None
        self._store_time = datetime.min.replace(tzinfo=UTC)
        self._heard = self._renewed = self._moment()
        # The renewing thread and the operation write in turn, each with the ETag that the other one left.
        self._turn = RLock()
        self._stopped = Event()
        self._thread = Thread(target=self._keep_renewing, name="lease", daemon=True)

    def __enter__(self) -> Self:
        stored = self._stored()
        self.predecessor = None
        if stored is not None:
            found = Holder.of(stored.body) or UNREADABLE
            alive = not found.released and self._store_time < stored.lapses
            if alive and found.owner != self._mine.owner:
                raise BusyError(
                    f"Environment {self._env} is busy: {found.operation} {found.subject} by {found.owner} since "
                    f"{found.since}. Wait for its end; if it was killed, its lease lapses at "
                    f"{stored.lapses.isoformat(timespec='seconds')} (S3's time)."
                )
            if found.subject:
                self.predecessor = found
        self._mine = replace(self._mine, since=self._store_time.isoformat(timespec="seconds"))
        self._write(stored.etag if stored else None)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        # A failed operation leaves its note; a finished one leaves nothing to come back to.
        if kind is None:
            self._mine = replace(self._mine, subject="", note="")
        try:
            self._write(self._etag, released=True)
        except (VectoraError, ClientError, BotoCoreError):
            if kind is None:
                raise

    @property
    def note(self) -> str:
        return self._mine.note

    def leave_note(self, note: str) -> None:
        """Say something to whoever takes over when this operation is interrupted."""
        with self._turn:
            self._mine = replace(self._mine, note=note)
            self._write(self._etag)

    def renew(self) -> None:
        """Stop the operation when another one took over; to be called before each change. Mostly it costs nothing."""
        with self._turn:
            self._raise_when_lost()
            if _elapsed(self._renewed, self._moment()) >= RENEW_AFTER:
                # The thread could not renew it: S3 did not answer, or the machine slept.
                self._write(self._etag)

    def confirm(self) -> None:
        """Renew now: what follows must only happen while the lease is ours."""
        with self._turn:
            self._write(self._etag)

    def _keep_renewing(self) -> None:
        while not self._stopped.wait(RENEW_AFTER.total_seconds()):
            try:
                with self._turn:
                    if not self._stopped.is_set():
                        self._write(self._etag)
            except BusyError:
                return
            except Exception:  # noqa: BLE001, S112  (the operation meets the same error at its next change)
                continue

    def _raise_when_lost(self) -> None:
        if self._lost is not None:
            raise BusyError(str(self._lost)) from self._lost

    def _moment(self) -> tuple[float, datetime]:
        # Two clocks: a monotonic one stands still while the machine sleeps, the other one may be set back.
        return time.monotonic(), self._clock()

    def _stored(self) -> _Stored | None:
        """Read the lease; None when there is none."""
        try:
            found = read_object(self._s3, Bucket=self._bucket, Key=LEASE_KEY)
        except ClientError as error:
            self._hear(error.response)
            if error_code(error) == "NoSuchBucket":
                raise VectoraError(
                    f"Environment {self._env} has no vault ({self._bucket}), so it cannot be changed safely: deploy "
                    "its operations stack first."
                ) from error
            if is_absent(error, "object"):
                return None
            raise
        self._hear(found.answer)
        lapses = found.answer["LastModified"].astimezone(UTC) + LEASE
        return _Stored(found.body, found.etag, lapses)

    def _hear(self, answer: Mapping[str, Any]) -> None:
        self._store_time, self._heard = store_time(answer), self._moment()

    def _write(self, etag: str | None, *, released: bool = False) -> None:
        self._raise_when_lost()
        begun = self._moment()
        until = self._store_time + timedelta(seconds=begun[0] - self._heard[0]) + LEASE
        self._mine = replace(self._mine, until=until.isoformat(), released=released)
        body = json.dumps(asdict(self._mine), indent=2).encode("utf-8")
        for _ in range(CONFLICTS):
            if (written := self._put(etag, body)) is not None:
                # The age of a lease counts from its arrival; counted from before it was sent, it is never too young.
                self._etag, self._renewed = written, begun
                return
        raise VectoraError(f"S3 refused the lease of {self._env} {CONFLICTS} times as in conflict: try again.")

    def _put(self, etag: str | None, body: bytes) -> str | None:
        """Write the lease over the one that has `etag`; the result is the new ETag, or None when S3 wants a retry."""
        condition: dict[str, Any] = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            answer = self._s3.put_object(
                Bucket=self._bucket, Key=LEASE_KEY, Body=body, ContentType="application/json", **condition
            )
        except ClientError as error:
            code = error_code(error)
            if code not in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"):
                raise
            found = self._stored()
            if found is not None and found.body == body:
                # A write that arrived though its answer was lost is met again by its own retry.
                return found.etag
            if code == "ConditionalRequestConflict" and (found.etag if found else None) == etag:
                return None
            self._lost = BusyError(
                f"Environment {self._env} was taken over by another operation a moment ago: try again when it is done."
            )
            raise self._lost from error
        self._hear(answer)
        return str(answer["ETag"])


def _elapsed(since: tuple[float, datetime], now: tuple[float, datetime]) -> timedelta:
    """The longer of what the two clocks say."""
    return max(timedelta(seconds=now[0] - since[0]), now[1] - since[1])

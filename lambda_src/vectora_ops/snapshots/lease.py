"""Lease that lets one operation at a time change an environment or its vault.

The lease is an object in the vault, which is written by conditional writes. It has lapsed when the `Date` of S3's
answer is too long after the `LastModified` of the lease. Only S3's time counts: a machine with a wrong clock neither
loses its lease nor takes one that is still held.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from threading import Event, RLock, Thread
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.progress import Clock, utc_now
from vectora_ops.snapshots.written_once import CONFLICTS
from vectora_ops.store_clock import store_time
from vectora_shared.aws import read_object
from vectora_shared.aws_errors import error_code, is_absent
from vectora_shared.errors import VectoraError

LEASE_KEY = "locks/environment.json"
LEASE = timedelta(minutes=2)
RENEW_AFTER = timedelta(seconds=20)


class BusyError(VectoraError):
    """Another operation holds the environment."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Holder of the lease, and its operation. `subject` is a snapshot's name, `note` is for a successor.

    `until` is a time of S3, for people and for earlier versions of this tool. `interrupted` is the holder of an
    operation before this one, which can still be resumed after it.
    """

    owner: str
    operation: str
    subject: str
    since: str
    until: str
    note: str = ""
    released: bool = False
    interrupted: Holder | None = None

    @classmethod
    def of(cls, body: bytes) -> Holder | None:
        """Read a lease and ignore unknown fields; return None when it cannot be read."""
        try:
            return cls._of(json.loads(body))
        except (ValueError, TypeError, AttributeError):
            return None

    @classmethod
    def _of(cls, found: dict[str, Any]) -> Holder:
        known = {each.name for each in fields(cls)}
        read = {key: value for key, value in found.items() if key in known}
        if read.get("interrupted"):
            read["interrupted"] = cls._of(read["interrupted"])
        return cls(**read)


@dataclass(frozen=True)
class _StoredLease:
    """Lease as S3 has it; times are S3's."""

    body: bytes
    etag: str
    lapses: datetime


# A lease that cannot be read is respected until it lapses: a later version may have written it.
UNREADABLE = Holder(
    owner="an unknown owner", operation="an unknown operation", subject="", since="an unknown time", until=""
)


class Lease:
    """Context manager that holds the lease. `predecessor` is the holder of an operation that was interrupted.

    A thread renews the lease while it is held. `renew`, `confirm` and `leave_note` raise BusyError once the lease is
    lost, and so does each request of the account that would change something. An owner may enter its own lease again.
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
        keeps_predecessor: bool = False,
        clock: Clock = utc_now,
    ) -> None:
        """Prepare the lease; `operation`, such as snapshot, rollback or prune, is shown to other operators.

        An operation that changes nothing in the environment `keeps_predecessor`: an interrupted operation can be
        resumed after it too. `clock` only hastens a renewal after the machine slept; it never decides who holds the
        lease.
        """
        self._account = account
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
        self._keeps_predecessor = keeps_predecessor
        self._checking = ExitStack()
        self._etag: str | None = None
        self._lost: BusyError | None = None
        self._store_time = datetime.min.replace(tzinfo=UTC)
        self._answered = self._renewed = self._moment()
        # The renewing thread and the operation take turns: each write needs the ETag of the one before.
        self._turn = RLock()
        self._stopped = Event()
        self._thread = Thread(target=self._keep_renewing, name="lease", daemon=True)

    def __enter__(self) -> Self:
        stored = self._stored()
        self.predecessor = None
        if stored is not None:
            found = Holder.of(stored.body) or UNREADABLE
            if self._is_held(found, stored) and found.owner != self._mine.owner:
                what = f"{found.operation} {found.subject}".rstrip()
                raise BusyError(
                    f"Environment {self._env} is busy: {what} by {found.owner} since {found.since}. Wait for its end; "
                    f"if it was killed, its lease lapses at {stored.lapses.isoformat(timespec='seconds')} (S3's time)."
                )
            self.predecessor = found.interrupted or (found if found.subject else None)
        self._mine = replace(
            self._mine,
            since=self._store_time.isoformat(timespec="seconds"),
            interrupted=self.predecessor if self._keeps_predecessor else None,
        )
        self._write(stored.etag if stored else None)
        self._checking.enter_context(self._account.checking_changes(self._check))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self._checking.close()
        # A failed operation leaves its note for its successor; a finished one has nothing to resume.
        if kind is None or self._keeps_predecessor:
            self._mine = replace(self._mine, subject="", note="")
        try:
            self._write(self._etag, released=True)
        except BusyError:
            if kind is None:
                raise
        except (VectoraError, ClientError, BotoCoreError):
            # The operation has its result, which a failure here does not change: its lease lapses soon.
            return

    def mark(self) -> str | None:
        """Return the stored lease's ETag, empty when there is none yet; None while an operation holds it."""
        stored = self._stored()
        if stored is None:
            return ""
        found = Holder.of(stored.body) or UNREADABLE
        return None if self._is_held(found, stored) else stored.etag

    def holder(self) -> str | None:
        """Return the owner of the operation that holds the environment now; None when none does."""
        stored = self._stored()
        if stored is None:
            return None
        found = Holder.of(stored.body) or UNREADABLE
        return found.owner if self._is_held(found, stored) else None

    def _is_held(self, found: Holder, stored: _StoredLease) -> bool:
        return not found.released and self._store_time < stored.lapses

    @property
    def note(self) -> str:
        return self._mine.note

    def leave_note(self, note: str) -> None:
        """Write a note for the operation that resumes this one after an interruption."""
        with self._turn:
            self._mine = replace(self._mine, note=note)
            self._write(self._etag)

    def renew(self) -> None:
        """Raise BusyError when another operation took over; mostly without a request. Call it before each change."""
        with self._turn:
            self._raise_when_lost()
            if _elapsed(self._renewed, self._moment()) >= RENEW_AFTER:
                # The thread could not renew it: S3 did not answer, or the machine slept.
                self._write(self._etag)

    def _check(self, address: str) -> None:
        """Raise BusyError before a request that may change something, unless it is one of a lease."""
        if not urlsplit(address).path.endswith(f"/{LEASE_KEY}"):
            self.renew()

    def confirm(self) -> None:
        """Renew the lease now, before a change that only its holder may make."""
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
            except Exception:  # noqa: BLE001, S112  (the operation gets the same error at its next change)
                continue

    def _raise_when_lost(self) -> None:
        if self._lost is not None:
            raise BusyError(str(self._lost)) from self._lost

    def _moment(self) -> tuple[float, datetime]:
        # Two clocks: the monotonic one may stop while the machine sleeps, the other one may be set back.
        return time.monotonic(), self._clock()

    def _stored(self) -> _StoredLease | None:
        """Read the lease; return None when there is none."""
        try:
            found = read_object(self._s3, Bucket=self._bucket, Key=LEASE_KEY)
        except ClientError as error:
            self._note_time(error.response)
            if error_code(error) == "NoSuchBucket":
                raise VectoraError(
                    f"Environment {self._env} has no vault ({self._bucket}), so it cannot be changed safely: deploy "
                    "its operations stack first."
                ) from error
            if is_absent(error, "object"):
                return None
            raise
        self._note_time(found.answer)
        lapses = found.answer["LastModified"].astimezone(UTC) + LEASE
        return _StoredLease(found.body, found.etag, lapses)

    def _note_time(self, answer: Mapping[str, Any]) -> None:
        self._store_time, self._answered = store_time(answer), self._moment()

    def _write(self, etag: str | None, *, released: bool = False) -> None:
        self._raise_when_lost()
        begun = self._moment()
        until = self._store_time + timedelta(seconds=begun[0] - self._answered[0]) + LEASE
        self._mine = replace(self._mine, until=until.isoformat(), released=released)
        body = json.dumps(asdict(self._mine), indent=2).encode("utf-8")
        for _ in range(CONFLICTS):
            if (written := self._put(etag, body)) is not None:
                # S3 counts the age of a lease from its arrival; counted from before the request, it is never too low.
                self._etag, self._renewed = written, begun
                return
        raise VectoraError(f"S3 answered {CONFLICTS} writes of the lease of {self._env} with a conflict: try again.")

    def _put(self, etag: str | None, body: bytes) -> str | None:
        """Replace the lease that has `etag`; return the new ETag, or None when S3 requires a retry."""
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
                # The write succeeded and its answer was lost, so botocore's retry found its own lease.
                return found.etag
            if code == "ConditionalRequestConflict" and (found.etag if found else None) == etag:
                return None
            self._lost = BusyError(
                f"Environment {self._env} was taken over by another operation a moment ago: try again when it is done."
            )
            raise self._lost from error
        self._note_time(answer)
        return str(answer["ETag"])


def _elapsed(since: tuple[float, datetime], now: tuple[float, datetime]) -> timedelta:
    """Return the longer of the times that passed on the two clocks."""
    return max(timedelta(seconds=now[0] - since[0]), now[1] - since[1])

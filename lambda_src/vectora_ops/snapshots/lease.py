"""One operation at a time changes an environment or its vault: a lease in the vault, kept by conditional writes."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import uuid4

from botocore.exceptions import ClientError

from vectora_core.aws import read_object
from vectora_core.errors import VectoraError
from vectora_ops.account import Account
from vectora_ops.names import Names

LEASE_KEY = "locks/environment.json"
LEASE = timedelta(minutes=2)
RENEW_AFTER = timedelta(seconds=20)
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class BusyError(VectoraError):
    """Another operation holds the environment."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds the lease for what. `subject` is a snapshot's name, `note` what is left for a successor."""

    owner: str
    operation: str
    subject: str
    since: str
    until: str
    note: str = ""
    released: bool = False

    def lapsed(self, now: datetime) -> bool:
        return self.released or datetime.fromisoformat(self.until) <= now


class Lease:
    """Context manager, held inside. What it finds of an interrupted predecessor is in `predecessor`.

    Raises BusyError when another operation holds the environment. An owner may come back to a lease of its own.
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
        """`operation` is what is done, such as snapshot, rollback or prune, as it stands in messages to others."""
        self._s3 = account.client("s3")
        self._bucket = names.bucket("snapshots")
        self._env = names.env
        self._clock = clock
        now = clock()
        self._mine = Holder(
            owner=owner or f"{socket.gethostname()}/{uuid4().hex[:8]}",
            operation=operation,
            subject=subject,
            since=now.isoformat(timespec="seconds"),
            until="",
        )
        self._etag: str | None = None
        self._renewed = now

    def __enter__(self) -> Self:
        found, etag = self._read()
        self.predecessor = None
        if found is not None:
            if not found.lapsed(self._clock()) and found.owner != self._mine.owner:
                raise BusyError(
                    f"Environment {self._env} is busy: {found.operation} {found.subject} by {found.owner} since "
                    f"{found.since}. Wait for its end; if it was killed, its lease lapses at {found.until}."
                )
            if found.subject:
                self.predecessor = found
        self._write(etag)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # A failed operation leaves its note; a finished one leaves nothing to come back to.
        if kind is None:
            self._mine = replace(self._mine, subject="", note="")
        try:
            self._write(self._etag, released=True)
        except (BusyError, ClientError):
            if kind is None:
                raise

    @property
    def note(self) -> str:
        return self._mine.note

    def leave_note(self, note: str) -> None:
        """Say something to whoever takes over when this operation is interrupted."""
        self._mine = replace(self._mine, note=note)
        self._write(self._etag)

    def renew(self) -> None:
        """To be called often; raises BusyError when another took over because this one had been silent for too long."""
        if self._clock() - self._renewed >= RENEW_AFTER:
            self._write(self._etag)

    def confirm(self) -> None:
        """Renew now: what follows must only happen while the lease is ours."""
        self._write(self._etag)

    def _read(self) -> tuple[Holder | None, str | None]:
        try:
            found = read_object(self._s3, Bucket=self._bucket, Key=LEASE_KEY)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None, None
            raise
        try:
            return Holder(**json.loads(found.body)), found.etag
        except (ValueError, TypeError):
            # Nobody can hold what nobody can read.
            return None, found.etag

    def _write(self, etag: str | None, *, released: bool = False) -> None:
        now = self._clock()
        self._mine = replace(self._mine, until=(now + LEASE).isoformat(), released=released)
        body = json.dumps(asdict(self._mine), indent=2).encode("utf-8")
        condition: dict[str, Any] = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            answer = self._s3.put_object(
                Bucket=self._bucket, Key=LEASE_KEY, Body=body, ContentType="application/json", **condition
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"):
                raise
            self._recover(body, error)
            return
        self._etag, self._renewed = answer["ETag"], now

    def _recover(self, body: bytes, error: ClientError) -> None:
        """A write that arrived though its answer was lost is met again by its own retry."""
        found = read_object(self._s3, Bucket=self._bucket, Key=LEASE_KEY)
        if found.body != body:
            raise BusyError(
                f"Environment {self._env} was taken over by another operation a moment ago: try again when it is done."
            ) from error
        self._etag, self._renewed = found.etag, self._clock()

"""Lease by S3's time: renewed while it is held, taken over when it lapsed, independent of machines' clocks."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Condition
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.progress import Clock
from vectora_ops.snapshots import lease as leases
from vectora_ops.snapshots.lease import LEASE, LEASE_KEY, RENEW_AFTER, BusyError, Lease
from vectora_shared.errors import VectoraError

NAMES = Names(project="vectora-inbox", env="dev")
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GENEROUS_SECONDS = 60.0


class Store:
    """The part of S3 that a lease needs, with a clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOON
        self.body: bytes | None = None
        self.written = NOON
        self.writes = 0
        self.failures: list[Exception] = []
        self.loses_answers = False
        self.has_date = True
        self.has_bucket = True
        self._changed = Condition()

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        assert Key == LEASE_KEY
        with self._changed:
            if not self.has_bucket:
                raise self.refusal("GetObject", "NoSuchBucket")
            if self.body is None:
                raise self.refusal("GetObject", "NoSuchKey")
            return {**self._answer(), "Body": io.BytesIO(self.body), "LastModified": self.written, "ETag": self.etag}

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        ContentType: str,  # noqa: N803
        IfMatch: str | None = None,  # noqa: N803
        IfNoneMatch: str | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        with self._changed:
            if self.failures:
                raise self.failures.pop(0)
            if IfMatch and self.body is None:
                raise self.refusal("PutObject", "NoSuchKey")
            if (IfMatch and self.etag != IfMatch) or (IfNoneMatch and self.body is not None):
                raise self.refusal("PutObject", "PreconditionFailed")
            self.body, self.written, self.writes = Body, self.now, self.writes + 1
            self._changed.notify_all()
            if self.loses_answers:
                self.loses_answers = False
                raise self.refusal("PutObject", "PreconditionFailed")
            return {**self._answer(), "ETag": self.etag}

    @property
    def etag(self) -> str:
        return f'"{hash(self.body)}"'

    @property
    def holder(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body or b"{}")
        return found

    def refusal(self, operation: str, code: str) -> ClientError:
        return ClientError({"Error": {"Code": code, "Message": code}, **self._answer()}, operation)  # type: ignore[typeddict-item]

    def pass_time(self, passing: timedelta) -> None:
        """Advance the clock, and wait until the holder has renewed its lease."""
        with self._changed:
            self.now += passing
            assert self._changed.wait_for(lambda: self.written == self.now, GENEROUS_SECONDS)

    def _answer(self) -> dict[str, Any]:
        headers = {"date": format_datetime(self.now, usegmt=True)} if self.has_date else {}
        return {"ResponseMetadata": {"HTTPHeaders": headers}}


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def renewing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the thread renew continuously, so that a test waits only for S3's time."""
    monkeypatch.setattr(leases, "RENEW_AFTER", timedelta(milliseconds=1))


def account_of(store: Store) -> Account:
    return Account("0" * 12, "eu-west-3", session=None, _clients={"s3": store})  # type: ignore[arg-type]


def lease_on(
    store: Store, subject: str, *, owner: str | None = None, clock: Clock = lambda: NOON, beside: bool = False
) -> Lease:
    account = account_of(store)
    return Lease(
        account, NAMES, operation="snapshot", subject=subject, owner=owner, clock=clock, keeps_predecessor=beside
    )


def killed(store: Store, subject: str = "killed") -> Lease:
    """Return a lease that is neither renewed nor released, as after a kill of its process."""
    left = lease_on(store, subject)
    left.__enter__()
    left._stopped.set()
    left._thread.join()
    return left


@pytest.mark.usefixtures("renewing")
def test_an_operation_without_requests_for_minutes_keeps_its_lease(store: Store) -> None:
    with lease_on(store, "held") as held:
        for _ in range(30):
            store.pass_time(RENEW_AFTER)
        with pytest.raises(BusyError, match="busy: snapshot held by"):
            lease_on(store, "other").__enter__()
        held.renew()
        held.confirm()


@pytest.mark.parametrize("skew", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_machine_with_a_wrong_clock_neither_takes_a_held_lease_nor_loses_one(store: Store, skew: timedelta) -> None:
    with lease_on(store, "held", clock=lambda: NOON + skew) as held:
        store.now += LEASE - timedelta(seconds=1)
        for others in (timedelta(), skew, -skew):
            with pytest.raises(BusyError):
                lease_on(store, "other", clock=lambda others=others: NOON + others).__enter__()  # type: ignore[misc]
        held.confirm()
    assert store.holder["released"]


@pytest.mark.parametrize("skew", [timedelta(), timedelta(hours=1), timedelta(hours=-1)])
def test_a_lease_whose_holder_was_killed_lapses_by_the_time_of_s3(store: Store, skew: timedelta) -> None:
    killed(store)
    store.now += LEASE - timedelta(seconds=1)
    with pytest.raises(BusyError, match=r"lapses at 2026-03-01T12:02:00\+00:00 \(S3's time\)"):
        lease_on(store, "next", clock=lambda: NOON + skew).__enter__()

    store.now += timedelta(seconds=1)

    with lease_on(store, "next", clock=lambda: NOON + skew) as following:
        assert following.predecessor is not None
        assert following.predecessor.subject == "killed"


def test_an_owner_enters_its_own_lease_again_immediately(store: Store) -> None:
    first = lease_on(store, "first", owner="invocation")
    first.__enter__()
    first.leave_note("the safety snapshot")
    first._stopped.set()

    with lease_on(store, "first", owner="invocation") as again:
        assert again.predecessor is not None
        assert again.predecessor.note == "the safety snapshot"


@pytest.mark.usefixtures("renewing")
def test_after_a_takeover_of_the_lease_every_change_stops(store: Store) -> None:
    held = lease_on(store, "held")
    held.__enter__()
    store.body = b'{"owner": "another owner"}'
    held._thread.join(GENEROUS_SECONDS)

    changes: list[Callable[[], None]] = [held.renew, held.confirm, lambda: held.leave_note("never written")]
    for change in changes:
        with pytest.raises(BusyError, match="taken over"):
            change()
    held.__exit__(BusyError)
    with pytest.raises(BusyError, match="taken over"):
        held.__exit__(None)
    assert store.body == b'{"owner": "another owner"}', "the successor's lease is as it was"


def test_a_machine_that_slept_checks_the_lease_before_its_next_change(store: Store) -> None:
    clock = [NOON]
    held = lease_on(store, "held", clock=lambda: clock[0])
    held.__enter__()
    store.body = b'{"owner": "another owner"}'
    held.renew()

    # The monotonic clock does not advance, as on Linux during suspend.
    clock[0] += timedelta(minutes=10)

    with pytest.raises(BusyError, match="taken over"):
        held.renew()
    held.__exit__(BusyError)


class _BrokenError(Exception):
    pass


@pytest.mark.usefixtures("renewing")
@pytest.mark.parametrize("failure", [None, _BrokenError("the operation")])
def test_nothing_renews_a_lease_that_is_not_held_any_more(store: Store, failure: Exception | None) -> None:
    held = lease_on(store, "held")
    try:
        with held:
            store.pass_time(RENEW_AFTER)
            if failure:
                raise failure
    except _BrokenError:
        pass

    assert not held._thread.is_alive()
    assert store.holder["released"]
    assert store.holder["subject"] == ("held" if failure else "")
    with lease_on(store, "other"):
        pass


@pytest.mark.usefixtures("renewing")
def test_failing_renewals_are_tried_again(store: Store) -> None:
    unreachable = EndpointConnectionError(endpoint_url="https://s3.eu-west-3.amazonaws.com")
    with lease_on(store, "held"):
        store.failures = [unreachable, store.refusal("PutObject", "AccessDenied"), unreachable]
        store.pass_time(RENEW_AFTER)
    assert store.failures == []


def test_an_operation_that_cannot_renew_its_lease_stops_at_its_next_change(store: Store) -> None:
    clock = [NOON]
    held = lease_on(store, "held", clock=lambda: clock[0])
    held.__enter__()
    clock[0] += RENEW_AFTER
    store.failures = [EndpointConnectionError(endpoint_url="https://s3.eu-west-3.amazonaws.com")]

    with pytest.raises(EndpointConnectionError):
        held.renew()
    held.__exit__(EndpointConnectionError)


def test_renewing_a_fresh_lease_makes_no_request(store: Store) -> None:
    with lease_on(store, "held") as held:
        before = store.writes
        for _ in range(100):
            held.renew()
        assert store.writes == before


def test_a_write_whose_answer_was_lost_is_recognized(store: Store) -> None:
    with lease_on(store, "held") as held:
        store.loses_answers = True
        held.confirm()
        held.confirm()
    assert store.holder["released"]


def test_a_write_in_conflict_with_another_is_tried_again(store: Store) -> None:
    with lease_on(store, "held") as held:
        store.failures = [store.refusal("PutObject", "ConditionalRequestConflict")] * 2
        held.confirm()
    assert store.holder["released"]


def test_a_deleted_lease_is_lost(store: Store) -> None:
    held = lease_on(store, "held")
    held.__enter__()
    store.body = None
    with pytest.raises(BusyError, match="taken over"):
        held.confirm()
    held.__exit__(BusyError)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"owner": 1}'])
def test_a_lease_that_cannot_be_read_is_respected_until_it_lapses(store: Store, body: bytes) -> None:
    store.body = body
    with pytest.raises(BusyError, match="an unknown operation"):
        lease_on(store, "next").__enter__()
    store.now += LEASE
    with lease_on(store, "next") as following:
        assert following.predecessor is None


def test_unknown_fields_of_a_lease_are_ignored(store: Store) -> None:
    killed(store)
    store.body = json.dumps({**store.holder, "added_later": True}).encode()
    with pytest.raises(BusyError, match="busy: snapshot killed by"):
        lease_on(store, "next").__enter__()


def test_no_lease_is_taken_without_the_time_of_s3(store: Store) -> None:
    store.has_date = False
    with pytest.raises(VectoraError, match="has no date"):
        lease_on(store, "next").__enter__()
    assert store.writes == 0


def test_an_environment_without_a_vault_is_reported_in_one_sentence(store: Store) -> None:
    store.has_bucket = False
    with pytest.raises(VectoraError, match="has no vault"):
        lease_on(store, "next").__enter__()


@pytest.mark.parametrize("failure", [None, _BrokenError("the operation")])
def test_an_operation_on_the_vault_leaves_an_interrupted_one_resumable(store: Store, failure: Exception | None) -> None:
    left = killed(store, "the rollback")
    left.leave_note("the safety snapshot")
    store.now += LEASE
    killed_too = lease_on(store, "a pin", beside=True)
    killed_too.__enter__()
    killed_too._stopped.set()
    killed_too._thread.join()
    store.now += LEASE
    try:
        with lease_on(store, "", beside=True) as prune:
            assert prune.predecessor is not None
            if failure:
                raise failure
    except _BrokenError:
        pass

    with lease_on(store, "the rollback") as again:
        assert again.predecessor is not None
        assert (again.predecessor.subject, again.predecessor.note) == ("the rollback", "the safety snapshot")
    with lease_on(store, "next") as following:
        assert following.predecessor is None


def test_an_operation_whose_release_fails_has_its_result_and_its_lease_lapses(store: Store) -> None:
    with lease_on(store, "held"):
        store.failures = [EndpointConnectionError(endpoint_url="https://s3.eu-west-3.amazonaws.com")]

    with pytest.raises(BusyError, match="its lease lapses at"):
        lease_on(store, "next").__enter__()
    store.now += LEASE
    with lease_on(store, "next"):
        pass


def test_a_holder_without_a_subject_is_named_in_a_sentence(store: Store) -> None:
    with lease_on(store, "", owner="me"), pytest.raises(BusyError, match="is busy: snapshot by me since"):
        lease_on(store, "other").__enter__()


def test_the_mark_of_a_lease_differs_after_each_operation_and_is_none_during_one(store: Store) -> None:
    def mark() -> str | None:
        return lease_on(store, "").mark()

    marks = [mark()]
    for subject in ("one", "two"):
        with lease_on(store, subject):
            assert mark() is None
        marks.append(mark())
    assert None not in marks
    assert len(set(marks)) == len(marks)


@pytest.mark.parametrize(("operation", "is_checked"), [("PutObject", True), ("GetObject", False)])
def test_requests_that_change_something_are_checked_while_the_lease_is_held(
    store: Store, operation: str, is_checked: bool
) -> None:
    account = account_of(store)
    clock = [NOON]
    request = SimpleNamespace(url=f"https://bucket.s3.eu-west-3.amazonaws.com/{LEASE_KEY.replace('locks', 'other')}")
    held = Lease(account, NAMES, operation="snapshot", subject="held", clock=lambda: clock[0])
    held.__enter__()
    store.body = b'{"owner": "another owner"}'
    clock[0] += RENEW_AFTER

    if is_checked:
        with pytest.raises(BusyError, match="taken over"):
            account._check(request, operation)
    else:
        account._check(request, operation)
    held.__exit__(BusyError)
    account._check(request, operation)

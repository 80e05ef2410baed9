"""Snapshots of machines with a wrong clock: S3's time decides, and no other snapshot loses its place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli.environment_status import environment_status
from tests.docs.vault_in_memory import NAMES, NOON, environment, fill_with_text
from vectora_ops.account import Account
from vectora_ops.progress import Observer, OutOfTimeError
from vectora_ops.snapshots.catalog import as_markdown, future_snapshots, list_snapshots, newest_rollback_target, pin
from vectora_ops.snapshots.manifest import Manifest, Occasion
from vectora_ops.snapshots.retention import Policy, prune
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_vault
from vectora_ops.store_clock import StoreClock, records_clock, store_time
from vectora_shared.errors import VectoraError

AHEAD, BEHIND = datetime(2037, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC)


class World:
    """An environment with S3's time as a test sets it."""

    def __init__(self) -> None:
        self.date = self.stored = NOON
        self.account: Account

    def pass_time(self, passing: timedelta) -> None:
        self.date += passing
        self.stored = self.date

    def take(self, label: str, **options: Any) -> Manifest:
        request = SnapshotRequest(label=label, occasion=Occasion(kind="operator"))
        return take_snapshot(self.account, NAMES, request, **options)

    def take_by_machine(self, label: str, clock: datetime) -> Manifest:
        """Take a snapshot with the time of a machine, as earlier versions of this tool did."""
        right, self.date = self.date, clock
        manifest = self.take(label)
        self.date = right
        self.pass_time(timedelta(minutes=3))
        return manifest

    def prune(self, *, keep_last: int = 1, minimum_age_days: int = 0) -> dict[str, str]:
        """Prune, and return why each snapshot was removed or kept."""
        policy = Policy(keep_last=keep_last, minimum_age_days=minimum_age_days)
        return {each.name[:-16]: each.reason for each in prune(self.account, NAMES, policy).decisions}

    @property
    def vault(self) -> Vault:
        return Vault(self.account, NAMES)

    @property
    def names(self) -> list[str]:
        return [files.name[:-16] for files in self.vault.snapshots()]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    with environment(date=lambda: made.date, stored=lambda: made.stored) as made.account:
        fill_with_text(made.account)
        yield made


@pytest.mark.parametrize("clock", [AHEAD, BEHIND])
def test_the_name_and_the_times_of_a_snapshot_are_those_of_s3(world: World, clock: datetime) -> None:
    manifest = world.take("good", clock=lambda: clock)

    assert manifest.name == "good_20260106_120005"
    assert (manifest.started_at, manifest.completed_at) == (NOON, NOON)
    assert pin(world.vault, manifest.name, "audit").pinned_at == NOON


def test_a_snapshot_from_the_future_is_the_newest_nowhere(world: World) -> None:
    real = world.take("real")
    world.pass_time(timedelta(minutes=1))
    ahead = world.take_by_machine("ahead", AHEAD)

    assert [each.name for each in world.vault.newest(5)] == [real.name]
    assert [each.name for each in world.vault.manifests()] == [real.name]
    newest = newest_rollback_target(world.vault)
    assert newest is not None
    assert newest.name == real.name
    following = world.take("following")
    assert following.copied_bytes < real.copied_bytes, "the last real snapshot is still what it is compared with"
    assert [each.name for each in world.vault.newest(5)] == [following.name, real.name]
    assert world.vault.manifest(ahead.name).name == ahead.name, "it can still be chosen by its full name"


def test_a_snapshot_from_the_future_is_shown_as_one(world: World) -> None:
    world.take("real")
    ahead = world.take_by_machine("ahead", AHEAD)

    listed = list_snapshots(world.vault)

    assert [(each.name[:-16], each.from_future) for each in listed] == [("real", False), ("ahead", True)]
    assert "| complete, from the future |" in as_markdown("dev", listed)
    assert future_snapshots(world.vault) == (ahead.name,)
    assert environment_status(world.account, NAMES).future_snapshots == (ahead.name,)


def test_the_status_of_an_environment_without_a_vault_names_no_snapshot(world: World) -> None:
    world.account.client("s3").delete_bucket(Bucket=NAMES.bucket("snapshots"))

    assert environment_status(world.account, NAMES).future_snapshots == ()


def test_prune_keeps_a_snapshot_from_the_future_in_nobodys_place(world: World) -> None:
    for label in ("first", "second"):
        world.take(label)
        world.pass_time(timedelta(days=10))
    world.take_by_machine("ahead", AHEAD)

    reasons = world.prune(minimum_age_days=7)

    assert world.names == ["ahead", "second"]
    assert reasons["second"] == "the last complete snapshot"
    assert reasons["ahead"] == "from the future: a machine with a wrong clock took it"
    assert all(each.intact for each in verify_vault(world.vault))


def test_a_snapshot_from_the_past_is_kept_for_the_minimum_age(world: World) -> None:
    world.take_by_machine("behind", BEHIND)
    world.take("real")

    assert world.prune(minimum_age_days=7)["behind"] == "younger than 7 days"
    world.pass_time(timedelta(days=8))
    world.prune(minimum_age_days=7)

    assert world.names == ["real"]


@pytest.mark.parametrize(("before", "after"), [(AHEAD, NOON), (BEHIND, NOON), (NOON, NOON + timedelta(days=3650))])
def test_a_snapshot_is_resumed_under_another_clock(world: World, before: datetime, after: datetime) -> None:
    world.date = before
    with pytest.raises(OutOfTimeError) as stopped:
        world.take("broken-off", deadline=lambda: True)
    world.date = world.stored = after + timedelta(minutes=3)

    request = SnapshotRequest(label="any", occasion=Occasion(kind="operator"), resume=stopped.value.subject)
    manifest = take_snapshot(world.account, NAMES, request)

    assert manifest.started_at <= manifest.completed_at
    assert all(each.intact for each in verify_vault(world.vault))
    assert (manifest.name in [each.name for each in world.vault.newest(5)]) == (before != AHEAD)


def test_two_snapshots_of_one_second_keep_their_order(world: World) -> None:
    for label in ("z-first", "a-second"):
        world.take(label)

    assert [each.name[:-16] for each in world.vault.newest(2)] == ["a-second", "z-first"]
    assert [each.name[:-16] for each in list_snapshots(world.vault)] == ["z-first", "a-second"]


def test_a_snapshot_is_pinned_before_it_is_complete(world: World) -> None:
    class Stopped(Exception):  # noqa: N818
        pass

    class StopsAtTheEnd(Observer):
        def step(self, name: str) -> None:
            if name == "manifest":
                raise Stopped

    request = SnapshotRequest(label="first", occasion=Occasion(kind="deployment"), pin_reason=lambda _: "before all")
    with pytest.raises(Stopped):
        take_snapshot(world.account, NAMES, request, observer=StopsAtTheEnd())

    (files,) = world.vault.snapshots()
    assert (files.is_complete, files.is_pinned) == (False, True)


# --- the clock


def answer(**headers: str) -> dict[str, Any]:
    return {"ResponseMetadata": {"HTTPHeaders": headers}}


def test_the_age_of_an_answer_from_a_cache_is_added() -> None:
    date = "Tue, 06 Jan 2026 12:00:05 GMT"
    assert store_time(answer(date=date)) == NOON
    assert store_time(answer(date=date, age="90")) == NOON + timedelta(seconds=90)


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}, {"date": "Tue, 06 Jan 2026 12:00:05 GMT", "age": "x"}])
def test_an_answer_without_a_readable_date_is_refused_in_one_sentence(headers: dict[str, str]) -> None:
    with pytest.raises(VectoraError, match="check whether a proxy"):
        store_time(answer(**headers))


def test_the_clock_of_the_records_needs_no_record() -> None:
    class Parameters:
        def get_parameter(self, **_: str) -> dict[str, Any]:
            refusal = {"Error": {"Code": "ParameterNotFound"}, **answer(date="Tue, 06 Jan 2026 12:00:05 GMT")}
            raise ClientError(refusal, "GetParameter")  # type: ignore[arg-type]

    account = Account("0" * 12, "eu-west-3", session=None, _clients={"ssm": Parameters()})  # type: ignore[arg-type]

    assert records_clock(account, NAMES)() == NOON


def test_a_refusal_tells_the_time_too(world: World) -> None:
    s3 = world.account.client("s3")

    assert StoreClock(lambda: s3.get_object(Bucket=NAMES.bucket("data"), Key="missing"))() == NOON

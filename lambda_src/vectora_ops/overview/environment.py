"""Reading of one environment for the overview."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from vectora_ops.account import Account
from vectora_ops.cloudformation.reading import StackReader
from vectora_ops.cloudformation.statuses import problem_of
from vectora_ops.costs.month import first_day_compared
from vectora_ops.costs.reading import CostSettings, read_month_cost
from vectora_ops.costs.runs import recorded_runs
from vectora_ops.live_environment import Environment
from vectora_ops.names import STACK_LAYERS, Names
from vectora_ops.overview.alarms import read_alarms
from vectora_ops.overview.model import (
    DeployedRelease,
    EnvironmentOverview,
    HoldState,
    Scheduled,
    SnapshotMark,
)
from vectora_ops.overview.parts import Parts
from vectora_ops.overview.releases import records_of
from vectora_ops.promotion.environment_runs import ClientFile
from vectora_ops.promotion.facts import client_files, live_release
from vectora_ops.promotion.soak import last_word
from vectora_ops.records import Deployment, Hold, LedgerEntry, Records
from vectora_ops.schedules import runs_after
from vectora_ops.settings import Schedule
from vectora_ops.snapshots.catalog import list_snapshots
from vectora_ops.snapshots.vault import Vault
from vectora_ops.what_runs import changes_by_hand
from vectora_ops.withholding_key import withholding_key
from vectora_shared.aws_errors import is_absent
from vectora_shared.aws_texts import plain
from vectora_shared.errors import VectoraError

NEWEST_SNAPSHOTS, NEWEST_ISSUES = 12, 8
Key = Callable[[Account, Names], bytes]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An environment to read: `opens` returns its account, `key` the key of its withheld values."""

    names: Names
    cost: CostSettings
    opens: Callable[[], Account]
    key: Key = withholding_key


def read_environment(subject: Subject, now: datetime) -> EnvironmentOverview:
    """Return the environment as it is now; one that cannot be reached has the reason."""
    try:
        return _read(subject, subject.opens(), now)
    except (VectoraError, ClientError, BotoCoreError) as error:
        reason = str(error) if isinstance(error, VectoraError) else plain(error)
        return EnvironmentOverview(env=subject.names.env, problem=reason)


def _read(subject: Subject, account: Account, now: datetime) -> EnvironmentOverview:
    names, parts = subject.names, Parts()
    records = Records(account, names)
    nothing: dict[str, str] = {}
    no_ledger: tuple[LedgerEntry, ...] = ()
    no_clients: dict[str, ClientFile] = {}
    stacks = parts.read("stacks", lambda: _stacks(account, names), ())
    live = parts.read("release", lambda: live_release(account, names), nothing)
    if not live and not stacks and not parts.unknown:
        return EnvironmentOverview(env=names.env)
    ledger = parts.read("ledger", records.ledger, no_ledger)
    deployments = parts.read("deployments", records.deployments, ())
    clients = parts.read("client files", lambda: client_files(account, names), no_clients)
    since = first_day_compared(now).date()
    runs = parts.read("newsletters", lambda: recorded_runs(account, names, since), ())
    recorded = ledger[-1] if ledger and ledger[-1].digest == live.get("digest") else None
    return EnvironmentOverview(
        env=names.env,
        is_deployed=True,
        release=_release(live, ledger, recorded, deployments),
        hold=_hold(parts.read("hold", records.hold, None)),
        drift=parts.read("changes by hand", lambda: _drift(subject, account, recorded), ()),
        alarms=parts.read("alarms", lambda: read_alarms(account, names), ()),
        releases=tuple(records_of(ledger, deployments, live.get("digest"))),
        snapshots=parts.read("snapshots", lambda: tuple(_snapshots(account, names, ledger)), ()),
        issues=tuple(reversed([each for each in runs if each.is_issue]))[:NEWEST_ISSUES],
        next_issue=_next_issue(subject.cost.schedule, clients, now),
        cost=parts.read(
            "cost", lambda: read_month_cost(account, names, subject.cost, now, runs=runs, clients=clients), None
        ),
        stack_problems=tuple(problem for _, problem in stacks if problem),
        unknown=tuple(parts.unknown),
    )


def _stacks(account: Account, names: Names) -> tuple[tuple[str, str | None], ...]:
    """Return each stack that exists, with what is wrong with it."""
    reader = StackReader(account)
    described = ((name, reader.describe(name)) for name in map(names.stack, STACK_LAYERS))
    return tuple((name, problem_of(name, each["StackStatus"])) for name, each in described if each is not None)


def _release(
    live: dict[str, str],
    ledger: Sequence[LedgerEntry],
    recorded: LedgerEntry | None,
    deployments: Sequence[Deployment],
) -> DeployedRelease | None:
    if "digest" not in live:
        return None
    word = last_word(ledger, deployments, recorded.release) if recorded else None
    return DeployedRelease(
        version=live.get("version", "unknown"),
        digest=live["digest"],
        content_digest=recorded.content_digest if recorded else None,
        since=recorded.at if recorded else None,
        verified=word is not None and word.kind == "passed",
        came_back=recorded is not None and recorded.kind == "rollback",
        bypassed=recorded.bypassed if recorded else (),
    )


def _hold(hold: Hold | None) -> HoldState | None:
    if hold is None or not hold.holds:
        return None
    reason = f"{hold.reason.rstrip('.')}{f'; {hold.outcome}' if hold.outcome else ''}"
    return HoldState(since=hold.at, reason=reason, is_rolling_back=hold.state == "rolling back")


def _drift(subject: Subject, account: Account, recorded: LedgerEntry | None) -> tuple[str, ...]:
    if recorded is None:
        return ()
    return changes_by_hand(Environment(account, subject.names, key=subject.key), recorded).remaining


def _snapshots(account: Account, names: Names, ledger: Sequence[LedgerEntry]) -> Iterator[SnapshotMark]:
    before = {each.snapshot: each.version for each in ledger if each.snapshot and each.kind == "release"}
    try:
        found = list_snapshots(Vault(account, names), newest=NEWEST_SNAPSHOTS)
    except ClientError as error:
        if is_absent(error, "bucket"):
            return
        raise
    for each in found:
        yield SnapshotMark(
            name=each.name,
            state=each.state,
            at=each.started_at or each.stored_at,
            pinned=each.pinned,
            trusted=each.trusted or each.state != "complete",
            from_future=each.from_future,
            before=before.get(each.name),
        )


def _next_issue(schedule: Schedule | None, clients: dict[str, ClientFile], now: datetime) -> Scheduled | None:
    if schedule is None:
        return None
    times = (
        Scheduled(client_id=client_id, at=next(runs_after(getattr(schedule, file.frequency), schedule.time_zone, now)))
        for client_id, file in sorted(clients.items())
        if file.active and file.frequency is not None
    )
    return min(times, key=lambda each: each.at, default=None)

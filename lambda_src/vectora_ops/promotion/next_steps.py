"""Next steps that a gate's sentence names: runs that are scheduled, and the command that helps sooner."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from heapq import merge
from itertools import islice

from vectora_ops.promotion.environment_runs import ClientFile, Run
from vectora_ops.schedules import runs_after
from vectora_ops.settings import Schedule
from vectora_ops.times import minute

# Longer lists of runs name the first and the last.
NAMED_RUNS = 3
# A second issue of a client on a day replaces the first (facts._runs).
ONE_A_DAY = "one issue of a client a day counts"


@dataclass(frozen=True, kw_only=True)
class NextStep:
    """A clause about what makes a gate pass; `ready_at` is the earliest time at which it can, if that is known."""

    text: str
    ready_at: datetime | None = None
    next_run_at: datetime | None = None
    command: str | None = None


@dataclass(frozen=True, order=True)
class ScheduledRun:
    at: datetime
    client_id: str

    @property
    def issue(self) -> tuple[str, date]:
        """The issue that it makes: a client has one for each day in UTC (vectora_core.ingest.run)."""
        return self.client_id, self.at.date()

    def __str__(self) -> str:
        return f"{self.client_id} on {minute(self.at)}"


@dataclass(frozen=True, kw_only=True)
class NextRuns:
    """Runs of the clients of `env` after `now`; without a schedule it is unknown which are scheduled."""

    env: str
    clients: Mapping[str, ClientFile]
    schedule: Schedule | None
    now: datetime

    def more(self, count: int, counted: Collection[Run]) -> NextStep:
        """Return how `count` more runs come about, besides those that count already."""
        made = {(run.client_id, run.at.astimezone(UTC).date()) for run in counted}
        return self._step(tuple(islice(self._scheduled(self._active, made), count)), count, self._active)

    def one_of_each(self, client_ids: Sequence[str]) -> NextStep:
        """Return how one more run of each client comes about."""
        first = (next(self._scheduled((client_id,), ()), None) for client_id in client_ids)
        return self._step(tuple(sorted(filter(None, first))), len(client_ids), client_ids)

    def _step(self, found: Sequence[ScheduledRun], count: int, client_ids: Sequence[str]) -> NextStep:
        if not client_ids:
            return NextStep(text=f"no client of {self.env} is active, and only runs of active clients count")
        missing = [client_id for client_id in client_ids if client_id not in {run.client_id for run in found}]
        command = issue_command(self.env, (missing or client_ids)[0])
        by_hand = f"{command} ({ONE_A_DAY})"
        if self.schedule is None:
            return NextStep(text=f"to make one: {by_hand}", command=command)
        if not self.schedule.enabled:
            why = f"environments.{self.env}.schedule.enabled is false in config/environments.yaml"
            return NextStep(text=f"no run is scheduled, because {why}; to make one: {by_hand}", command=command)
        if not found:
            return NextStep(text=f"the schedule of {self.env} starts none; to make one: {by_hand}", command=command)
        only = "" if len(found) == count else f"only {len(found)} of {count} are "
        return NextStep(
            text=f"{only}scheduled: {_listed(found)}; to make one sooner: {by_hand}",
            ready_at=None if only else found[-1].at,
            next_run_at=found[0].at,
            command=command,
        )

    @property
    def _active(self) -> tuple[str, ...]:
        return tuple(sorted(client_id for client_id, file in self.clients.items() if file.active))

    def _scheduled(self, client_ids: Sequence[str], made: Collection[tuple[str, date]]) -> Iterator[ScheduledRun]:
        """Yield the scheduled runs that make an issue of their own, soonest first."""
        seen = set(made)
        for run in merge(*(self._runs_of(client_id) for client_id in client_ids)):
            if run.issue not in seen:
                seen.add(run.issue)
                yield run

    def _runs_of(self, client_id: str) -> Iterator[ScheduledRun]:
        schedule, file = self.schedule, self.clients.get(client_id)
        if schedule is None or not schedule.enabled or file is None or not file.active or file.frequency is None:
            return
        expression = {"daily": schedule.daily, "weekly": schedule.weekly, "monthly": schedule.monthly}[file.frequency]
        for at in runs_after(expression, schedule.time_zone, self.now):
            yield ScheduledRun(at, client_id)


def _listed(found: Sequence[ScheduledRun]) -> str:
    if len(found) > NAMED_RUNS:
        return f"{found[0]}, and the last of {len(found)} is {found[-1]}"
    if len({run.client_id for run in found}) == 1:
        return f"{found[0].client_id} on {' and '.join(minute(run.at) for run in found)}"
    return " and ".join(map(str, found))


def issue_command(env: str, client_id: str) -> str:
    return f"./vectora run {client_id} --env {env} --issue"


def bypass_command(target: str, gate: str) -> str:
    return f"./vectora promote bypass --to {target} --gate {gate} --reason REASON"

"""Issues of the last day that an operator should look at: empty ones, noisy ones, and those that cost too much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median

from vectora_ops.account import Account
from vectora_ops.costs.runs import RecordedRun, recorded_runs
from vectora_ops.names import Names
from vectora_ops.notifications import ALARMS, run_again
from vectora_shared.notifications import Notification

# A day of the report's time zone may have 25 hours.
REPORTED = timedelta(hours=25)
# Fewer earlier issues say nothing about what is usual.
FEWEST_COMPARED = 3
LOOK_BACK = timedelta(days=100)
TIMES_THE_USUAL = 2


def conspicuous_issues(
    account: Account, names: Names, maximum_noise_percent: float, now: datetime
) -> tuple[Notification, ...]:
    """Return a notification on each issue since the last report that is empty, noisy or dear."""
    runs = [each for each in recorded_runs(account, names, (now - LOOK_BACK).date()) if each.is_issue]
    new = [each for each in runs if now - REPORTED < each.at <= now]
    return tuple(
        found
        for run in new
        for found in (*_quality(names.env, run, maximum_noise_percent), *_cost(names.env, run, _earlier(run, runs)))
    )


def _earlier(run: RecordedRun, runs: Sequence[RecordedRun]) -> list[RecordedRun]:
    return [each for each in runs if each.client_id == run.client_id and each.at < run.at]


def _quality(env: str, run: RecordedRun, maximum_noise_percent: float) -> Iterator[Notification]:
    if not run.items:
        yield _bad(env, run, "is empty", "has no items", "empty-newsletter")
    elif run.noise is not None and run.noise * 100 >= maximum_noise_percent:
        share = f"{run.noise * 100:.1f} %"
        limit = f"the limit is {maximum_noise_percent:g} %"
        yield _bad(env, run, "is noisy", f"has {run.items} items, of which {share} are doubtful; {limit}", "noise")


def _bad(env: str, run: RecordedRun, what: str, why: str, alarm: str) -> Notification:
    return Notification(
        what=f"the newsletter of {run.client_id} {what}",
        happened=f"In {env} the issue of {run.client_id} of {run.day} {why}.",
        since=run.at,
        commands=(
            f"./vectora newsletter open {run.client_id} --env {env} --day {run.day}",
            f"./vectora client preview {run.client_id} --env {env}",
            *run_again(env, run.client_id),
        ),
        runbook=f"{ALARMS}#{alarm}",
    )


def _cost(env: str, run: RecordedRun, earlier: Sequence[RecordedRun]) -> Iterator[Notification]:
    costs = [each.cost_usd for each in earlier if each.cost_usd]
    if not run.cost_usd or len(costs) < FEWEST_COMPARED or run.cost_usd < TIMES_THE_USUAL * median(costs):
        return
    yield Notification(
        what=f"the newsletter of {run.client_id} cost {run.cost_usd / median(costs):.1f} times the usual",
        happened=f"In {env} the model cost ${run.cost_usd:.4f} for the issue of {run.client_id} of {run.day}; the "
        f"median of the {len(costs)} issues before is ${median(costs):.4f}.",
        since=run.at,
        commands=(
            f"./vectora cost --env {env}",
            f"./vectora newsletter list {run.client_id} --env {env}",
            f"./vectora client diff {run.client_id} --from {env}",
        ),
        runbook=f"{ALARMS}#run-cost",
    )

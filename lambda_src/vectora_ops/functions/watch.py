"""Function watch: gauges of what no event reports, and a daily notification on each condition that lasts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from vectora_ops.account import Account
from vectora_ops.functions.invocation import Answer, answer_invocation, own_account, own_names
from vectora_ops.names import Names, environment_name
from vectora_ops.settings import Schedule
from vectora_ops.store_clock import records_clock
from vectora_ops.watch.drift import drifted_things
from vectora_ops.watch.newsletters import failing_sources, month_model_cost, overdue_newsletters
from vectora_ops.watch.promotions import approval_waiting, pending_approval, promotion_waiting
from vectora_ops.watch.reading import Reading, read_all
from vectora_ops.watch.snapshots import damaged_snapshots, snapshot_age
from vectora_shared.metrics import Metric, publish
from vectora_shared.runtime import Event, environment, parse_event, set_log_level


class WatchEvent(Event):
    """Measure the environment; one invocation of a day also reports to the operators."""

    operation: Literal["measure", "report"]


def watch_function(event: dict[str, Any], context: Any) -> Answer:
    """Measure this environment; schedules invoke this four times a day."""
    set_log_level()
    return answer_invocation(event, context, {"measure": _measure})


def _measure(event: dict[str, Any], context: Any) -> Answer:
    parse_event(WatchEvent, event)
    account, names = own_account(), own_names()
    readings = read_all(_gauges(account, names))
    publish(readings.values, project=names.project, env=names.env)
    return {"gauges": readings.values, "skipped": readings.skipped, "not_read": dict(readings.not_read)}


def _gauges(account: Account, names: Names) -> Mapping[Metric, Callable[[], Reading]]:
    """Return the gauges of this environment; those about promotions only where releases are promoted into it."""
    now = records_clock(account, names)
    gauges: dict[Metric, Callable[[], Reading]] = {
        Metric.OVERDUE_NEWSLETTERS: lambda: overdue_newsletters(account, names, _schedule(), now()),
        Metric.FAILING_SOURCES: lambda: failing_sources(account, names, now()),
        Metric.SNAPSHOT_AGE_HOURS: partial(snapshot_age, account, names),
        Metric.DAMAGED_SNAPSHOTS: partial(damaged_snapshots, account, names),
        Metric.DRIFTED_THINGS: partial(drifted_things, account, names),
        Metric.MONTH_MODEL_COST_USD: lambda: month_model_cost(account, names, now()),
    }
    if preceding := os.environ.get("PRECEDING_ENV"):
        gauges[Metric.PROMOTION_WAITING_DAYS] = lambda: promotion_waiting(
            account, names, environment_name(preceding), now()
        )
    if days := os.environ.get("APPROVAL_DAYS"):
        gauges[Metric.APPROVAL_WAITING_DAYS] = lambda: approval_waiting(
            pending_approval(account, names, int(days)), now()
        )
    return gauges


def _schedule() -> Schedule | None:
    """Return the schedule of newsletters; None where it is not enabled."""
    schedule = Schedule.model_validate_json(environment("RUN_SCHEDULE"))
    return schedule if schedule.enabled else None

"""Function watch: gauges of what no event reports, and a daily notification on each condition that lasts."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from vectora_ops.account import Account
from vectora_ops.costs.reading import CostSettings
from vectora_ops.functions.invocation import Answer, answer_invocation, notify_operators, own_account, own_names
from vectora_ops.names import Names, environment_name
from vectora_ops.notifications import ALARMS
from vectora_ops.overview.model import WaitingApproval
from vectora_ops.settings import Schedule
from vectora_ops.store_clock import records_clock
from vectora_ops.watch.drift import drifted_things
from vectora_ops.watch.expiring import expiring
from vectora_ops.watch.issues import conspicuous_issues
from vectora_ops.watch.newsletters import failing_sources, month_model_cost, overdue_newsletters
from vectora_ops.watch.page import write_status_page
from vectora_ops.watch.promotions import approval_waiting, pending_approval, promotion_waiting
from vectora_ops.watch.reading import Reading, Readings, gather, read_all
from vectora_ops.watch.snapshots import damaged_snapshots, snapshot_age
from vectora_shared.metrics import Metric, publish
from vectora_shared.notifications import Notification
from vectora_shared.runtime import environment, set_log_level

logger = logging.getLogger("vectora")


def watch_function(event: dict[str, Any], context: Any) -> Answer:
    """Measure this environment; schedules invoke this four times a day, once of them to report as well."""
    set_log_level()
    return answer_invocation(event, context, {"measure": _measure, "report": _report})


def _measure(event: dict[str, Any], context: Any) -> Answer:
    return _answer(_published(own_account(), own_names()))


def _report(event: dict[str, Any], context: Any) -> Answer:
    """Measure, and notify the operators of each condition that lasts or is about to end: one message a day for each."""
    account, names = own_account(), own_names()
    readings = _published(account, names)
    found, failed = gather(_parts(account, names))
    problems = {**_names_of(readings.not_read), **failed}
    notifications = (*readings.found, *found, *((_not_read(names.env, problems),) if problems else ()))
    for notification in notifications:
        notify_operators(notification)
    return {**_answer(readings), "not_read": problems, "notified": [each.what for each in notifications]}


def _published(account: Account, names: Names) -> Readings:
    readings = read_all(_gauges(account, names))
    publish(readings.values, project=names.project, env=names.env)
    _write_page(account, names)
    return readings


def _write_page(account: Account, names: Names) -> None:
    """Write the status page; without it everything else goes on, and the page that is there says how old it is."""
    try:
        cost = CostSettings(budget_usd=float(environment("MONTHLY_BUDGET_USD")), schedule=_schedule())
        days = os.environ.get("APPROVAL_DAYS")
        write_status_page(
            account, names, cost, approval_days=int(days) if days else None, now=records_clock(account, names)()
        )
    except Exception:
        logger.exception("The status page cannot be written")


def _answer(readings: Readings) -> Answer:
    return {"gauges": readings.values, "skipped": readings.skipped, "not_read": _names_of(readings.not_read)}


def _names_of(problems: Mapping[Metric, str]) -> dict[str, str]:
    return {metric.value: problem for metric, problem in problems.items()}


def _parts(account: Account, names: Names) -> Mapping[str, Callable[[], Iterable[Notification]]]:
    """Return what the report has beside the gauges."""
    now = records_clock(account, names)
    noise = float(environment("NOISE_PERCENT"))
    parts: dict[str, Callable[[], Iterable[Notification]]] = {
        "issues": lambda: conspicuous_issues(account, names, noise, now()),
    }
    if "PRECEDING_ENV" in os.environ:
        parts["expiring"] = lambda: expiring(account, names, _pending(account, names), now())
    return parts


def _pending(account: Account, names: Names) -> WaitingApproval | None:
    days = os.environ.get("APPROVAL_DAYS")
    return pending_approval(account, names, int(days)) if days else None


def _not_read(env: str, problems: Mapping[str, str]) -> Notification:
    count = "1 condition" if len(problems) == 1 else f"{len(problems)} conditions"
    return Notification(
        what=f"{count} cannot be read",
        happened=f"In {env} function watch cannot read {', '.join(problems)}: the alarms on them keep their state.",
        details=tuple(f"{name}: {problem}" for name, problem in problems.items()),
        commands=(f"./vectora logs --function watch --env {env}", f"./vectora doctor --env {env}"),
        runbook=f"{ALARMS}#watch-silent",
    )


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
    if "APPROVAL_DAYS" in os.environ:
        gauges[Metric.APPROVAL_WAITING_DAYS] = lambda: approval_waiting(_pending(account, names), now())
    return gauges


def _schedule() -> Schedule | None:
    """Return the schedule of newsletters; None where it is not enabled."""
    schedule = Schedule.model_validate_json(environment("RUN_SCHEDULE"))
    return schedule if schedule.enabled else None

"""The monitoring act: metrics as AWS extracts them, a proof of each alarm, and drawings of the dashboards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rehearsal.inbox import Inbox
from rehearsal.monitoring.cloudwatch import CloudWatch
from rehearsal.monitoring.events import Events
from rehearsal.monitoring.proof import AlarmProof, prove_alarms, raised_in
from rehearsal.waiting import StepError, wait_until
from vectora_ops.remote import run_remotely

if TYPE_CHECKING:
    from rehearsal.delivery import Delivery

FOLDER = "dashboards"
# Before the present, because CloudWatch accepts no data of the future; the longest event takes a day and a half.
EVENTS_BEFORE = timedelta(days=3)
# Only a guard against hanging.
NOTIFIED_SECONDS = 120.0
Step = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True, kw_only=True)
class MonitoringResult:
    """Result for one environment: its proven alarms, and drawings by the names of the dashboards."""

    env: str
    metrics: int  # number of data points that functions printed and runs made
    proofs: tuple[AlarmProof, ...]
    dashboards: Mapping[str, Path]


def rehearse_monitoring(delivery: Delivery, env: str, results: Path, step: Step) -> MonitoringResult:
    """Publish the metrics of an environment, prove its alarms and draw its dashboard.

    Raise StepError for a line from which CloudWatch would extract nothing, and AlarmError for an alarm without proof.
    """
    names = delivery.names(env)
    machine = delivery.account(env).state_machine_arn(names.state_machine)
    cloudwatch = CloudWatch(delivery.administrator(env), names, machine)
    with step(f"{env}: function watch measured, and the metrics of all functions and runs were extracted"):
        measured = _measured(delivery, env)
        if measured["not_read"]:
            raise StepError(f"Function watch cannot read {measured['not_read']} in {env}.", ())
        cloudwatch.collect()
        if cloudwatch.refused:
            lines = [f"{each.reason}: {each.line}" for each in cloudwatch.refused]
            raise StepError(f"CloudWatch would extract nothing from {len(lines)} lines of functions in {env}.", lines)
        metrics = len(cloudwatch.published)
    now = datetime.now(UTC)
    with step(f"{env}: each alarm raised by its event, ended and notified; dashboard drawn"):
        inbox = Inbox(delivery, env)
        proofs = prove_alarms(
            env,
            cloudwatch,
            Events(names, machine, now - EVENTS_BEFORE).by_alarm(),
            namespace=names.project,
            wait=lambda alarms: _wait_for(inbox, alarms),
            without_value=measured["skipped"],
        )
        dashboards = cloudwatch.draw(results / FOLDER, now)
    return MonitoringResult(env=env, metrics=metrics, proofs=proofs, dashboards=dashboards)


def _measured(delivery: Delivery, env: str) -> dict[str, Any]:
    """Invoke function watch as its schedule does; no operator may."""
    account = replace(delivery.account(env), session=delivery.administrator(env))
    return run_remotely(account, delivery.names(env), "watch", {"operation": "measure"}, lambda count: None)


def _wait_for(inbox: Inbox, alarms: set[str]) -> None:
    missing = set(alarms)

    def are_notified() -> bool:
        missing.difference_update(filter(None, map(raised_in, inbox.read())))
        return not missing

    wait_until("operators are notified of each alarm", are_notified, NOTIFIED_SECONDS, lambda: sorted(missing))

"""Notifications of an environment's operators: each event's text, with the commands that handle it.

All commands are complete: an operator copies them from the mail. tests/unit/watch parses each with the real parser.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from datetime import datetime

from vectora_ops.times import minute
from vectora_shared.keys import IDENTIFIER
from vectora_shared.notifications import Notification

Notify = Callable[[Notification], None]
ALARMS = "docs/runbooks/alarms.md"
DEPLOYMENT = "docs/runbooks/a-deployment-was-rolled-back.md"
PIPELINE = "docs/runbooks/pipeline.md"
ROLLBACK = "docs/runbooks/rollback.md"
RUN = "docs/runbooks/a-run-failed.md"
SNAPSHOTS = "docs/runbooks/snapshot.md"
REFUSED_SNAPSHOT = "docs/runbooks/a-snapshot-was-refused.md"
# An example that says what a reason is for: CodePipeline records it, and the author of the commit reads it.
REASON_TO_REJECT = "the changes need a discussion first"
# Names of executions that may be part of a command; one that was started by hand may have any other.
EXECUTION = re.compile(r"[A-Za-z0-9_-]{1,80}")
_RUNBOOKS: Mapping[str, str] = {
    "create": SNAPSHOTS,
    "verify": REFUSED_SNAPSHOT,
    "prune": SNAPSHOTS,
    "rollback": ROLLBACK,
    "react": DEPLOYMENT,
    "promote-client": PIPELINE,
    "measure": f"{ALARMS}#watch-silent",
    "report": f"{ALARMS}#watch-silent",
}


def status(env: str) -> str:
    return f"./vectora status --env {env}"


def log_of_run(env: str, execution: str) -> str:
    """Return the command that shows what a run wrote into the logs; `execution` is its ARN or name."""
    name = execution.rpartition(":")[2]
    return f"./vectora logs --run {name} --env {env}" if EXECUTION.fullmatch(name) else status(env)


def run_again(env: str, client_id: str) -> tuple[str, ...]:
    """Return the command that makes an issue; none for what is no client, such as the input of a run by hand."""
    known = IDENTIFIER.fullmatch(client_id)
    return (f"./vectora run {client_id} --env {env} --issue",) if known else ()


def roll_back_by_hand(env: str) -> tuple[str, ...]:
    return (
        f"./vectora rollback --env {env} --snapshot latest --dry-run",
        f"./vectora rollback --env {env} --snapshot latest",
    )


def release_hold(env: str) -> str:
    return f"./vectora promote release-hold --env {env}"


def operation_failed(env: str, operation: str, failure: str, function: str) -> Notification:
    """Notify of an operation of an operations function that failed unattended."""
    return Notification(
        what=f"{operation} failed",
        happened=f"In {env} operation {operation} of function {function} failed: {failure}",
        commands=(f"./vectora logs --function {function} --env {env}", status(env)),
        runbook=_RUNBOOKS.get(operation, PIPELINE),
    )


# --- deployments


def promotion_refused(env: str, what: str, message: str, execution: str, action: str) -> Notification:
    return Notification(
        what=what,
        happened=f"Nothing was changed in {env}: {message} Execution {execution}, action {action}.",
        commands=(f"./vectora promote explain --to {env}", f"./vectora promote retry --to {env}"),
        runbook=PIPELINE,
    )


def push_again(env: str, message: str) -> Notification:
    return Notification(
        what=f"push again for {env}",
        happened=message,
        commands=(f"./vectora promote explain --to {env}", status(env)),
        runbook=PIPELINE,
    )


def deployment_failed(env: str, reason: str, outcome: str, *, finished: bool, since: datetime) -> Notification:
    """Notify of a failed deployment, the rollback after it and the hold; `finished` unless operators must go on."""
    return Notification(
        what="deployment failed",
        happened=f"In {env} {reason} Then: {outcome}. Promotion into {env} is held until you release it.",
        since=since,
        commands=(status(env), *(() if finished else roll_back_by_hand(env)), release_hold(env)),
        runbook=DEPLOYMENT,
    )


def deployment_failed_while_held(env: str, reason: str, held: str) -> Notification:
    return Notification(
        what="deployment failed while held",
        happened=f"In {env} {reason} Nothing was rolled back again: {held}.",
        commands=(status(env), *roll_back_by_hand(env), release_hold(env)),
        runbook=DEPLOYMENT,
    )


def rollback_interrupted(env: str, since: datetime, held: str) -> Notification:
    return Notification(
        what="rollback interrupted",
        happened=f"The rollback of {env} that began {minute(since)} was interrupted: {held}.",
        since=since,
        commands=(*roll_back_by_hand(env), release_hold(env)),
        runbook=DEPLOYMENT,
    )


def rolled_back(env: str, message: str) -> Notification:
    return Notification(
        what="rolled back",
        happened=message,
        commands=(status(env), f"./vectora release list --env {env}"),
        runbook=ROLLBACK,
    )


def client_promoted(env: str, client_id: str, message: str) -> Notification:
    return Notification(
        what="client promoted",
        happened=f"In {env} {message}",
        commands=(f"./vectora client list --env {env}", f"./vectora newsletter list {client_id} --env {env}"),
        runbook=PIPELINE,
    )


# --- runs


def run_failed(env: str, client_id: str, execution: str, message: str) -> Notification:
    return Notification(
        what=f"run failed: {client_id}",
        happened=message,
        commands=(log_of_run(env, execution), *run_again(env, client_id)),
        runbook=RUN,
    )


def failed_runs(env: str, client_id: str, execution: str, message: str, since: datetime) -> Notification:
    """Notify of so many failed runs in a day that the settings count them as an alarm."""
    return Notification(
        what="alarm: failed runs",
        happened=message,
        since=since,
        commands=(log_of_run(env, execution), *run_again(env, client_id), status(env)),
        runbook=f"{ALARMS}#failed-runs",
    )


def issue_alarm(env: str, alarm: str, client_id: str, message: str, since: datetime) -> Notification:
    """Notify of an issue that is empty or noisy, and of the alarm that it raised."""
    return Notification(
        what=f"alarm: {alarm}",
        happened=message,
        since=since,
        commands=(f"./vectora newsletter open {shlex.quote(client_id)} --env {env}", *run_again(env, client_id)),
        runbook=f"{ALARMS}#{alarm}",
    )


# --- snapshots


def deployment_stopped(env: str, message: str) -> Notification:
    return Notification(
        what="deployment stopped",
        happened=f"In {env}: {message}",
        commands=(
            f"./vectora snapshot list --env {env}",
            f"./vectora snapshot create --env {env} --name before_deployment",
            f"./vectora promote retry --to {env}",
        ),
        runbook=SNAPSHOTS,
    )


def pruning_failed(env: str, failure: str) -> Notification:
    return Notification(
        what="pruning failed",
        happened=f"In {env} expired snapshots could not be deleted: {failure}",
        commands=(f"./vectora snapshot prune --env {env} --dry-run", f"./vectora snapshot verify --env {env}"),
        runbook=SNAPSHOTS,
    )


def copy_without_anchor(env: str, snapshot: str, failure: str) -> Notification:
    return Notification(
        what="the copy has no anchor",
        happened=f"In {env} the anchor of {snapshot} could not be written into the copy of the vault: {failure}. A "
        "restore from there uses an earlier snapshot.",
        commands=(
            f"./vectora doctor --env {env}",
            f"./vectora snapshot verify {shlex.quote(snapshot)} --copy --env {env}",
        ),
        runbook="docs/runbooks/loss-of-an-account.md",
    )

"""Things that run or are configured otherwise than the environment's release left them."""

from __future__ import annotations

from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_ops.notifications import ALARMS, status
from vectora_ops.promotion.facts import live_digest
from vectora_ops.records import Records
from vectora_ops.watch.reading import Reading
from vectora_ops.what_runs import ChangesByHand, changes_by_hand, edited_files
from vectora_shared.notifications import Notification

NAMED_THINGS = 5


def drifted_things(account: Account, names: Names) -> Reading:
    """Count the functions, stacks, workflows and files that were changed by hand.

    A release that the pipeline did not deploy has no record to compare with: its files count only, as in status. While
    something is being deployed or rolled back, nothing can be said.
    """
    records = Records(account, names)
    ledger, deployment, hold = records.ledger(), records.deployment(), records.hold()
    if deployment is not None and deployment.is_running(ledger):
        return Reading(value=None, why=f"{names.env} is being deployed")
    if hold is not None and hold.state == "rolling back":
        return Reading(value=None, why=f"{names.env} is being rolled back")
    environment = Environment(account, names)
    is_recorded = bool(ledger) and ledger[-1].digest == live_digest(account, names)
    changes = changes_by_hand(environment, ledger[-1]) if is_recorded else ChangesByHand()
    remaining = changes.remaining if is_recorded else edited_files(environment)
    found = (_drift(names.env, remaining),) if remaining else ()
    return Reading(value=len(remaining), found=found)


def _drift(env: str, remaining: tuple[str, ...]) -> Notification:
    more = len(remaining) - NAMED_THINGS
    named = "; ".join(remaining[:NAMED_THINGS]) + (f"; and {more} more" if more > 0 else "")
    count = "1 thing was" if len(remaining) == 1 else f"{len(remaining)} things were"
    return Notification(
        what=f"{count} changed by hand",
        happened=f"In {env} {count} changed beside the release: {named}.",
        commands=(
            status(env),
            f"./vectora snapshot diff latest --live --env {env}",
            f"./vectora rollback --env {env} --snapshot latest --dry-run",
        ),
        runbook=f"{ALARMS}#drift",
    )

"""Names of an environment's alarms: those that roll a release back, and those that need a person only."""

from __future__ import annotations

from typing import Literal, get_args

RollbackAlarm = Literal["failed-runs", "runs-timed-out", "noise", "empty-newsletter"]
TicketAlarm = Literal[
    "runs-aborted",
    "slow-run",
    "model-fallback",
    "run-cost",
    "newsletter-overdue",
    "source-failing",
    "snapshot-too-old",
    "snapshot-unverified",
    "promotion-waits",
    "approval-waits",
    "drift",
    "month-cost",
    "watch-silent",
]
AlarmName = Literal[RollbackAlarm, TicketAlarm]

# Soon after a deployment, what raises these rolls the release back (vectora_ops.promotion.automatic_rollback).
ROLLBACK_ALARMS: tuple[RollbackAlarm, ...] = get_args(RollbackAlarm)
# These roll nothing back: a release is not their only cause, or going back does not help.
TICKET_ALARMS: tuple[TicketAlarm, ...] = get_args(TicketAlarm)
ALARM_NAMES: tuple[AlarmName, ...] = (*ROLLBACK_ALARMS, *TICKET_ALARMS)

FAILED_RUNS: RollbackAlarm = "failed-runs"
NOISE: RollbackAlarm = "noise"
EMPTY_NEWSLETTER: RollbackAlarm = "empty-newsletter"
SNAPSHOT_TOO_OLD: TicketAlarm = "snapshot-too-old"

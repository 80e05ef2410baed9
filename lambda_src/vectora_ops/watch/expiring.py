"""Approvals and freezes that end soon, holds and bypasses that have lasted too long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.notifications import DEPLOYMENT, PIPELINE, REASON_TO_REJECT, release_hold, status
from vectora_ops.overview.model import WaitingApproval
from vectora_ops.promotion.policy import deployed_policy
from vectora_ops.records import Records, held_since
from vectora_ops.times import minute
from vectora_shared.notifications import Notification

# A day of the report's time zone may have 25 hours: with less, what ends in between would never be reported.
SOON = timedelta(hours=25)
LONG = timedelta(days=3)


def expiring(
    account: Account, names: Names, pending: WaitingApproval | None, now: datetime
) -> tuple[Notification, ...]:
    """Return a notification on each of them, of an environment that releases are promoted into."""
    records = Records(account, names)
    return (
        *_approval(names.env, pending, now),
        *_freezes(account, names, records, now),
        *_hold(names.env, records, now),
        *_bypass(names.env, records, now),
    )


def _approval(env: str, pending: WaitingApproval | None, now: datetime) -> Iterator[Notification]:
    if pending is None or pending.expires is None or pending.expires - now > SOON:
        return
    yield Notification(
        what="an approval expires soon",
        happened=f"In {env} execution {pending.execution} waits for an approval, which expires on "
        f"{minute(pending.expires)}: the execution fails then, and its commit must be pushed again.",
        since=pending.since,
        commands=(
            f"./vectora promote explain --to {env}",
            f"./vectora promote approve --to {env}",
            f'./vectora promote reject --to {env} --reason "{REASON_TO_REJECT}"',
        ),
        runbook=PIPELINE,
    )


def _freezes(account: Account, names: Names, records: Records, now: datetime) -> Iterator[Notification]:
    freeze = records.freeze()
    if freeze is not None and freeze.is_in_force(now) and freeze.until - now <= SOON:
        yield _freeze_ends(names.env, freeze.until, freeze.reason)
    policy = deployed_policy(account, names)
    for windows in policy.windows if policy else ():
        for planned in windows.freezes:
            span = windows.span(planned)
            if span.begins <= now < span.ends <= now + SOON:
                yield _freeze_ends(names.env, span.ends, planned.reason)


def _freeze_ends(env: str, ends: datetime, reason: str) -> Notification:
    return Notification(
        what="a freeze ends soon",
        happened=f"The freeze of {env} ({reason}) ends on {minute(ends)}: releases that pass their gates are promoted "
        "from then on.",
        commands=(f"./vectora promote explain --to {env}", f"./vectora release list --env {env}"),
        runbook=PIPELINE,
    )


def _hold(env: str, records: Records, now: datetime) -> Iterator[Notification]:
    hold = records.hold()
    if hold is None or not hold.holds or now - hold.at < LONG:
        return
    yield Notification(
        what=f"held for {(now - hold.at).days} days",
        happened=f"In {env} {held_since(hold)}. Nothing is promoted until you release it.",
        since=hold.at,
        commands=(status(env), f"./vectora promote explain --to {env}", release_hold(env)),
        runbook=DEPLOYMENT,
    )


def _bypass(env: str, records: Records, now: datetime) -> Iterator[Notification]:
    """Yield a notification on a bypass whose release has not come: it still lets the release in without these gates."""
    bypass = records.bypass()
    if bypass is None or now - bypass.at < LONG:
        return
    if any(each.release.has_same_content(bypass.release) and each.stored >= bypass.stored for each in records.ledger()):
        return
    yield Notification(
        what=f"a bypass is unused for {(now - bypass.at).days} days",
        happened=f"In {env} release {(bypass.content_digest or bypass.digest)[:12]} may still come without "
        f"{', '.join(bypass.gates)}: {bypass.reason} ({bypass.by}).",
        since=bypass.at,
        commands=(f"./vectora promote explain --to {env}", f"./vectora promote retry --to {env}"),
        runbook=PIPELINE,
    )

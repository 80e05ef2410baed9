"""Gate `window`: whether promotions are allowed now, by the promotion windows and by a freeze on record.

Operators set a freeze without a commit; it ends by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vectora_ops.open_times import closure_at, next_open, shown
from vectora_ops.promotion.verdicts import Verdict
from vectora_ops.records import Freeze, Records
from vectora_ops.windows import LONGEST_RANGE, Windows, local_time
from vectora_shared.config.section import NotationError
from vectora_shared.errors import VectoraError

WINDOW_GATE = "window"
UTC_ZONE = "UTC"


def window_verdict(target: str, windows: Sequence[Windows], freeze: Freeze | None, now: datetime) -> Verdict | None:
    """Return the verdict on the time; None where no windows are set and nothing is frozen."""
    frozen = freeze if freeze is not None and freeze.is_in_force(now) else None
    if not windows and frozen is None:
        return None
    closed = closed_sentence(target, windows, frozen, now)
    if closed is None:
        return Verdict(gate=WINDOW_GATE, outcome="pass", reason=f"the promotion windows of {target} are open")
    following = next_possible(windows, frozen, now)
    numbers = {"next_possible": following.isoformat() if following else None}
    command = f"./vectora promote unfreeze --env {target}" if frozen else None
    return Verdict(
        gate=WINDOW_GATE, outcome="fail", reason=closed, numbers=numbers, ready_at=following, command=command
    )


def closed_sentence(target: str, windows: Sequence[Windows], freeze: Freeze | None, now: datetime) -> str | None:
    """Return why nothing is promoted now and when that ends, as a clause; None when promotions are allowed."""
    zone = windows[0].time_zone if windows else UTC_ZONE
    if freeze is not None and freeze.is_in_force(now):
        reason = f"frozen until {shown(freeze.until, zone)} ({freeze.reason}; {freeze.by})"
    elif closure := closure_at(windows, now):
        reason, zone = closure.reason, closure.time_zone
    else:
        return None
    following = next_possible(windows, freeze, now)
    when = f"the next possible time is {shown(following, zone)}" if following else "no later time is possible"
    return f"{target} is {reason}; now it is {shown(now, zone)}, {when}"


def next_possible(windows: Sequence[Windows], freeze: Freeze | None, now: datetime) -> datetime | None:
    """Return the first time from now on at which a promotion may pass, or None."""
    start = freeze.until if freeze is not None and freeze.is_in_force(now) else now
    return next_open(windows, start)


def freeze_promotion(records: Records, *, until: str, time_zone: str, reason: str, by: str, now: datetime) -> Freeze:
    """Record a freeze until a local time of `time_zone`; it replaces the one in force.

    Raises VectoraError when the time is no time in the next year.
    """
    try:
        end = local_time(until, time_zone)
    except NotationError as error:
        raise VectoraError(f"The time {until!r} (--until) {error}.") from error
    if end <= now:
        raise VectoraError(f"{shown(end, time_zone)} (--until) is over; now it is {shown(now, time_zone)}.")
    if end - now > LONGEST_RANGE:
        raise VectoraError(f"{shown(end, time_zone)} (--until) is more than a year away: check the year.")
    freeze = Freeze(at=now, until=end, reason=reason, by=by)
    records.write_freeze(freeze)
    return freeze


def end_freeze(records: Records, env: str, *, by: str, now: datetime) -> Freeze:
    """End the freeze in force; raises VectoraError when there is none."""
    freeze = records.freeze()
    if freeze is None or not freeze.is_in_force(now):
        raise VectoraError(f"No freeze of {env} is in force: ./vectora promote explain --to {env} says what refuses.")
    ended = freeze.model_copy(update={"ended_by": by, "at": now})
    records.write_freeze(ended)
    return ended

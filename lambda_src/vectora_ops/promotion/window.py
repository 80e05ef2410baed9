"""Gate `window`: whether promotions are allowed now, by the promotion windows and by a freeze on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vectora_ops.open_times import closure_at, next_open, shown
from vectora_ops.promotion.verdicts import Verdict
from vectora_ops.records import Freeze
from vectora_ops.windows import Windows

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
    return Verdict(gate=WINDOW_GATE, outcome="fail", reason=closed, numbers=numbers)


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

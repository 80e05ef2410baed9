"""S3's time as a test sets it, independent of the emulator's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from rehearsal.promotion_in_process import with_promotion
from tests.faults.small_environment import NAMES
from vectora_ops.account import Account


def hear_later(account: Account, ahead: timedelta) -> Account:
    """Return `account` with its own clients, in whose answers S3's time is later by `ahead`."""
    return _hear(account, lambda answered: answered + ahead)


def hear_at(account: Account, moment: Callable[[], datetime]) -> Account:
    """Return `account` with its own clients, in whose answers S3's time is `moment`."""
    return _hear(account, lambda _: moment())


def after_the_lease(account: Account) -> Account:
    """Return the account at the time when the lease of a killed operation has lapsed."""
    return hear_later(account, timedelta(minutes=3))


def _hear(account: Account, change: Callable[[datetime], datetime]) -> Account:
    own = with_promotion(replace(account, _clients={}), NAMES)

    def set_date(parsed: dict[str, Any], **_: Any) -> None:
        headers = parsed["ResponseMetadata"]["HTTPHeaders"]
        headers["date"] = format_datetime(change(parsedate_to_datetime(headers["date"])), usegmt=True)

    own.client("s3").meta.events.register("after-call.s3", set_date)
    return own

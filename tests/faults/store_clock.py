"""S3's time as a test sets it: ahead of the emulator's own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from vectora_ops.account import Account


def hear_later(account: Account, ahead: timedelta) -> Account:
    """Return `account` with its own clients, in whose answers S3's time is later by `ahead`."""
    later = replace(account, _clients={})

    def shift(parsed: dict[str, Any], **_: Any) -> None:
        headers = parsed["ResponseMetadata"]["HTTPHeaders"]
        answered: datetime = parsedate_to_datetime(headers["date"])
        headers["date"] = format_datetime(answered + ahead, usegmt=True)

    later.client("s3").meta.events.register("after-call.s3", shift)
    return later


def after_the_lease(account: Account) -> Account:
    """Return the account at the time when the lease of a killed operation has lapsed."""
    return hear_later(account, timedelta(minutes=3))

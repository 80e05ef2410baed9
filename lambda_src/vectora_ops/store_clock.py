"""Clock of the AWS services that store an environment's data and records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_shared.errors import VectoraError

# A `Date` has whole seconds, and the answers of one service come from many machines.
CLOCK_MARGIN = timedelta(seconds=5)


class StoreClock:
    """Clock of a service, read from its answers: the clocks of two machines are never compared with each other."""

    def __init__(self, ask: Callable[[], Mapping[str, Any]]) -> None:
        """Prepare the clock; `ask` makes any request of a boto3 client, which the service may refuse."""
        self._ask = ask

    def __call__(self) -> datetime:
        """Return the service's time now; raises VectoraError when its answer has no date."""
        try:
            answer = self._ask()
        except ClientError as error:
            # A refusal has a date too.
            answer = error.response
        return store_time(answer)


def records_clock(account: Account, names: Names) -> StoreClock:
    """Return the clock of Systems Manager, which stores the records of promotion and the release."""
    return StoreClock(lambda: account.client("ssm").get_parameter(Name=names.parameter("release")))


def store_time(answer: Mapping[str, Any]) -> datetime:
    """Return a service's time of an answer; raises VectoraError when the answer has no date.

    Every answer of S3 has a `Date` (S3 API reference, common response headers). A cache between here and the service
    adds the `Age` of an answer that it kept (RFC 9111, section 5.1).
    """
    try:
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        kept_seconds = int(headers.get("age", 0))
        return parsedate_to_datetime(headers["date"]).astimezone(UTC) + timedelta(seconds=max(kept_seconds, 0))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise VectoraError(
            "AWS's answer has no date that can be read, so the time of the store is unknown: check whether a proxy "
            "between here and AWS removes or changes the header."
        ) from error

"""The smoke test: a run of the engine for the canary client, whose newsletter must have items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.names import CANARY_CLIENT, Names
from vectora_ops.progress import Deadline, never
from vectora_ops.runs import RunOutcome, RunRequest, follow_run, start_run
from vectora_shared.errors import VectoraError
from vectora_shared.keys import client_key, newsletter_key
from vectora_shared.storage import Bucket

# The day after the last item of config/canonical/samples/canary_feed.xml, so that every run has the same result.
CANARY_DAY = date(2026, 1, 15)
CLOCKS_DIFFER_BY = timedelta(seconds=5)


@dataclass(frozen=True, kw_only=True)
class SmokeResult:
    """The result of a smoke test; `reason` is one sentence, `items` counts those of the newsletter."""

    passed: bool
    reason: str
    execution_arn: str | None
    items: int
    seconds: float


def environment_has_canary(account: Account, names: Names) -> bool:
    """Return whether the deployed configuration has the canary client; older releases have none."""
    key = client_key(CANARY_CLIENT)
    # The first key of a listing is the shortest: others only begin with it.
    found = account.client("s3").list_objects_v2(Bucket=names.bucket("config"), Prefix=key)
    return any(each["Key"] == key for each in found.get("Contents", ()))


def smoke_test(
    account: Account,
    names: Names,
    *,
    on_step: Callable[[str], None],
    started: str | None = None,
    deadline: Deadline = never,
) -> SmokeResult:
    """Run the engine for the canary and read its newsletter; `on_step` is called with the name of each step.

    `started` is the execution that an earlier call began. Raises OutOfTimeError, whose subject is the execution, when
    `deadline` is reached.
    """
    states = account.client("stepfunctions")
    request = RunRequest(client_id=CANARY_CLIENT, target_date=CANARY_DAY.isoformat())
    try:
        execution_arn = started or start_run(states, account.state_machine_arn(names.state_machine), request)
    except VectoraError as error:
        return SmokeResult(passed=False, reason=str(error), execution_arn=None, items=0, seconds=0.0)
    outcome = follow_run(states, execution_arn, on_step, deadline=deadline)
    items, reason = _judged(account, names, outcome)
    return SmokeResult(
        passed=outcome.succeeded and items > 0,
        reason=reason,
        execution_arn=execution_arn,
        items=items,
        seconds=round(outcome.seconds, 1),
    )


def _judged(account: Account, names: Names, outcome: RunOutcome) -> tuple[int, str]:
    if not outcome.succeeded:
        return 0, f"the canary's run {outcome.status.lower().replace('_', ' ')}: {outcome.reason}"
    key = newsletter_key(CANARY_CLIENT, CANARY_DAY, "newsletter.json")
    bucket = Bucket(account.client("s3"), names.bucket("newsletters"))
    try:
        letter = bucket.read_json(key)
    except ClientError as error:
        return 0, f"the canary's newsletter cannot be read: {error}"
    if letter is None:
        return 0, f"the canary's run succeeded and wrote no s3://{bucket.name}/{key}"
    if datetime.fromisoformat(letter["generated_at"]) < outcome.started - CLOCKS_DIFFER_BY:
        return 0, f"s3://{bucket.name}/{key} is not of this run but of {letter['generated_at']}"
    items = sum(len(section["items"]) for section in letter["sections"])
    if not items:
        return 0, "the canary's newsletter has no items: matching or selection does not work"
    return items, f"the canary's newsletter came out with {items} items"

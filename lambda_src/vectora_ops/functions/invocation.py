"""Invocation of an operations function: event, answer, continuation, notification."""

from __future__ import annotations

import functools
import json
import logging
import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from vectora_ops.account import Account, account_of_credentials
from vectora_ops.names import Names, environment_name
from vectora_ops.progress import Observer, OutOfTimeError
from vectora_ops.promotion.job import RELAYED_KEY
from vectora_shared.aws_texts import plain, redacted
from vectora_shared.errors import InvalidEventError, VectoraError
from vectora_shared.keys import STATUS_PAGE_KEY
from vectora_shared.runtime import Event, environment

if TYPE_CHECKING:
    from vectora_shared.notifications import Notification

logger = logging.getLogger("vectora")
# Reserved for saving progress and answering.
RESERVED_SECONDS = 60.0
# Lambda stops a function that has invoked itself 16 times (Lambda guide, recursive loop detection).
MOST_CONTINUATIONS = 14
Answer = dict[str, Any]


class Continued(Event):
    """An event of work that may continue in further invocations.

    `continuation` counts them; `token` identifies the owner of the lease.
    """

    continuation: int = 0
    token: str | None = None
    # A waiting caller invokes the function again itself.
    caller_continues: bool = False


class StepLog(Observer):
    """Steps in the function's log."""

    def step(self, name: str) -> None:
        logger.info("Step: %s", name)


def answer_invocation(
    event: dict[str, Any],
    context: Any,
    operations: Mapping[str, Callable[..., Answer]],
    *,
    end: Callable[[dict[str, Any], str], Answer | None] = lambda event, failure: None,
) -> Answer:
    """Return the answer of one invocation, with state done or running; failures notify the operators and are raised.

    `end` receives event and failure first. When it returns an answer, it has recorded the failure and notified.
    """
    operation = str(event.get("operation"))
    if operation not in operations:
        raise InvalidEventError(f"operation is '{operation}': it must be one of {', '.join(operations)}.")
    try:
        try:
            return {"state": "done", **operations[operation](event, context)}
        except OutOfTimeError as unfinished:
            return continue_later(event, context, unfinished)
    except VectoraError as error:
        logger.error("%s", error)
        failure = redacted(str(error))
    except Exception as error:
        logger.exception("The operation failed unexpectedly")
        failure = f"{type(error).__name__}: {plain(error)}"
    if event.get("caller_continues"):
        return {"state": "failed", "error": failure}
    if (answer := end(event, failure)) is not None:
        return {"state": "done", **answer}
    # Loaded for a failure only: the smoke test, which runs after every deployment, depends on little.
    from vectora_ops.notifications import operation_failed

    notify_operators(operation_failed(own_names().env, operation, failure, _task(context)))
    # Without the cause: Lambda logs a raised error and its causes unredacted.
    raise VectoraError(failure) from None


def continue_later(event: dict[str, Any], context: Any, unfinished: OutOfTimeError) -> Answer:
    """Continue in another invocation of this function, or let a waiting caller invoke it."""
    count = int(event.get("continuation", 0)) + 1
    if count > MOST_CONTINUATIONS:
        raise VectoraError(f"{unfinished} It was continued {MOST_CONTINUATIONS} times: call it again to go on.")
    continued = {**event, "continuation": count, "token": event.get("token") or context.aws_request_id}
    if event.get("operation") == "create" or "ResponseURL" in event:
        continued["resume"] = unfinished.subject
    if not event.get("caller_continues"):
        # Without retries: a repeated request would continue the work twice, concurrently.
        own_account().invoker().invoke(
            FunctionName=context.function_name, InvocationType="Event", Payload=json.dumps(continued).encode("utf-8")
        )
    return {"state": "running", "event": continued}


# Once for each execution environment, whose credentials stay (Lambda guide, best practices).
@functools.cache
def own_account() -> Account:
    """Return the function's account, with the roles for what is elsewhere (stacks/elsewhere.py)."""
    account = account_of_credentials(environment("AWS_REGION"))
    return account.with_roles(json.loads(environment("ELSEWHERE", "{}")))


def own_names() -> Names:
    return Names(
        project=environment("PROJECT_NAME"),
        env=environment_name(environment("ENV")),
        bucket_suffix=os.environ.get("BUCKET_SUFFIX", ""),
    )


def deadline_of(context: Any, event: Mapping[str, Any] = MappingProxyType({})) -> Callable[[], bool]:
    """Return a deadline near the end of this invocation, or of the wait of the relay that requests a step."""

    def seconds() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    waits = event.get(RELAYED_KEY, {}).get("seconds")
    too_late = max(seconds() - waits, 0.0) if waits is not None else 0.0
    return lambda: seconds() - too_late < RESERVED_SECONDS


def _task(context: Any) -> str:
    """Return the task of this function, which is a part of its name."""
    names = own_names()
    return str(context.function_name).removeprefix(f"{names.project}-").removesuffix(f"-{names.env}")


def _status_page(names: Names) -> str:
    """Return where the status page is: the one that the watch wrote last, and the command that makes one now."""
    stored = f"s3://{names.bucket('newsletters')}/{STATUS_PAGE_KEY}"
    return f"Status page: {stored}, or now: ./vectora status --env {names.env} --html build/status.html"


def notify_operators(notification: Notification) -> None:
    """Notify the operators; a failure to notify must not hide the event itself, so it is only logged."""
    try:
        names = own_names()
        own_account().client("sns").publish(
            TopicArn=environment("NOTIFICATIONS_TOPIC_ARN"),
            Subject=notification.subject(f"{names.project} {names.env}"),
            Message=f"{notification.message}\n{_status_page(names)}",
        )
    except Exception:
        logger.exception("The operators could not be notified")
